#include "app/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "app/usage_error.h"
#include "base/nearest_word.h"
#include "base/utf8.h"

namespace haul::app {
namespace {

// What other tools call it.
constexpr std::pair<std::string_view, std::string_view> kHabits[] = {
    {"--dryrun", "--dry-run"},
    {"--human-readable", "--human"},
    {"--max-depth", "--depth"},
    {"--transfers", "--concurrency"},
    {"--numworkers", "--concurrency"},
    {"--bwlimit", "--bandwidth"},
    {"--no-verify-ssl", "--insecure"},
    {"--ca-bundle", "--ca-file"},
    {"--source-region", "--src-region"},
    {"--destination-region", "--dst-region"},
    {"--expires-in", "--expires"},
    {"--delete-extra", "--delete"},
    {"--files-from", "--from-file"},
    {"--min-age", "--older-than"},
    {"--max-age", "--newer-than"},
    {"--follow-symlinks", "--links"},
    {"--copy-links", "--links"},
    {"--bucket-acl", "--acl"},
    {"--version", "version"},
    {"--recurse", "--recursive"},
};
constexpr std::pair<std::string_view, std::string_view> kCommandHabits[] = {
    {"copy", "cp"},      {"move", "mv"},         {"delete", "rm"},     {"list", "ls"},
    {"size", "du"},      {"head", "stat"},       {"info", "stat"},     {"mirror", "sync"},
    {"diff", "check"},   {"compare", "check"},   {"s3", "ls"},         {"remove", "rm"},
    {"jobs", "runs"},    {"ps", "runs"},         {"stop", "pause"},    {"kill", "cancel"},
    {"abort", "cancel"}, {"continue", "resume"}, {"redrive", "retry"}, {"failures", "errors"},
    {"revert", "undo"},  {"tail", "watch"},
};

struct Split {
  const CommandDescription* command = nullptr;
  std::vector<std::string> options;
  std::vector<std::string> locations;
  bool help = false;
};

std::vector<std::string> option_names(const ProgramDescription& program, const CommandDescription* command) {
  std::vector<std::string> names;
  const auto take = [&](const CommandDescription& from) {
    for (const OptionDescription& option : from.options)
      if (!option.group.empty()) names.insert(names.end(), option.names.begin(), option.names.end());
  };
  if (command != nullptr)
    take(*command);
  else
    std::ranges::for_each(program.commands, take);
  return names;
}

// Reads argv once, from the left, with the options of the command in sight as soon as it is known.
class ArgumentReader {
 public:
  ArgumentReader(std::span<const std::string> arguments, const ProgramDescription& program)
      : arguments_(arguments), program_(program) {}

  Split read() {
    find_command();
    bool only_locations = false;
    for (place_ = 0; place_ < arguments_.size(); ++place_) {
      const std::string& argument = arguments_[place_];
      if (place_ == command_place_) continue;
      if (only_locations || argument.size() < 2 || argument[0] != '-')
        split_.locations.push_back(argument);
      else if (argument == "--")
        only_locations = true;
      else if (argument[1] == '-')
        take_long(argument);
      else
        take_short(argument);
    }
    return std::move(split_);
  }

 private:
  void find_command() {
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      const std::string& argument = arguments_[i];
      if (argument == "--help" || argument == "-h") split_.help = true;
      if (argument == "--version" && split_.command == nullptr) {
        split_.command = program_.find("version");
        command_place_ = i;
        return;
      }
      if (!argument.empty() && argument[0] == '-') {
        // Before the command any command's options may stand; those with a value take the next argument
        // along.
        const OptionDescription* option = find_anywhere(argument);
        if (option != nullptr && option->takes_value()) ++i;
        continue;
      }
      split_.command = program_.find(argument);
      command_place_ = i;
      if (split_.command == nullptr) unknown_command(argument);
      return;
    }
    if (!split_.help) throw UsageError("no command was given", "'haul help' lists the commands");
    split_.command = program_.find("help");
  }

