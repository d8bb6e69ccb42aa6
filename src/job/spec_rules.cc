#include "job/spec_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "job/report_summary.h"

namespace haul::job {
namespace {

constexpr std::array kSpecOperations{Operation::copy,   Operation::move, Operation::sync,
                                     Operation::remove, Operation::tag,  Operation::check};

const SpecEntry* entry_of(const SpecNode& node, std::string_view name) {
  const auto found = std::ranges::find(
      node.entries, name, [](const SpecEntry& each) -> std::string_view { return each.key.text; });
  return found == node.entries.end() ? nullptr : &*found;
}

// The node of a key as far as it is there, and whether it is.
std::pair<const SpecNode*, bool> find_node(const SpecNode& document, std::string_view path) {
  const SpecNode* node = &document;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const SpecEntry* entry = entry_of(*node, path.substr(0, dot));
    if (entry == nullptr) return {node, false};
    node = &entry->value;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return {node, true};
}

class Rules {
 public:
  Rules(const JobSpec& spec, const SpecNode& document, SpecProblems& problems)
      : spec_(spec), document_(document), problems_(problems) {}

  void check() {
    check_uses();
    check_places();
    check_selection();
    check_catalogs();
    check_options();
  }

 private:
  bool given(std::string_view path) const { return find_node(document_, path).second; }
  void refuse(std::string_view path, std::string message, std::string hint = {}) {
    problems_.add(*find_node(document_, path).first, std::move(message), std::move(hint));
  }
  void exclude_each_other(std::string_view first, std::string_view second) {
    if (given(first) && given(second))
      refuse(second, fmt::format("{} and {} exclude each other", first, second), "leave one out");
  }

  void check_uses() {
    for (const KeyUse& use : key_uses()) {
      if (!given(use.path) || allows(use, spec_.operation)) continue;
      std::string names;
      for (const Operation operation : use.operations)
        names += (names.empty() ? "" : ", ") + std::string(to_string(operation));
      refuse(use.path,
             fmt::format("{} has no meaning with the operation {}", use.path, to_string(spec_.operation)),
             "it is for: " + names);
    }
  }

  void check_places() {
    if (needs_destination(spec_.operation) && spec_.destination.empty())
      refuse("", fmt::format("'destination' is missing: {} needs one", to_string(spec_.operation)));
    const bool one = spec_.operation == Operation::sync || spec_.operation == Operation::check;
    if (one && spec_.sources.size() > 1)
      refuse("source", fmt::format("{} compares one place with another", to_string(spec_.operation)),
             "give one source, or write a job for each");
    if (spec_.operation == Operation::tag && spec_.tags.empty())
      refuse("", "'tags' is missing: tag needs them", "write tags: {stage: archive}");
    if (spec_.options.remove && spec_.options.remove->enabled && !spec_.report.location.empty() &&
        spec_.report.location.starts_with(spec_.destination))
      refuse("report.location", "lies in the destination, where what the source does not have is removed",
             "choose a place beside it");
  }

  void check_selection() {
    const SelectSpec& select = spec_.select;
    exclude_each_other("select.manifest", "select.keys");
    exclude_each_other("select.manifest", "select.catalog");
    exclude_each_other("select.keys", "select.catalog");
    if (given("select") && select.listing())
      refuse("select", "names no list", "give a manifest, a file of keys, or a catalog");
    if (given("select.format") && select.manifest.empty())
      refuse("select.format", "select.format is of a manifest", "leave it out");
    const bool may_be_csv =
        select.format == listing::ManifestFormat::automatic || select.format == listing::ManifestFormat::csv;
    if (given("select.fields") && (select.manifest.empty() || !may_be_csv))
      refuse("select.fields", "select.fields are of a manifest in CSV", "leave them out");
    for (const std::string_view key : {"select.query", "select.key", "select.cursor"}) {
      if (select.from_catalog() && !given(key)) refuse("select", fmt::format("{} is missing", key));
      if (!select.from_catalog() && given(key)) refuse(key, fmt::format("{} is of a catalog", key));
    }
    if (given("select.page") && !select.from_catalog()) refuse("select.page", "select.page is of a catalog");
    const bool copies = spec_.operation == Operation::copy || spec_.operation == Operation::move;
    const bool compared = spec_.operation == Operation::sync || spec_.operation == Operation::check;
    using enum listing::ManifestFormat;
    const bool tells_facts =
        !select.manifest.empty() &&
        (select.format == automatic || select.format == inventory || select.format == json_lines);
    for (const std::string_view key :
         {"filters.min-size", "filters.max-size", "filters.older-than", "filters.newer-than"})
      if (!select.listing() && !copies && !compared && !tells_facts && given(key))
        refuse(key, fmt::format("{} cannot judge what a list names by its key alone", key),
               "choose when the list is made");
    if (!select.listing() && spec_.sources.size() > 1)
      refuse("source", "a list of keys is below one source", "give their common prefix");
  }

