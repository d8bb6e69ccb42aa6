#include "job/spec_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/glob.h"
#include "base/nearest_word.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "job/spec_values.h"
#include "listing/manifest_line.h"
#include "store/location.h"

namespace haul::job {
namespace {

template <class Value>
using Words = std::vector<std::pair<std::string, Value>>;

template <class Value>
std::vector<std::string> names_of(const Words<Value>& words) {
  std::vector<std::string> names;
  for (const auto& [name, value] : words)
    names.push_back(name);
  return names;
}

template <class Value>
Value take_word(const SpecNode& node, const Words<Value>& words) {
  const std::string word = take_text(node);
  for (const auto& [name, value] : words)
    if (name == word) return value;
  refuse_word(word, names_of(words));
}

[[noreturn]] void refuse(std::string message, std::string hint = {}) {
  throw Error(ErrorClass::invalid_argument, std::move(message)).with_hint(std::move(hint));
}

// A path as it is meant wherever the job is gone on with: absolute.
std::string absolute_path(SpecNode& node, const std::string& path, const SpecContext& context) {
  if (path == "-") refuse("standard input and output have no place in a job", "name a file");
  if (context.directory.empty() || path.starts_with('/')) return path;
  std::filesystem::path whole = (std::filesystem::path(context.directory) / path).lexically_normal();
  node.text = whole.string();
  node.type = NodeType::text;
  if (path.ends_with('/') && !node.text.ends_with('/')) node.text += '/';
  return node.text;
}

// Location or path: what parse_location takes, absolute.
std::string take_location(SpecNode& node, const SpecContext& context) {
  const std::string text = take_text(node);
  const store::Location location = store::parse_location(text);
  return location.scheme == store::Scheme::s3 ? text : absolute_path(node, text, context);
}

Time take_age(SpecNode& node, const SpecContext& context) {
  const std::string text = take_text(node);
  const Time time = parse_time_or_age(text, context.now);
  // A run that goes on tomorrow goes on with the same objects.
  node.text = format_iso8601(time, Fraction::nanoseconds);
  node.type = NodeType::text;
  return time;
}

std::vector<std::string> take_globs(const SpecNode& node) {
  std::vector<std::string> patterns = take_texts(node);
  for (const std::string& pattern : patterns)
    const Glob checked(pattern, GlobDialect::filter);
  return patterns;
}

std::vector<std::string> take_fields(const SpecNode& node) {
  std::vector<std::string> names = take_texts(node);
  listing::CsvLayout::of(names);  // throws
  return names;
}

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
  refuse(fmt::format("is {}; a count of objects or a share is expected", to_string(node.type)),
         "write 100 or 1%");
}

Operation take_operation(const SpecNode& node) {
  const std::string word = take_text(node);
  if (word == "process" || word == "asset-sync")
    refuse(fmt::format("'{}' is not in this version of haul", word),
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
    refuse(fmt::format("'{}' is no name", visible(name)),
           "letters, digits, -, _ and ., the first a letter or digit, at most 100");
  return name;
}

store::Tags take_tags(SpecNode& node, SpecReading& reading) {
  if (node.type != NodeType::map) refuse("is no section of names and values", "write tags: {stage: archive}");
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
  if (node.entries.empty()) refuse("holds no tag");
  if (node.entries.size() > 10) refuse("has more than 10 tags", "S3 keeps 10 an object");
  return tags;
}

std::string take_database_url(SpecNode& node, const SpecContext& context) {
  std::string url = take_text(node);
  const std::size_t begin = url.find("://");
  if (begin != std::string::npos) {
    // As far as the last @, since whoever writes a password here may not have escaped it. The value is not
    // repeated: it is the secret.
    const std::string_view rest = std::string_view(url).substr(begin + 3);
    const std::size_t at = rest.rfind('@');
    if ((at != std::string_view::npos && rest.substr(0, at).contains(':')) || url.contains("password="))
      refuse("a password in a URL",
             "take it out, and name a password-file, password-env or password-command");
  }
  const bool known = url.starts_with("mariadb://") || url.starts_with("mysql://") ||
                     url.starts_with("postgresql://") || url.starts_with("postgres://") ||
                     url.starts_with("sqlite:");
  if (!known)
    refuse("names no kind of database",
           "mariadb://, mysql://, postgresql:// or sqlite:, as in mariadb://app@host/db");
  constexpr std::string_view kSqlite = "sqlite:";
  if (!url.starts_with(kSqlite)) return url;
  node.text = std::string(kSqlite) + absolute_path(node, url.substr(kSqlite.size()), context);
  return node.text;
}

// Adds keys of one part, each bound to a member.
template <class Part>
class Keys {
 public:
  template <class Take>
  Keys& add(std::string name, Schema schema, std::string text, Take take, bool required = false) {
    SpecKey& key = section_.keys.emplace_back();
    key.name = std::move(name);
    key.text = std::move(text);
    key.schema = std::move(schema);
    key.required = required;
    key.take = [take](void* part, SpecNode& node, SpecReading& reading) {
      take(*static_cast<Part*>(part), node, reading);
    };
    return *this;
  }
  // Values that need nothing but their node.
  template <class Member, class Take>
  Keys& value(std::string name, Schema schema, Member Part::* member, Take take, std::string text) {
    return add(std::move(name), std::move(schema), std::move(text),
               [member, take](Part& part, SpecNode& node, SpecReading&) { part.*member = take(node); });
  }
  Keys& text(std::string name, std::string Part::* member, std::string text) {
    return value(std::move(name), text_schema(), member, take_text, std::move(text));
  }
  Keys& flag(std::string name, bool Part::* member, std::string text) {
    return value(std::move(name), boolean_schema(), member, take_boolean, std::move(text));
  }
  template <class Member>
  Keys& count(std::string name, Member Part::* member, std::uint64_t least, std::uint64_t most,
              std::string text) {
    return value(
        std::move(name), count_schema(least, most), member,
        [least, most](const SpecNode& node) {
          return static_cast<std::uint32_t>(take_count(node, least, most));
        },
        std::move(text));
  }
  template <class Member>
  Keys& size(std::string name, Member Part::* member, std::string text) {
    return value(std::move(name), size_schema(), member, take_size, std::move(text));
  }
  template <class Member>
  Keys& duration(std::string name, Member Part::* member, std::string text) {
    return value(std::move(name), duration_schema(), member, take_duration, std::move(text));
  }
  Keys& age(std::string name, std::optional<Time> Part::* member, std::string text) {
    return add(std::move(name), text_schema(), std::move(text),
               [member](Part& part, SpecNode& node, SpecReading& reading) {
                 part.*member = take_age(node, reading.context);
               });
  }
  Keys& path(std::string name, std::string Part::* member, std::string text) {
    return add(std::move(name), text_schema(), std::move(text),
               [member](Part& part, SpecNode& node, SpecReading& reading) {
                 part.*member = absolute_path(node, take_text(node), reading.context);
               });
  }
  Keys& location(std::string name, std::string Part::* member, std::string text) {
    return add(std::move(name), text_schema(), std::move(text),
               [member](Part& part, SpecNode& node, SpecReading& reading) {
                 part.*member = take_location(node, reading.context);
               });
  }
  Keys& globs(std::string name, std::vector<std::string> Part::* member, std::string text) {
    return value(std::move(name), texts_schema(text_schema()), member, take_globs, std::move(text));
  }
  Keys& fields(std::string name, std::vector<std::string> Part::* member, std::string text) {
    return value(std::move(name), texts_schema(text_schema()), member, take_fields, std::move(text));
  }
  template <class Member, class Value>
  Keys& choice(std::string name, Member Part::* member, Words<Value> words, std::string text) {
    return value(
        std::move(name), words_schema(names_of(words)), member,
        [words](const SpecNode& node) { return take_word(node, words); }, std::move(text));
  }
  template <class Inner>
  Keys& section(std::string name, Inner Part::* member, SpecSection inner, std::string text) {
    auto shared = std::make_shared<const SpecSection>(std::move(inner));
    add(name, {}, std::move(text), [member, name, shared](Part& part, SpecNode& node, SpecReading& reading) {
      read_section(*shared, &emplaced(part.*member), node, name, reading);
    });
    section_.keys.back().section = shared;
    return *this;
  }
  template <class Inner>
  Keys& named_sections(std::string name, std::map<std::string, Inner> Part::* member, SpecSection inner,
                       std::string text) {
    auto shared = std::make_shared<const SpecSection>(std::move(inner));
    add(name, {}, std::move(text), [member, name, shared](Part& part, SpecNode& node, SpecReading& reading) {
      if (node.type != NodeType::map) refuse("is no section of names", "write " + name + ": {NAME: {...}}");
      for (auto& [key, value] : node.entries)
        read_section(*shared, &(part.*member)[key.text], value, name + "." + key.text, reading);
    });
    section_.keys.back().section = shared;
    section_.keys.back().named_sections = true;
    return *this;
  }
  Keys& required() {
    section_.keys.back().required = true;
    return *this;
  }

  operator SpecSection() { return std::move(section_); }  // NOLINT(google-explicit-constructor)

 private:
  template <class Inner>
  static Inner& emplaced(Inner& inner) {
    return inner;
  }
  template <class Inner>
  static Inner& emplaced(std::optional<Inner>& inner) {
    return inner.emplace();
  }
  SpecSection section_;
};

SpecSection side_keys() {
  return Keys<SideSpec>()
      .text("profile", &SideSpec::profile, "Profile of the AWS configuration files.")
      .text("region", &SideSpec::region, "Region of the service.")
      .text("endpoint-url", &SideSpec::endpoint_url, "An S3 service other than Amazon's.")
      .text("role-arn", &SideSpec::role_arn, "Role to assume on this side.")
      .text("external-id", &SideSpec::external_id, "External id that the role asks for.")
      .flag("no-sign-request", &SideSpec::no_sign_request, "No credentials: public buckets.");
}

SpecSection select_keys() {
  using listing::ManifestFormat;
  return Keys<SelectSpec>()
      .location(
          "manifest", &SelectSpec::manifest,
          "A list of objects, a file or an object: CSV as S3 Batch Operations takes it, an S3 Inventory "
          "manifest.json, or JSON lines; compressed by gzip or not.")
      .choice("format", &SelectSpec::format,
              Words<ManifestFormat>{{"auto", ManifestFormat::automatic},
                                    {"csv", ManifestFormat::csv},
                                    {"inventory", ManifestFormat::inventory},
                                    {"jsonl", ManifestFormat::json_lines},
                                    {"keys", ManifestFormat::keys},
                                    {"datasync", ManifestFormat::datasync}},
              "Of the manifest; by its content unless given. keys and datasync are relative to the source.")
      .fields(
          "fields", &SelectSpec::fields,
          "Columns of a CSV manifest by the names of S3 Inventory (Bucket, Key, VersionId, Size ...); other "
          "names are passed over. With VersionId, each row has to have one.")
      .path("keys", &SelectSpec::keys, "A file with one key a line, below the source.")
      .text("catalog", &SelectSpec::catalog, "The catalogue whose rows name the objects.")
      .text("query", &SelectSpec::query, "A SELECT whose rows name the objects.")
      .text("key", &SelectSpec::key, "The column of the query that holds the complete key.")
      .text("cursor", &SelectSpec::cursor,
            "A unique column of the query, by whose order it is read in pages.")
      .count("page", &SelectSpec::page, 1, 100'000, "Rows read at once (1000).");
}

SpecSection filter_keys() {
  return Keys<FilterSpec>()
      .globs("exclude", &FilterSpec::exclude, "Patterns of keys to leave; tried before include.")
      .globs("include", &FilterSpec::include,
             "Patterns of keys to take; with any, what matches none is left.")
      .flag("ignore-case", &FilterSpec::ignore_case, "Whether A and a are the same in patterns.")
      .size("min-size", &FilterSpec::min_size, "Objects of at least this size.")
      .size("max-size", &FilterSpec::max_size, "Objects of at most this size.")
      .age("older-than", &FilterSpec::older_than, "Changed before: an age (7d) or a moment (2026-01-31).")
      .age("newer-than", &FilterSpec::newer_than, "Changed after: an age or a moment.");
}

SpecSection mapping_keys() {
  return Keys<MappingSpec>()
      .flag("flatten", &MappingSpec::flatten, "Only the last component of a key is kept.")
      .text("template", &MappingSpec::name_template,
            "New keys from {key} {dir} {name} {stem} {ext} {year} {month} {day}.");
}

SpecSection update_keys() {
  return Keys<CatalogUpdateSpec>()
      .text("name", &CatalogUpdateSpec::catalog,
            "Which of the catalogs; the one that is selected from, or the only one, unless given.")
      .text("update", &CatalogUpdateSpec::update,
            "An UPDATE with named parameters, carried out once the copy is verified and before the source "
            "goes: "
            ":source_key, :destination_key, :size, :etag, :checksum, :run, and any column of the query.")
      .required()
      .count("batch", &CatalogUpdateSpec::batch, 1, 100'000, "Rows updated at once (1000).")
      .choice("unmatched", &CatalogUpdateSpec::unmatched_fails,
              Words<bool>{{"fail", true}, {"ignore", false}},
              "Whether an object without a row has failed (fail), or goes its way (ignore).");
}

SpecSection catalog_keys() {
  Keys<CatalogSpec> keys;
  keys.add("url", text_schema(),
           "mariadb://user@host:port/database, mysql:// alike, postgresql://..., sqlite:PATH. Never with a "
           "password.",
           [](CatalogSpec& part, SpecNode& node, SpecReading& reading) {
             part.url = take_database_url(node, reading.context);
           })
      .required();
  const auto secret = [&](std::string name, std::string SecretSpec::* member, bool is_path,
                          std::string text) {
    keys.add(std::move(name), text_schema(), std::move(text),
             [member, is_path](CatalogSpec& part, SpecNode& node, SpecReading& reading) {
               // It would be kept with the run. The program sees the environment by itself.
               if (!is_path && node.variable)
                 refuse("a variable has no place here", "name the variable in password-env");
               part.password.*member =
                   is_path ? absolute_path(node, take_text(node), reading.context) : take_text(node);
             });
  };
  secret("password-file", &SecretSpec::file, true, "File whose first line is the password.");
  secret("password-env", &SecretSpec::variable, false,
         "Name of the environment variable that holds the password.");
  secret("password-command", &SecretSpec::command, false,
         "Program whose first line of output is the password; run without a shell.");
  return keys
      .choice("tls", &CatalogSpec::tls,
              Words<catalog::TlsMode>{{"preferred", catalog::TlsMode::preferred},
                                      {"off", catalog::TlsMode::off},
                                      {"required", catalog::TlsMode::required}},
              "Where the server offers it (preferred), never (off), or always and verified (required).")
      .path("ca-file", &CatalogSpec::ca_file, "Certificate authorities to trust, PEM.")
      .count("connections", &CatalogSpec::connections, 1, 64, "Connections at most (2).")
      .value(
          "rows-per-second", number_schema(0), &CatalogSpec::rows_per_second,
          [](const SpecNode& node) { return take_number(node, 0); },
          "Rows selected and updated a second at most; 0 is without a bound.")
      .duration("statement-timeout", &CatalogSpec::statement_timeout, "For one statement (60s).")
      .duration("connect-timeout", &CatalogSpec::connect_timeout, "For a connection to be made (10s).")
      .duration("patience", &CatalogSpec::patience, "How long a server that is away is waited for (2m).");
}

SpecSection delete_keys() {
  return Keys<DeleteSpec>()
      .flag("enabled", &DeleteSpec::enabled, "Remove what the source does not have (true).")
      .value("max-share", share_schema(), &DeleteSpec::max_share, take_share,
             "Refuse to remove more than this share of the destination (25%).")
      .flag("allow-empty-source", &DeleteSpec::allow_empty_source,
            "Let an empty source empty the destination.");
}

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
            if (size < (5ULL << 20) || size > (5ULL << 30)) refuse("is not between 5MiB and 5GiB");
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
            if (size < (32ULL << 20)) refuse("is too little", "32MiB is the least");
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

SpecSection chunk_keys() {
  return Keys<ChunkSpec>()
      .count("objects", &ChunkSpec::objects, 1, 1'000'000, "Objects at most (5000).")
      .value(
          "bytes", size_schema(), &ChunkSpec::bytes,
          [](const SpecNode& node) {
            const std::uint64_t size = take_size(node);
            if (size == 0) refuse("is nothing");
            return size;
          },
          "Bytes at most, unless one object is larger (4GiB).")
      .count("attempts", &ChunkSpec::attempts, 1, 100,
             "How often an object is tried that fails for a passing reason (5).");
}

SpecSection report_keys() {
  return Keys<ReportSpec>()
      .location("location", &ReportSpec::location, "Where the report of each run goes, below RUN/.")
      .choice("scope", &ReportSpec::scope,
              Words<ReportScope>{{"all", ReportScope::all}, {"failed", ReportScope::failed}},
              "All outcomes, or the failed ones.")
      .add("formats", texts_schema(words_schema({"csv", "jsonl"})), "csv, jsonl, or both (both).",
           [](ReportSpec& part, SpecNode& node, SpecReading&) {
             part.csv = part.json_lines = false;
             for (const std::string& word : take_texts(node)) {
               if (word != "csv" && word != "jsonl") refuse_word(word, {"csv", "jsonl"});
               (word == "csv" ? part.csv : part.json_lines) = true;
             }
           });
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
            if (node.items.empty()) refuse("is an empty list");
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
      .count("priority", &JobSpec::priority, 1, 100, "Share of the work among jobs run together (10).")
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
