// Completion for shells, as static tables: options per command, words of options that take few. Places are
// completed as files by the shell itself.

#include <fmt/format.h>

#include "app/help.h"

namespace haul::app {
namespace {

std::string command_names(const ProgramDescription& program) {
  std::string names;
  for (const CommandDescription& command : program.commands)
    names += (names.empty() ? "" : " ") + command.name;
  return names;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : " ") + word;
  return text;
}

// For single-quoted words of all three shells.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

std::string bash(const ProgramDescription& program) {
  std::string out =
      "# bash completion for haul\n"
      "_haul() {\n"
      "  local cur prev command='' word\n"
      "  _get_comp_words_by_ref -n := cur prev 2>/dev/null || { cur=${COMP_WORDS[COMP_CWORD]}; "
      "prev=${COMP_WORDS[COMP_CWORD-1]}; }\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do case $word in -*) ;; *) command=$word; break;; "
      "esac; done\n"
      "  COMPREPLY=()\n"
      "  if [ -z \"$command\" ]; then COMPREPLY=($(compgen -W '" +
      command_names(program) + "' -- \"$cur\")); return; fi\n  case $command:$prev in\n";
  for (const CommandDescription& command : program.commands)
    for (const OptionDescription& option : command.options)
      if (const auto words = option.choices(); !words.empty() && !option.group.empty())
        for (const std::string& name : option.names)
          out += fmt::format("    {}:{}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return;;\n",
                             command.name, name, join(words));
  out += "    help:help) COMPREPLY=($(compgen -W '" + command_names(program) + "' -- \"$cur\")); return;;\n";
  out += "    completion:completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\")); return;;\n";
  out += "  esac\n  case $cur in\n    -*) case $command in\n";
  for (const CommandDescription& command : program.commands) {
    std::string names;
    for (const OptionDescription& option : command.options)
      if (!option.group.empty()) names += (names.empty() ? "" : " ") + join(option.names);
    out += fmt::format("      {}) COMPREPLY=($(compgen -W '{}' -- \"$cur\"));;\n", command.name, names);
  }
  out += "    esac;;\n    *) compopt -o default 2>/dev/null;;\n  esac\n}\ncomplete -F _haul haul\n";
  return out;
}

std::string zsh(const ProgramDescription& program) {
  const auto escaped = [](std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  };
  std::string out =
      "#compdef haul\n# zsh completion for haul\n_haul() {\n  local -a commands\n  commands=(\n";
  for (const CommandDescription& command : program.commands)
    out += "    " + in_quotes(command.name + ":" + escaped(command.summary)) + "\n";
  out +=
      "  )\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
      "  local command=$words[2]\n  shift words; (( CURRENT-- ))\n  case $command in\n";
  for (const CommandDescription& command : program.commands) {
    out += "    " + command.name + ") _arguments -s";
    for (const OptionDescription& option : command.options) {
      if (option.group.empty()) continue;
      for (const std::string& name : option.names) {
        std::string spec = "*" + name + "[" + escaped(option.text) + "]";
        const auto words = option.choices();
        if (!words.empty())
          spec += ":" + escaped(option.value) + ":(" + join(words) + ")";
        else if (option.value == "FILE")
          spec += ":file:_files";
        else if (option.takes_value())
          spec += ":" + escaped(option.value) + ":";
        out += " \\\n      " + in_quotes(spec);
      }
    }
    if (command.command == Command::help)
      out += " \\\n      '*:command:(" + command_names(program) + ")'";
    else if (command.command == Command::completion)
      out += " \\\n      '*:shell:(bash zsh fish)'";
    else
      out += " \\\n      '*:location:_files'";
    out += ";;\n";
  }
  return out + "  esac\n}\n_haul \"$@\"\n";
}

std::string fish(const ProgramDescription& program) {
  std::string out = "# fish completion for haul\n";
  for (const CommandDescription& command : program.commands)
    out += fmt::format("complete -c haul -n __fish_use_subcommand -f -a {} -d {}\n", command.name,
                       in_quotes(command.summary));
  for (const CommandDescription& command : program.commands)
    for (const OptionDescription& option : command.options) {
      if (option.group.empty()) continue;
      out += fmt::format("complete -c haul -n '__fish_seen_subcommand_from {}'", command.name);
      for (const std::string& name : option.names)
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (const auto words = option.choices(); !words.empty())
        out += " -x -a " + in_quotes(join(words));
      else if (option.takes_value())
        out += " -r";
      out += " -d " + in_quotes(option.text) + "\n";
    }
  out += fmt::format("complete -c haul -n '__fish_seen_subcommand_from help' -f -a {}\n",
                     in_quotes(command_names(program)));
  out += "complete -c haul -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n";
  return out;
}

}  // namespace

std::string completion_script(const ProgramDescription& program, Shell shell) {
  switch (shell) {
    case Shell::bash: return bash(program);
    case Shell::zsh: return zsh(program);
    case Shell::fish: return fish(program);
  }
  return {};
}

}  // namespace haul::app
