// Help, the manual page and shell completion: three renderings of one description.
// Thread safety: pure functions.
#pragma once

#include <string>

#include "app/description.h"

namespace haul::app {

std::string general_help(const ProgramDescription& program);
std::string command_help(const CommandDescription& command);
// Section 1, all commands, in roff (man(7) macros).
std::string manual_page(const ProgramDescription& program, std::string_view version);
std::string completion_script(const ProgramDescription& program, Shell shell);

// Words in lines of at most `width` columns, each after `indent` blanks. Paragraphs stay apart.
std::string wrap(std::string_view text, std::size_t indent, std::size_t width);

}  // namespace haul::app
