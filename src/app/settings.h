// What the user asked for: the command line as plain values, converted and checked one by one, before any
// place is looked at.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/log.h"
#include "job/job.h"
#include "job/run_status.h"
#include "job/spec.h"
#include "listing/filter.h"
#include "listing/manifest.h"
#include "transfer/transfer.h"

namespace haul::app {

enum class Command : std::uint8_t {
  ls,
  du,
  stat,
  cat,
  cp,
  mv,
  rm,
  sync,
  check,
  plan,
  manifest,
  mb,
  rb,
  presign,
  doctor,
  run,
  tag,  // of job files alone
  retry,
  resume,
  undo,
  verify_report,
  // From here on no service is spoken to.
  runs,
  status,
  watch,
  errors,
  pause,
  cancel,
  approve,
  version,
  help,
  completion,
};

constexpr bool speaks_to_services(Command command) {
  return command < Command::runs;
}

// Who speaks to which service, on one side. Empty: as the environment and the AWS files have it.
struct SideSettings {
  std::string profile, region, endpoint_url, role_arn, external_id;
  bool no_sign_request = false;
  bool operator==(const SideSettings&) const = default;
};

struct NetworkSettings {
  std::string ca_file;
  bool insecure = false;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{60'000};  // without a byte in either direction
};

// What is written, beyond the bytes.
struct ObjectSettings {
  std::string storage_class, acl, sse, sse_kms_key_id, sse_c_key_file;
};

using job::CompareBy;
using job::LinkMode;
using job::Overwrite;
// Of verify-report.
struct ReportSettings {
  std::uint64_t objects = 0;          // to be looked up in the stores; UINT64_MAX: all
  std::optional<std::uint64_t> seed;  // that chooses them
  std::string chain;                  // its last value, as it was kept elsewhere
};

enum class ManifestFormat : std::uint8_t { by_name, csv, json };
enum class Shell : std::uint8_t { bash, zsh, fish };

// Which runs, and which error records of a run.
struct RunFilter {
  std::string job;
  std::optional<job::RunStatus> status;
};
struct ErrorSelection {
  std::optional<ErrorClass> error_class;
  std::string code, prefix;
};

struct Settings {
  Command command = Command::help;
  std::vector<std::string> locations;

  // Sides: what is given for both, and what is given for one of them on top.
  SideSettings both, source, destination;
  bool scope_down = true;
  NetworkSettings network;
  bool request_payer = false;

  // Which objects.
  bool recursive = false;
  bool all_versions = false;
  std::string version_id;
  listing::FilterOptions filters;
  std::string from_file;          // one key a line
  std::string manifest;           // a path or s3 location
  listing::ManifestOptions list;  // how either is read; what depends on the source is filled in later

  // How objects travel.
  Overwrite overwrite = Overwrite::always;
  CompareBy compare_by = CompareBy::size_and_time;
  Duration modify_window{0};
  transfer::Verify verify = transfer::Verify::copied;
  transfer::Preserve preserve;
  bool preserve_given = false;
  std::uint64_t bandwidth = 0;
  std::uint64_t part_size = 0;
  ObjectSettings object;
  LinkMode links = LinkMode::skip;
  bool empty_directories = false;
  bool flatten = false;
  std::string name_template;
  bool server_side = true;
  std::string content_type;

  // Guards and limits.
  bool delete_extra = false;
  double max_delete_share = 0.25;
  bool allow_empty_source = false;
  std::optional<std::uint64_t> max_failures;
  std::uint64_t memory = 256ULL << 20;
  bool memory_given = false;
  bool source_may_be_gone = false;  // of a run that has found it before: a single object that has moved
  unsigned shards = 0;
  std::optional<unsigned> concurrency;

  // check
  job::CheckMode check = job::CheckMode::metadata;
  bool one_way = false;

  // What is shown.
  bool json = false, quiet = false, verbose = false, dry_run = false;
  std::optional<LogLevel> log_level;  // warning
  LogFormat log_format = LogFormat::text;
  std::string log_file;
  bool human = false;
  bool summarize = false;
  std::optional<unsigned> depth;

  // Jobs.
  std::vector<std::pair<std::string, std::string>> variables;  // --set NAME=VALUE
  bool go_on = false;                                          // run --resume
  std::string plan;                                            // run --plan
  bool only_read = false;                                      // run --check
  store::Tags tags;
  std::uint32_t attempts = 1;  // of objects that fail for a passing reason

  // Durable runs.
  std::string state_directory;  // empty: where the environment has it
  RunFilter run_filter;
  ErrorSelection error_selection;
  std::optional<std::uint64_t> limit;
  bool summary = false;
  ReportSettings report;

  // Single commands.
  std::chrono::seconds expires{3600};
  std::string method = "GET";
  std::string output;
  ManifestFormat manifest_format = ManifestFormat::by_name;
  bool force = false;
  bool abort_uploads = false;
  std::optional<Duration> older_than;  // doctor: of uploads
  std::string help_topic;
  bool help_manual = false;
  Shell shell = Shell::bash;

  bool has_key_list() const { return !from_file.empty() || !manifest.empty(); }
  // Whether everything below the places is meant, and not what filters or lists choose of it.
  bool takes_everything() const {
    return filters.patterns.empty() && !filters.min_size && !filters.max_size && !filters.older_than &&
           !filters.newer_than && !has_key_list();
  }

  // The settings of one side: its own, then those for both.
  SideSettings source_side() const { return merged(source); }
  SideSettings destination_side() const { return merged(destination); }

 private:
  SideSettings merged(SideSettings side) const {
    const auto take = [](std::string& own, const std::string& common) {
      if (own.empty()) own = common;
    };
    // A role belongs to the profile it is given beside: one side's own profile goes without the common role.
    if (side.profile.empty() || side.profile == both.profile) {
      if (side.role_arn.empty() && side.external_id.empty()) side.external_id = both.external_id;
      take(side.role_arn, both.role_arn);
    }
    take(side.profile, both.profile);
    take(side.region, both.region);
    take(side.endpoint_url, both.endpoint_url);
    side.no_sign_request |= both.no_sign_request;
    return side;
  }
};

}  // namespace haul::app
