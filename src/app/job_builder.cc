#include "app/job_builder.h"

#include <algorithm>
#include <filesystem>

#include "app/usage_error.h"
#include "listing/manifest.h"

namespace haul::app {
namespace {

constexpr std::size_t kMostSources = 60'000;

bool merges(Command command) {
  return command == Command::sync || command == Command::check || command == Command::plan;
}

bool looks_first(const Settings& settings) {
  return settings.overwrite == Overwrite::if_different || settings.overwrite == Overwrite::if_newer;
}

job::Operation operation_of(const Settings& settings) {
  switch (settings.command) {
    case Command::mv: return job::Operation::move;
    case Command::rm: return job::Operation::remove;
    case Command::tag: return job::Operation::tag;
    case Command::check: return job::Operation::check;
    case Command::sync:
    case Command::plan: return job::Operation::sync;
    // A copy that looks at the destination first is a sync that removes nothing.
    default: return looks_first(settings) ? job::Operation::sync : job::Operation::copy;
  }
}

listing::CompareOptions compare_options(const Settings& settings) {
  using listing::CompareMode;
  listing::CompareOptions options;
  options.modify_window = settings.modify_window;
  switch (settings.compare_by) {
    case CompareBy::size_and_time: options.mode = CompareMode::standard; break;
    case CompareBy::size_only: options.mode = CompareMode::size_only; break;
    case CompareBy::contents:
    case CompareBy::bytes: options.mode = CompareMode::checksum; break;
  }
  if (settings.command == Command::check) return options;
  switch (settings.overwrite) {
    case Overwrite::if_different: break;
    case Overwrite::always: options.mode = CompareMode::always; break;
    case Overwrite::never: options.mode = CompareMode::never; break;
    case Overwrite::if_newer: options.mode = CompareMode::if_newer; break;
  }
  return options;
}

std::string path_of_input(const std::string& name) {
  return name == "-" ? "/dev/stdin" : name;
}

listing::ManifestPlace manifest_place(const std::string& name, StoreFactory& stores) {
  const store::Location location = parse_place(name);
  if (location.scheme != store::Scheme::s3)
    return {.store = nullptr, .name = path_of_input(name), .bucket = {}};
  return {.store = stores.bucket(Side::source, location.bucket),
          .name = location.path,
          .bucket = [&stores](const std::string& bucket) { return stores.bucket(Side::source, bucket); }};
}

void add_key_list(const Settings& settings, StoreFactory& stores, const store::Location& location,
                  job::Source& source) {
  if (!settings.has_key_list()) return;
  if (source.object || source.glob)
    throw UsageError("a list of keys needs a directory or prefix as the source",
                     "use -r and the common prefix");
  listing::ManifestOptions options = settings.list;
  options.base = source.strip;
  if (settings.manifest.empty()) {
    options.format = listing::ManifestFormat::keys;
    source.keys = listing::open_manifest(
        {.store = nullptr, .name = path_of_input(settings.from_file), .bucket = {}}, std::move(options));
    return;
  }
  options.bucket = location.bucket;
  options.prefix = source.prefix;
  options.all_versions = settings.all_versions;
  source.keys = listing::open_manifest(manifest_place(settings.manifest, stores), std::move(options));
}

Task<std::vector<ResolvedSource>> resolve_sources(const Settings& settings, StoreFactory& stores,
                                                  std::size_t count, OpContext& context) {
  PlaceResolver resolver(stores, {.whole_trees = merges(settings.command),
                                  .recursive = settings.recursive || settings.has_key_list(),
                                  .all_versions = settings.all_versions,
                                  .may_be_gone = settings.source_may_be_gone,
                                  .removes = settings.command == Command::rm,
                                  .version = settings.version_id});
  std::vector<ResolvedSource> sources;
  sources.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const store::Location location = parse_place(settings.locations[i]);
    sources.push_back(co_await resolver.source(location, context));
    add_key_list(settings, stores, location, sources.back().source);
  }
  co_return sources;
}

void check_together(const Settings& settings, const std::vector<ResolvedSource>& sources) {
  const bool one_object = sources.size() == 1 && sources[0].source.object;
  if (!settings.version_id.empty() && !one_object)
    throw UsageError("--version-id is of one object", "give one source, without -r or a pattern");
  if (settings.command == Command::mv && looks_first(settings))
    throw UsageError("mv does not compare", "sync first, then rm what is to go; or use --overwrite never");
  const bool one_tree = sources.size() == 1 && !sources[0].source.object && !sources[0].source.glob;
  if (settings.command == Command::cp && looks_first(settings) && !one_tree)
    throw UsageError("--overwrite if-different and if-newer compare whole trees",
                     "use cp -r of one place, or sync");
}

}  // namespace

