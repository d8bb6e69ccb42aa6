#include "app/job_settings.h"

#include <algorithm>

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
  take_options(settings, spec.options);
  return settings;
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
  for (const job::JobSpec& spec : specs) {
    memory = std::max(memory, spec.options.memory.value_or(0));
    if (spec.options.log_level)
      command_line.log_level = std::min(command_line.log_level, *spec.options.log_level);
  }
  if (memory != 0 && !command_line.memory_given) command_line.memory = memory;
}

}  // namespace haul::app
