// How a service and a bucket are to be used. Values that users set; what they leave empty is decided here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "auth/credentials.h"
#include "base/checksum.h"
#include "runtime/limiter.h"
#include "runtime/retry.h"

namespace haul::s3 {

// Where the bucket's name goes: into the host (virtual) or into the path. `automatic` takes the path for
// custom endpoints, for names that no certificate covers (dots) and for addresses.
enum class Addressing : std::uint8_t { automatic, virtual_host, path };

// Whether a body whose checksum is not known beforehand may carry it behind its last byte (aws-chunked with a
// trailer). `automatic`: with Amazon, and with others that turn out to understand it.
enum class Trailers : std::uint8_t { automatic, always, never };

// One endpoint with one identity.
struct ServiceOptions {
  std::string endpoint;  // http(s)://host[:port]; empty: Amazon's for the region
  std::string region;    // empty: us-east-1, and then wherever the bucket says it is
  Addressing addressing = Addressing::automatic;
  bool dual_stack = false;  // Amazon's endpoints with IPv6
  bool fips = false;
  bool accelerate = false;  // transfer acceleration, for objects only
  // Requests in flight at the most, reads and writes of all shards together; else as many as LimiterOptions
  // says for each shard, of which one may have all.
  std::optional<unsigned> concurrency;
  RetryPolicy retry{.first_throttled = std::chrono::milliseconds(50)};
  // Whether the signature covers the bytes of bodies. They are covered by checksums anyway, and SHA-256 costs
  // more than all the rest of a request; it matters on plain http through a network that is not trusted.
  bool payload_signing = false;
  Trailers trailers = Trailers::automatic;
};

// Whether checksums are sent with every write, or only where the protocol demands one. `supported` is right
// for Amazon and all current servers; `required` is for those that refuse headers they do not know.
enum class ChecksumWhen : std::uint8_t { supported, required };

enum class EncryptionKind : std::uint8_t { none, s3, kms, kms_dsse, customer };

struct Encryption {
  EncryptionKind kind = EncryptionKind::none;
  std::string kms_key_id;   // empty: the account's default key
  std::string kms_context;  // JSON
  bool bucket_key = false;
  auth::Secret customer_key;  // 32 bytes
};

// Reads a customer key: a file of 32 bytes, or of their base64 or hexadecimal text. Throws invalid_argument.
auth::Secret read_customer_key(const std::string& path);

struct BucketOptions {
  std::string bucket;
  std::string storage_class;  // empty: the bucket's standard
  Encryption encryption;
  std::string acl;  // canned: private, public-read, bucket-owner-full-control ...
  bool requester_pays = false;
  std::string expected_owner;  // account id; the service refuses when the bucket is another's
  std::optional<ChecksumAlgorithm> checksum = ChecksumAlgorithm::crc64nvme;  // nothing: none
  ChecksumWhen checksum_when = ChecksumWhen::supported;
  bool verify_reads = true;                 // compare whole objects with the checksum that the service keeps
  std::uint64_t expect_continue = 1 << 20;  // bodies from this size on wait for the service's consent
  std::uint64_t copy_part = 512ULL << 20;   // of server-side copies above 5 GiB
  unsigned copy_parts_at_once = 8;          // of one object
  std::uint64_t max_single_copy = 5ULL << 30;
};

}  // namespace haul::s3
