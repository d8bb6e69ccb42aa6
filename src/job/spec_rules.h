// What keys of a job file have to do with each other.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "job/spec.h"
#include "job/spec_document.h"

namespace haul::job {

// A key that only some operations know what to do with. The schema says the same.
struct KeyUse {
  std::string_view path;  // "options.delete"
  std::vector<Operation> operations;
};
std::span<const KeyUse> key_uses();
bool allows(const KeyUse& use, Operation operation) noexcept;

// Every operation of job files, in the order of the docs.
std::span<const Operation> spec_operations() noexcept;
bool needs_destination(Operation operation) noexcept;

// Adds a problem for each rule that is broken, at the place of the key that is to be changed.
void check_rules(const JobSpec& spec, const SpecNode& document, SpecProblems& problems);

}  // namespace haul::job
