// A Catalog over connections: a few of them, made when needed, made anew when broken, and held to the rate.
#pragma once

#include <memory>
#include <string>

#include "catalog/catalog.h"
#include "catalog/connection.h"

namespace haul::catalog {

// `connect` is called on the blocking pool, by several threads at once.
std::shared_ptr<Catalog> make_catalog(std::string description, Connect connect,
                                      const CatalogOptions& options);

}  // namespace haul::catalog
