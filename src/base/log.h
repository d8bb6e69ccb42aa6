// Structured log records. One JSON object a line, or readable text; written whole, so lines of several
// threads never mix. Values must be free of secrets: callers pass ids, keys and numbers, never headers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/env.h"

namespace haul {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };
enum class LogFormat : std::uint8_t { text, json };

std::optional<LogLevel> parse_log_level(std::string_view text) noexcept;

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;
};

// Thread safety: all methods may be called from any thread.
class Logger {
 public:
  virtual ~Logger() = default;
  bool enabled(LogLevel level) const noexcept { return level >= level_; }
  void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(level)) write(level, message, fields);
  }

 protected:
  explicit Logger(LogLevel level) : level_(level) {}
  virtual void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) = 0;

 private:
  LogLevel level_;
};

// Drops everything. Lives as long as the program.
Logger& null_logger();

// Appends to `path`, or writes to standard error when it is empty. Throws Error if the file cannot be opened.
std::unique_ptr<Logger> make_logger(LogLevel level, LogFormat format, const std::string& path,
                                    const Env& env);

}  // namespace haul
