// One page of a listing, from stored or synthetic keys alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store.h"
#include "synthetic.h"

namespace haul::fakes3 {

struct Listed {
  std::string_view key, etag, version_id, storage_class, algorithm;
  std::uint64_t size = 0;
  std::int64_t modified = 0;
  bool latest = true, delete_marker = false, full_object = true;
};

/// Goes through keys in byte order. The views of an entry last until the next call.
class Cursor {
 public:
  virtual ~Cursor() = default;
  /// To the first key that is not before this one.
  virtual void seek(std::string_view key) = 0;
  virtual bool next(Listed& entry) = 0;
};

class SyntheticCursor final : public Cursor {
 public:
  explicit SyntheticCursor(const Synthetic& bucket) : bucket_(bucket) {}
  void seek(std::string_view key) override { index_ = bucket_.lower_bound(key); }
  bool next(Listed& entry) override;

 private:
  Synthetic bucket_;
  std::uint64_t index_ = 0;
  std::string key_, etag_;
};

/// The store's mutex is held for as long as the cursor lives.
class StoredCursor final : public Cursor {
 public:
  enum class Show : std::uint8_t { current, versions };
  StoredCursor(const Bucket& bucket, Show show) : bucket_(bucket), show_(show), at_(bucket.objects.begin()) {}
  void seek(std::string_view key) override;
  bool next(Listed& entry) override;

 private:
  const Bucket& bucket_;
  Show show_;
  std::map<std::string, std::vector<Object>, std::less<>>::const_iterator at_;
  std::size_t age_ = 0;  // versions of the key that have been shown
};

enum class Dialect : std::uint8_t { v1, v2, versions };

struct ListRequest {
  Dialect dialect = Dialect::v2;
  std::string bucket, prefix, delimiter, start_after, token, marker, version_marker;
  std::uint64_t max_keys = 1000;
  bool url_encoded = false, fetch_owner = false, has_token = false;
  /// Faults: the page begins with the last key of the one before; the next token leads to the same page.
  bool repeats_key = false, endless = false;
};

/// The document of the page; nothing if the token is not one of ours.
std::optional<std::string> list_page(const ListRequest& request, Cursor& cursor);

}  // namespace haul::fakes3
