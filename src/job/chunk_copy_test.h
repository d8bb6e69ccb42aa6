// Chunks are move-only, since nothing but tests has two of one.
#pragma once

#include "job/chunk.h"

namespace haul::job {

inline Chunk copy_of(const Chunk& from) {
  Chunk to;
  to.id = from.id;
  to.extras = from.extras;
  to.bytes = from.bytes;
  to.attempt = from.attempt;
  to.deaths = from.deaths;
  to.abandoned_since = from.abandoned_since;
  to.stage = from.stage;
  to.facts = from.facts;
  for (Item item : from.items) {
    for (std::string_view* text : {&item.key, &item.destination_key, &item.etag, &item.version,
                                   &item.storage_class, &item.reason, &item.row})
      *text = to.text.store(*text);
    to.items.push_back(item);
  }
  return to;
}

}  // namespace haul::job
