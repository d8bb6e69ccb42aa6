// The command line described as plain data, read off the tree that parses it: what help, the manual page,
// completion and suggestions are made from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/settings.h"

namespace haul::app {

struct OptionDescription {
  std::vector<std::string> names;  // "-r", "--recursive"
  std::string value;               // "SIZE"; empty for a flag
  std::string text;
  std::string group;  // heading; empty: not shown

  bool takes_value() const { return !value.empty(); }
  bool has_name(std::string_view name) const;
  // The choices if the value is one of a few words: "always|never".
  std::vector<std::string> choices() const;
};

struct CommandDescription {
  Command command = Command::help;
  std::string name;
  std::string arguments;                                      // "SRC... DST"
  std::string summary;                                        // one line
  std::string details;                                        // paragraphs
  std::vector<std::pair<std::string, std::string>> examples;  // command, what it does
  std::vector<OptionDescription> options;
  std::size_t least_arguments = 0, most_arguments = 0;

  const OptionDescription* find(std::string_view option) const;
};

struct ProgramDescription {
  std::vector<CommandDescription> commands;
  const CommandDescription* find(std::string_view name) const;
};

}  // namespace haul::app
