#include "app/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/texts.h"

namespace haul::app {
namespace {

constexpr std::size_t kWidth = 96;
constexpr std::size_t kTextColumn = 30;

std::string option_names_text(const OptionDescription& option) {
  std::string text = option.names.front().starts_with("--") ? "    " : "";
  for (const std::string& name : option.names) {
    if (!text.empty() && text != "    ") text += ", ";
    text += name;
  }
  if (option.takes_value()) text += " " + option.value;
  return text;
}

std::vector<std::string> groups_of(const CommandDescription& command) {
  std::vector<std::string> groups;
  for (const OptionDescription& option : command.options)
    if (!option.group.empty() && std::ranges::find(groups, option.group) == groups.end())
      groups.push_back(option.group);
  return groups;
}

}  // namespace

std::string wrap(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    if (!word.empty()) {
      if (column != 0 && column + 1 + word.size() > width) {
        out += '\n';
        column = 0;
      }
      out += column == 0 ? std::string(indent, ' ') : " ";
      out += word;
      column = (column == 0 ? indent : column + 1) + word.size();
    }
    if (end < text.size() && text[end] == '\n' && column != 0) {
      out += '\n';
      column = 0;
    } else if (end < text.size() && text[end] == '\n') {
      out += '\n';
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (column != 0) out += '\n';
  return out;
}

std::string general_help(const ProgramDescription& program) {
  std::string out =
      fmt::format("haul {}\n\nUsage: haul COMMAND [OPTIONS] ARGUMENTS\n\nCommands:\n", kProgramSummary);
  for (const CommandDescription& command : program.commands)
    out += fmt::format("  {:<26}{}\n", command.name + " " + command.arguments, command.summary);
  out +=
      "\nLocations are s3://bucket/key, s3://bucket/prefix/, paths, and - for standard input and output.\n"
      "\n"
      "  haul sync ./data s3://bucket/data/          what is new or changed\n"
      "  haul cp -r s3://bucket/data/ ./data         everything, down\n"
      "  haul help sync                              all about one command\n"
      "  haul help --man | man -l -                  the whole manual\n"
      "\nExit codes: 0 done, 1 some objects failed, 2 usage, 3 could not run, 130 interrupted.\n";
  return out;
}

std::string command_help(const CommandDescription& command) {
  std::string out = fmt::format("haul {}: {}\n\nUsage: haul {} [OPTIONS] {}\n", command.name, command.summary,
                                command.name, command.arguments);
  if (!command.details.empty()) out += "\n" + wrap(command.details, 0, kWidth);
  if (!command.examples.empty()) {
    out += "\nExamples:\n";
    for (const auto& [line, text] : command.examples) {
      out += "  " + line + "\n";
      if (!text.empty()) out += "      " + text + "\n";
    }
  }
  for (const std::string& group : groups_of(command)) {
    out += "\n" + group + ":\n";
    for (const OptionDescription& option : command.options) {
      if (option.group != group) continue;
      const std::string names = "  " + option_names_text(option);
      const std::string text = wrap(option.text, kTextColumn, kWidth);
      if (names.size() + 2 > kTextColumn)
        out.append(names).append("\n").append(text);
      else
        out.append(names).append(text, names.size());
    }
  }
  return out;
}

}  // namespace haul::app
