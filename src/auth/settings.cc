#include "auth/settings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "auth/partition.h"
#include "base/utf8.h"

namespace haul::auth {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;

std::string variable(const Env& env, const char* name) {
  return env.variable(name).value_or("");
}

std::string expand_home(std::string path, const Env& env) {
  if (path == "~" || path.starts_with("~/")) path.replace(0, 1, variable(env, "HOME"));
  return path;
}

AwsConfig load_file(std::string path, ConfigFileKind kind, const Env& env, const ReadFile& read_file) {
  path = expand_home(std::move(path), env);
  return parse_config(read_file(path).value_or(""), kind, path);
}

// A value together with where it comes from, for errors.
struct Sourced {
  std::string text;
  std::string place;
};

Sourced from_section(const ConfigSection* section, std::string_view name) {
  const ConfigSetting* setting = section == nullptr ? nullptr : section->find(name);
  return {setting_text(section, name), setting == nullptr ? std::string() : setting->place.text()};
}

Sourced first_of(const Env& env, std::initializer_list<const char*> variables, const ConfigSection* profile,
                 std::string_view name) {
  for (const char* candidate : variables)
    if (std::string text = variable(env, candidate); !text.empty()) return {std::move(text), candidate};
  return from_section(profile, name);
}

Error value_error(const Sourced& value, std::string message, std::string hint) {
  return Error(ErrorClass::invalid_argument, std::move(message))
      .during("read AWS configuration")
      .on(value.place)
      .with_hint(std::move(hint));
}

bool bool_of(const Sourced& value, std::string_view name) {
  std::string lower = value.text;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (lower.empty() || lower == "false") return false;
  if (lower == "true") return true;
  throw value_error(value, fmt::format("'{}' is neither true nor false", name), "write true or false");
}

void check_url(const Sourced& url) {
  if (url.text.empty()) return;
  const http::Url parsed = http::parse_url(url.text);
  if (parsed.path.contains('?'))
    throw value_error(url, "an endpoint URL has no query", "remove what begins with ?");
}

std::string profile_in_force(const IdentityOptions& options, const Env& env) {
  if (!options.profile.empty()) return options.profile;
  // In this order, as in the AWS command line.
  for (const char* name : {"AWS_DEFAULT_PROFILE", "AWS_PROFILE"})
    if (std::string profile = variable(env, name); !profile.empty()) return profile;
  return "default";
}

void require_profile(const std::string& name, const AwsConfig& config) {
  if (name == "default" || config.profile(name) != nullptr) return;
  std::string known;
  for (const auto& [profile, section] : config.profiles)
    known.append(known.empty() ? "" : ", ").append(visible(profile));
  throw Error(ErrorClass::invalid_argument, fmt::format("there is no profile '{}'", visible(name)))
      .during("read AWS configuration")
      .with_hint(known.empty()
                     ? "no profile is configured: run `aws configure`"
                     : "there are: " + known + "; in the config file a section is written [profile NAME]");
}

// AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the services section, endpoint_url of the profile.
Sourced configured_endpoint(std::string_view service, const char* service_variable, const Env& env,
                            const AwsConfig& config, const ConfigSection* profile) {
  if (bool_of(
          first_of(env, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}, profile, "ignore_configured_endpoint_urls"),
          "ignore_configured_endpoint_urls"))
    return {};
  if (Sourced url = first_of(env, {service_variable, "AWS_ENDPOINT_URL"}, nullptr, ""); !url.text.empty())
    return url;
  if (const Sourced services = from_section(profile, "services"); !services.text.empty()) {
    const auto section = config.services.find(services.text);
    if (section == config.services.end())
      throw value_error(services, fmt::format("there is no section [services {}]", visible(services.text)),
                        "add it to the config file, or remove the setting");
    const ConfigSetting* block = section->second.find(service);
    const ConfigSetting* url = block == nullptr ? nullptr : block->find("endpoint_url");
    if (url != nullptr && !url->text.empty()) return {url->text, url->place.text()};
  }
  return from_section(profile, "endpoint_url");
}

// The global endpoint answers from one region only: it is used where no region is known, or where asked for.
void resolve_sts(AwsSettings& settings, const Sourced& configured, const Sourced& regional) {
  if (!regional.text.empty() && regional.text != "regional" && regional.text != "legacy")
    throw value_error(regional, "sts_regional_endpoints is neither regional nor legacy", "write regional");
  const bool global = settings.region.empty() || settings.region == "aws-global" ||
                      (regional.text == "legacy" && settings.region == "us-east-1");
  settings.sts_region = global ? "us-east-1" : settings.region;
  if (!configured.text.empty()) {
    settings.sts_endpoint_url = configured.text;
  } else if (global && !settings.use_fips) {
    settings.sts_endpoint_url = "https://sts.amazonaws.com";
  } else {
    settings.sts_endpoint_url =
        fmt::format("https://{}.{}.{}", settings.use_fips ? "sts-fips" : "sts", settings.sts_region,
                    partition_of(settings.sts_region).dns_suffix);
  }
}

