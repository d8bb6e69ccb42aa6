#include "app/kept_runs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "app/stored_run.h"

namespace haul::app {
namespace {

constexpr std::size_t kRunsSearched = 1000;  // for followers of a run

std::string existing_state(const Settings& settings, const Env& env) {
  std::string path = state_path(settings, env);
  std::error_code ignored;
  if (!std::filesystem::exists(path + "/state.db", ignored))
    throw Error(ErrorClass::not_found, "no runs are kept there")
        .on(path)
        .with_hint("haul run JOB.yaml makes the first; --state says where");
  return path;
}

// Of the summary, which is written at the end; until then, of the process that works on it.
std::optional<catalog::CatalogEffort> catalogue_effort(const engine::RunInfo& run) {
  nlohmann::json summary;
  if (job::is_final(run.status)) {
    std::ifstream file(run.report + "/summary.json");
    summary = nlohmann::json::parse(file, nullptr, false);
  } else {
    summary = nlohmann::json::parse(run.figures, nullptr, false);
  }
  if (!summary.is_object() || !summary.contains("catalogue") || !summary["catalogue"].is_object()) return {};
  const nlohmann::json& effort = summary["catalogue"];
  const auto number = [&effort](const char* name) {
    return effort.contains(name) && effort[name].is_number() ? effort[name].get<double>() : 0.0;
  };
  const auto count = [&number](const char* name) { return static_cast<std::uint64_t>(number(name)); };
  const std::chrono::duration<double> waited(number("seconds_waited_for_rate"));
  return catalog::CatalogEffort{.rows_selected = count("rows_selected"),
                                .rows_updated = count("rows_updated"),
                                .statements = count("statements"),
                                .reconnects = count("reconnects"),
                                .waited_for_rate = std::chrono::duration_cast<Duration>(waited)};
}

}  // namespace

engine::ErrorFilter error_filter(const ErrorSelection& selection) {
  engine::ErrorFilter filter;
  filter.error_class = selection.error_class;
  if (!selection.code.empty()) filter.code = selection.code;
  filter.key_prefix = selection.prefix;
  return filter;
}

job::JobSpec kept_job(const Settings& settings, const Env& env) {
  return job::parse_resolved_spec(KeptRuns(settings, env).named().spec);
}

KeptRuns::KeptRuns(const Settings& settings, const Env& env)
    : settings_(settings), state_(existing_state(settings, env), env), runs_(state_) {}

std::vector<FailureKind> KeptRuns::failures(const engine::RunInfo& run, const ErrorSelection& selection) {
  std::vector<FailureKind> kinds;
  if (!selection.prefix.empty()) {
    // Only reading them tells how many begin so.
    runs_.errors(run.id, error_filter(selection), [&kinds](const engine::ErrorRecord& record) {
      const auto same = std::ranges::find_if(kinds, [&](const FailureKind& kind) {
        return kind.error_class == record.error_class && kind.code == record.code;
      });
      if (same == kinds.end())
        kinds.push_back({record.error_class, record.code, 1, record});
      else
        ++same->count;
      return true;
    });
    std::ranges::sort(kinds, std::ranges::greater{}, &FailureKind::count);
    return kinds;
  }
  for (const engine::ErrorCount& counted : runs_.error_counts(run.id)) {
    if (selection.error_class && counted.error_class != *selection.error_class) continue;
    if (!selection.code.empty() && counted.code != selection.code) continue;
    FailureKind& kind = kinds.emplace_back(counted.error_class, counted.code, counted.count);
    engine::ErrorFilter first;
    first.error_class = counted.error_class;
    first.code = counted.code;
    first.limit = 1;
    runs_.errors(run.id, first, [&kind](const engine::ErrorRecord& record) {
      kind.example = record;
      return false;
    });
  }
  return kinds;
}

std::vector<engine::RunInfo> KeptRuns::children(const engine::RunInfo& run) {
  std::vector<engine::RunInfo> followers =
      runs_.list({.job = run.job, .statuses = {}, .limit = kRunsSearched});
  std::erase_if(followers, [&run](const engine::RunInfo& other) { return other.parent != run.id; });
  std::ranges::reverse(followers);
  return followers;
}

RunPicture KeptRuns::picture(const engine::RunInfo& run) {
  RunPicture picture;
  picture.info = run;
  picture.failures = failures(run, {});
  picture.children = children(run);
  picture.catalogue = catalogue_effort(run);
  return picture;
}

}  // namespace haul::app
