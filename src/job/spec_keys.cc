#include "job/spec_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/nearest_word.h"
#include "base/utf8.h"
#include "job/spec_key_builder.h"
#include "job/spec_sections.h"

namespace haul::job {
namespace {

Operation take_operation(const SpecNode& node) {
  const std::string word = take_text(node);
  if (word == "process" || word == "asset-sync")
    refuse_value(fmt::format("'{}' is not in this version of haul", word),
                 "it knows copy, move, sync, delete, tag, verify");
  static const Words<Operation> kWords{{"copy", Operation::copy}, {"move", Operation::move},
                                       {"sync", Operation::sync}, {"delete", Operation::remove},
                                       {"tag", Operation::tag},   {"verify", Operation::check}};
  return take_word(node, kWords);
}

std::string take_name(const SpecNode& node) {
  std::string name = take_text(node);
  constexpr std::string_view kFirst = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const bool fine = name.size() <= 100 && kFirst.contains(name.front()) &&
                    std::ranges::all_of(
                        name, [&](char c) { return kFirst.contains(c) || c == '-' || c == '_' || c == '.'; });
  if (!fine)
    refuse_value(fmt::format("'{}' is no name", visible(name)),
                 "letters, digits, -, _ and ., the first a letter or digit, at most 100");
  return name;
}

store::Tags take_tags(SpecNode& node, SpecReading& reading) {
  if (node.type != NodeType::map)
    refuse_value("is no section of names and values", "write tags: {stage: archive}");
  store::Tags tags;
  for (auto& [key, value] : node.entries) {
    if (key.text.empty() || key.text.size() > 512)
      reading.problems.add(key, "a tag's name has 1 to 128 characters");
    if (value.type == NodeType::text && value.text.empty()) {
      tags.emplace_back(key.text, "");
      continue;
    }
    try {
      tags.emplace_back(key.text, take_text(value));
    } catch (const Error& error) {
      reading.problems.add(value, fmt::format("tags.{}: {}", visible(key.text), error.message()),
                           error.hint());
    }
  }
  if (node.entries.empty()) refuse_value("holds no tag");
  if (node.entries.size() > 10) refuse_value("has more than 10 tags", "S3 keeps 10 an object");
  return tags;
}

SpecSection document_keys() {
  Keys<JobSpec> keys;
  keys.value("name",
             Schema{{"type", "string"}, {"pattern", "^([A-Za-z0-9][A-Za-z0-9._-]{0,99}|.*\\$\\{.*)$"}},
             &JobSpec::name, take_name, "Name of the job: its runs are found by it.")
      .required()
      .text("description", &JobSpec::description, "For people.")
      .value("operation", words_schema({"copy", "move", "sync", "delete", "tag", "verify"}),
             &JobSpec::operation, take_operation, "What is done with each object.")
      .required()
      .add(
          "source", texts_schema(text_schema()),
          "Where the objects are: s3://bucket/prefix/, a directory, a pattern; or a list of such.",
          [](JobSpec& part, SpecNode& node, SpecReading& reading) {
            if (node.type != NodeType::list) {
              part.sources = {take_location(node, reading.context)};
              return;
            }
            if (node.items.empty()) refuse_value("is an empty list");
            for (SpecNode& item : node.items)
              part.sources.push_back(take_location(item, reading.context));
          },
          /*required=*/true)
      .location("destination", &JobSpec::destination, "Where they go: s3://bucket/prefix/, or a directory.")
      .section("source-options", &JobSpec::source_side, side_keys(), "Identity and endpoint of the source.")
      .section("destination-options", &JobSpec::destination_side, side_keys(),
               "Identity and endpoint of the destination.")
      .section("select", &JobSpec::select, select_keys(),
               "Where the list of objects comes from: a listing of the source unless given.")
      .section("filters", &JobSpec::filters, filter_keys(), "Which objects take part.")
      .section("mapping", &JobSpec::mapping, mapping_keys(),
               "New keys; without it, the source's prefix becomes the destination's.")
      .add("tags",
           Schema{{"type", "object"},
                  {"minProperties", 1},
                  {"maxProperties", 10},
                  {"additionalProperties", {{"type", "string"}}}},
           "tag: what each object is tagged with, in place of its tags.",
           [](JobSpec& part, SpecNode& node, SpecReading& reading) { part.tags = take_tags(node, reading); })
      .section("catalog", &JobSpec::catalog, update_keys(), "Your database follows each object.")
      .section("options", &JobSpec::options, option_keys(), "How objects travel, and what stops the run.")
      .section("chunks", &JobSpec::chunks, chunk_keys(),
               "The unit of work that is leased, retried and recorded.")
      .section("report", &JobSpec::report, report_keys(), "The outcomes of a run, as files.")
      .duration("keep-source", &JobSpec::keep_source,
                "move: sources stay this long after all is done, and go with a later run.")
      .choice("approve", &JobSpec::approval, Words<bool>{{"required", true}, {"never", false}},
              "Whether a run waits for `haul approve` once all is listed.")
      .count("priority", &JobSpec::priority, 1, 100,
             "Share of the objects in flight among jobs run together (10).")
      .named_sections("catalogs", &JobSpec::catalogs, catalog_keys(), "Databases by name.");
  return keys;
}

void append_paths(const SpecSection& section, const std::string& above, std::vector<std::string>& out) {
  for (const SpecKey& key : section.keys) {
    out.push_back(above + key.name);
    if (key.section) append_paths(*key.section, above + key.name + (key.named_sections ? ".*." : "."), out);
  }
}

void unknown_key(const SpecSection& section, const SpecNode& key, SpecReading& reading) {
  if (key.text == "password" || key.text == "secret" || key.text == "secret-access-key" ||
      key.text == "access-key-id") {
    reading.problems.add(key, fmt::format("'{}': a secret has no place in a job file", key.text),
                         key.text == "password" ? "name a password-file, password-env or password-command"
                                                : "use profile, role-arn, or the environment");
    return;
  }
  std::vector<std::string> known;
  known.reserve(section.keys.size());
  for (const SpecKey& each : section.keys)
    known.push_back(each.name);
  const std::string near = nearest_word(key.text, known);
  std::string elsewhere;
  for (const std::string& path : job_key_paths())
    if (near.empty() && elsewhere.empty() && path.ends_with("." + key.text)) elsewhere = path;
  reading.problems.add(key, fmt::format("unknown key '{}'", visible(key.text)),
                       !near.empty()        ? fmt::format("did you mean '{}'?", near)
                       : !elsewhere.empty() ? fmt::format("it belongs at {}", elsewhere)
                                            : "docs/job-file.md lists the keys");
}

}  // namespace

const SpecKey* SpecSection::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(keys, name, &SpecKey::name);
  return found == keys.end() ? nullptr : &*found;
}

