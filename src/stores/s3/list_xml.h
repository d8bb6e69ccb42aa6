// Answers of ListObjectsV2 and ListObjectVersions as pages of entries, parsed in the memory that the page
// keeps.
#pragma once

#include <string_view>

#include "store/entry.h"

namespace haul::s3 {

// What a page says beside its entries. Views point into the page.
struct ListTail {
  bool truncated = false;
  std::string_view token;           // NextContinuationToken
  std::string_view key_marker;      // NextKeyMarker
  std::string_view version_marker;  // NextVersionIdMarker
};

// Fills entries and common prefixes of `page` from page.buffer, which holds a whole document of either kind.
// Keys are decoded where the document says that they are encoded, wherever it says so. Throws
// Error(unavailable) for a malformed or cut document.
ListTail parse_list_page(store::ListPage& page);

}  // namespace haul::s3
