// The AWS shared configuration files: INI with profiles, and blocks of indented settings under a setting.
// Format: "Configuration and credential file settings", AWS SDKs and Tools Reference Guide; where it is
// silent this reads what botocore reads.
//
// Pure functions over text. Every failure is Error(invalid_argument) with file, line and column and the
// remedy, and never quotes what a line holds: it may be a secret.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace haul::auth {

struct ConfigPlace {
  std::string file;
  std::size_t line = 0;  // both from 1
  std::size_t column = 0;

  std::string text() const;  // "file:line:column"
};

enum class ConfigFileKind : std::uint8_t {
  config,       // ~/.aws/config: [default], [profile x], [services x], ...
  credentials,  // ~/.aws/credentials: [x]
};

struct ConfigSetting {
  std::string name;  // lower case
  std::string text;  // without white space around it; continuation lines joined by \n
  ConfigPlace place;
  ConfigFileKind origin = ConfigFileKind::config;
  std::vector<ConfigSetting> block;  // of `name =` followed by indented `name = value` lines

  const ConfigSetting* find(std::string_view name) const noexcept;
};

struct ConfigSection {
  std::string name;
  ConfigPlace place;
  std::vector<ConfigSetting> settings;

  const ConfigSetting* find(std::string_view name) const noexcept;
};

struct AwsConfig {
  std::map<std::string, ConfigSection, std::less<>> profiles;
  std::map<std::string, ConfigSection, std::less<>> services;

  const ConfigSection* profile(std::string_view name) const noexcept;
};

// Sections that are neither profiles nor services are checked and dropped.
AwsConfig parse_config(std::string_view text, ConfigFileKind kind, std::string_view file);

// Both files as one: a setting of the credentials file takes the place of the same one in the config file.
AwsConfig merge(AwsConfig config, AwsConfig credentials);

// invalid_argument at a place in a file.
Error config_error(const ConfigPlace& place, std::string message, std::string hint);

// A command line as a POSIX shell splits it into words, without anything a shell would expand: quotes and
// backslashes only. Throws as config_error() at `place`, which is also used for section names with quotes.
std::vector<std::string> split_words(std::string_view text, const ConfigPlace& place);

}  // namespace haul::auth