  const OptionDescription* find_anywhere(std::string_view name) const {
    for (const CommandDescription& command : program_.commands)
      if (const OptionDescription* option = command.find(name)) return option;
    return nullptr;
  }

  void take_long(const std::string& argument) {
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    if (name == "--help") {
      split_.help = true;
      return;
    }
    const OptionDescription& option = known(name);
    if (!option.takes_value()) {
      if (equals != std::string::npos)
        throw UsageError(fmt::format("option {} takes no value (argument {})", name, place_ + 1), see_help());
      split_.options.push_back(name);
    } else if (equals != std::string::npos) {
      add_value(name, argument.substr(equals + 1));
    } else {
      add_value(name, next_argument(option, name));
    }
  }

  void take_short(const std::string& argument) {
    for (std::size_t i = 1; i < argument.size(); ++i) {
      const std::string name = {'-', argument[i]};
      if (name == "-h") {
        split_.help = true;
        continue;
      }
      const OptionDescription& option = known(name);
      if (option.takes_value()) {
        const std::string rest = argument.substr(i + 1);
        add_value(name, rest.empty() ? next_argument(option, name) : rest);
        return;
      }
      split_.options.push_back(name);
    }
  }

  void add_value(const std::string& name, const std::string& value) {
    if (value.empty())
      throw UsageError(fmt::format("option {} has an empty value (argument {})", name, place_ + 1),
                       see_help());
    split_.options.push_back(name);
    split_.options.push_back(value);
  }

  const std::string& next_argument(const OptionDescription& option, const std::string& name) {
    if (place_ + 1 == command_place_) ++place_;
    if (place_ + 1 >= arguments_.size())
      throw UsageError(fmt::format("option {} needs a value: {} {}", name, name, option.value), see_help());
    return arguments_[++place_];
  }

  const OptionDescription& known(const std::string& name) const {
    if (const OptionDescription* option = split_.command->find(name)) return *option;
    std::string hint;
    for (const auto& [habit, ours] : kHabits)
      if (habit == name && split_.command->find(ours) != nullptr)
        hint = fmt::format("it is called {} here; ", ours);
    if (hint.empty() && find_anywhere(name) != nullptr)
      hint = fmt::format("'haul {}' does not have this option; ", split_.command->name);
    if (hint.empty()) {
      const std::string near = nearest_word(name, option_names(program_, split_.command));
      if (!near.empty()) hint = fmt::format("did you mean {}? ", near);
    }
    throw UsageError(fmt::format("unknown option {} (argument {})", visible(name), place_ + 1),
                     hint + see_help());
  }

  [[noreturn]] void unknown_command(const std::string& argument) const {
    std::string hint;
    for (const auto& [habit, ours] : kCommandHabits)
      if (habit == argument) hint = fmt::format("did you mean {}? ", ours);
    std::vector<std::string> names;
    names.reserve(program_.commands.size());
    for (const CommandDescription& command : program_.commands)
      names.push_back(command.name);
    if (hint.empty())
      if (const std::string near = nearest_word(argument, names); !near.empty())
        hint = fmt::format("did you mean {}? ", near);
    throw UsageError(fmt::format("unknown command {} (argument {})", visible(argument), command_place_ + 1),
                     hint + "'haul help' lists the commands");
  }

  std::string see_help() const { return "see 'haul help " + split_.command->name + "'"; }

