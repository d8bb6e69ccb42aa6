// The tree of commands and options, as CLI11 parses it. Every option converts and checks its value when it is
// read, so that an error names the option.
#pragma once

#include <memory>
#include <string_view>

#include "app/description.h"
#include "app/settings.h"
#include "base/env.h"

namespace CLI {
class App;
}

namespace haul::app {

// Writes into the settings that it is made with, which must outlive it.
class CommandTree {
 public:
  CommandTree(Settings& settings, const Env& env);
  ~CommandTree();

  const ProgramDescription& description() const noexcept { return description_; }

  // The options of one command, each as `-x`, `--name` or `--name` followed by its value; no other arguments.
  // Throws UsageError that names the option and its value.
  void parse(const CommandDescription& command, std::vector<std::string> options);

 private:
  std::unique_ptr<CLI::App> root_;
  ProgramDescription description_;
};

}  // namespace haul::app
