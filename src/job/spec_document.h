// The text of a job file as a tree with places, before anything is known of its keys: YAML 1.2 or JSON, one
// document, without anchors, aliases and tags of types, so that what is written is what is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "job/spec.h"

namespace haul::job {

// The types of the core schema (YAML 1.2.2, section 10.3).
enum class NodeType : std::uint8_t { null, boolean, integer, real, text, list, map };
std::string_view to_string(NodeType type) noexcept;  // "a whole number"

struct SpecEntry;
struct SpecNode {
  NodeType type = NodeType::null;
  std::size_t line = 1, column = 1;
  std::string text;       // of a scalar
  bool quoted = false;    // in quotes or a block: text, whatever it looks like
  bool loose = false;     // of any type that it looks like: it was read before, or
  bool variable = false;  // a variable stood in it
  std::vector<SpecNode> items;
  std::vector<SpecEntry> entries;  // in order, each key once

  bool any_type() const noexcept { return loose || variable; }
  bool scalar() const noexcept { return type != NodeType::list && type != NodeType::map; }
};

struct SpecEntry {
  SpecNode key, value;
};

// Collects what is wrong.
class SpecProblems {
 public:
  void add(const SpecNode& at, std::string message, std::string hint = {}) {
    add({at.line, at.column, std::move(message), std::move(hint)});
  }
  // The first problem of a place tells; what follows from it does not.
  void add(SpecProblem problem) {
    for (const SpecProblem& known : problems_)
      if (known.line == problem.line && known.column == problem.column) return;
    if (problems_.size() < kMost) problems_.push_back(std::move(problem));
  }
  bool empty() const noexcept { return problems_.empty(); }
  std::vector<SpecProblem> take() { return std::move(problems_); }

 private:
  static constexpr std::size_t kMost = 100;  // nobody reads more at once
  std::vector<SpecProblem> problems_;
};

// The tree, as far as it could be read. What is no YAML at all ends it with one problem.
SpecNode read_document(std::string_view text, SpecProblems& problems);

// Replaces ${NAME} in all scalar values (never in keys) by the context's variables; `$$` is a dollar sign.
// What is put in is a value and nothing else: it adds no keys and no items, and is not replaced again.
void substitute_variables(SpecNode& node, const SpecContext& context, SpecProblems& problems);

// What a plain scalar is.
NodeType type_of_plain(std::string_view text) noexcept;

// A number that reads the same when it is written again.
std::optional<std::int64_t> plain_number(const std::string& text);

// The tree as one line of JSON.
std::string document_json(const SpecNode& node);

}  // namespace haul::job
