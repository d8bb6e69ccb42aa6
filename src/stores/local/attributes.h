// Attributes of files: from stat to Details, and from Properties onto an open file.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "store/properties.h"
#include "stores/local/options.h"

namespace haul::local {

Time to_time(const timespec& time) noexcept;

store::PosixAttributes posix_of(const struct stat& status);

// Size, times, kind and, if asked for, the attributes.
void describe_file(const struct stat& status, bool properties, store::Details& details);

// Whether two looks at a file show the same state of its content.
bool same_state(const struct stat& before, const struct stat& after) noexcept;

// Sets what is asked for on an open file or directory. Adds to `losses` what the file system cannot hold
// (metadata, content headers, tags) and what this user may not set (owner). Gives an errno, 0 if all is well.
int apply_properties(int fd, const store::Properties& properties, const Preserve& preserve,
                     std::vector<std::string>& losses);

// The same losses without a file to apply anything to.
void name_losses(const store::Properties& properties, std::vector<std::string>& losses);

bool was_symlink(const store::Properties* properties) noexcept;

}  // namespace haul::local
