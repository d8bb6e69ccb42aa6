// File attributes as user metadata on objects.
//
// Written as DataSync, Storage Gateway and FSx for Lustre write them: file-permissions (octal st_mode),
// file-owner, file-group (decimal), file-mtime and file-atime (nanoseconds with the suffix `ns`). Read in
// these and in the variants of other tools: times without suffix are milliseconds, possibly with a
// fraction; `mtime` alone (rclone, s3fs) is seconds, possibly with a fraction; permissions may lack the
// type digits. What cannot be parsed is left in the metadata and ignored.
// Thread safety: pure functions.
#pragma once

#include <optional>

#include "store/properties.h"

namespace haul::store {

// Appends the attributes to metadata, replacing those that are there.
void put_posix(const PosixAttributes& attributes, Metadata& metadata);

// The attributes found in metadata; nothing if there are none.
std::optional<PosixAttributes> get_posix(const Metadata& metadata);

// Whether a metadata name is one of those that carry file attributes.
bool is_posix_name(std::string_view name);

}  // namespace haul::store