  std::span<const std::string> arguments_;
  const ProgramDescription& program_;
  Split split_;
  std::size_t command_place_ = SIZE_MAX;
  std::size_t place_ = 0;
};

void check_count(const CommandDescription& command, const std::vector<std::string>& locations) {
  const std::string usage =
      fmt::format("haul {} {}; see 'haul help {}'", command.name, command.arguments, command.name);
  if (locations.size() < command.least_arguments) {
    const char* missing = command.arguments == "RUN"               ? "no run was given"
                          : command.command == Command::completion ? "no shell was given"
                          : locations.empty()                      ? "no location was given"
                                                                   : "the destination is missing";
    throw UsageError(missing, usage);
  }
  if (locations.size() > command.most_arguments)
    throw UsageError(fmt::format("'{}' is one argument too many", visible(locations[command.most_arguments])),
                     usage);
}

// Combinations that contradict themselves.
void check_combinations(const Settings& settings) {
  const auto refuse = [](const char* message, const char* hint) { throw UsageError(message, hint); };
  if (settings.flatten && !settings.name_template.empty())
    refuse("--flatten and --template exclude each other", "a template of {name} flattens");
  const bool merges = settings.command == Command::sync || settings.command == Command::plan;
  if (merges && (settings.flatten || !settings.name_template.empty()))
    refuse("sync compares keys as they are and cannot rename them", "use cp -r with --flatten or --template");
  if (!settings.object.sse_c_key_file.empty() && !settings.object.sse.empty())
    refuse("--sse and --sse-c-key-file exclude each other", "the key file asks for encryption by itself");
  if (!settings.object.sse_kms_key_id.empty() && !settings.object.sse.starts_with("aws:kms"))
    refuse("--sse-kms-key-id needs --sse aws:kms", "add --sse aws:kms");
  if (settings.quiet && settings.verbose) refuse("--quiet and --verbose exclude each other", "leave one out");
  if (!settings.from_file.empty() && !settings.manifest.empty())
    refuse("--from-file and --manifest exclude each other", "leave one out");
  const bool data_on_output =
      settings.command == Command::cat ||
      (settings.command == Command::cp && settings.locations.back() == "-") ||
      (settings.command == Command::manifest && (settings.output.empty() || settings.output == "-"));
  if (settings.json && data_on_output)
    refuse("--json has no place here: standard output carries the data", "leave it out");
  if (settings.delete_extra && settings.has_key_list())
    refuse("--delete goes by whole trees, and a list of keys is none",
           "leave --delete out, or choose by --include and --exclude");
  const auto& filters = settings.filters;
  if (filters.min_size && filters.max_size && *filters.min_size > *filters.max_size)
    refuse("--min-size is larger than --max-size", "no object can be both");
  if (settings.allow_empty_source && !settings.delete_extra)
    refuse("--allow-empty-source only has a meaning with --delete", "leave it out");
  for (const SideSettings* side : {&settings.both, &settings.source, &settings.destination})
    if (!side->external_id.empty() && side->role_arn.empty() && settings.both.role_arn.empty())
      refuse("an external id belongs to a role", "give the role with --role-arn");
}

void take_words(Settings& settings) {
  if (settings.command == Command::help && !settings.locations.empty())
    settings.help_topic = settings.locations[0];
  if (settings.command != Command::completion) return;
  const std::string& shell = settings.locations[0];
  if (shell == "bash")
    settings.shell = Shell::bash;
  else if (shell == "zsh")
    settings.shell = Shell::zsh;
  else if (shell == "fish")
    settings.shell = Shell::fish;
  else
    throw UsageError(fmt::format("no completion for '{}'", visible(shell)), "known are bash, zsh and fish");
}

}  // namespace

Settings parse_command_line(std::span<const std::string> arguments, const Env& env) {
  Settings settings;
  CommandTree tree(settings, env);
  Split split = ArgumentReader(arguments, tree.description()).read();
  settings.command = split.command->command;
  if (split.help) {
    settings.help_topic = split.command->command == Command::help ? "" : split.command->name;
    settings.command = Command::help;
    return settings;
  }
  // cp and mv do what they are told; only sync looks first.
  const bool merges = settings.command == Command::sync || settings.command == Command::plan;
  settings.overwrite = merges ? Overwrite::if_different : Overwrite::always;
  tree.parse(*split.command, std::move(split.options));
  settings.locations = std::move(split.locations);
  check_count(*split.command, settings.locations);
  check_combinations(settings);
  take_words(settings);
  return settings;
}

ProgramDescription describe_program() {
  Settings settings;
  return CommandTree(settings, system_env()).description();
}

}  // namespace haul::app
