#include <fmt/format.h>

#include <algorithm>

#include "job/spec_key_builder.h"
#include "job/spec_sections.h"

namespace haul::job {
namespace {

transfer::Preserve take_preserve(const SpecNode& node) {
  using transfer::Preserve;
  static const Words<bool Preserve::*> kWords{
      {"mtime", &Preserve::mtime}, {"mode", &Preserve::mode},
      {"owner", &Preserve::owner}, {"metadata", &Preserve::metadata},
      {"tags", &Preserve::tags},   {"storage-class", &Preserve::storage_class}};
  Preserve none{.mtime = false, .mode = false, .owner = false, .metadata = false, .tags = false};
  const std::vector<std::string> words = take_texts(node);
  if (words.size() == 1 && words[0] == "all") return {.storage_class = true};
  if (words.size() == 1 && words[0] == "none") return none;
  for (const std::string& word : words) {
    const auto found = std::ranges::find(kWords, word, [](const auto& each) { return each.first; });
    if (found == kWords.end()) refuse_word(word, names_of(kWords));
    none.*found->second = true;
  }
  return none;
}

FailureLimit take_failure_limit(const SpecNode& node) {
  if (node.type == NodeType::integer) return {take_count(node, 0, UINT64_MAX / 2), std::nullopt};
  if (node.type == NodeType::text && node.text.ends_with('%')) return {std::nullopt, take_share(node)};
  refuse_value(fmt::format("is {}; a count of objects or a share is expected", to_string(node.type)),
               "write 100 or 1%");
}

SpecSection delete_keys() {
  return Keys<DeleteSpec>()
      .flag("enabled", &DeleteSpec::enabled, "Remove what the source does not have (true).")
      .value("max-share", share_schema(), &DeleteSpec::max_share, take_share,
             "Refuse to remove more than this share of the destination (25%).")
      .flag("allow-empty-source", &DeleteSpec::allow_empty_source,
            "Let an empty source empty the destination.");
}

}  // namespace

SpecSection option_keys() {
  return Keys<OptionSpec>()
      .choice("verify", &OptionSpec::verify,
              Words<transfer::Verify>{{"copied", transfer::Verify::copied},
                                      {"all", transfer::Verify::all},
                                      {"none", transfer::Verify::none}},
              "Each copy as it is made (copied), read back as well (all), or not.")
      .choice("overwrite", &OptionSpec::overwrite,
              Words<Overwrite>{{"if-different", Overwrite::if_different},
                               {"always", Overwrite::always},
                               {"never", Overwrite::never},
                               {"if-newer", Overwrite::if_newer}},
              "Which existing objects are written over (sync: if-different, else always).")
      .choice("compare", &OptionSpec::compare,
              Words<CompareBy>{{"size-and-time", CompareBy::size_and_time},
                               {"size-only", CompareBy::size_only},
                               {"contents", CompareBy::contents},
                               {"bytes", CompareBy::bytes}},
              "What tells a change, for sync and verify; bytes reads both sides, for verify alone.")
      .duration("modify-window", &OptionSpec::modify_window, "Times that differ by less are the same.")
      .value("preserve",
             texts_schema(words_schema(
                 {"mtime", "mode", "owner", "metadata", "tags", "storage-class", "all", "none"})),
             &OptionSpec::preserve, take_preserve, "What is kept beside the bytes; all or none alone.")
      .value("bandwidth", rate_schema(), &OptionSpec::bandwidth, take_rate,
             "Bytes a second at most: 200MB/s.")
      .value("max-failures", count_or_share_schema(), &OptionSpec::max_failures, take_failure_limit,
             "Stop after so many failed objects, or after a share of them (1%) once 1000 are done.")
      .section("delete", &OptionSpec::remove, delete_keys(),
               "sync: what the source does not have is removed.")
      .choice("links", &OptionSpec::links,
              Words<LinkMode>{
                  {"skip", LinkMode::skip}, {"follow", LinkMode::follow}, {"preserve", LinkMode::preserve}},
              "Symbolic links (skip).")
      .flag("empty-directories", &OptionSpec::empty_directories, "Keep empty directories, as dir/ objects.")
      .flag("server-side", &OptionSpec::server_side, "Let the service copy by itself where it can (true).")
      .flag("one-way", &OptionSpec::one_way, "verify: what only the destination has is no difference.")
      .flag("all-versions", &OptionSpec::all_versions, "delete: every version and delete marker.")
      .value(
          "part-size", size_schema(), &OptionSpec::part_size,
          [](const SpecNode& node) {
            const std::uint64_t size = take_size(node);
            if (size < (5ULL << 20) || size > (5ULL << 30)) refuse_value("is not between 5MiB and 5GiB");
            return size;
          },
          "Of large objects; chosen from their size unless given.")
      .text("storage-class", &OptionSpec::storage_class, "Of what is written: STANDARD_IA, GLACIER_IR ...")
      .text("acl", &OptionSpec::acl, "Canned ACL of what is written.")
      .choice(
          "sse", &OptionSpec::sse,
          Words<std::string>{{"AES256", "AES256"}, {"aws:kms", "aws:kms"}, {"aws:kms:dsse", "aws:kms:dsse"}},
          "Encryption at rest by the service.")
      .text("sse-kms-key-id", &OptionSpec::sse_kms_key_id, "Key for sse aws:kms.")
      .path("sse-c-key-file", &OptionSpec::sse_c_key_file, "File with a key of 32 bytes to encrypt with.")
      .flag("request-payer", &OptionSpec::request_payer, "Agree to pay for requests to others' buckets.")
      .flag("scope-down", &OptionSpec::scope_down,
            "Limit the session of an assumed role to what the job needs (true).")
      .count("concurrency", &OptionSpec::concurrency, 1, 100'000,
             "Requests at once at most; found by trying unless given.")
      .value(
          "memory", size_schema(), &OptionSpec::memory,
          [](const SpecNode& node) {
            const std::uint64_t size = take_size(node);
            if (size < (32ULL << 20)) refuse_value("is too little", "32MiB is the least");
            return size;
          },
          "Memory for data and listings (256MiB).")
      .choice("log-level", &OptionSpec::log_level,
              Words<LogLevel>{{"debug", LogLevel::debug},
                              {"info", LogLevel::info},
                              {"warning", LogLevel::warning},
                              {"error", LogLevel::error},
                              {"off", LogLevel::off}},
              "What is logged (warning).");
}

}  // namespace haul::job