AddressingStyle addressing_style_of(const ConfigSection* profile) {
  const ConfigSetting* s3 = profile == nullptr ? nullptr : profile->find("s3");
  const ConfigSetting* style = s3 == nullptr ? nullptr : s3->find("addressing_style");
  if (style == nullptr || style->text.empty() || style->text == "auto") return AddressingStyle::automatic;
  if (style->text == "path") return AddressingStyle::path;
  if (style->text == "virtual") return AddressingStyle::virtual_hosted;
  throw config_error(style->place, "addressing_style is none of auto, path and virtual", "write one of them");
}

ChecksumUse checksum_use_of(const Sourced& value) {
  std::string lower = value.text;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (lower.empty() || lower == "when_supported") return ChecksumUse::when_supported;
  if (lower == "when_required") return ChecksumUse::when_required;
  throw value_error(value, "request_checksum_calculation is neither when_supported nor when_required",
                    "write one of them");
}

}  // namespace

AwsConfig load_config(const Env& env, const ReadFile& read_file) {
  return merge(load_file(env.variable("AWS_CONFIG_FILE").value_or("~/.aws/config"), ConfigFileKind::config,
                         env, read_file),
               load_file(env.variable("AWS_SHARED_CREDENTIALS_FILE").value_or("~/.aws/credentials"),
                         ConfigFileKind::credentials, env, read_file));
}

AwsSettings resolve_settings(const IdentityOptions& options, const Env& env, const AwsConfig& config) {
  AwsSettings settings;
  settings.profile = profile_in_force(options, env);
  settings.profile_named = !options.profile.empty();
  require_profile(settings.profile, config);
  const ConfigSection* profile = config.profile(settings.profile);

  settings.region = options.region;
  if (settings.region.empty())
    settings.region = first_of(env, {"AWS_REGION", "AWS_DEFAULT_REGION"}, profile, "region").text;
  settings.use_fips =
      bool_of(first_of(env, {"AWS_USE_FIPS_ENDPOINT"}, profile, "use_fips_endpoint"), "use_fips_endpoint");
  settings.use_dualstack =
      bool_of(first_of(env, {"AWS_USE_DUALSTACK_ENDPOINT"}, profile, "use_dualstack_endpoint"),
              "use_dualstack_endpoint");
  settings.addressing_style = addressing_style_of(profile);
  settings.request_checksums = checksum_use_of(
      first_of(env, {"AWS_REQUEST_CHECKSUM_CALCULATION"}, profile, "request_checksum_calculation"));
  settings.ca_bundle = expand_home(
      options.ca_file.empty() ? first_of(env, {"AWS_CA_BUNDLE"}, profile, "ca_bundle").text : options.ca_file,
      env);

  Sourced s3 = {options.endpoint_url, "--endpoint-url"};
  if (s3.text.empty()) s3 = configured_endpoint("s3", "AWS_ENDPOINT_URL_S3", env, config, profile);
  check_url(s3);
  settings.s3_endpoint_url = s3.text;

  const Sourced sts = configured_endpoint("sts", "AWS_ENDPOINT_URL_STS", env, config, profile);
  check_url(sts);
  settings.sts_configured = !sts.text.empty();
  resolve_sts(settings, sts,
              first_of(env, {"AWS_STS_REGIONAL_ENDPOINTS"}, profile, "sts_regional_endpoints"));
  return settings;
}

std::string setting_text(const ConfigSection* section, std::string_view name) {
  const ConfigSetting* setting = section == nullptr ? nullptr : section->find(name);
  if (setting == nullptr) return {};
  if (setting->text.contains('\n'))
    throw config_error(
        setting->place, fmt::format("the value of '{}' goes over several lines", name),
        "a line that is indented more than the one above continues it: remove the indentation");
  return setting->text;
}

ReadFile system_files() {
  return [](const std::string& path) -> std::optional<std::string> {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      throw errno_error(errno, "open", path);
    }
    std::string text;
    std::array<char, 8192> bytes;
    while (true) {
      const ssize_t count = ::read(file, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      const int problem = errno;
      if (count <= 0 || text.size() > kLargestFile) {
        ::close(file);
        if (count < 0) throw errno_error(problem, "read", path);
        if (count > 0)
          throw Error(ErrorClass::exhausted, "the file is larger than 1 MiB").during("read").on(path);
        return text;
      }
      text.append(bytes.data(), static_cast<std::size_t>(count));
    }
  };
}

}  // namespace haul::auth
