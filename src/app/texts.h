// The words of the command line that are no options: one table, for help, manual page and completion alike.
#pragma once

#include <span>
#include <string_view>

#include "app/settings.h"

namespace haul::app {

struct ExampleText {
  std::string_view command, text;
};

struct CommandTexts {
  Command command;
  std::string_view name;
  std::string_view arguments;
  std::size_t least_arguments, most_arguments;
  std::string_view summary;
  std::string_view details;  // paragraphs, parted by empty lines
  std::span<const ExampleText> examples;
};

std::span<const CommandTexts> command_texts();

// Sections of the manual that belong to no single command: heading and paragraphs.
struct SectionText {
  std::string_view heading, text;
};
std::span<const SectionText> section_texts();

inline constexpr std::string_view kProgramSummary =
    "moves and synchronises files and objects, and accounts for every one";

}  // namespace haul::app
