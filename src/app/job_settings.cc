#include "app/job_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "app/places.h"
#include "app/usage_error.h"
#include "base/time_format.h"

namespace haul::app {
namespace {

Command command_of(job::Operation operation) {
  switch (operation) {
    case job::Operation::move:
    case job::Operation::remove_kept:
    case job::Operation::revert: return Command::mv;
    case job::Operation::sync: return Command::sync;
    case job::Operation::remove: return Command::rm;
    case job::Operation::tag: return Command::tag;
    case job::Operation::check: return Command::check;
    case job::Operation::copy: break;
  }
  return Command::cp;
}

SideSettings side_settings(const job::SideSpec& side) {
  return {.profile = side.profile,
          .region = side.region,
          .endpoint_url = side.endpoint_url,
          .role_arn = side.role_arn,
          .external_id = side.external_id,
          .no_sign_request = side.no_sign_request};
}

listing::FilterOptions filter_options(const job::FilterSpec& filters) {
  listing::FilterOptions options;
  for (const std::string& pattern : filters.exclude)
    options.patterns.push_back({false, pattern});
  for (const std::string& pattern : filters.include)
    options.patterns.push_back({true, pattern});
  options.ignore_case = filters.ignore_case;
  options.min_size = filters.min_size;
  options.max_size = filters.max_size;
  options.older_than = filters.older_than;
  options.newer_than = filters.newer_than;
  return options;
}

void take_options(Settings& settings, const job::OptionSpec& options) {
  const bool merges = settings.command == Command::sync;
  settings.overwrite = options.overwrite.value_or(merges ? Overwrite::if_different : Overwrite::always);
  settings.compare_by = options.compare;
  settings.modify_window = options.modify_window;
  settings.verify = options.verify;
  settings.preserve = options.preserve.value_or(transfer::Preserve{});
  settings.preserve_given = options.preserve.has_value();
  settings.bandwidth = options.bandwidth;
  settings.part_size = options.part_size;
  settings.object = {.storage_class = options.storage_class,
                     .acl = options.acl,
                     .sse = options.sse,
                     .sse_kms_key_id = options.sse_kms_key_id,
                     .sse_c_key_file = options.sse_c_key_file};
  settings.links = options.links;
  settings.empty_directories = options.empty_directories;
  settings.server_side = options.server_side;
  settings.one_way = options.one_way;
  settings.all_versions = options.all_versions;
  settings.request_payer = options.request_payer;
  settings.scope_down = options.scope_down && settings.scope_down;
  settings.max_failures = options.max_failures.count;
  if (options.concurrency) settings.concurrency = options.concurrency;
  if (options.remove) {
    settings.delete_extra = options.remove->enabled;
    settings.max_delete_share = options.remove->max_share;
    settings.allow_empty_source = options.remove->allow_empty_source;
  }
}

}  // namespace

Settings job_settings(const job::JobSpec& spec, const Settings& command_line) {
  Settings settings = command_line;
  settings.command = command_of(spec.operation);
  settings.locations = spec.sources;
  if (!spec.destination.empty()) settings.locations.push_back(spec.destination);
  settings.source = side_settings(spec.source_side);
  settings.destination = side_settings(spec.destination_side);
  settings.recursive = true;
  settings.filters = filter_options(spec.filters);
  settings.manifest = spec.select.manifest;
  settings.from_file = spec.select.keys;
  settings.list = {
      .format = spec.select.format, .fields = spec.select.fields, .broken = listing::BrokenLines::record};
  settings.flatten = spec.mapping.flatten;
  settings.name_template = spec.mapping.name_template;
  settings.tags = spec.tags;
  settings.dry_run |= command_line.command == Command::plan;
  take_options(settings, spec.options);
  return settings;
}

namespace {

using Json = nlohmann::ordered_json;

Json side_json(const SideSettings& side) {
  Json out = Json::object();
  const auto add = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  add("profile", side.profile);
  add("region", side.region);
  add("endpoint-url", side.endpoint_url);
  add("role-arn", side.role_arn);
  add("external-id", side.external_id);
  if (side.no_sign_request) out["no-sign-request"] = true;
  return out;
}

Json filter_json(const listing::FilterOptions& filters) {
  Json out = Json::object();
  bool included = false;
  for (const listing::FilterPattern& pattern : filters.patterns) {
    if (included && !pattern.include)
      throw UsageError("a job file tries all excludes before its includes",
                       "give --exclude before --include");
    included |= pattern.include;
    out[pattern.include ? "include" : "exclude"].push_back(pattern.glob);
  }
  if (filters.ignore_case) out["ignore-case"] = true;
  if (filters.min_size) out["min-size"] = *filters.min_size;
  if (filters.max_size) out["max-size"] = *filters.max_size;
  if (filters.older_than) out["older-than"] = format_iso8601(*filters.older_than, Fraction::nanoseconds);
  if (filters.newer_than) out["newer-than"] = format_iso8601(*filters.newer_than, Fraction::nanoseconds);
  return out;
}

Json preserve_json(const transfer::Preserve& preserve) {
  Json out = Json::array();
  for (const auto& [name, kept] : {std::pair{"mtime", preserve.mtime},
                                   {"mode", preserve.mode},
                                   {"owner", preserve.owner},
                                   {"metadata", preserve.metadata},
                                   {"tags", preserve.tags},
                                   {"storage-class", preserve.storage_class}})
    if (kept) out.push_back(name);
  if (out.empty()) out.push_back("none");
  return out;
}

// Wherever the plan is carried out, it means the same place.
std::string absolute_place(const std::string& text) {
  const store::Location location = parse_place(text);
  if (location.scheme == store::Scheme::standard_stream)
    throw UsageError("standard input and output have no place in a plan", "name a directory");
  if (location.scheme == store::Scheme::s3 || text.starts_with('/')) return text;
  std::string path = (std::filesystem::current_path() / text).lexically_normal().string();
  if (text.ends_with('/') && !path.ends_with('/')) path += '/';
  return path;
}

Json option_json(const Settings& settings) {
  constexpr std::array kOverwrite{"if-different", "always", "never", "if-newer"};
  constexpr std::array kCompare{"size-and-time", "size-only", "contents", "bytes"};
  constexpr std::array kVerify{"none", "copied", "all"};
  constexpr std::array kLinks{"skip", "follow", "preserve"};
  Json out{{"overwrite", kOverwrite.at(static_cast<std::size_t>(settings.overwrite))},
           {"compare", kCompare.at(static_cast<std::size_t>(settings.compare_by))},
           {"verify", kVerify.at(static_cast<std::size_t>(settings.verify))},
           {"links", kLinks.at(static_cast<std::size_t>(settings.links))},
           {"empty-directories", settings.empty_directories},
           {"server-side", settings.server_side}};
  if (settings.preserve_given) out["preserve"] = preserve_json(settings.preserve);
  if (settings.modify_window.count() != 0)
    out["modify-window"] = fmt::format("{}ns", settings.modify_window.count());
  if (settings.bandwidth != 0) out["bandwidth"] = settings.bandwidth;
  if (settings.part_size != 0) out["part-size"] = settings.part_size;
  if (settings.max_failures) out["max-failures"] = *settings.max_failures;
  if (settings.delete_extra)
    out["delete"] = {{"max-share", settings.max_delete_share},
                     {"allow-empty-source", settings.allow_empty_source}};
  const ObjectSettings& object = settings.object;
  for (const auto& [name, value] : {std::pair{"storage-class", &object.storage_class},
                                    {"acl", &object.acl},
                                    {"sse", &object.sse},
                                    {"sse-kms-key-id", &object.sse_kms_key_id},
                                    {"sse-c-key-file", &object.sse_c_key_file}})
    if (!value->empty()) out[name] = *value;
  if (settings.request_payer) out["request-payer"] = true;
  if (!settings.scope_down) out["scope-down"] = false;
  if (settings.concurrency) out["concurrency"] = *settings.concurrency;
  return out;
}

}  // namespace

std::string sync_as_job(const Settings& settings) {
  Json job{{"name", "plan"},
           {"operation", "sync"},
           {"source", absolute_place(settings.locations.at(0))},
           {"destination", absolute_place(settings.locations.at(1))},
           {"source-options", side_json(settings.source_side())},
           {"destination-options", side_json(settings.destination_side())},
           {"filters", filter_json(settings.filters)},
           {"options", option_json(settings)}};
  if (!settings.manifest.empty()) job["select"] = {{"manifest", absolute_place(settings.manifest)}};
  if (!settings.from_file.empty()) job["select"] = {{"keys", absolute_place(settings.from_file)}};
  return job.dump();
}

void extend_options(job::Options& options, const job::JobSpec& spec) {
  options.max_failure_share = spec.options.max_failures.share;
  options.attempts = spec.chunks.attempts;
  options.chunk_objects = spec.chunks.objects;
  options.chunk_bytes = spec.chunks.bytes;
  options.approval = spec.approval;
  options.keep_source = spec.keep_source;
  options.tags = spec.tags;
  options.full_report = spec.report.scope == job::ReportScope::all;
}

job::ReportOptions report_options(const job::JobSpec& spec) {
  return {.scope = spec.report.scope, .csv = spec.report.csv};
}

void take_process_options(std::span<const job::JobSpec> specs, Settings& command_line) {
  std::uint64_t memory = 0;
  std::optional<LogLevel> log_level;
  for (const job::JobSpec& spec : specs) {
    memory = std::max(memory, spec.options.memory.value_or(0));
    if (const auto wanted = spec.options.log_level)
      log_level = std::min(log_level.value_or(*wanted), *wanted);
  }
  if (!command_line.log_level) command_line.log_level = log_level;
  if (memory != 0 && !command_line.memory_given) command_line.memory = memory;
}

}  // namespace haul::app