const SpecSection& job_keys() {
  static const SpecSection keys = document_keys();
  return keys;
}

void read_section(const SpecSection& section, void* part, SpecNode& node, std::string_view name,
                  SpecReading& reading) {
  if (node.type != NodeType::map) {
    reading.problems.add(node,
                         fmt::format("{} is {}; a section is expected",
                                     name.empty() ? "the document" : std::string(name), to_string(node.type)),
                         node.type == NodeType::null ? "give it keys, or leave it out" : "");
    return;
  }
  for (auto& [key, value] : node.entries) {
    const SpecKey* known = section.find(key.text);
    if (known == nullptr) {
      unknown_key(section, key, reading);
      continue;
    }
    try {
      known->take(part, value, reading);
    } catch (const Error& error) {
      reading.problems.add(value, fmt::format("{}: {}", key.text, error.message()), error.hint());
    }
  }
  for (const SpecKey& key : section.keys) {
    const bool given =
        std::ranges::any_of(node.entries, [&](const auto& entry) { return entry.key.text == key.name; });
    if (key.required && !given)
      reading.problems.add(
          node, fmt::format("{}'{}' is missing", name.empty() ? "" : std::string(name) + ": ", key.name));
  }
}

std::vector<std::string> job_key_paths() {
  std::vector<std::string> paths;
  append_paths(job_keys(), "", paths);
  return paths;
}

}  // namespace haul::job
