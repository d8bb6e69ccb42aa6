#include "app/remedy.h"

#include <fmt/format.h>

#include "base/time_format.h"

namespace haul::app {
namespace {

constexpr std::size_t kTimeOfId = 13;  // make_id(): the first half is the time, to the millisecond

std::string_view remedy_words(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::not_found: return "it has gone since it was listed; should it be there after all";
    case ErrorClass::already_exists:
    case ErrorClass::precondition_failed: return "somebody else wrote there meanwhile; when that has ended";
    case ErrorClass::permission_denied:
      return "haul doctor LOCATION tells what this identity may do there; once it may";
    case ErrorClass::unauthenticated: return "renew the credentials, then";
    case ErrorClass::invalid_argument:
      return "the service does not take this key or request; if it should after all";
    case ErrorClass::unsupported: return "the destination cannot hold this as it is; once it can";
    case ErrorClass::throttled: return "the service was asked for too much; at a quieter time";
    case ErrorClass::unavailable:
    case ErrorClass::timed_out: return "the service did not answer; when it does";
    case ErrorClass::cancelled: return "it was interrupted; again";
    case ErrorClass::source_changed: return "it changed while it was copied; as it is now";
    case ErrorClass::data_loss: return "what was read is not what was stored; once the source is sound";
    case ErrorClass::exhausted: return "make room (disk, memory, quota, open files), then";
    case ErrorClass::internal: return "a mistake in haul, please report it; it may work again with";
  }
  return "";
}

bool at_work(job::RunStatus status) {
  return !job::is_final(status) && status != job::RunStatus::paused &&
         status != job::RunStatus::awaiting_approval;
}

}  // namespace

std::string status_text(const engine::RunInfo& run) {
  std::string text(to_string(run.status));
  if (run.stuck)
    text += " (stuck)";
  else if (!run.alive && at_work(run.status))
    text += " (no process)";
  return text;
}

std::string_view short_id(std::string_view id) noexcept {
  return id.substr(0, kTimeOfId);
}

std::string remedy_for(ErrorClass error_class, std::string_view run) {
  return fmt::format("{}: haul retry {} --class {}", remedy_words(error_class), short_id(run),
                     to_string(error_class));
}

std::string advice_for(const engine::RunInfo& run) {
  using enum job::RunStatus;
  const std::string_view id = short_id(run.id);
  if (job::is_final(run.status)) {
    if (run.accounts.failures() == 0) return {};
    return fmt::format("haul errors {} --summary tells what failed, haul retry {} tries it again", id, id);
  }
  if (run.stuck)
    return fmt::format("nothing has moved for {}: end process {} on {}, then haul resume {}",
                       run.progress_age ? format_duration(*run.progress_age) : "a while", run.pid, run.host,
                       id);
  if (run.status == awaiting_approval && run.approved_by.empty())
    return fmt::format("nothing is changed yet: haul approve {0} lets it{1}, haul cancel {0} does not", id,
                       run.alive ? "" : fmt::format(" and haul resume {} does it", id));
  if (run.alive && run.status == paused)
    return fmt::format("process {0} waits: haul resume {1} lets it go on, haul cancel {1} ends the run",
                       run.pid, id);
  if (run.alive) return {};
  if (run.status == awaiting_approval) return fmt::format("it is approved: haul resume {} does it", id);
  if (run.status == paused || run.pid == 0)
    return fmt::format("no process works on it: haul resume {} goes on, haul cancel {} ends it", id, id);
  return fmt::format(
      "the process that worked on it ({} on {}) has gone: haul resume {} goes on from where it stood",
      run.pid, run.host, id);
}

void refuse(const engine::RunInfo& run, std::string_view why) {
  const Error error =
      Error(ErrorClass::precondition_failed, fmt::format("it is {}: {}", status_text(run), why))
          .on("run " + run.id);
  const std::string advice = advice_for(run);
  throw advice.empty() ? error : error.with_hint(advice);
}

void refuse_ended(const engine::RunInfo& run) {
  if (job::is_final(run.status)) refuse(run, "it has ended");
}

}  // namespace haul::app
