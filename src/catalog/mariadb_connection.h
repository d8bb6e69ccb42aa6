// MariaDB and MySQL as a catalogue.
#pragma once

#include <memory>

#include "catalog/address.h"
#include "catalog/connection.h"

namespace haul::catalog {

// Throws as MariadbSession does.
std::unique_ptr<Connection> connect_mariadb(const Address& address, const CatalogOptions& options);

}  // namespace haul::catalog
