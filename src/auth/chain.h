// Finds the credentials to use, in the order in which botocore (and with it the AWS command line) looks:
//
//   1. none, for --no-sign-request
//   2. the environment; not if a profile is named by option
//   3. a profile that assumes a role (role_arn with source_profile or credential_source)
//   4. web identity (role and token file, from the environment or the profile)
//   5. SSO and login sessions: refused by name, since a job that runs for years cannot log in
//   6. keys in the credentials file   7. credential_process   8. keys in the config file
//   9. the container's endpoint      10. the instance's metadata service
//
// The first that is configured is used; if it fails, that is an error and not a reason to look further.
#pragma once

#include <memory>

#include "auth/credentials.h"
#include "auth/fetch.h"
#include "auth/metadata_sources.h"
#include "auth/program.h"
#include "auth/settings.h"
#include "auth/sts.h"
#include "base/env.h"

namespace haul::auth {

// What the chain needs of the world. Env and Fetch must outlive the providers.
struct AwsWorld {
  const Env& env;
  Fetch& fetch;
  ReadFile read_file;
  RunProgram run_program;
};

// The real one, around a Fetch.
AwsWorld system_world(Fetch& fetch);

struct Identity {
  AwsSettings settings;
  std::shared_ptr<CredentialsProvider> credentials;
  bool assumed_role = false;  // whether options.scope_down has an effect
};

// Reads the files and decides; nothing is sent before the provider is asked. Blocks for as long as reading
// two small files takes. Throws invalid_argument with place and remedy for what is wrong in the
// configuration, unsupported for mfa_serial, SSO and login sessions.
Identity resolve_identity(const IdentityOptions& options, const AwsWorld& world);

// Whether requests go to AWS's own S3, by default or by an explicit endpoint.
bool talks_to_aws(const AwsSettings& settings);

// To ask who the credentials belong to (doctor).
std::unique_ptr<Sts> make_sts(const AwsSettings& settings, Fetch& fetch);

}  // namespace haul::auth
