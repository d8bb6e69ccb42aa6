#include "store.h"

#include <algorithm>

namespace haul::fakes3 {

Bucket* Store::find_bucket(std::string_view name) {
  auto found = buckets.find(name);
  return found == buckets.end() ? nullptr : &found->second;
}

Object* Store::find_object(std::string_view bucket, std::string_view key) {
  Bucket* in = find_bucket(bucket);
  if (in == nullptr) return nullptr;
  auto found = in->objects.find(key);
  if (found == in->objects.end() || found->second.back().delete_marker) return nullptr;
  return &found->second.back();
}

Object* Store::find_version(std::string_view bucket, std::string_view key, std::string_view version) {
  Bucket* in = find_bucket(bucket);
  if (in == nullptr) return nullptr;
  auto found = in->objects.find(key);
  if (found == in->objects.end()) return nullptr;
  for (Object& object : found->second) {
    if (object.version_id == version) return &object;
  }
  return nullptr;
}

const Object& Store::put(Bucket& bucket, std::string_view key, Object object) {
  auto found = bucket.objects.find(key);
  if (found == bucket.objects.end())
    found = bucket.objects.emplace(std::string(key), std::vector<Object>()).first;
  std::vector<Object>& versions = found->second;
  if (bucket.versioning == Versioning::enabled) {
    object.version_id = next_id();
  } else {
    object.version_id = "null";
    std::erase_if(versions, [](const Object& old) { return old.version_id == "null"; });
  }
  versions.push_back(std::move(object));
  return versions.back();
}

Store::Removed Store::remove(Bucket& bucket, std::string_view key,
                             const std::optional<std::string>& version) {
  auto found = bucket.objects.find(key);
  Removed removed;
  if (version) {
    removed.version_id = *version;
    if (found == bucket.objects.end()) return removed;
    std::erase_if(found->second, [&](const Object& object) {
      if (object.version_id != *version) return false;
      removed.marker = object.delete_marker;
      return true;
    });
    if (found->second.empty()) bucket.objects.erase(found);
    return removed;
  }
  if (bucket.versioning == Versioning::never) {
    if (found != bucket.objects.end()) bucket.objects.erase(found);
    return removed;
  }
  Object marker;
  marker.delete_marker = true;
  removed.marker = true;
  removed.version_id = put(bucket, key, std::move(marker)).version_id;
  return removed;
}

std::string Store::next_id() {
  // rising, so that ids sort by age; letters only where S3 has them too
  std::string digits = std::to_string(++counter_);
  return std::string("v")
      .append(16 - std::min<std::size_t>(digits.size(), 16), '0')
      .append(digits)
      .append("Zk1w");
}

void Store::clear() {
  buckets.clear();
  uploads.clear();
}

}  // namespace haul::fakes3
