#include "app/option_groups.h"

#include <charconv>

#include "base/error.h"
#include "base/time_format.h"

namespace haul::app {
namespace {

std::chrono::milliseconds parse_timeout(const std::string& text) {
  const Duration duration = parse_duration(text);
  if (duration < std::chrono::milliseconds(1))
    throw Error(ErrorClass::invalid_argument, "must be longer than a millisecond");
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

void add_side(OptionAdder& add, const std::string& prefix, const std::string& which, SideSettings& side) {
  add.text("--" + prefix + "profile", "NAME", side.profile, "profile of the AWS files" + which);
  add.text("--" + prefix + "region", "NAME", side.region, "region" + which);
  add.text("--" + prefix + "endpoint-url", "URL", side.endpoint_url,
           "S3 service other than Amazon's" + which);
  add.flag("--" + prefix + "no-sign-request", side.no_sign_request,
           "no credentials, for public buckets" + which);
  add.text("--" + prefix + "role-arn", "ARN", side.role_arn, "assume this role" + which);
  add.text("--" + prefix + "external-id", "ID", side.external_id, "external id the role asks for" + which);
}

}  // namespace

void OptionAdder::refuse(const std::string& reason) {
  throw Error(ErrorClass::invalid_argument, reason);
}

void OptionAdder::act(const std::string& names, const std::string& text, std::function<void()> action) {
  app_.add_flag_callback(names, std::move(action), text)->group(group_)->trigger_on_parse();
}

void OptionAdder::flag(const std::string& names, bool& target, const std::string& text, bool value) {
  act(names, text, [&target, value] { target = value; });
}

void OptionAdder::value(const std::string& names, const std::string& placeholder, const std::string& text,
                        std::function<void(const std::string&)> take) {
  app_.add_option_function<std::string>(
          names,
          [take = std::move(take), names](const std::string& given) {
            try {
              take(given);
            } catch (const Error& error) {
              throw CLI::ValidationError(names.substr(names.find("--")),
                                         "'" + given + "': " + error.message() +
                                             (error.hint().empty() ? "" : " (" + error.hint() + ")"));
            }
          },
          text)
      ->type_name(placeholder)
      ->group(group_)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->trigger_on_parse();
}

void OptionAdder::text(const std::string& names, const std::string& placeholder, std::string& target,
                       const std::string& text) {
  value(names, placeholder, text, [&target](const std::string& given) {
    if (given.empty()) refuse("is empty");
    target = given;
  });
}

double parse_share(const std::string& text) {
  const bool percent = text.ends_with('%');
  double share = 0;
  const char* end = text.data() + text.size() - (percent ? 1 : 0);
  const auto [stop, error] = std::from_chars(text.data(), end, share);
  if (error != std::errc() || stop != end || share < 0)
    throw Error(ErrorClass::invalid_argument, "is no share").with_hint("write 25% or 0.25");
  if (percent) share /= 100;
  if (share > 1)
    throw Error(ErrorClass::invalid_argument, "is more than everything")
        .with_hint("write 25% or 0.25; 100% is all");
  return share;
}

std::uint64_t parse_count(const std::string& text) {
  std::uint64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || stop != end) throw Error(ErrorClass::invalid_argument, "is no whole number");
  return count;
}

transfer::Preserve parse_preserve(const std::string& text) {
  transfer::Preserve none{.mtime = false, .mode = false, .owner = false, .metadata = false, .tags = false};
  transfer::Preserve kept = none;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (word == "all")
      kept = {.storage_class = true};
    else if (word == "none")
      kept = none;
    else if (word == "mtime")
      kept.mtime = true;
    else if (word == "mode")
      kept.mode = true;
    else if (word == "owner")
      kept.owner = true;
    else if (word == "metadata")
      kept.metadata = true;
    else if (word == "tags")
      kept.tags = true;
    else if (word == "storage-class")
      kept.storage_class = true;
    else
      throw Error(ErrorClass::invalid_argument, "'" + word + "' cannot be preserved")
          .with_hint("known are mtime, mode, owner, metadata, tags, storage-class, all, none");
    begin = end + 1;
  }
  return kept;
}

void add_output_options(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Output");
  add.flag("--json", settings.json, "one JSON document on standard output");
  add.flag("-q,--quiet", settings.quiet, "only failures");
  add.flag("-v,--verbose", settings.verbose, "a line for every object");
  add.choice("--log-level", "what is logged (default warning)", settings.log_level,
             {{"debug", LogLevel::debug},
              {"info", LogLevel::info},
              {"warning", LogLevel::warning},
              {"error", LogLevel::error},
              {"off", LogLevel::off}});
  add.text("--log-file", "FILE", settings.log_file, "append the log to a file, not to standard error");
  add.choice("--log-format", "text, or one JSON object a line", settings.log_format,
             {{"text", LogFormat::text}, {"json", LogFormat::json}});
  add.value("--memory", "SIZE", "memory for data and listings (default 256MiB)",
            [&settings](const std::string& text) {
              settings.memory = parse_size(text);
              settings.memory_given = true;
              if (settings.memory < (32ULL << 20))
                throw Error(ErrorClass::invalid_argument, "is too little").with_hint("32MiB is the least");
            });
  OptionAdder hidden(app, "");
  hidden.value("--shards", "N", "event loops (default: one per core)", [&settings](const std::string& text) {
    const std::uint64_t count = parse_count(text);
    if (count == 0 || count > 256) throw Error(ErrorClass::invalid_argument, "is not between 1 and 256");
    settings.shards = static_cast<unsigned>(count);
  });
}

