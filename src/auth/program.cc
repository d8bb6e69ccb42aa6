#include "auth/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "base/error.h"

extern char** environ;

namespace haul::auth {
namespace {

constexpr std::string_view kOperation = "run credential_process";
constexpr std::size_t kLargestOutput = 1 << 20;

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int get() const noexcept { return descriptor_; }
  void close() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

// In Haul's own process group: a program that asks for a code on the terminal must be in the foreground.
// Killed if left alone.
class Child {
 public:
  Child(const std::vector<std::string>& arguments, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (const std::string& argument : arguments)
      pointers.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn does not change them
    pointers.push_back(nullptr);
    const int problem = posix_spawnp(&id_, pointers[0], &actions, &attributes, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (problem != 0) throw errno_error(problem, kOperation, arguments[0]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (ended_) return;
    ::kill(id_, SIGKILL);
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
  }

  bool ended(int& exit_code) {
    int status = 0;
    const pid_t who = ::waitpid(id_, &status, WNOHANG);
    if (who != id_) return false;
    ended_ = true;
    exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
  }

 private:
  pid_t id_ = -1;
  bool ended_ = false;
};

Error too_slow(const std::string& program) {
  return Error(ErrorClass::timed_out, "the program does not end")
      .during(std::string(kOperation))
      .on(program)
      .with_retryable(false)
      .with_hint("run it by hand: it may wait for an answer");
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& arguments, std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  if (arguments.empty())
    throw Error(ErrorClass::invalid_argument, "no program is named").during(std::string(kOperation));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw errno_error(errno, kOperation, arguments[0]);
  Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  Child child(arguments, writing.get());
  writing.close();

  const auto until = Clock::now() + timeout;
  const auto left = [until] {
    return static_cast<int>(
        std::chrono::ceil<std::chrono::milliseconds>(std::max(until - Clock::now(), Clock::duration::zero()))
            .count());
  };
  ProgramResult result;
  while (true) {
    pollfd waiting{.fd = reading.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, left());
    if (ready == 0) throw too_slow(arguments[0]);
    if (ready < 0 && errno == EINTR) continue;
    std::array<char, 4096> bytes;
    const ssize_t count = ::read(reading.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw errno_error(errno, kOperation, arguments[0]);
    if (count == 0) break;
    result.output.append(bytes.data(), static_cast<std::size_t>(count));
    if (result.output.size() > kLargestOutput)
      throw Error(ErrorClass::exhausted, "the program writes more than credentials")
          .during(std::string(kOperation))
          .on(arguments[0]);
  }
  while (!child.ended(result.exit_code)) {
    if (left() == 0) throw too_slow(arguments[0]);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // its output is closed: it is about to end
  }
  return result;
}

}  // namespace haul::auth
