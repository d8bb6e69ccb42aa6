#include "engine/embedded/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/embedded/schema.h"
#include "engine/embedded/state_writer.h"

namespace haul::engine {
namespace {

constexpr std::chrono::seconds kBusyTimeout{30};

class LockFile {
 public:
  explicit LockFile(const std::string& directory) : path_(directory + "/lock") {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file_ < 0) throw errno_error(errno, "open", visible(path_));
  }
  ~LockFile() { ::close(file_); }
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  // Locks of open file descriptions: they end with the process, whatever ends it, and unlike those of flock()
  // can be asked for without being taken.
  bool try_lock() {
    struct flock whole = all_of_it();
    if (::fcntl(file_, F_OFD_SETLK, &whole) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    throw errno_error(errno, "lock", visible(path_));
  }

  bool locked_by_another() const {
    struct flock whole = all_of_it();
    if (::fcntl(file_, F_OFD_GETLK, &whole) != 0) throw errno_error(errno, "lock", visible(path_));
    return whole.l_type != F_UNLCK;
  }

  void write(const StateOwner& owner) {
    const std::string line = fmt::format("{} {} {}\n", owner.id, owner.pid, owner.host);
    if (::ftruncate(file_, 0) != 0 ||
        ::pwrite(file_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()))
      throw errno_error(errno, "write", visible(path_));
  }

  StateOwner read() const {
    std::array<char, 512> buffer;
    const ssize_t size = ::pread(file_, buffer.data(), buffer.size(), 0);
    if (size < 0) throw errno_error(errno, "read", visible(path_));
    std::string_view line(buffer.data(), static_cast<std::size_t>(size));
    const auto word = [&line] {
      const std::string_view found = line.substr(0, line.find_first_of(" \n"));
      line.remove_prefix(std::min(line.size(), found.size() + 1));
      return found;
    };
    StateOwner owner;
    owner.id = word();
    const std::string_view pid = word();
    std::from_chars(pid.data(), pid.data() + pid.size(), owner.pid);
    owner.host = word();
    return owner;
  }

 private:
  static struct flock all_of_it() {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return whole;
  }

  std::string path_;
  int file_ = -1;
};

Error in_use(const StateOwner& owner, const std::string& path) {
  return Error(ErrorClass::unavailable,
               fmt::format("another haul works with this state: process {} on {}", owner.pid, owner.host))
      .during("lock state")
      .on(visible(path))
      .with_hint("wait for it, or use another --state");
}

StateOwner this_process(const Env& env) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return {make_id(env), ::getpid(), host[0] == '\0' ? "localhost" : host.data()};
}

}  // namespace

struct StateDirectory::Shared {
  std::mutex mutex;  // guards all below
  std::unique_ptr<LockFile> file;
  StateOwner self;
  std::unique_ptr<StateWriter> writer;
};

std::string StateDirectory::default_path(const Env& env) {
  // The XDG base directory specification: relative paths there are to be ignored.
  if (const auto state = env.variable("XDG_STATE_HOME"); state && state->starts_with('/'))
    return *state + "/haul";
  if (const auto home = env.variable("HOME"); home && !home->empty()) return *home + "/.local/state/haul";
  throw Error(ErrorClass::invalid_argument, "neither XDG_STATE_HOME nor HOME says where state is kept")
      .with_hint("name a directory with --state");
}

StateDirectory::StateDirectory(std::string path, const Env& env)
    : path_(std::move(path)), env_(&env), shared_(std::make_unique<Shared>()) {
  std::error_code failed;
  // Keys of objects and rows of a database are nobody else's business, unless somebody says so.
  if (std::filesystem::create_directories(path_, failed) && ::chmod(path_.c_str(), 0700) != 0)
    throw errno_error(errno, "chmod", visible(path_));
  if (!failed) std::filesystem::create_directory(path_ + "/runs", failed);
  if (failed) throw errno_error(failed.value(), "create directory", visible(path_));
  sqlite::Database database(path_ + "/state.db", sqlite::OpenMode::create, kBusyTimeout);
  database.execute("PRAGMA journal_mode = WAL");
  std::optional<LockFile> while_migrating;
  migrate(database, schema_migrations(), [&] {
    while_migrating.emplace(path_);
    if (!while_migrating->try_lock()) throw in_use(while_migrating->read(), path_);
  });
}

StateDirectory::~StateDirectory() = default;

std::string StateDirectory::run_path(std::string_view run) const {
  return fmt::format("{}/runs/{}", path_, run);
}

void StateDirectory::lock() {
  const std::lock_guard guard(shared_->mutex);
  if (shared_->file) return;
  auto file = std::make_unique<LockFile>(path_);
  if (!file->try_lock()) throw in_use(file->read(), path_);
  shared_->self = this_process(*env_);
  file->write(shared_->self);
  shared_->file = std::move(file);
}

bool StateDirectory::locked() const noexcept {
  const std::lock_guard guard(shared_->mutex);
  return shared_->file != nullptr;
}

const StateOwner& StateDirectory::self() const {
  const std::lock_guard guard(shared_->mutex);
  if (!shared_->file) throw Error(ErrorClass::internal, "the state is not locked by this process");
  return shared_->self;
}

std::optional<StateOwner> StateDirectory::holder() const {
  {
    const std::lock_guard guard(shared_->mutex);
    if (shared_->file) return shared_->self;
  }
  const LockFile file(path_);
  if (!file.locked_by_another()) return std::nullopt;
  return file.read();
}

sqlite::Database StateDirectory::connect() const {
  sqlite::Database database(path_ + "/state.db", sqlite::OpenMode::read_write, kBusyTimeout);
  database.execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864");
  return database;
}

StateWriter& StateDirectory::writer() {
  const std::lock_guard guard(shared_->mutex);
  if (!shared_->writer) shared_->writer = std::make_unique<StateWriter>(connect());
  return *shared_->writer;
}

}  // namespace haul::engine
