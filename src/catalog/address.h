// Where a catalogue is, as its URL says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace haul::catalog {

enum class ServerKind : std::uint8_t { mariadb, postgres, sqlite };

struct Address {
  ServerKind kind = ServerKind::sqlite;
  std::string host, user, database;  // decoded; host without brackets
  std::uint16_t port = 0;            // never 0 for a server
  std::string socket;                // instead of host and port
  std::string path;                  // of SQLite's file

  // "mariadb app@db.internal/media", "sqlite /var/lib/media.db": one line, no secrets.
  std::string description() const;
};

// Throws invalid_argument, without the URL's text if it holds a password.
Address parse_address(std::string_view url);

}  // namespace haul::catalog
