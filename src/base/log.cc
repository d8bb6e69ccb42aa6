#include "base/log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace haul {
namespace {

constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error", "off"};

class NullLogger final : public Logger {
 public:
  NullLogger() : Logger(LogLevel::off) {}

 private:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

std::string utc(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time - seconds).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds.time_since_epoch().count()), millis);
}

class FileLogger final : public Logger {
 public:
  FileLogger(LogLevel level, LogFormat format, int descriptor, bool owned, const Env& env)
      : Logger(level), format_(format), descriptor_(descriptor), owned_(owned), env_(env) {}
  FileLogger(const FileLogger&) = delete;
  FileLogger& operator=(const FileLogger&) = delete;
  ~FileLogger() override {
    if (owned_) ::close(descriptor_);
  }

 private:
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override {
    const std::string line =
        format_ == LogFormat::json ? json_line(level, message, fields) : text_line(level, message, fields);
    const std::lock_guard lock(mutex_);
    for (std::size_t done = 0; done < line.size();) {
      const ssize_t n = ::write(descriptor_, line.data() + done, line.size() - done);
      if (n > 0)
        done += static_cast<std::size_t>(n);
      else if (n < 0 && errno != EINTR)
        return;  // a log that cannot be written must not stop the work
    }
  }

  std::string json_line(LogLevel level, std::string_view message,
                        std::initializer_list<LogField> fields) const {
    nlohmann::ordered_json record;
    record["time"] = utc(env_.wall_now());
    record["level"] = kLevelNames[static_cast<std::size_t>(level)];
    record["message"] = message;
    for (const LogField& field : fields)
      std::visit([&](const auto& value) { record[std::string(field.name)] = value; }, field.value);
    return record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }

  std::string text_line(LogLevel level, std::string_view message,
                        std::initializer_list<LogField> fields) const {
    std::string line =
        fmt::format("{} {} {}", utc(env_.wall_now()), kLevelNames[static_cast<std::size_t>(level)], message);
    for (const LogField& field : fields) {
      std::visit([&](const auto& value) { line += fmt::format(" {}={}", field.name, value); }, field.value);
    }
    for (char& c : line)  // one record stays one line, whatever a key contains
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return line + "\n";
  }

  LogFormat format_;
  int descriptor_;
  bool owned_;
  const Env& env_;
  std::mutex mutex_;
};

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view text) noexcept {
  for (std::size_t i = 0; i < std::size(kLevelNames); ++i)
    if (kLevelNames[i] == text) return static_cast<LogLevel>(i);
  if (text == "warn") return LogLevel::warning;
  return std::nullopt;
}

Logger& null_logger() {
  static NullLogger logger;
  return logger;
}

std::unique_ptr<Logger> make_logger(LogLevel level, LogFormat format, const std::string& path,
                                    const Env& env) {
  if (path.empty()) return std::make_unique<FileLogger>(level, format, STDERR_FILENO, false, env);
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (descriptor < 0) throw errno_error(errno, "open log file", path);
  return std::make_unique<FileLogger>(level, format, descriptor, true, env);
}

}  // namespace haul
