// The database under test, seen through its own client library: making tables, looking at rows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace haul::catalog {

class TestDatabase {
 public:
  virtual ~TestDatabase() = default;

  // Options that reach it.
  virtual CatalogOptions options() const = 0;
  // Statements separated by semicolons. Throws std::runtime_error in the server's words.
  virtual void execute(const std::string& sql) = 0;
  // Every value as text, NULL as "NULL".
  virtual std::vector<std::vector<std::string>> rows(const std::string& sql) = 0;
  // How the server would carry it out, as one text.
  virtual std::string plan(const std::string& sql) = 0;
  // Whether that plan goes along the index of `files`' primary key.
  virtual bool goes_along_primary_key(const std::string& plan) const = 0;
  virtual std::string quoted(const std::string& name) const = 0;
  virtual std::string placeholder() const = 0;
  // What makes a statement take that many seconds per row, as an expression equal to 0.
  virtual std::string slow_zero() const = 0;
  virtual bool is_server() const = 0;

  // Of the service, for servers: kill, start.
  virtual void service(const std::string& command) = 0;
  // Its settings, as HOST, PORT, SOCKET, USER, PASSWORD, DATABASE, CA.
  virtual std::string setting(const std::string& name) const = 0;

  std::string value(const std::string& sql) { return rows(sql).at(0).at(0); }
};

// The one that HAUL_TEST_CATALOG names: sqlite (also if it is not set), mariadb, postgres.
std::unique_ptr<TestDatabase> open_test_database();

}  // namespace haul::catalog
