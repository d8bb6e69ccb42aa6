// What AWS users have configured already, in the environment and in their shared files: region, endpoints,
// addressing. Resolved once at the start, into plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "auth/config_file.h"
#include "auth/metadata_sources.h"
#include "auth/session_policy.h"
#include "base/env.h"

namespace haul::auth {

// What the command line says about one side. Empty: not given.
struct IdentityOptions {
  std::string profile;
  std::string region;
  std::string endpoint_url;  // of S3
  std::string ca_file;
  bool sign_requests = true;
  std::string session_name;  // of assumed roles, unless the profile names one
  // What the role that requests are made with may do at the most; empty: all that the role may
  // (--no-scope-down). Without effect on credentials that are not of a role.
  std::vector<PolicyScope> scope_down;
};

enum class AddressingStyle : std::uint8_t { automatic, path, virtual_hosted };
enum class ChecksumUse : std::uint8_t { when_supported, when_required };

struct AwsSettings {
  std::string profile;           // the one in force
  bool profile_named = false;    // by option, so that keys of the environment do not count
  std::string region;            // empty: not configured
  std::string s3_endpoint_url;   // empty: AWS's
  std::string sts_endpoint_url;  // never empty
  std::string sts_region;        // signed for
  bool sts_configured = false;   // whether somebody said where STS is
  std::string ca_bundle;         // empty: the system's
  AddressingStyle addressing_style = AddressingStyle::automatic;
  ChecksumUse request_checksums = ChecksumUse::when_supported;
  bool use_fips = false;
  bool use_dualstack = false;
};

// Reads AWS_CONFIG_FILE (~/.aws/config) and AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials); files that do
// not exist are empty.
AwsConfig load_config(const Env& env, const ReadFile& read_file);

// Option, then environment, then profile. Throws invalid_argument for a profile that does not exist (naming
// those that do) and for values that cannot be, with their place.
AwsSettings resolve_settings(const IdentityOptions& options, const Env& env, const AwsConfig& config);

// The text of a setting of one line, or empty. Throws config_error for one of several lines.
std::string setting_text(const ConfigSection* section, std::string_view name);

// A file of the system. Throws as errno_error(), permission_denied and the like; nothing if there is none.
ReadFile system_files();

}  // namespace haul::auth
