// Which keys a listing wants, and what that means for the names of one directory.
// Thread safety: values.
#pragma once

#include <string>
#include <string_view>

#include "store/store.h"

namespace haul::local {

// Whether a key is in the range that a request asks for.
inline bool wants(const store::ListRequest& request, std::string_view key) noexcept {
  return key.starts_with(request.prefix) && (request.after.empty() || key > request.after) &&
         (request.until.empty() || key <= request.until);
}

// The part of a request that concerns the names in the directory with key `directory` (empty for the root,
// else ending in `/`). Views into the request.
class NameRange {
 public:
  NameRange() = default;
  NameRange(const store::ListRequest& request, std::string_view directory) noexcept
      : prefix_(rest_of(request.prefix, directory)),
        after_(rest_of(request.after, directory)),
        until_(rest_of(request.until, directory)),
        nothing_(
            (!request.until.empty() && directory > request.until) ||
            (!request.after.empty() && directory < request.after && !request.after.starts_with(directory))) {
    // A bound that is the directory itself: everything below it is greater.
    if (!request.until.empty() && request.until == directory) nothing_ = true;
    everything_ = !nothing_ && prefix_.empty() && after_.empty() && until_.empty();
  }

  // Whether anything with this name can be wanted: `name` as DirectoryName::key. A directory counts if any
  // key that begins with it can be in the range.
  bool may_hold(std::string_view name) const noexcept {
    if (everything_) return true;
    if (nothing_) return false;
    if (!name.starts_with(prefix_) && !(is_directory(name) && prefix_.starts_with(name))) return false;
    if (!after_.empty() && name <= after_ && !(is_directory(name) && after_.starts_with(name))) return false;
    return until_.empty() || name <= until_;
  }

 private:
  static bool is_directory(std::string_view name) noexcept { return name.ends_with('/'); }
  static std::string_view rest_of(std::string_view bound, std::string_view directory) noexcept {
    return bound.starts_with(directory) ? bound.substr(directory.size()) : std::string_view();
  }

  std::string_view prefix_, after_, until_;  // empty: no bound here
  bool nothing_ = false;
  bool everything_ = true;
};

}  // namespace haul::local
