// A location as ls, du and manifest look at it: a store and the keys below a prefix, or a pattern over them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/session.h"
#include "app/store_factory.h"
#include "base/glob.h"
#include "listing/filter.h"
#include "listing/parallel_lister.h"
#include "store/store.h"

namespace haul::app {

struct ListedPlace {
  std::shared_ptr<store::Store> store;
  std::string text, bucket;
  std::string prefix;  // listed: keys that begin with it
  std::optional<Glob> glob;
  std::optional<store::Details> object;  // the location names exactly one object, or also a directory
  bool is_tree = true;                   // whether anything is to be listed beside `object`
};

// Throws not_found where there is nothing. `trees`: a location that could be both is a directory.
Task<ListedPlace> listed_place(Session& session, StoreFactory& stores, std::string text, OpContext& context);

// An object as a listing would have it.
store::Entry entry_of(const store::Details& details);

// Visits every entry below the place, pages in key order or as they come, through the filters of the command
// line. `visit` gets the page's entries one by one. Gives the number of parts that could not be listed, each
// of which has been told on the screen.
Task<std::uint64_t> visit_entries(Session& session, ListedPlace& place, listing::ListOrder order,
                                  std::function<void(const store::Entry&)> visit);

}  // namespace haul::app
