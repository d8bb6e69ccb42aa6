// The options that several commands share, group by group. Only command_tree.cc uses it.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/settings.h"
#include "base/env.h"

namespace haul::app {

// Adds options to one command, under a heading.
class OptionAdder {
 public:
  OptionAdder(CLI::App& app, std::string group) : app_(app), group_(std::move(group)) {}

  void flag(const std::string& names, bool& target, const std::string& text, bool value = true);
  void act(const std::string& names, const std::string& text, std::function<void()> action);
  // take() throws Error for values that cannot be.
  void value(const std::string& names, const std::string& placeholder, const std::string& text,
             std::function<void(const std::string&)> take);
  void text(const std::string& names, const std::string& placeholder, std::string& target,
            const std::string& text);
  // The value is one of a few words.
  template <class Value>
  void choice(const std::string& names, const std::string& text, Value& target,
              std::vector<std::pair<std::string, Value>> words) {
    std::string placeholder;
    for (const auto& [word, unused] : words)
      placeholder += (placeholder.empty() ? "" : "|") + word;
    value(names, placeholder, text,
          [&target, words = std::move(words), placeholder](const std::string& given) {
            for (const auto& [word, meaning] : words)
              if (word == given) {
                target = meaning;
                return;
              }
            refuse("is none of " + placeholder);
          });
  }

 private:
  [[noreturn]] static void refuse(const std::string& reason);
  CLI::App& app_;
  std::string group_;
};

void add_output_options(CLI::App& app, Settings& settings);
void add_service_options(CLI::App& app, Settings& settings);  // identity and network
void add_side_options(CLI::App& app, Settings& settings);     // --src-..., --dst-...
void add_filter_options(CLI::App& app, Settings& settings, const Env& env);
void add_key_list_options(CLI::App& app, Settings& settings);
void add_compare_options(CLI::App& app, Settings& settings);
void add_transfer_options(CLI::App& app, Settings& settings);
void add_delete_guards(CLI::App& app, Settings& settings);
void add_run_limits(CLI::App& app, Settings& settings);
void add_state_options(CLI::App& app, Settings& settings);  // --state
void add_error_options(CLI::App& app, Settings& settings);  // --class, --code, --prefix
void add_limit_option(CLI::App& app, Settings& settings, const std::string& text);

// Parsers of values, each throws Error(invalid_argument).
double parse_share(const std::string& text);  // 25%, 0.25
std::uint64_t parse_count(const std::string& text);
job::RunStatus parse_status(const std::string& text);        // PAUSED, completed-with-failures
transfer::Preserve parse_preserve(const std::string& text);  // mtime,mode,tags ...

}  // namespace haul::app
