// The AWS Security Token Service (API version 2011-06-15): query requests, XML answers.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "auth/clock_skew.h"
#include "auth/credentials.h"
#include "auth/fetch.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::auth {

struct RoleRequest {
  std::string role_arn;
  std::string session_name;                      // shown in the audit log of the role's account
  std::string external_id;                       // what follows may be empty
  std::string session_policy;                    // JSON, see session_policy.h
  std::optional<std::chrono::seconds> duration;  // nothing: an hour
  std::string origin;                            // for Credentials::origin
};

struct CallerIdentity {
  std::string account, arn, user_id;
};

// Calls are retried by runtime/retry.h. They throw permission_denied, unauthenticated, invalid_argument,
// throttled or unavailable, with STS's code and request id, and never with a secret or a token in the text.
// Thread safety: calls may be made from any shard.
class Sts {
 public:
  // `endpoint_url` as sts_endpoint_url() gives it; `region` is the one signed for. `fetch` must outlive it.
  Sts(Fetch& fetch, std::string endpoint_url, std::string region)
      : fetch_(fetch), endpoint_url_(std::move(endpoint_url)), region_(std::move(region)) {}

  // With the caller's rights. Expired credentials of the caller are refreshed and the call is repeated.
  Task<Credentials> assume_role(const RoleRequest& role, CredentialsProvider& caller, OpContext& context);

  // With a token of an identity provider instead; not signed.
  Task<Credentials> assume_role_with_web_identity(const RoleRequest& role, const Secret& token,
                                                  OpContext& context);

  // Who the credentials belong to. Needs no permission.
  Task<CallerIdentity> caller_identity(CredentialsProvider& caller, OpContext& context);

 private:
  struct Call;
  Task<std::string> send(const Call& call, OpContext& context);
  Task<std::string> attempt(const Call& call, OpContext& context);
  Error refusal(const FetchAnswer& answer, const Call& call, const Snapshot& signed_with, Time received);

  Fetch& fetch_;
  const std::string endpoint_url_;
  const std::string region_;
  ClockSkew skew_;
};

}  // namespace haul::auth
