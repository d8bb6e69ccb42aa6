// Buckets that exist by their name alone: `bench-n1000000-deep-s4096` has a million keys of 4 KiB each, and
// nothing of it is stored. The key with number i rises with i, so that any place is found by bisection.
//
//   NAME-nCOUNT[-OPTION...]   deep      directories of 100 keys in directories of 100
//                             common    all keys under one long common prefix
//                             sBYTES    size of each object (default 4096); it is part of the key
//                             mixed     sizes from 1 KiB to 1 GiB instead: each four times the one before it,
//                                       and half as many of it
//                             mK        each K-th key is missing
//                             cK        each K-th key has other content, ETag and time
// Two buckets with the same options hold the same keys with the same content, whatever NAME is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "content.h"
#include "store.h"

namespace haul::fakes3 {

class Synthetic {
 public:
  static std::optional<Synthetic> parse(std::string_view bucket);

  std::uint64_t count() const { return count_; }
  std::uint64_t object_size(std::uint64_t index) const;
  bool has(std::uint64_t index) const {
    return index < count_ && (missing_ == 0 || (index + 1) % missing_ != 0);
  }
  bool changed(std::uint64_t index) const { return changed_ != 0 && (index + 1) % changed_ == 0; }

  void key_at(std::uint64_t index, std::string& out) const;
  /// Number of the first key that is not before `key`; count() when all are.
  std::uint64_t lower_bound(std::string_view key) const;
  std::optional<std::uint64_t> index_of(std::string_view key) const;

  std::int64_t modified(std::uint64_t index) const { return 1704067200 + (changed(index) ? 86400 : 0); }
  /// Quoted; never to be taken for an MD5, since it ends in -1.
  void append_etag(std::uint64_t index, std::string& out) const;
  Object object(std::uint64_t index) const;

 private:
  enum class Shape : std::uint8_t { flat, deep, common };
  std::uint64_t count_ = 0, size_ = 4096, missing_ = 0, changed_ = 0;
  Shape shape_ = Shape::flat;
  bool mixed_ = false;
};

}  // namespace haul::fakes3
