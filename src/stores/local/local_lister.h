// The pages of a tree, one of them made ahead while the caller deals with the one before.
#pragma once

#include <memory>

#include "store/store.h"
#include "stores/local/options.h"

namespace haul::local {

std::unique_ptr<store::Lister> make_lister(std::shared_ptr<Place> place, store::ListRequest request);

}  // namespace haul::local
