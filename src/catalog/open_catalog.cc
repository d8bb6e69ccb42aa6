#include "catalog/address.h"
#include "catalog/catalog.h"
#include "catalog/connected_catalog.h"
#include "catalog/sqlite_connection.h"

namespace haul::catalog {

std::shared_ptr<Catalog> open_catalog(const CatalogOptions& options) {
  const Address address = parse_address(options.url);
  const auto connected_by = [&](auto connect) {
    return make_catalog(address.description(), [=] { return connect(address, options); }, options);
  };
  switch (address.kind) {
    case ServerKind::sqlite: return connected_by(&connect_sqlite);
    case ServerKind::mariadb:
    case ServerKind::postgres: break;
  }
  throw Error(ErrorClass::unsupported, "no driver for this kind of server").on(address.description());
}

}  // namespace haul::catalog
