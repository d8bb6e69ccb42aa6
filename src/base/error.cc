#include "base/error.h"

#include <array>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace haul {
namespace {

constexpr std::array<std::pair<ErrorClass, std::string_view>, 15> kClassNames{{
    {ErrorClass::not_found, "not_found"},
    {ErrorClass::already_exists, "already_exists"},
    {ErrorClass::precondition_failed, "precondition_failed"},
    {ErrorClass::permission_denied, "permission_denied"},
    {ErrorClass::unauthenticated, "unauthenticated"},
    {ErrorClass::invalid_argument, "invalid_argument"},
    {ErrorClass::unsupported, "unsupported"},
    {ErrorClass::throttled, "throttled"},
    {ErrorClass::unavailable, "unavailable"},
    {ErrorClass::timed_out, "timed_out"},
    {ErrorClass::cancelled, "cancelled"},
    {ErrorClass::source_changed, "source_changed"},
    {ErrorClass::data_loss, "data_loss"},
    {ErrorClass::exhausted, "exhausted"},
    {ErrorClass::internal, "internal"},
}};

struct ErrnoMeaning {
  ErrorClass error_class;
  std::string_view hint;
};

ErrnoMeaning errno_meaning(int number) {
  switch (number) {
    case ENOENT: return {ErrorClass::not_found, ""};
    case EEXIST: return {ErrorClass::already_exists, ""};
    case EACCES: return {ErrorClass::permission_denied, "check owner and mode of the path"};
    case EPERM: return {ErrorClass::permission_denied, "this needs the owner or root"};
    case EROFS: return {ErrorClass::permission_denied, "the file system is mounted read-only"};
    case ENOSPC: return {ErrorClass::exhausted, "free space on the file system, then run the command again"};
    case EDQUOT: return {ErrorClass::exhausted, "the disk quota is used up"};
    case EMFILE: return {ErrorClass::exhausted, "raise the limit of open files (ulimit -n)"};
    case ENFILE: return {ErrorClass::exhausted, "the system's table of open files is full"};
    case ENOMEM: return {ErrorClass::exhausted, "not enough memory"};
    case EFBIG: return {ErrorClass::exhausted, "the file system cannot hold a file of this size"};
    case ENAMETOOLONG: return {ErrorClass::invalid_argument, "the name is too long for this file system"};
    case ENOTDIR: return {ErrorClass::invalid_argument, "a part of the path is a file, not a directory"};
    case EISDIR: return {ErrorClass::invalid_argument, "the path is a directory"};
    case EINVAL: return {ErrorClass::invalid_argument, ""};
    case ELOOP: return {ErrorClass::invalid_argument, "a symbolic link is in the way"};
    case EXDEV: return {ErrorClass::invalid_argument, "the path leaves its root"};
    case ENOTSUP:
    case ENOSYS: return {ErrorClass::unsupported, ""};
    case ETIMEDOUT: return {ErrorClass::timed_out, ""};
    case EAGAIN:
    case EINTR:
    case EBUSY:
    case ESTALE:
    case EIO:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENETUNREACH:
    case EHOSTUNREACH: return {ErrorClass::unavailable, ""};
    default: return {ErrorClass::internal, ""};
  }
}

}  // namespace

std::string_view to_string(ErrorClass error_class) noexcept {
  return kClassNames[static_cast<std::size_t>(error_class)].second;
}

std::optional<ErrorClass> parse_error_class(std::string_view text) noexcept {
  for (const auto& [error_class, name] : kClassNames)
    if (name == text) return error_class;
  return std::nullopt;
}

Error::Error(ErrorClass error_class, std::string message) {
  auto content = std::make_shared<Content>();
  content->error_class = error_class;
  content->message = std::move(message);
  content->line = compose(*content);
  content_ = std::move(content);
}

template <class Change>
Error Error::changed(Change change) const {
  auto content = std::make_shared<Content>(*content_);
  change(*content);
  content->line = compose(*content);
  Error copy = *this;
  copy.content_ = std::move(content);
  return copy;
}

std::string Error::compose(const Content& content) {
  std::string line;
  const auto prefix = [&line](std::string_view text) {
    if (!text.empty()) line.append(text).append(": ");
  };
  prefix(content.operation);
  prefix(content.subject);
  line.append(content.message);
  std::string facts;
  const auto fact = [&facts](std::string_view name, std::string_view value) {
    facts.append(facts.empty() ? " (" : ", ").append(name).append(value);
  };
  if (!content.code.empty()) fact("", content.code);
  if (content.http_status != 0) fact("HTTP ", std::to_string(content.http_status));
  if (!content.request_id.empty()) fact("request id ", content.request_id);
  if (content.attempts > 1) fact("tried ", std::to_string(content.attempts) + " times");
  if (!facts.empty()) line.append(facts).append(")");
  if (content.cause) line.append("; because: ").append(content.cause->what());
  if (!content.hint.empty()) line.append("; ").append(content.hint);
  return line;
}

Error Error::during(std::string operation) const {
  return changed([&](Content& c) { c.operation = std::move(operation); });
}
Error Error::on(std::string subject) const {
  return changed([&](Content& c) { c.subject = std::move(subject); });
}
Error Error::with_code(std::string code, int http_status) const {
  return changed([&](Content& c) {
    c.code = std::move(code);
    c.http_status = http_status;
  });
}
Error Error::with_request_id(std::string request_id) const {
  return changed([&](Content& c) { c.request_id = std::move(request_id); });
}
Error Error::with_attempts(int attempts, std::chrono::nanoseconds elapsed) const {
  return changed([&](Content& c) {
    c.attempts = attempts;
    c.elapsed = elapsed;
  });
}
Error Error::with_retry_after(std::chrono::milliseconds delay) const {
  return changed([&](Content& c) { c.retry_after = delay; });
}
Error Error::with_hint(std::string hint) const {
  return changed([&](Content& c) { c.hint = std::move(hint); });
}
Error Error::with_retryable(bool retryable) const {
  return changed([&](Content& c) { c.retryable = retryable; });
}
Error Error::caused_by(const Error& cause) const {
  return changed([&](Content& c) { c.cause = std::make_shared<const Error>(cause); });
}

bool Error::retryable() const noexcept {
  if (content_->retryable) return *content_->retryable;
  switch (content_->error_class) {
    case ErrorClass::throttled:
    case ErrorClass::unavailable:
    case ErrorClass::timed_out: return true;
    default: return false;
  }
}

Error errno_error(int error_number, std::string_view operation, std::string_view subject) {
  const auto [error_class, hint] = errno_meaning(error_number);
  Error error(error_class, std::generic_category().message(error_number));
  if (!operation.empty()) error = error.during(std::string(operation));
  if (!subject.empty()) error = error.on(std::string(subject));
  if (!hint.empty()) error = error.with_hint(std::string(hint));
  return error;
}

Error current_error() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorClass::exhausted, "not enough memory");
  } catch (const std::system_error& error) {
    return Error(errno_meaning(error.code().value()).error_class, error.what());
  } catch (const std::exception& error) {
    return Error(ErrorClass::internal, error.what());
  } catch (...) {
    return Error(ErrorClass::internal, "unknown exception");
  }
}

}  // namespace haul
