// What the fake keeps: buckets, versions of objects, uploads in progress. Everything is guarded by one mutex,
// which operations hold while they touch it; contents are shared and immutable, so that a body is sent
// without it. Nothing survives the process.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checksum.h"
#include "content.h"

namespace haul::fakes3 {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// What was said about an object when it was written, as header lines to be sent with it.
struct Attributes {
  Pairs headers;
  std::string storage_class;  // empty: STANDARD
};

struct Checksum {
  Algorithm algorithm = Algorithm::crc64nvme;
  bool full_object = true;
  std::string value;  // base64; a composite one ends in -PARTS
};

struct Object {
  std::string version_id = "null";
  bool delete_marker = false;
  Content content;
  std::uint64_t size = 0;
  std::string etag;  // quoted
  std::int64_t modified = 0;
  std::shared_ptr<const Attributes> attributes;
  Pairs tags;
  std::optional<Checksum> checksum;  // none: CRC64NVME, computed when somebody asks
  std::vector<std::uint64_t> parts;  // their sizes, when it was uploaded in parts
};

enum class Versioning : std::uint8_t { never, enabled, suspended };

struct Bucket {
  std::string region, owner;
  Versioning versioning = Versioning::never;
  /// Newest version last; no entry has an empty list.
  std::map<std::string, std::vector<Object>, std::less<>> objects;
};

struct Part {
  Content content;
  std::uint64_t size = 0, crc64nvme = 0;
  std::string etag, digest;  // digest: what the ETag of the whole is made of
  std::string checksum;      // raw, in the upload's algorithm
  std::int64_t modified = 0;
};

struct Upload {
  std::string bucket, key;
  std::int64_t initiated = 0;
  std::shared_ptr<const Attributes> attributes;
  Pairs tags;
  Algorithm algorithm = Algorithm::crc64nvme;
  bool full_object = true, asked_for_checksum = false;
  std::map<int, Part> parts;
};

class Store {
 public:
  std::mutex mutex;

  std::map<std::string, Bucket, std::less<>> buckets;
  std::map<std::string, Upload, std::less<>> uploads;  // by upload id

  Bucket* find_bucket(std::string_view name);
  /// The current version, null if there is none or it is a delete marker.
  Object* find_object(std::string_view bucket, std::string_view key);
  /// That version, be it a delete marker; null if there is none.
  Object* find_version(std::string_view bucket, std::string_view key, std::string_view version);

  /// Makes it the newest version, in the way the bucket's versioning says. Returns what is kept.
  const Object& put(Bucket& bucket, std::string_view key, Object object);
  struct Removed {
    bool marker = false;     // a delete marker was made or removed
    std::string version_id;  // of the marker made, or of the version removed; empty without versioning
  };
  Removed remove(Bucket& bucket, std::string_view key, const std::optional<std::string>& version);

  std::string next_id();
  void clear();

 private:
  std::uint64_t counter_ = 0;
};

}  // namespace haul::fakes3
