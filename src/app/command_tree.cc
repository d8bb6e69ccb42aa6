#include "app/command_tree.h"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "app/option_groups.h"
#include "app/texts.h"
#include "app/usage_error.h"
#include "base/time_format.h"

namespace haul::app {
namespace {

void add_recursive(CLI::App& app, Settings& settings, const std::string& text) {
  OptionAdder(app, "Objects").flag("-r,--recursive", settings.recursive, text);
}

void add_customer_key(CLI::App& app, Settings& settings) {
  OptionAdder(app, "Objects")
      .text("--sse-c-key-file", "FILE", settings.object.sse_c_key_file,
            "key of 32 bytes that the objects are encrypted with");
}

void add_presign_options(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Link");
  add.value("--expires", "DURATION", "from one second to seven days (default 1h)",
            [&settings](const std::string& text) {
              // As aws-cli has it, a number alone is seconds.
              const bool seconds = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
              const Duration duration = parse_duration(seconds ? text + "s" : text);
              settings.expires = std::chrono::duration_cast<std::chrono::seconds>(duration);
              if (settings.expires < std::chrono::seconds(1) || settings.expires > std::chrono::hours(7 * 24))
                throw Error(ErrorClass::invalid_argument, "is not between 1s and 7d");
            });
  add.choice("--method", "what the link allows (default GET)", settings.method,
             {{"GET", std::string("GET")},
              {"PUT", std::string("PUT")},
              {"HEAD", std::string("HEAD")},
              {"DELETE", std::string("DELETE")}});
}

void add_variables(CLI::App& app, Settings& settings) {
  OptionAdder(app, "Job")
      .value("--set", "NAME=VALUE", "value of ${NAME} in the job file; wins over the environment",
             [&settings](const std::string& text) {
               const std::size_t equals = text.find('=');
               if (equals == 0 || equals == std::string::npos)
                 throw Error(ErrorClass::invalid_argument, "is no NAME=VALUE");
               settings.variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
             });
}

void add_run_options(CLI::App& app, Command command, Settings& settings, const Env& env) {
  const bool whole_trees = command == Command::sync || command == Command::check || command == Command::plan;
  OptionAdder objects(app, "Objects");
  if (!whole_trees) add_recursive(app, settings, "everything below a directory or prefix");
  if (command == Command::cp)
    objects.text("--version-id", "ID", settings.version_id, "this version of one object");
  if (command == Command::rm)
    objects.flag("--all-versions", settings.all_versions, "every version and delete marker");
  if (whole_trees) objects.act("-r,--recursive", "always so; accepted for habit", [] {});
  add_filter_options(app, settings, env);
  add_key_list_options(app, settings);
  if (whole_trees) add_compare_options(app, settings);
  if (command == Command::check) {
    add_customer_key(app, settings);
    OptionAdder compare(app, "Comparison");
    compare.act("--bytes", "read both sides and compare byte by byte",
                [&settings] { settings.check = job::CheckMode::bytes; });
    compare.flag("--one-way", settings.one_way, "what only the destination has is no difference");
    compare.choice(
        "--links", "symbolic links (default skip)", settings.links,
        {{"skip", LinkMode::skip}, {"follow", LinkMode::follow}, {"preserve", LinkMode::preserve}});
  } else if (command != Command::rm) {
    add_transfer_options(app, settings);
  }
  if (command == Command::sync || command == Command::plan) add_delete_guards(app, settings);
  if (command == Command::plan) {
    add_variables(app, settings);
    OptionAdder(app, "Job")
        .text("-o,--output", "PLAN", settings.output,
              "write the plan down, for haul run --plan to carry out");
  }
  add_run_limits(app, settings);
  if (command != Command::rm) add_side_options(app, settings);
}

void add_doctor_options(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Remedies");
  add.flag("--abort-uploads", settings.abort_uploads, "abort the abandoned uploads that are found");
  add.value("--older-than", "AGE", "only uploads begun before (default 1d)",
            [&settings](const std::string& text) { settings.older_than = parse_duration(text); });
}

void add_help_options(CLI::App& app, Settings& settings) {
  OptionAdder(app, "Output").flag("--man", settings.help_manual, "the manual page, in roff");
}

void add_manifest_options(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Manifest");
  add.text("-o,--output", "FILE", settings.output, "where to: a path, s3://bucket/key, - (default)");
  add.choice("--format", "by the name's ending unless given", settings.manifest_format,
             {{"csv", ManifestFormat::csv}, {"json", ManifestFormat::json}});
}

void add_listing_options(CLI::App& app, Command command, Settings& settings) {
  OptionAdder add(app, "Listing");
  if (command == Command::ls)
    add.flag("--all-versions", settings.all_versions, "versions and delete markers too");
  add.flag("-H,--human,--human-readable", settings.human, "sizes as 1.50 KiB, 12.3 MiB");
  add.flag("--summarize", settings.summarize,
           command == Command::du ? "only the sum of each place" : "a last line with the sums");
  if (command == Command::du)
    add.value("-d,--depth", "N", "levels of prefixes to show (default 1)",
              [&settings](const std::string& text) {
                settings.depth = static_cast<unsigned>(std::min<std::uint64_t>(parse_count(text), 1000));
              });
}

void add_job_options(CLI::App& app, Settings& settings) {
  add_state_options(app, settings);
  add_variables(app, settings);
  OptionAdder add(app, "Job");
  add.flag("--check", settings.only_read, "read the job files, say what is wrong with them, and no more");
  add.flag("--resume", settings.go_on, "go on with the last unfinished run of the job, if there is one");
  add.text("--plan", "PLAN", settings.plan,
           "carry out exactly what haul plan -o has written, and no job file");
  add.flag("-n,--dry-run", settings.dry_run, "say what would be done, change nothing");
}

void add_runs_options(CLI::App& app, Settings& settings) {
  add_state_options(app, settings);
  OptionAdder add(app, "Filters");
  add.text("--job", "NAME", settings.run_filter.job, "only runs of this job");
  add.value("--status", "STATUS", "only runs in this status: PAUSED, FAILED ...",
            [&settings](const std::string& text) { settings.run_filter.status = parse_status(text); });
  add_limit_option(app, settings, "at most so many, the newest (default 50)");
}

void add_report_options(CLI::App& app, Settings& settings) {
  OptionAdder add(app, "Proof");
  add.value("--check", "N|all", "look so many of the objects up in the stores as well",
            [&settings](const std::string& text) {
              settings.report.objects = text == "all" ? UINT64_MAX : parse_count(text);
            });
  add.value("--seed", "N", "choose the same objects again (default: from the chain)",
            [&settings](const std::string& text) { settings.report.seed = parse_count(text); });
  add.value("--chain", "HEX", "the last value of the chain, as it was kept elsewhere",
            [&settings](const std::string& text) {
              if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string::npos)
                throw Error(ErrorClass::invalid_argument, "is no SHA-256 in lower case");
              settings.report.chain = text;
            });
  add_side_options(app, settings);
}

void add_options(CLI::App& app, Command command, Settings& settings, const Env& env) {
  switch (command) {
    case Command::cp:
    case Command::mv:
    case Command::rm:
    case Command::sync:
    case Command::check:
    case Command::plan: add_run_options(app, command, settings, env); break;
    case Command::ls: add_recursive(app, settings, "all levels"); [[fallthrough]];
    case Command::du:
      add_listing_options(app, command, settings);
      add_filter_options(app, settings, env);
      break;
    case Command::manifest:
      add_manifest_options(app, settings);
      add_customer_key(app, settings);
      add_filter_options(app, settings, env);
      OptionAdder(app, "Objects").act("-r,--recursive", "always so; accepted for habit", [] {});
      break;
    case Command::stat:
    case Command::cat:
      add_customer_key(app, settings);
      OptionAdder(app, "Objects").text("--version-id", "ID", settings.version_id, "this version");
      break;
    case Command::presign:
      add_presign_options(app, settings);
      OptionAdder(app, "Objects").text("--version-id", "ID", settings.version_id, "this version");
      break;
    case Command::rb:
      OptionAdder(app, "Bucket")
          .flag("--force", settings.force, "remove everything in it first, all versions");
      break;
    case Command::doctor: add_doctor_options(app, settings); break;
    case Command::help: add_help_options(app, settings); break;
    case Command::run: add_job_options(app, settings); break;
    case Command::runs: add_runs_options(app, settings); break;
    case Command::errors:
      add_state_options(app, settings);
      add_error_options(app, settings);
      add_limit_option(app, settings, "at most so many (default: all)");
      OptionAdder(app, "Output")
          .flag("--summary", settings.summary, "counts by class and code, with an example");
      break;
    case Command::retry:
      add_state_options(app, settings);
      add_error_options(app, settings);
      break;
    case Command::status:
    case Command::watch:
    case Command::pause:
    case Command::resume:
    case Command::cancel:
    case Command::approve:
    case Command::undo: add_state_options(app, settings); break;
    case Command::verify_report: add_report_options(app, settings); break;
    case Command::mb:
    case Command::tag:
    case Command::version:
    case Command::completion: break;
  }
  if (speaks_to_services(command)) add_service_options(app, settings);
  add_output_options(app, settings);
}

OptionDescription describe(const CLI::Option& option) {
  OptionDescription description;
  for (const std::string& name : option.get_snames())
    description.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames())
    description.names.push_back("--" + name);
  if (option.get_items_expected_max() > 0) description.value = option.get_type_name();
  description.text = option.get_description();
  description.group = option.get_group();
  return description;
}

}  // namespace

