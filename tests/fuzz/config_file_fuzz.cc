// The AWS shared configuration files: any text is either read or refused with a place in it.
#include "auth/config_file.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace haul::auth;
  const std::string_view text = haul::fuzz::text_of(data, size);
  for (const ConfigFileKind kind : {ConfigFileKind::config, ConfigFileKind::credentials}) {
    try {
      AwsConfig config = parse_config(text, kind, "file");
      AwsConfig twice = merge(config, parse_config(text, kind, "file"));
      haul::fuzz::check(twice.profiles.size() == config.profiles.size());
    } catch (const haul::Error& error) {
      haul::fuzz::check(error.error_class() == haul::ErrorClass::invalid_argument &&
                        error.subject().starts_with("file:"));
    }
  }
  return 0;
}
