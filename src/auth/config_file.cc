#include "auth/config_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace haul::auth {
namespace {

constexpr std::string_view kBlank = " \t";

bool is_blank(char c) noexcept {
  return kBlank.contains(c);
}

std::string_view trim(std::string_view text) noexcept {
  const std::size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) + 1 - from);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

const ConfigSetting* find_in(const std::vector<ConfigSetting>& settings, std::string_view name) noexcept {
  const auto found = std::ranges::find(settings, name, &ConfigSetting::name);
  return found == settings.end() ? nullptr : &*found;
}

// One pass over the lines. A line's indentation decides whether it begins a setting or belongs to the one
// above, as Python's configparser has it: a setting may itself be indented.
class ConfigParser {
 public:
  ConfigParser(ConfigFileKind kind, std::string_view file) : kind_(kind), file_(file) {}

  AwsConfig parse(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      ++line_number_;
      parse_line(line);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    close_section();
    return std::move(config_);
  }

 private:
  ConfigPlace place(std::size_t offset) const { return {std::string(file_), line_number_, offset + 1}; }

  void parse_line(std::string_view line) {
    const auto control = std::ranges::find_if(
        line, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
    if (control != line.end())
      throw config_error(place(static_cast<std::size_t>(control - line.begin())),
                         "a control character has no place in this file",
                         "remove it; the file must be plain text");
    const std::size_t indent = std::min(line.find_first_not_of(kBlank), line.size());
    const std::string_view content = trim(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') return;
    if (setting_ != nullptr && indent > setting_indent_) {
      continue_setting(content, indent);
    } else if (content.front() == '[') {
      open_section(content, indent);
    } else {
      begin_setting(content, indent);
    }
  }

  void open_section(std::string_view content, std::size_t indent) {
    close_section();
    const std::size_t end = content.find(']');
    if (end == std::string_view::npos)
      throw config_error(place(indent), "a section's name is not closed", "end it with ]");
    const std::string_view rest = trim(content.substr(end + 1));
    if (!rest.empty() && rest.front() != '#' && rest.front() != ';')
      throw config_error(place(indent + end + 1), "there is text behind a section's name",
                         "put it on a line of its own");
    const std::string_view title = trim(content.substr(1, end - 1));
    if (title.empty())
      throw config_error(place(indent), "a section has no name", "write [default] or [profile NAME]");
    section_ = {.name = std::string(title), .place = place(indent)};
    in_section_ = true;
  }

  void begin_setting(std::string_view content, std::size_t indent) {
    if (!in_section_)
      throw config_error(place(indent), "a setting stands before the first section",
                         kind_ == ConfigFileKind::config ? "write [default] or [profile NAME] above it"
                                                         : "write [default] or [NAME] above it");
    setting_ = &append_setting(section_.settings, content, indent);
    setting_indent_ = indent;
  }

  // Indented below a setting: part of its block if the setting has no value of its own.
  void continue_setting(std::string_view content, std::size_t indent) {
    if (setting_->text.empty()) {
      append_setting(setting_->block, content, indent);
    } else {
      setting_->text.append("\n").append(content);
    }
  }

  ConfigSetting& append_setting(std::vector<ConfigSetting>& to, std::string_view content,
                                std::size_t indent) {
    const std::size_t equals = content.find_first_of("=:");
    if (equals == std::string_view::npos)
      throw config_error(place(indent), "this line is neither a section nor a setting",
                         "write NAME = VALUE, or begin the line with # if it is a comment");
    std::string name = lower(trim(content.substr(0, equals)));
    if (name.empty()) throw config_error(place(indent), "a setting has no name", "write NAME = VALUE");
    if (const ConfigSetting* earlier = find_in(to, name))
      throw config_error(place(indent),
                         fmt::format("the setting '{}' is there twice, first in line {}", visible(name),
                                     earlier->place.line),
                         "remove one of the two");
    to.push_back({.name = std::move(name),
                  .text = std::string(trim(content.substr(equals + 1))),
                  .place = place(indent),
                  .origin = kind_});
    return to.back();
  }

  void close_section() {
    setting_ = nullptr;
    if (!in_section_) return;
    in_section_ = false;
    auto* target = &config_.profiles;
    if (kind_ == ConfigFileKind::config && section_.name != "default") {
      const std::vector<std::string> words = split_words(section_.name, section_.place);
      if (words.size() != 2) return;
      if (words[0] == "services")
        target = &config_.services;
      else if (words[0] != "profile")
        return;
      section_.name = words[1];
    }
    const auto [at, fresh] = target->try_emplace(section_.name, section_);
    if (!fresh)
      throw config_error(section_.place,
                         fmt::format("the section '{}' is there twice, first in line {}",
                                     visible(section_.name), at->second.place.line),
                         "put their settings into one");
  }

  const ConfigFileKind kind_;
  const std::string_view file_;
  AwsConfig config_;
  std::size_t line_number_ = 0;
  ConfigSection section_;
  bool in_section_ = false;
  ConfigSetting* setting_ = nullptr;  // the last one of section_, which further lines may belong to
  std::size_t setting_indent_ = 0;
};

}  // namespace

std::string ConfigPlace::text() const {
  return fmt::format("{}:{}:{}", file, line, column);
}

const ConfigSetting* ConfigSetting::find(std::string_view wanted) const noexcept {
  return find_in(block, wanted);
}

const ConfigSetting* ConfigSection::find(std::string_view wanted) const noexcept {
  return find_in(settings, wanted);
}

const ConfigSection* AwsConfig::profile(std::string_view name) const noexcept {
  const auto found = profiles.find(name);
  return found == profiles.end() ? nullptr : &found->second;
}

AwsConfig parse_config(std::string_view text, ConfigFileKind kind, std::string_view file) {
  return ConfigParser(kind, file).parse(text);
}

AwsConfig merge(AwsConfig config, AwsConfig credentials) {
  for (auto& [name, section] : credentials.profiles) {
    const auto [at, fresh] = config.profiles.try_emplace(name, section);
    if (fresh) continue;
    std::vector<ConfigSetting>& settings = at->second.settings;
    for (ConfigSetting& setting : section.settings) {
      const auto same = std::ranges::find(settings, setting.name, &ConfigSetting::name);
      if (same == settings.end())
        settings.push_back(std::move(setting));
      else
        *same = std::move(setting);
    }
  }
  return config;
}

Error config_error(const ConfigPlace& place, std::string message, std::string hint) {
  return Error(ErrorClass::invalid_argument, std::move(message))
      .during("read AWS configuration")
      .on(place.text())
      .with_hint(std::move(hint));
}

std::vector<std::string> split_words(std::string_view text, const ConfigPlace& place) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && (is_blank(c) || c == '\n')) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '\\' && quote != '\'') {
      if (++i == text.size())
        throw config_error(place, "there is nothing behind the last backslash", "write \\\\ for a backslash");
      // Between double quotes a backslash stands for itself unless a quote or a backslash follows.
      if (quote == '"' && text[i] != '"' && text[i] != '\\') words.back().push_back(c);
      words.back().push_back(text[i]);
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else {
      words.back().push_back(c);
    }
  }
  if (quote != 0)
    throw config_error(place, "a quotation is not closed", "close it, or write \\ before the quote");
  return words;
}

}  // namespace haul::auth