CommandTree::CommandTree(Settings& settings, const Env& env) : root_(std::make_unique<CLI::App>()) {
  for (const CommandTexts& texts : command_texts()) {
    CLI::App* app = root_->add_subcommand(std::string(texts.name), std::string(texts.summary));
    app->set_help_flag();  // help is ours
    add_options(*app, texts.command, settings, env);
    CommandDescription& description = description_.commands.emplace_back();
    description.command = texts.command;
    description.name = texts.name;
    description.arguments = texts.arguments;
    description.summary = texts.summary;
    description.details = texts.details;
    description.least_arguments = texts.least_arguments;
    description.most_arguments = texts.most_arguments;
    for (const ExampleText& example : texts.examples)
      description.examples.emplace_back(example.command, example.text);
    for (const CLI::Option* option : app->get_options())
      description.options.push_back(describe(*option));
    description.options.push_back({{"-h", "--help"}, "", "this help", "Output"});
  }
}

CommandTree::~CommandTree() = default;

void CommandTree::parse(const CommandDescription& command, std::vector<std::string> options) {
  std::ranges::reverse(options);  // CLI11 takes them from the back
  CLI::App* app = root_->get_subcommand(command.name);
  try {
    app->parse(std::move(options));
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what(), "see 'haul help " + command.name + "'");
  }
}

}  // namespace haul::app
