#include <utility>

#include "catalog/address.h"
#include "catalog/catalog.h"
#include "catalog/connected_catalog.h"
#include "catalog/mariadb_connection.h"
#include "catalog/postgres_connection.h"
#include "catalog/sqlite_connection.h"

namespace haul::catalog {

std::shared_ptr<Catalog> open_catalog(const CatalogOptions& options) {
  const Address address = parse_address(options.url);
  const auto connected_by = [&](auto connect) {
    return make_catalog(address.description(), [=] { return connect(address, options); }, options);
  };
  switch (address.kind) {
    case ServerKind::sqlite: return connected_by(&connect_sqlite);
    case ServerKind::mariadb: return connected_by(&connect_mariadb);
    case ServerKind::postgres: return connected_by(&connect_postgres);
  }
  std::unreachable();
}

}  // namespace haul::catalog
