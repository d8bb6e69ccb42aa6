// Credentials from the machine Haul runs on: the instance metadata service of EC2 (IMDSv2) and the container
// endpoints of ECS and EKS.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "auth/fetch.h"
#include "auth/refreshing.h"
#include "base/env.h"

namespace haul::auth {

// The text of a small file, or nothing if there is none. Throws Error when it cannot be read. May block.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;

struct InstanceOptions {
  std::string base_url = "http://169.254.169.254";
  bool allow_v1 = true;  // hosts that know no tokens
  std::chrono::milliseconds timeout{1000};
  int attempts = 1;
  // What to say when this is no instance, or one without a role: what else was looked at.
  std::string absence_message = "there is no instance metadata service";
};

// AWS_EC2_METADATA_*, AWS_METADATA_SERVICE_*. Nothing if it is switched off.
std::optional<InstanceOptions> instance_options(const Env& env);

// `fetch` must outlive it. Absence throws unauthenticated.
std::unique_ptr<CredentialsSource> make_instance_source(InstanceOptions options, Fetch& fetch);

struct ContainerOptions {
  std::string url;
  std::string token;       // value of Authorization, or
  std::string token_file;  // where it is read before each request
};

// AWS_CONTAINER_*. Nothing if they are not set. Throws invalid_argument for a full URI that is neither https
// nor one of the container hosts or loopback: the token must not go elsewhere in the clear.
std::optional<ContainerOptions> container_options(const Env& env);

std::unique_ptr<CredentialsSource> make_container_source(ContainerOptions options, Fetch& fetch,
                                                         ReadFile read_file);

// {"AccessKeyId","SecretAccessKey","Token" or "SessionToken","Expiration","AccountId"}. Throws unavailable,
// without any of the text, when it is not that.
Credentials parse_json_credentials(const std::string& text, const std::string& origin);

}  // namespace haul::auth
