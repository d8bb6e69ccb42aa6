// One state of an object in memory, and how its etag and checksums come about.
#pragma once

#include <string>
#include <string_view>

#include "stores/memory/memory_store.h"

namespace haul::memory {

struct MemoryStore::State {
  std::string content;
  Time modified{};
  std::string etag;
  std::string version;  // empty where versions are not kept
  std::string storage_class;
  store::Properties properties;
  Checksums checksums;
  unsigned part_count = 0;
  bool delete_marker = false;
};

// The MD5 of the content in hexadecimal digits.
std::string etag_of(std::string_view content);

// All the bytes of a body. Throws data_loss if they are not as many as it promised.
Task<std::string> drain(Body& body, OpContext& context);

// Throws data_loss if the content does not have this checksum.
void verify_content(std::string_view content, const Checksum& expected);

}  // namespace haul::memory
