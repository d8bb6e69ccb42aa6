// Lines of listings, for people and for programs.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

#include "store/entry.h"

namespace haul::app {

// "2024-01-31 23:59:59       1234 name", as aws s3 ls writes it, in local time. One per output: it remembers
// the last hour's offset, since asking the time zone for every line costs more than the line.
class EntryFormat {
 public:
  EntryFormat(bool human, bool versions) : human_(human), versions_(versions) {}

  void append(std::string& out, const store::Entry& entry, std::string_view name);
  void append_prefix(std::string& out, std::string_view name) const;
  void append_time(std::string& out, Time time);

 private:
  const bool human_, versions_;
  std::int64_t hour_ = INT64_MIN;
  std::int64_t offset_ = 0;  // seconds east of UTC in that hour
};

void append_entry_json(std::string& out, const store::Entry& entry);

}  // namespace haul::app
