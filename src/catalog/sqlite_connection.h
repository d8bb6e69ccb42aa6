// SQLite as a catalogue: prepared rows in one transaction.
#pragma once

#include <memory>

#include "catalog/address.h"
#include "catalog/connection.h"

namespace haul::catalog {

// The file must exist. Throws as sqlite::Database does.
std::unique_ptr<Connection> connect_sqlite(const Address& address, const CatalogOptions& options);

}  // namespace haul::catalog
