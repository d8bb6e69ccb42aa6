// From argv to settings, or to a message that says where the mistake is and what was probably meant.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/command_tree.h"
#include "app/settings.h"
#include "base/env.h"

namespace haul::app {

// Options and other arguments in any order; options may also stand before the command, `--` ends them.
// `--help` and `-h` anywhere ask for help. Throws UsageError with the place (which argument), the nearest
// known word, and where to read on.
Settings parse_command_line(std::span<const std::string> arguments, const Env& env);

// The description of everything that parse_command_line() understands.
ProgramDescription describe_program();

}  // namespace haul::app
