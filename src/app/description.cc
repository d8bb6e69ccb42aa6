#include "app/description.h"

#include <algorithm>

namespace haul::app {

bool OptionDescription::has_name(std::string_view name) const {
  return std::ranges::find(names, name) != names.end();
}

std::vector<std::string> OptionDescription::choices() const {
  std::vector<std::string> words;
  if (value.find('|') == std::string::npos) return words;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find('|', begin), value.size());
    words.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

const OptionDescription* CommandDescription::find(std::string_view option) const {
  const auto found = std::ranges::find_if(options, [&](const auto& each) { return each.has_name(option); });
  return found == options.end() ? nullptr : &*found;
}

const CommandDescription* ProgramDescription::find(std::string_view name) const {
  const auto found = std::ranges::find(commands, name, &CommandDescription::name);
  return found == commands.end() ? nullptr : &*found;
}

}  // namespace haul::app
