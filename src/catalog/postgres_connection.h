// PostgreSQL as a catalogue: prepared rows, sent many at a time.
#pragma once

#include <memory>

#include "catalog/address.h"
#include "catalog/connection.h"

namespace haul::catalog {

// Throws as PostgresSession does.
std::unique_ptr<Connection> connect_postgres(const Address& address, const CatalogOptions& options);

}  // namespace haul::catalog