void add_service_options(CLI::App& app, Settings& settings) {
  OptionAdder identity(app, "Identity");
  add_side(identity, "", "", settings.both);
  identity.flag("--no-scope-down", settings.scope_down,
                "do not limit an assumed role to what the command needs", false);
  identity.flag("--request-payer", settings.request_payer, "agree to pay for requests to others' buckets");
  OptionAdder network(app, "Network");
  network.text("--ca-file", "FILE", settings.network.ca_file, "certificate authorities to trust (PEM)");
  network.flag("--insecure", settings.network.insecure, "do not verify certificates");
  network.value(
      "--connect-timeout", "DURATION", "for a connection to be made (default 10s)",
      [&settings](const std::string& text) { settings.network.connect_timeout = parse_timeout(text); });
  network.value("--timeout", "DURATION", "without a byte in either direction (default 60s)",
                [&settings](const std::string& text) { settings.network.timeout = parse_timeout(text); });
  network.value("--concurrency", "N",
                "at most so many requests at once to an endpoint (default: found by trying)",
                [&settings](const std::string& text) {
                  const std::uint64_t count = parse_count(text);
                  if (count == 0 || count > 100'000)
                    throw Error(ErrorClass::invalid_argument, "is not between 1 and 100000");
                  settings.concurrency = static_cast<unsigned>(count);
                });
}

void add_side_options(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Identity, one side");
  add_side(add, "src-", ", of the source", settings.source);
  add_side(add, "dst-", ", of the destination", settings.destination);
}

void add_filter_options(CLI::App& app, Settings& settings, const Env& env) {
  OptionAdder add(app, "Filters");
  listing::FilterOptions& filters = settings.filters;
  add.value("--include", "GLOB", "take these; the first of all --include and --exclude that matches decides",
            [&filters](const std::string& text) {
              const Glob checked(text, GlobDialect::filter);
              filters.patterns.push_back({true, text});
            });
  add.value("--exclude", "GLOB", "leave these", [&filters](const std::string& text) {
    const Glob checked(text, GlobDialect::filter);
    filters.patterns.push_back({false, text});
  });
  add.value("--older-than", "AGE|TIME", "changed before: 7d, 12h, 2025-01-31",
            [&filters, &env](const std::string& text) {
              filters.older_than = parse_time_or_age(text, env.wall_now());
            });
  add.value("--newer-than", "AGE|TIME", "changed after", [&filters, &env](const std::string& text) {
    filters.newer_than = parse_time_or_age(text, env.wall_now());
  });
  add.value("--min-size", "SIZE", "not smaller than: 1, 64KiB, 1G",
            [&filters](const std::string& text) { filters.min_size = parse_size(text); });
  add.value("--max-size", "SIZE", "not larger than",
            [&filters](const std::string& text) { filters.max_size = parse_size(text); });
}

void add_key_list_options(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Filters");
  add.text("--from-file", "FILE", settings.from_file,
           "only the keys in this file, one a line, - for standard input");
  add.text("--manifest", "FILE", settings.manifest,
           "only the keys of a manifest: CSV or JSON lines, .gz too, or an S3 Inventory's manifest.json; "
           "here or in a bucket");
}

void add_compare_options(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Comparison");
  add.act("--checksum", "compare contents: checksums where both sides have them",
          [&settings] { settings.compare_by = CompareBy::contents; });
  add.act("--size-only", "compare sizes alone", [&settings] { settings.compare_by = CompareBy::size_only; });
  add.value("--modify-window", "DURATION", "times that differ by less are the same (FAT: 2s)",
            [&settings](const std::string& text) { settings.modify_window = parse_duration(text); });
}

void add_transfer_options(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Transfer");
  add.choice("--overwrite", "which existing objects (sync: if-different, else always)", settings.overwrite,
             {{"if-different", Overwrite::if_different},
              {"always", Overwrite::always},
              {"never", Overwrite::never},
              {"if-newer", Overwrite::if_newer}});
  add.choice("--verify", "each copy as it is made (copied), read back as well (all), or not", settings.verify,
             {{"copied", transfer::Verify::copied},
              {"all", transfer::Verify::all},
              {"none", transfer::Verify::none}});
  add.value("--preserve", "LIST", "of mtime,mode,owner,metadata,tags,storage-class, all, none",
            [&settings](const std::string& text) {
              settings.preserve = parse_preserve(text);
              settings.preserve_given = true;
            });
  add.value("--bandwidth", "RATE", "at most so many bytes a second: 50MB/s",
            [&settings](const std::string& text) {
              settings.bandwidth = parse_rate(text);
              if (settings.bandwidth == 0) throw Error(ErrorClass::invalid_argument, "moves nothing");
            });
  add.value("--part-size", "SIZE", "of large objects (default: chosen from the size)",
            [&settings](const std::string& text) {
              settings.part_size = parse_size(text);
              if (settings.part_size < (5ULL << 20) || settings.part_size > (5ULL << 30))
                throw Error(ErrorClass::invalid_argument, "is not between 5MiB and 5GiB");
            });
  add.text("--storage-class", "CLASS", settings.object.storage_class, "STANDARD_IA, GLACIER_IR ...");
  add.text("--acl", "ACL", settings.object.acl, "canned ACL: bucket-owner-full-control ...");
  add.choice("--sse", "encryption at rest by the service", settings.object.sse,
             {{"AES256", std::string("AES256")},
              {"aws:kms", std::string("aws:kms")},
              {"aws:kms:dsse", std::string("aws:kms:dsse")}});
  add.text("--sse-kms-key-id", "ID", settings.object.sse_kms_key_id, "key for --sse aws:kms");
  add.text("--sse-c-key-file", "FILE", settings.object.sse_c_key_file, "encrypt with this key of 32 bytes");
  add.text("--content-type", "TYPE", settings.content_type, "of what is read from standard input");
  add.choice("--links", "symbolic links (default skip)", settings.links,
             {{"skip", LinkMode::skip}, {"follow", LinkMode::follow}, {"preserve", LinkMode::preserve}});
  add.flag("--empty-dirs", settings.empty_directories, "keep empty directories, as dir/ objects");
  add.flag("--flatten", settings.flatten, "only the last component of a key is kept");
  add.text("--template", "TEXT", settings.name_template,
           "new keys: {key} {dir} {name} {stem} {ext} {year} {month} {day}");
  add.flag("--no-server-side", settings.server_side, "never let the service copy by itself", false);
}

void add_delete_guards(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Deletion");
  add.flag("--delete", settings.delete_extra, "remove what the source does not have");
  add.value("--max-delete", "SHARE", "refuse to remove more than this share (default 25%)",
            [&settings](const std::string& text) { settings.max_delete_share = parse_share(text); });
  add.flag("--allow-empty-source", settings.allow_empty_source, "let --delete empty the destination");
}

void add_run_limits(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Run");
  add.flag("-n,--dry-run", settings.dry_run, "say what would be done, change nothing");
  add.value("--max-failures", "N", "stop after so many failed objects",
            [&settings](const std::string& text) { settings.max_failures = parse_count(text); });
}

job::RunStatus parse_status(const std::string& text) {
  std::string name = text;
  for (char& c : name)
    c = c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  if (const auto status = job::parse_run_status(name)) return *status;
  std::string known;
  for (auto status = job::RunStatus::initializing; status <= job::RunStatus::cancelled;
       status = static_cast<job::RunStatus>(static_cast<int>(status) + 1))
    known.append(known.empty() ? "" : ", ").append(to_string(status));
  throw Error(ErrorClass::invalid_argument, "is no status of a run").with_hint("known are " + known);
}

void add_state_options(CLI::App& app, Settings& settings) {
  OptionAdder(app, "State")
      .text("--state", "DIR", settings.state_directory,
            "where runs are kept (default $HAUL_STATE, else haul in $XDG_STATE_HOME, else "
            "~/.local/state/haul)");
}

void add_error_options(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Filters");
  ErrorSelection& selection = settings.error_selection;
  add.value(
      "--class", "CLASS", "only errors of this class: throttled, permission_denied ...",
      [&selection](const std::string& text) {
        selection.error_class = parse_error_class(text);
        if (selection.error_class) return;
        std::string known;
        for (auto each = ErrorClass::not_found; each <= ErrorClass::internal;
             each = static_cast<ErrorClass>(static_cast<int>(each) + 1))
          known.append(known.empty() ? "" : ", ").append(to_string(each));
        throw Error(ErrorClass::invalid_argument, "is no class of errors").with_hint("known are " + known);
      });
  add.text("--code", "CODE", selection.code, "only errors with this code of the service: AccessDenied ...");
  add.text("--prefix", "PREFIX", selection.prefix, "only objects whose keys begin so");
}

void add_limit_option(CLI::App& app, Settings& settings, const std::string& text) {
  OptionAdder(app, "Filters").value("--limit", "N", text, [&settings](const std::string& given) {
    settings.limit = parse_count(given);
    if (*settings.limit == 0) throw Error(ErrorClass::invalid_argument, "shows nothing");
  });
}

}  // namespace haul::app
