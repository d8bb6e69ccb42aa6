// What an object carries beside its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/env.h"
#include "store/entry.h"

namespace haul::store {

// Owner, mode and times of a file, as a file system has them and as user metadata carries them on objects
// (the convention of DataSync, Storage Gateway and FSx: file-permissions, file-owner, file-group,
// file-mtime).
struct PosixAttributes {
  std::optional<std::uint32_t> mode;  // st_mode; the type bits may be missing
  std::optional<std::uint32_t> uid, gid;
  std::optional<Time> mtime, atime;
  bool operator==(const PosixAttributes&) const = default;
};

using Metadata = std::vector<std::pair<std::string, std::string>>;  // user metadata; names in lower case
using Tags = std::vector<std::pair<std::string, std::string>>;

struct ContentHeaders {
  std::string type, encoding, language, disposition, cache_control, expires;
  bool operator==(const ContentHeaders&) const = default;
};

struct Properties {
  ContentHeaders content;
  Metadata metadata;
  std::optional<Tags> tags;  // nothing: not asked for, or not known
  std::optional<PosixAttributes> posix;
  std::string website_redirect;
};

// All that is known of one object. Owns its text.
struct Details {
  Key key;
  std::uint64_t size = 0;
  Time modified{};
  Time changed{};
  std::string etag, version, storage_class;
  EntryKind kind = EntryKind::object;
  Checksums checksums;
  Properties properties;
  unsigned tag_count = 0;   // objects: how many tags there are, without reading them
  unsigned part_count = 0;  // objects: parts of the upload, 0 if not known
  std::string encryption;   // "", "AES256", "aws:kms", "aws:kms:dsse", "SSE-C"
  bool archived = false;    // must be restored before it can be read
};

}  // namespace haul::store