job::Options job_options(const Settings& settings, unsigned shard_count, Bandwidth* bandwidth) {
  job::Options options;
  options.filters = settings.filters;
  options.compare = compare_options(settings);
  transfer::TransferOptions& transfer = options.transfer;
  transfer.verify = settings.verify;
  transfer.preserve = settings.preserve;
  transfer.server_side = settings.server_side;
  transfer.storage_class = settings.object.storage_class;
  transfer.part_size = settings.part_size;
  transfer.bandwidth = bandwidth;
  options.delete_extra = settings.delete_extra;
  options.max_delete_share = settings.max_delete_share;
  options.allow_empty_source = settings.allow_empty_source;
  options.all_versions = settings.all_versions;
  options.directories = settings.empty_directories;
  options.create_only = settings.overwrite == Overwrite::never;
  options.dry_run = settings.dry_run || settings.command == Command::plan;
  options.check = settings.check;
  if (settings.compare_by == CompareBy::contents && settings.check == job::CheckMode::metadata)
    options.check = job::CheckMode::checksum;
  if (settings.compare_by == CompareBy::bytes) options.check = job::CheckMode::bytes;
  options.check_one_way = settings.one_way;
  options.max_failures = settings.max_failures;
  if (settings.concurrency)
    options.shard_lanes = std::clamp(*settings.concurrency / shard_count, 1U, options.shard_lanes);
  return options;
}

Task<job::Job> build_job(const Settings& settings, StoreFactory& stores, unsigned shard_count,
                         Bandwidth* bandwidth, OpContext& context) {
  const bool has_destination = settings.command != Command::rm && settings.command != Command::tag;
  const std::size_t count = settings.locations.size() - (has_destination ? 1 : 0);
  if (count > kMostSources)
    throw UsageError("too many sources", "give their directory with -r, or their names by --from-file");
  std::vector<ResolvedSource> sources = co_await resolve_sources(settings, stores, count, context);
  check_together(settings, sources);

  job::Job job;
  job.operation = operation_of(settings);
  job.options = job_options(settings, shard_count, bandwidth);
  if (settings.flatten) job.mapping = job::Mapping::flatten;
  if (!settings.name_template.empty()) {
    job.mapping = job::Mapping::templated;
    job.mapping_template = settings.name_template;
  }
  if (has_destination) {
    const bool single = sources.size() == 1 && sources[0].source.object && !settings.flatten &&
                        settings.name_template.empty();
    PlaceResolver resolver(stores, {});
    ResolvedDestination destination =
        co_await resolver.destination(parse_place(settings.locations.back()), !single, context);
    refuse_overlap(settings.command, sources, destination);
    job.destination = std::move(destination.destination);
  }
  job.sources.reserve(sources.size());
  for (ResolvedSource& each : sources)
    job.sources.push_back(std::move(each.source));
  co_return job;
}

std::vector<std::string> fidelity_losses(const transfer::Preserve& preserve,
                                         const store::Capabilities& source,
                                         const store::Capabilities& destination) {
  std::vector<std::string> losses;
  const auto check = [&](bool wanted, bool has, bool keeps, const char* name) {
    if (wanted && has && !keeps) losses.emplace_back(name);
  };
  check(preserve.metadata, source.keeps_metadata, destination.keeps_metadata,
        "user metadata and content headers");
  check(preserve.tags, source.keeps_tags, destination.keeps_tags, "tags");
  // Attributes of files are kept on objects as metadata.
  check(preserve.mtime, source.keeps_posix, destination.keeps_posix || destination.keeps_metadata,
        "modification times");
  check(preserve.mode, source.keeps_posix, destination.keeps_posix || destination.keeps_metadata, "modes");
  check(preserve.owner, source.keeps_posix, destination.keeps_posix || destination.keeps_metadata, "owners");
  check(preserve.storage_class, source.keeps_storage_class, destination.keeps_storage_class,
        "storage classes");
  return losses;
}

}  // namespace haul::app
