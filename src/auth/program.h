// Runs a program and reads what it writes to its standard output: credential_process of a profile.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace haul::auth {

struct ProgramResult {
  int exit_code = 0;  // 128 + signal if one ended it
  std::string output;
};

// Runs arguments[0], looked up in PATH, without a shell. Blocks.
using RunProgram = std::function<ProgramResult(const std::vector<std::string>& arguments)>;

// The real one. Standard input is empty; standard error is that of Haul, since such programs talk to the
// person there. Throws Error: not_found or permission_denied if the program cannot be started, timed_out if
// it takes longer than `timeout` (it is killed), exhausted if it writes more than a MiB.
ProgramResult run_program(const std::vector<std::string>& arguments, std::chrono::milliseconds timeout);

}  // namespace haul::auth
