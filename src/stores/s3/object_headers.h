// Properties of objects as headers, and back.
//
// User metadata is kept as it travels: what a server sends is stored in Properties byte for byte, and ASCII
// is sent as it is. Only a value that a header cannot carry (not ASCII, or with white space at an end) is
// written as an encoded word (RFC 2047, UTF-8, base64), which is how Amazon itself answers with such values;
// so a value changes its spelling at most once, and never its meaning.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/properties.h"
#include "stores/s3/options.h"
#include "stores/s3/wire.h"

namespace haul::s3 {

// Collects the headers of an answer to GET or HEAD. Names in any case.
class DetailsBuilder {
 public:
  explicit DetailsBuilder(std::string key) { details_.key = std::move(key); }
  void add(std::string_view name, std::string_view value);
  store::Details finish();

 private:
  void add_metadata(std::string_view name, std::string_view value);

  store::Details details_;
  std::vector<std::pair<ChecksumAlgorithm, std::string>> checksums_;
  ChecksumType checksum_type_ = ChecksumType::full_object;
  bool has_type_ = false;
  std::optional<std::uint64_t> total_;  // from Content-Range
  std::string restore_;
  bool archive_status_ = false;
};

std::string_view unquoted_etag(std::string_view etag);
std::string quoted_etag(std::string_view etag);

// Content headers, user metadata (file attributes among it), website redirect; without tags. Throws
// invalid_argument for names and values that cannot be headers. What had to be left out is named in `losses`.
void add_properties(HeaderList& headers, const store::Properties& properties,
                    std::vector<std::string>& losses);

// x-amz-tagging: k1=v1&k2=v2
void add_tags(HeaderList& headers, const store::Tags& tags);

// What new objects get: encryption, storage class, ACL.
void add_settings(HeaderList& headers, const BucketOptions& options, std::string_view storage_class);

// The customer's key, which every request for such an object repeats.
void add_customer_key(HeaderList& headers, const Encryption& encryption);
void add_copy_source_customer_key(HeaderList& headers, const Encryption& encryption);

// x-amz-checksum-crc64nvme and its like.
std::string_view checksum_header(ChecksumAlgorithm algorithm);

// RFC 2047, as far as it is needed (see above).
std::string metadata_value(std::string_view value);

}  // namespace haul::s3
