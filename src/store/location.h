// Where things are, as users write it: `s3://bucket/prefix`, a path, `-` for standard input or output.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace haul::store {

enum class Scheme { local, s3, standard_stream };

// Thread safety: a value.
struct Location {
  Scheme scheme = Scheme::local;
  std::string bucket;  // s3 only
  std::string path;    // s3: the key or prefix, byte for byte; local: the path as given
  std::string text;    // as the user wrote it, for messages

  // Names a place to put things into rather than a new name: ends in `/`, or is a bucket's root.
  bool ends_in_slash() const { return path.empty() || path.back() == '/'; }
  // Holds an unescaped `*`, `?` or `[`. A local path that exists literally is no glob; the caller checks.
  bool has_glob() const;
};

// Throws invalid_argument with the position and the remedy: unknown scheme (`gs://`), missing bucket,
// malformed bucket name, an S3 access point where none is supported, an empty string, a NUL byte.
Location parse_location(std::string_view text);

}  // namespace haul::store
