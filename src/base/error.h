// Failures, as every room throws them.
//
// An Error says what was tried, on which object, what came back, how often it was tried and what to do.
// Absence (a missing key) and unmet conditions are values, not errors, wherever an interface can say so.
// Thread safety: an Error is immutable once thrown; copies share their content.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace haul {

// What a caller can do about it decides the class, not where it happened.
enum class ErrorClass : std::uint8_t {
  not_found,
  already_exists,
  precondition_failed,
  permission_denied,
  unauthenticated,
  invalid_argument,
  unsupported,
  throttled,
  unavailable,
  timed_out,
  cancelled,
  source_changed,
  data_loss,
  exhausted,  // disk, memory, quota, open files
  internal,
};

std::string_view to_string(ErrorClass error_class) noexcept;
std::optional<ErrorClass> parse_error_class(std::string_view text) noexcept;

class Error : public std::exception {
 public:
  Error(ErrorClass error_class, std::string message);

  // Each returns a changed copy, so that a message grows on its way up:
  //   throw Error(ErrorClass::permission_denied, "cannot write").on("s3://b/k").during("PutObject");
  [[nodiscard]] Error during(std::string operation) const;                 // the operation that failed
  [[nodiscard]] Error on(std::string subject) const;                       // location or key it failed on
  [[nodiscard]] Error with_code(std::string code, int http_status) const;  // what the server said
  [[nodiscard]] Error with_request_id(std::string request_id) const;
  [[nodiscard]] Error with_attempts(int attempts, std::chrono::nanoseconds elapsed) const;
  [[nodiscard]] Error with_retry_after(std::chrono::milliseconds delay) const;
  [[nodiscard]] Error with_hint(std::string hint) const;     // what the user can do
  [[nodiscard]] Error with_retryable(bool retryable) const;  // overrides what the class implies
  [[nodiscard]] Error caused_by(const Error& cause) const;

  ErrorClass error_class() const noexcept { return content_->error_class; }
  const std::string& message() const noexcept { return content_->message; }
  const std::string& operation() const noexcept { return content_->operation; }
  const std::string& subject() const noexcept { return content_->subject; }
  const std::string& code() const noexcept { return content_->code; }
  const std::string& request_id() const noexcept { return content_->request_id; }
  const std::string& hint() const noexcept { return content_->hint; }
  int http_status() const noexcept { return content_->http_status; }
  int attempts() const noexcept { return content_->attempts; }
  std::chrono::nanoseconds elapsed() const noexcept { return content_->elapsed; }
  std::optional<std::chrono::milliseconds> retry_after() const noexcept { return content_->retry_after; }
  const Error* cause() const noexcept { return content_->cause.get(); }

  // Whether the same request may succeed when sent again (throttled, unavailable, timed_out by default).
  bool retryable() const noexcept;

  // One readable line with everything above that is known.
  const char* what() const noexcept override { return content_->line.c_str(); }

 private:
  struct Content {
    ErrorClass error_class = ErrorClass::internal;
    std::string message, operation, subject, code, request_id, hint, line;
    int http_status = 0;
    int attempts = 0;
    std::chrono::nanoseconds elapsed{0};
    std::optional<std::chrono::milliseconds> retry_after;
    std::optional<bool> retryable;
    std::shared_ptr<const Error> cause;
  };
  template <class Change>
  Error changed(Change change) const;
  static std::string compose(const Content& content);

  std::shared_ptr<const Content> content_;
};

// The class of an errno value, with the system's own words and the remedy for the common ones.
Error errno_error(int error_number, std::string_view operation, std::string_view subject);

// Whatever is in flight in a catch (...) block, as an Error.
Error current_error() noexcept;

}  // namespace haul
