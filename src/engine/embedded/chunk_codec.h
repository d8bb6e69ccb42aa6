// A chunk's items as bytes, for manifest segments. Neighbours in a listing have much in common, so a key
// holds only what differs from the one before, and a destination only what differs from both.
//
// Layout, version 1: the version (1 byte), the number of items, then the items. Numbers are LEB128; signed
// ones zigzag. Encoding is one to one: what decodes is exactly what was encoded.
// Pure functions, safe from any thread.
#pragma once

#include <string>
#include <string_view>

#include "job/chunk.h"

namespace haul::engine {

void append_items(std::string& out, const std::vector<job::Item>& items);

// Fills `chunk.items`, and `chunk.text` with what they point to. Throws data_loss for anything that
// append_items() does not write.
void read_items(std::string_view bytes, job::Chunk& chunk);

}  // namespace haul::engine
