// The AWS shared configuration files: any text is either read or refused with a place in it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/config_file.h"
#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace haul::auth;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const ConfigFileKind kind : {ConfigFileKind::config, ConfigFileKind::credentials}) {
    try {
      AwsConfig config = parse_config(text, kind, "file");
      AwsConfig twice = merge(config, parse_config(text, kind, "file"));
      if (twice.profiles.size() != config.profiles.size()) std::abort();
    } catch (const haul::Error& error) {
      if (error.error_class() != haul::ErrorClass::invalid_argument || !error.subject().starts_with("file:"))
        std::abort();
    }
  }
  return 0;
}
