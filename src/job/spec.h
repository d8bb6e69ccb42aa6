// A job as a file has it: plain data, checked, nothing resolved yet. docs/job-file.md tells what each key
// means, docs/job-schema.json is its schema for editors; both, and the reader, come from one table
// (job/spec_keys.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/log.h"
#include "job/job.h"
#include "job/report.h"
#include "listing/manifest.h"
#include "transfer/transfer.h"

namespace haul::job {

enum class Overwrite : std::uint8_t { if_different, always, never, if_newer };
enum class CompareBy : std::uint8_t { size_and_time, size_only, contents, bytes };
enum class LinkMode : std::uint8_t { skip, follow, preserve };

// Who speaks to the service of one side. Empty: as the environment and the AWS files have it.
struct SideSpec {
  std::string profile, region, endpoint_url, role_arn, external_id;
  bool no_sign_request = false;
};

// Where the list of objects comes from; nothing given: a listing of the source.
struct SelectSpec {
  std::string manifest;  // location
  listing::ManifestFormat format = listing::ManifestFormat::automatic;
  std::vector<std::string> fields;  // of a CSV manifest, by name; empty: as each line has them
  std::string keys;                 // path of a file with one key a line
  std::string catalog, query, key, cursor;
  std::uint32_t page = 1000;  // rows

  bool from_catalog() const noexcept { return !catalog.empty(); }
  bool listing() const noexcept { return manifest.empty() && keys.empty() && catalog.empty(); }
};

struct FilterSpec {
  std::vector<std::string> exclude, include;  // all of exclude are tried first
  bool ignore_case = false;
  std::optional<std::uint64_t> min_size, max_size;
  std::optional<Time> older_than, newer_than;
};

struct MappingSpec {
  bool flatten = false;
  std::string name_template;
};

struct CatalogUpdateSpec {
  std::string catalog;  // a name in `catalogs`; empty: the selection's, or the only one
  std::string update;
  std::uint32_t batch = 1000;
  bool unmatched_fails = true;
};

// A password by reference, since none is ever written down here.
struct SecretSpec {
  std::string file, variable, command;
};

struct CatalogSpec {
  std::string url;
  SecretSpec password;
  catalog::TlsMode tls = catalog::TlsMode::preferred;
  std::string ca_file;
  std::uint32_t connections = 2;
  double rows_per_second = 0;
  Duration connect_timeout = std::chrono::seconds(10);
  Duration statement_timeout = std::chrono::seconds(60);
  Duration patience = std::chrono::minutes(2);
};

struct DeleteSpec {
  bool enabled = true;  // once the section is there
  double max_share = 0.25;
  bool allow_empty_source = false;
};

// A count of objects, or a share of them once a sample is done.
struct FailureLimit {
  std::optional<std::uint64_t> count;
  std::optional<double> share;
};

struct OptionSpec {
  transfer::Verify verify = transfer::Verify::copied;
  std::optional<Overwrite> overwrite;  // nothing: sync if_different, others always
  CompareBy compare = CompareBy::size_and_time;
  Duration modify_window{0};
  std::optional<transfer::Preserve> preserve;
  std::uint64_t bandwidth = 0;
  std::uint64_t part_size = 0;
  FailureLimit max_failures;
  std::optional<DeleteSpec> remove;  // `delete`
  LinkMode links = LinkMode::skip;
  bool empty_directories = false;
  bool server_side = true;
  bool one_way = false;       // verify
  bool all_versions = false;  // delete
  std::string storage_class, acl, sse, sse_kms_key_id, sse_c_key_file;
  bool request_payer = false;
  bool scope_down = true;
  std::optional<std::uint32_t> concurrency;
  std::optional<std::uint64_t> memory;
  std::optional<LogLevel> log_level;
};

struct ChunkSpec {
  std::uint32_t objects = 5000;
  std::uint64_t bytes = 4ULL << 30;
  std::uint32_t attempts = 5;
};

struct ReportSpec {
  std::string location;  // empty: it stays with the state of the run
  ReportScope scope = ReportScope::all;
  bool csv = true, json_lines = true;
};

struct JobSpec {
  std::string name, description;
  Operation operation = Operation::copy;
  std::vector<std::string> sources;
  std::string destination;  // empty: the operation has none
  SideSpec source_side, destination_side;
  SelectSpec select;
  FilterSpec filters;
  MappingSpec mapping;
  store::Tags tags;
  std::optional<CatalogUpdateSpec> catalog;
  OptionSpec options;
  ChunkSpec chunks;
  ReportSpec report;
  std::optional<Duration> keep_source;
  bool approval = false;
  std::uint32_t priority = 10;
  std::map<std::string, CatalogSpec> catalogs;

  // The same job as one line of JSON that parse_job_spec() reads again: variables replaced, ages as moments,
  // local paths absolute. Free of secrets: it holds none.
  std::string resolved;
};

// One thing that is wrong with a job file. Line and column count from 1.
struct SpecProblem {
  std::size_t line = 1, column = 1;
  std::string message, hint;
};

// All that is wrong with a job file, in the order of its lines. what() is the first problem with its place,
// and how many more there are.
class SpecError : public Error {
 public:
  SpecError(const std::string& file, std::vector<SpecProblem> problems);
  // "job.yaml:3:7: unknown key 'sorce' (did you mean 'source'?)"
  std::vector<std::string> lines() const;
  const std::vector<SpecProblem>& problems() const noexcept { return problems_; }

 private:
  std::string file_;
  std::vector<SpecProblem> problems_;
};

// What a job file is read with.
struct SpecContext {
  std::string file = "job file";                 // for messages
  std::map<std::string, std::string> variables;  // --set, which win over
  const Env* env = nullptr;                      // the environment's; no variables at all without
  Time now{};                                    // ages are before this moment
  std::string directory;                         // relative paths are below it; empty: they stay as they are
};

// YAML 1.2 or JSON. Throws SpecError; nothing else for any text.
JobSpec parse_job_spec(std::string_view text, const SpecContext& context);
// What JobSpec::resolved holds.
JobSpec parse_resolved_spec(std::string_view json);

}  // namespace haul::job
