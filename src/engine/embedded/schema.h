// The tables of a state, and the way from each earlier version of them to this one.
#pragma once

#include <functional>
#include <span>

#include "sqlite/database.h"

namespace haul::engine {

// SQL that makes version n + 1 of version n; the first one begins with nothing. Published ones never change.
std::span<const char* const> schema_migrations() noexcept;
inline int schema_version() noexcept {
  return static_cast<int>(schema_migrations().size());
}

// 0 for an empty database. Throws data_loss for one that is not ours.
int read_schema_version(sqlite::Database& database);

// Brings the database to the last version, all at once or not at all. Throws unsupported if it is of a later
// one. `before_migrating` is called before tables of others' work are changed, and may throw; not for an
// empty database.
void migrate(sqlite::Database& database, std::span<const char* const> migrations,
             const std::function<void()>& before_migrating);

}  // namespace haul::engine