  void check_catalogs() {
    if (spec_.select.from_catalog()) check_known("select.catalog", spec_.select.catalog);
    if (spec_.catalog) {
      if (!spec_.catalog->catalog.empty())
        check_known("catalog.name", spec_.catalog->catalog);
      else if (!spec_.select.from_catalog() && spec_.catalogs.size() != 1)
        refuse("catalog",
               spec_.catalogs.empty() ? "no catalogs are given" : "which of the catalogs is meant?",
               spec_.catalogs.empty() ? "write catalogs: {NAME: {url: ...}}" : "give its name");
    }
    for (const auto& [name, catalog] : spec_.catalogs) {
      const std::string path = "catalogs." + name;
      exclude_each_other(path + ".password-file", path + ".password-env");
      exclude_each_other(path + ".password-file", path + ".password-command");
      exclude_each_other(path + ".password-env", path + ".password-command");
      const SecretSpec& secret = catalog.password;
      if (catalog.url.starts_with("sqlite:") &&
          !(secret.file.empty() && secret.variable.empty() && secret.command.empty()))
        refuse(path, "an SQLite database has no password", "leave it out");
    }
  }
  void check_known(std::string_view path, const std::string& name) {
    if (!spec_.catalogs.contains(name))
      refuse(path, fmt::format("there is no catalog '{}'", visible(name)), "describe it under catalogs");
  }

  void check_options() {
    const OptionSpec& options = spec_.options;
    exclude_each_other("mapping.flatten", "mapping.template");
    exclude_each_other("options.sse", "options.sse-c-key-file");
    if (!options.sse_kms_key_id.empty() && !options.sse.starts_with("aws:kms"))
      refuse("options.sse-kms-key-id", "options.sse-kms-key-id needs sse: aws:kms");
    if (options.remove && options.remove->enabled && !spec_.select.listing())
      refuse("options.delete", "options.delete goes by whole trees, and a list of keys is none",
             "choose by filters, or leave it out");
    if (options.remove && !options.remove->enabled && options.remove->allow_empty_source)
      refuse("options.delete.allow-empty-source", "has no meaning while delete is not enabled");
    if (spec_.keep_source && spec_.report.scope == ReportScope::failed)
      refuse("report.scope", "the sources that keep-source keeps are found by a report of all outcomes",
             "use scope: all");
    const bool looks =
        options.overwrite == Overwrite::if_different || options.overwrite == Overwrite::if_newer;
    if (spec_.operation == Operation::move && looks)
      refuse("options.overwrite", "a move does not compare", "sync first, then delete; or overwrite: never");
    if (spec_.operation == Operation::copy && looks && (spec_.sources.size() > 1 || !spec_.select.listing()))
      refuse("options.overwrite", "comparing takes whole trees", "give one source and no list");
    if (spec_.operation == Operation::copy && looks && given("mapping"))
      refuse("mapping", "comparing takes keys as they are", "leave mapping out, or overwrite: always");
    if (options.compare == CompareBy::bytes && spec_.operation != Operation::check)
      refuse("options.compare", "bytes is for verify alone", "use contents");
    const FilterSpec& filters = spec_.filters;
    if (filters.min_size && filters.max_size && *filters.min_size > *filters.max_size)
      refuse("filters.min-size", "filters.min-size is larger than max-size", "no object can be both");
    if (filters.older_than && filters.newer_than && *filters.older_than < *filters.newer_than)
      refuse("filters.older-than", "no object can be older than older-than and newer than newer-than");
    for (const auto& [path, side] : {std::pair{"source-options.external-id", &spec_.source_side},
                                     std::pair{"destination-options.external-id", &spec_.destination_side}})
      if (!side->external_id.empty() && side->role_arn.empty())
        refuse(path, "an external id belongs to a role", "give its role-arn beside it");
  }

  const JobSpec& spec_;
  const SpecNode& document_;
  SpecProblems& problems_;
};

}  // namespace

std::span<const KeyUse> key_uses() {
  using enum Operation;
  static const std::vector<Operation> kWriting{copy, move, sync};
  static const std::vector<KeyUse> kUses{
      {"destination", {copy, move, sync, check}},
      {"destination-options", {copy, move, sync, check}},
      {"mapping", {copy, move}},
      {"tags", {tag}},
      {"catalog", {copy, move}},
      {"keep-source", {move}},
      {"approve", {copy, move, sync, remove, tag}},
      {"select.catalog", {copy, move, remove, tag}},
      {"options.verify", kWriting},
      {"options.overwrite", kWriting},
      {"options.compare", {copy, sync, check}},
      {"options.modify-window", {copy, sync, check}},
      {"options.preserve", kWriting},
      {"options.bandwidth", {copy, move, sync, check}},
      {"options.part-size", kWriting},
      {"options.delete", {sync}},
      {"options.links", {copy, move, sync, check}},
      {"options.empty-directories", {copy, move, sync}},
      {"options.server-side", kWriting},
      {"options.one-way", {check}},
      {"options.all-versions", {remove}},
      {"options.storage-class", kWriting},
      {"options.acl", kWriting},
      {"options.sse", kWriting},
      {"options.sse-kms-key-id", kWriting},
      {"options.sse-c-key-file", {copy, move, sync, check}},
  };
  return kUses;
}

std::span<const Operation> spec_operations() noexcept {
  return kSpecOperations;
}

bool needs_destination(Operation operation) noexcept {
  return operation != Operation::remove && operation != Operation::tag;
}

bool allows(const KeyUse& use, Operation operation) noexcept {
  return std::ranges::find(use.operations, operation) != use.operations.end();
}

void check_rules(const JobSpec& spec, const SpecNode& document, SpecProblems& problems) {
  Rules(spec, document, problems).check();
}

}  // namespace haul::job
