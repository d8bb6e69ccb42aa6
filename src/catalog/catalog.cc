#include "catalog/catalog.h"

namespace haul::catalog {

std::vector<std::size_t> Statement::order() const {
  std::vector<std::size_t> order;
  order.reserve(uses_.size());
  for (const Use& use : uses_)
    order.push_back(use.name);
  return order;
}

}  // namespace haul::catalog
