#include "stores/local/tree_walker.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "base/utf8.h"
#include "stores/local/attributes.h"
#include "stores/local/file_key.h"

namespace haul::local {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC;
constexpr std::size_t kDescriptorsInUse = 64;  // directories open for pending files
constexpr std::size_t kOpenFrames = 32;        // directories open along the path
constexpr std::size_t kReadAhead = 16;         // directories
// A larger directory is read in its turn, with the memory for such.
constexpr ScanLimits kReadAheadLimits{.names_memory = 4 << 20, .give_up_beyond = 1 << 20};
constexpr unsigned kHelpers = 16;
// From these costs on other threads help: far above what a cached file system takes.
constexpr double kSlowLook = 40'000;
constexpr double kSlowScan = 300'000;

class Stopwatch {
 public:
  double nanoseconds() const noexcept {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void smooth(double& average, double sample) noexcept {
  average += (sample - average) / 4;
}

// The name on disk, as the kernel takes it.
std::string disk_name(const DirectoryName& name) {
  std::string_view key = name.key;
  if (name.kind == NameKind::directory) key.remove_suffix(1);
  return name.escaped ? unescape_name(key) : std::string(key);
}

}  // namespace

// Nothing if it is to be read in its turn after all.
using ReadAhead = Ahead<std::optional<ScannedDirectory>>;

// A directory that the walk is inside of.
struct TreeWalker::Frame {
  std::string key;                         // empty for the root, else ending in `/`
  std::shared_ptr<Descriptor> descriptor;  // none: closed for the time being
  SortedNames names;
  Identity identity{};  // only where links are followed
  std::size_t popped = 0;
  std::deque<std::pair<std::size_t, ReadAhead>> ahead;  // by position, counted as popped
  std::size_t next_ahead = 0;
};

// A name that has to be looked at before it can be listed.
struct TreeWalker::Pending {
  store::Entry entry;
  const char* name = nullptr;
  int directory = -1;
  bool followed = false;
  int error = 0;
};

TreeWalker::TreeWalker(std::shared_ptr<Place> place, store::ListRequest request)
    : place_(std::move(place)), request_(std::move(request)) {}

bool TreeWalker::wants_help(double cost, double slow) const noexcept {
  return cost > slow || place_->options.help == Help::always;
}

TreeWalker::~TreeWalker() = default;

bool TreeWalker::room(const store::ListPage& page) const noexcept {
  const std::size_t filled = page.entries.size() + page.common_prefixes.size() + page.skipped.size() +
                             page.failures.size() + pending_.size();
  return filled < std::max(1U, request_.page_size);
}

void TreeWalker::fail(store::ListPage& page, std::string_view key, const Error& error) const {
  page.failures.push_back({page.text.store(key), error});
}

void TreeWalker::fill(store::ListPage& page, const OpContext& context) {
  context_ = &context;
  for (;;) {
    context.check();
    if (!begun_) begin(page);
    while (!stack_.empty() && room(page) && in_use_.size() < kDescriptorsInUse) {
      while (!stack_.empty() && stack_.back()->names.front() == nullptr)
        stack_.pop_back();
      if (!stack_.empty()) step(page);
    }
    look_at_pending(page);
    while (!stack_.empty() && stack_.back()->names.front() == nullptr)
      stack_.pop_back();
    if (stack_.empty() || !room(page)) break;
  }
  page.last = stack_.empty();
}

// Opens the deepest directory that holds all wanted keys.
void TreeWalker::begin(store::ListPage& page) {
  doing_ = Step::begin;
  const std::size_t slash = request_.prefix.rfind('/');
  const std::string key = slash == std::string::npos ? std::string() : request_.prefix.substr(0, slash + 1);
  const bool impossible = !key.empty() && !why_not_a_file(key).empty();
  if (impossible || !place_->root.exists()) {
    begun_ = true;
    return;
  }
  const std::string path = key.empty() ? std::string() : to_path(key).raw;
  Opened opened = place_->root.open(path, kDirectoryFlags, place_->reading());
  if (opened.error == ENOENT || opened.error == ENOTDIR) {
    begun_ = true;
    return;
  }
  try {
    if (!opened) throw place_->root.failure(opened.error, "list", path);
    auto frame = std::make_unique<Frame>(Frame{key, nullptr, SortedNames(0, ""), {}, 0, {}, 0});
    if (place_->reading() == Links::follow) contains_itself(opened.descriptor, frame->identity);
    ScannedDirectory scanned = scan(std::move(opened.descriptor), key);
    frame->descriptor = std::move(scanned.descriptor);
    frame->names = std::move(scanned.names);
    begun_ = true;
    if (request_.directories && !key.empty() && wants(request_, key)) add_pending_directory(*frame, page);
    stack_.push_back(std::move(frame));
  } catch (const Error& error) {
    if (error.retryable() || error.error_class() == ErrorClass::cancelled) throw;
    begun_ = true;
    fail(page, key, error);
  }
}

ScannedDirectory TreeWalker::scan(Descriptor directory, const std::string& key) {
  const Stopwatch watch;
  ScannedDirectory scanned =
      *scan_directory(*place_, std::move(directory), key, NameRange(request_, key),
                      {.names_memory = place_->options.names_memory}, [this] { context_->check(); });
  // What counts is what a directory costs, not how many names it has.
  const DirectoryName* first = scanned.names.front();
  DirectoryName far;
  if (first == nullptr || !scanned.names.peek(64, far)) smooth(scan_ns_, watch.nanoseconds());
  return scanned;
}

// Deals with the next name of the innermost directory.
void TreeWalker::step(store::ListPage& page) {
  Frame& frame = *stack_.back();
  const DirectoryName name = *frame.names.front();
  const auto done = [&frame] {
    frame.names.pop();
    ++frame.popped;
  };
  const auto skip = [&](store::SkipReason reason) {
    page.skipped.push_back({page.text.store(frame.key, name.key), reason});
    done();
  };
  switch (name.kind) {
    case NameKind::file:
    case NameKind::followed_file: add_pending(frame, name, store::EntryKind::object, page); return done();
    case NameKind::symlink:
      if (place_->options.symlinks != SymlinkMode::preserve) return skip(store::SkipReason::symlink);
      add_pending(frame, name, store::EntryKind::symlink, page);
      return done();
    case NameKind::loop: return skip(store::SkipReason::symlink_loop);
    case NameKind::special: return skip(store::SkipReason::special_file);
    case NameKind::directory: break;
  }
  if (request_.one_level) {
    page.common_prefixes.push_back(page.text.store(frame.key, name.key));
    return done();
  }
  doing_ = Step::enter;
  enter(frame, name, page);
}

void TreeWalker::enter(Frame& parent, const DirectoryName& name, store::ListPage& page) {
  auto frame = std::make_unique<Frame>(
      Frame{parent.key + std::string(name.key), nullptr, SortedNames(0, ""), {}, 0, {}, 0});
  const auto leave_behind = [&parent] {
    parent.names.pop();
    ++parent.popped;
  };
  try {
    std::optional<ScannedDirectory> scanned;
    while (!parent.ahead.empty() && parent.ahead.front().first < parent.popped)
      parent.ahead.pop_front();
    read_ahead(parent);
    if (!parent.ahead.empty() && parent.ahead.front().first == parent.popped) {
      ReadAhead read = std::move(parent.ahead.front().second);
      parent.ahead.pop_front();
      scanned = read.get();
    }
    if (!scanned) {
      Opened opened = open_below(parent, name);
      // Gone, or no directory any more.
      if (opened.error == ENOENT || opened.error == ENOTDIR) return leave_behind();
      if (!opened) throw place_->root.failure(opened.error, "list", frame->key);
      if (place_->reading() == Links::follow && contains_itself(opened.descriptor, frame->identity)) {
        page.skipped.push_back({page.text.store(frame->key), store::SkipReason::symlink_loop});
        return leave_behind();
      }
      scanned.emplace(scan(std::move(opened.descriptor), frame->key));
    }
    frame->descriptor = std::move(scanned->descriptor);
    frame->names = std::move(scanned->names);
  } catch (const Error& error) {
    if (error.retryable() || error.error_class() == ErrorClass::cancelled) throw;
    fail(page, frame->key, error);
    return leave_behind();
  }
  if (request_.directories && wants(request_, frame->key)) add_pending_directory(*frame, page);
  leave_behind();
  if (frame->names.front() == nullptr) return;
  stack_.push_back(std::move(frame));
  spare_descriptors();
}

Opened TreeWalker::open_below(Frame& parent, const DirectoryName& name) {
  const int at = descriptor_of(parent);
  if (at < 0) return {Descriptor(), errno};
  const std::string on_disk = disk_name(name);
  const int flags = kDirectoryFlags | (place_->reading() == Links::follow ? 0 : O_NOFOLLOW);
  // One component, not followed: this cannot leave the root.
  const int fd = uninterrupted([&] { return ::openat(at, on_disk.c_str(), flags); });
  return fd >= 0 ? Opened{Descriptor(fd), 0} : Opened{Descriptor(), errno};
}

int TreeWalker::descriptor_of(Frame& frame) {
  if (!frame.descriptor) {
    const std::string path = frame.key.empty() ? std::string() : to_path(frame.key).raw;
    Opened opened = place_->root.open(path, kDirectoryFlags, place_->reading());
    if (!opened) {
      errno = opened.error;
      return -1;
    }
    frame.descriptor = std::make_shared<Descriptor>(std::move(opened.descriptor));
  }
  return frame.descriptor->get();
}

// A tree may be deeper than a process may have files open.
void TreeWalker::spare_descriptors() {
  if (stack_.size() > kOpenFrames) stack_[stack_.size() - kOpenFrames - 1]->descriptor.reset();
}

bool TreeWalker::contains_itself(const Descriptor& directory, Identity& identity) const {
  struct stat status;
  if (::fstat(directory.get(), &status) != 0) return false;
  identity = {status.st_dev, status.st_ino};
  return std::ranges::any_of(stack_, [&](const auto& frame) { return frame->identity == identity; });
}

// Where reading directories is slow, others read the next ones of this directory meanwhile. Not where links
// are followed: whether a directory contains itself is only known in order.
void TreeWalker::read_ahead(Frame& frame) {
  if (!wants_help(scan_ns_, kSlowScan) || place_->reading() == Links::follow || !frame.descriptor) return;
  frame.next_ahead = std::max(frame.next_ahead, frame.popped);
  for (DirectoryName name; frame.ahead.size() < kReadAhead; ++frame.next_ahead) {
    if (!frame.names.peek(frame.next_ahead - frame.popped, name)) return;
    if (name.kind != NameKind::directory) continue;
    frame.ahead.emplace_back(
        frame.next_ahead,
        ReadAhead(context_->blocking_pool(),
                  [place = place_, parent = frame.descriptor, on_disk = disk_name(name), request = request_,
                   key = frame.key + std::string(name.key)]() -> std::optional<ScannedDirectory> {
                    Descriptor directory(
                        ::openat(parent->get(), on_disk.c_str(), kDirectoryFlags | O_NOFOLLOW));
                    if (!directory) return std::nullopt;
                    try {
                      return scan_directory(*place, std::move(directory), key, NameRange(request, key),
                                            kReadAheadLimits, [] {});
                    } catch (const Error&) {
                      return std::nullopt;  // tried again in its turn, where it is waited for and reported
                    }
                  }));
  }
}

// A place in pending_ for something in this directory; nothing if the directory cannot be opened any more.
TreeWalker::Pending* TreeWalker::new_pending(Frame& frame, store::EntryKind kind, store::ListPage& page) {
  if (in_use_.empty() || in_use_.back().get() != frame.descriptor.get() || !frame.descriptor) {
    if (descriptor_of(frame) < 0) {
      fail(page, frame.key, place_->root.failure(errno, "list", frame.key));
      return nullptr;
    }
    in_use_.push_back(frame.descriptor);
  }
  Pending& pending = pending_.emplace_back();
  pending.directory = frame.descriptor->get();
  pending.entry.kind = kind;
  return &pending;
}

void TreeWalker::add_pending(Frame& frame, const DirectoryName& name, store::EntryKind kind,
                             store::ListPage& page) {
  Pending* pending = new_pending(frame, kind, page);
  if (pending == nullptr) return;
  pending->followed = name.kind == NameKind::followed_file;
  // With a NUL behind it the key's end is the name for the kernel as well.
  const std::size_t size = frame.key.size() + name.key.size();
  char* text = page.text.reserve(size + 1).data();
  std::memcpy(text, frame.key.data(), frame.key.size());
  std::memcpy(text + frame.key.size(), name.key.data(), name.key.size());
  text[size] = '\0';
  pending->entry.key = {text, size};
  pending->name = text + frame.key.size();
  if (name.escaped) {
    const std::string on_disk = unescape_name(name.key);
    pending->name = page.text.store({on_disk.c_str(), on_disk.size() + 1}).data();
  }
}

void TreeWalker::add_pending_directory(Frame& frame, store::ListPage& page) {
  Pending* pending = new_pending(frame, store::EntryKind::directory, page);
  if (pending == nullptr) return;
  pending->name = ".";
  pending->entry.key = page.text.store(frame.key);
}

void TreeWalker::look(Pending& pending) noexcept {
  struct stat status;
  const int flags = pending.followed ? 0 : AT_SYMLINK_NOFOLLOW;
  if (::fstatat(pending.directory, pending.name, &status, flags) != 0) {
    pending.error = errno;
    return;
  }
  auto& entry = pending.entry;
  const bool expected = entry.kind == store::EntryKind::object      ? S_ISREG(status.st_mode)
                        : entry.kind == store::EntryKind::directory ? S_ISDIR(status.st_mode)
                                                                    : S_ISLNK(status.st_mode);
  pending.error = expected ? 0 : ENOENT;  // something else took its place: as good as gone
  entry.size = entry.kind == store::EntryKind::directory ? 0 : static_cast<std::uint64_t>(status.st_size);
  entry.modified = to_time(status.st_mtim);
  entry.changed = to_time(status.st_ctim);
  entry.mode = status.st_mode;
  entry.uid = status.st_uid;
  entry.gid = status.st_gid;
}

void TreeWalker::look_at_pending(store::ListPage& page) {
  if (pending_.empty()) {
    in_use_.clear();
    return;
  }
  doing_ = Step::look;
  if (looked_at_ == 0) {
    const Stopwatch watch;
    if (wants_help(look_ns_, kSlowLook) && pending_.size() > 1) {
      for_each_with_help(context_->blocking_pool(), kHelpers, pending_.size(),
                         [this](std::size_t i) { look(pending_[i]); });
      smooth(look_ns_, watch.nanoseconds() / static_cast<double>(pending_.size()) * kHelpers / 2);
    } else {
      for (Pending& pending : pending_)
        look(pending);
      smooth(look_ns_, watch.nanoseconds() / static_cast<double>(pending_.size()));
    }
  }
  page.entries.reserve(page.entries.size() + pending_.size());
  for (; looked_at_ < pending_.size(); ++looked_at_) {
    Pending& pending = pending_[looked_at_];
    if (pending.error == 0) {
      page.entries.push_back(pending.entry);
    } else if (pending.error != ENOENT && pending.error != ENOTDIR) {
      const Error error = place_->root.failure(pending.error, "stat", pending.entry.key);
      if (error.retryable()) {
        look(pending);  // now, and again when fill() is called again
        if (pending.error == 0)
          page.entries.push_back(pending.entry);
        else if (pending.error != ENOENT)
          throw error;
        continue;
      }
      fail(page, pending.entry.key, error);
    }
  }
  pending_.clear();
  in_use_.clear();
  looked_at_ = 0;
}

void TreeWalker::give_up(const Error& error, store::ListPage& page) {
  switch (doing_) {
    case Step::begin:
      begun_ = true;
      fail(page, request_.prefix, error);
      break;
    case Step::enter: {
      Frame& frame = *stack_.back();
      fail(page, frame.key + std::string(frame.names.front()->key), error);
      frame.names.pop();
      ++frame.popped;
      break;
    }
    case Step::look:
      fail(page, pending_[looked_at_].entry.key, error);
      ++looked_at_;
      break;
  }
}

}  // namespace haul::local
