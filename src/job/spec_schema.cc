#include "job/spec_schema.h"

#include "job/report_summary.h"
#include "job/spec_keys.h"
#include "job/spec_rules.h"
#include "job/spec_values.h"

namespace haul::job {
namespace {

Schema section_schema(const SpecSection& section);

Schema key_schema(const SpecKey& key) {
  Schema schema = key.schema;
  if (key.section && key.named_sections)
    schema = {{"type", "object"}, {"additionalProperties", section_schema(*key.section)}};
  else if (key.section)
    schema = section_schema(*key.section);
  schema["description"] = key.text;
  return schema;
}

Schema section_schema(const SpecSection& section) {
  Schema properties = Schema::object(), required = Schema::array();
  for (const SpecKey& key : section.keys) {
    properties[key.name] = key_schema(key);
    if (key.required) required.push_back(key.name);
  }
  Schema schema{{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

// "options.delete" is forbidden: {"options": {"properties": {"delete": false}}}
void forbid(Schema& properties, std::string_view path) {
  const std::size_t dot = path.find('.');
  const std::string name(path.substr(0, dot));
  if (dot == std::string_view::npos)
    properties[name] = false;
  else if (!properties.contains(name) || properties[name].is_object())
    forbid(properties[name]["properties"], path.substr(dot + 1));
}

Schema rules_of(Operation operation) {
  Schema properties = Schema::object();
  for (const KeyUse& use : key_uses())
    if (!allows(use, operation)) forbid(properties, use.path);
  Schema then{{"properties", std::move(properties)}};
  if (needs_destination(operation)) then["required"] = {"destination"};
  if (operation == Operation::tag) then["required"] = {"tags"};
  return {{"if",
           {{"properties", {{"operation", {{"const", to_string(operation)}}}}}, {"required", {"operation"}}}},
          {"then", std::move(then)}};
}

}  // namespace

std::string job_schema() {
  Schema schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                {"title", "Haul job"},
                {"description", "What is to be done, written down. docs/job-file.md tells more."}};
  schema.update(section_schema(job_keys()));
  Schema rules = Schema::array();
  for (const Operation operation : spec_operations())
    rules.push_back(rules_of(operation));
  schema["allOf"] = std::move(rules);
  schema["$defs"] = {{"variable",
                      {{"description", "Holds a variable, which is replaced before the value is looked at."},
                       {"type", "string"},
                       {"pattern", "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}"}}}};
  return schema.dump(2) + "\n";
}

}  // namespace haul::job
