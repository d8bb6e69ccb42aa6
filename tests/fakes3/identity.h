// Who asks: accounts with long-lived keys, sessions made by STS, and the SigV4 check.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "request.h"

namespace haul::fakes3 {

struct Credential {
  std::string access_key, secret_key, token, account;
  std::optional<std::int64_t> expires;  // seconds since the epoch
};

/// Thread safe.
class Identities {
 public:
  void add_account(std::string name, std::string access_key, std::string secret_key);
  std::optional<Credential> find(std::string_view access_key) const;
  bool has_account(std::string_view name) const;
  /// A session's credentials; what they may do is what the account may do.
  Credential make_session(std::string account, std::int64_t expires);
  /// All sessions there are become expired ones.
  void expire_sessions();
  void end_sessions();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Credential, std::less<>> credentials_;  // guarded by mutex_
  std::uint64_t counter_ = 0;
};

/// What a request says about its sender; empty for an anonymous one.
struct Sender {
  std::string access_key, account, region;
};

enum class Check : std::uint8_t { identity, signature };

/// Finds the sender from the Authorization header or the presigned query. Throws Refusal: always for an
/// expired session; with Check::signature also for unknown keys, wrong tokens, a clock more than 15 minutes
/// off, and a signature that does not hold. `payload_hash`: hex SHA-256 of the body, for services other
/// than S3 whose requests do not say it.
Sender authenticate(const Request& request, const Identities& identities, Check check, std::int64_t now,
                    std::string_view payload_hash);

/// Signature of a request for given parts, exposed to be checked against published vectors.
std::string signature_of(const std::string& secret_key, std::string_view date, std::string_view region,
                         std::string_view service, std::string_view string_to_sign);

}  // namespace haul::fakes3
