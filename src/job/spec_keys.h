// The table of all keys that a job file may hold: the reader, the schema (spec_schema.h) and the list of keys
// are all made from it, so they cannot differ.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "job/spec_document.h"

namespace haul::job {

struct SpecReading {
  const SpecContext& context;
  SpecProblems& problems;
};

struct SpecSection;

struct SpecKey {
  std::string name;
  std::string text;                            // what it means, a sentence or two
  nlohmann::ordered_json schema;               // of its value; of sections nothing
  std::shared_ptr<const SpecSection> section;  // of a section, or of each value of a map of sections
  bool named_sections = false;                 // a map from names to sections
  bool required = false;
  // Writes the value into its part of the spec. Throws invalid_argument without place, or adds problems; may
  // rewrite the node as the resolved job is to have it.
  std::function<void(void* part, SpecNode& node, SpecReading& reading)> take;
};

struct SpecSection {
  std::vector<SpecKey> keys;
  const SpecKey* find(std::string_view name) const noexcept;
};

// The document's own keys. Parts are: void* = JobSpec*.
const SpecSection& job_keys();

// Reads the entries of a map into a part: unknown keys are problems, with what was probably meant.
void read_section(const SpecSection& section, void* part, SpecNode& node, std::string_view name,
                  SpecReading& reading);

// All keys as paths, "options.delete.max-share", "catalogs.*.url", in the order of the table.
std::vector<std::string> job_key_paths();

}  // namespace haul::job
