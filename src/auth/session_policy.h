// What a session may do at the most: a policy handed over with AssumeRole, so that the temporary credentials
// reach only the places and actions that a command needs. The rights are the intersection with the role's
// own. AWS IAM User Guide, "Session policies"; Service Authorization Reference, "Amazon S3".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace haul::auth {

// Sets of actions, as bits.
enum class Access : std::uint8_t {
  none = 0,
  list = 1 << 0,    // keys and versions below the prefix
  read = 1 << 1,    // content, metadata and tags of objects
  write = 1 << 2,   // put, copy to, multipart uploads, tags given with them
  remove = 1 << 3,  // objects and versions
  tag = 1 << 4,     // read, replace and drop tags
  acl = 1 << 5,     // canned ACLs
  bucket = 1 << 6,  // make and remove the bucket itself, ask whether it keeps versions
};
constexpr Access operator|(Access a, Access b) noexcept {
  return static_cast<Access>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool includes(Access all, Access one) noexcept {
  return (static_cast<std::uint8_t>(all) & static_cast<std::uint8_t>(one)) != 0;
}

struct PolicyScope {
  std::string bucket;
  std::string prefix;  // keys that begin with it; empty: the whole bucket
  Access access = Access::none;
  bool single = false;  // `prefix` is one whole key; what is below it as a directory may be listed, no more
};

// Whether objects may be encrypted with KMS keys, which then have to be usable through S3. Servers other than
// AWS's do not know these actions and refuse a policy with them.
enum class KmsUse : bool { none, through_s3 };

// Compact ASCII JSON of at most 2048 characters, the limit of STS. Longer prefixes are cut where needed,
// which allows more keys and never fewer. Throws invalid_argument (remedy: --no-scope-down) when even that
// does not fit. `partition`: "aws", "aws-cn", ... Asking for a missing object below the prefix answers "not
// found" and not "forbidden" only if its bucket may be listed: include Access::list where that matters.
std::string scope_down_policy(std::span<const PolicyScope> scopes, std::string_view partition, KmsUse kms);

}  // namespace haul::auth
