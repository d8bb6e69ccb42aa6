#include "job/spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "job/spec_document.h"
#include "job/spec_keys.h"
#include "job/spec_rules.h"

namespace haul::job {
namespace {

std::string line_of(const std::string& file, const SpecProblem& problem) {
  return fmt::format("{}:{}:{}: {}{}", visible(file), problem.line, problem.column, problem.message,
                     problem.hint.empty() ? "" : " (" + problem.hint + ")");
}

std::string summary(const std::string& file, const std::vector<SpecProblem>& problems) {
  std::string text = problems.empty() ? file : line_of(file, problems.front());
  if (problems.size() > 1) text += fmt::format(", and {} more", problems.size() - 1);
  return text;
}

std::vector<SpecProblem> in_order(std::vector<SpecProblem> problems) {
  std::ranges::sort(problems, {}, [](const SpecProblem& each) { return std::pair(each.line, each.column); });
  return problems;
}

// A resolved job was checked for its types before, and numbers that stood in text may be either.
void loosen(SpecNode& node) {
  node.loose = true;
  if (node.type == NodeType::text && !plain_number(node.text)) {
    const NodeType type = type_of_plain(node.text);
    if (type == NodeType::integer || type == NodeType::real) node.type = type;
  }
  std::ranges::for_each(node.items, loosen);
  for (auto& [key, value] : node.entries)
    loosen(value);
}

JobSpec read_spec(SpecNode document, const SpecContext& context, SpecProblems& problems) {
  JobSpec spec;
  if (problems.empty() || document.type != NodeType::null) {
    SpecReading reading{context, problems};
    read_section(job_keys(), &spec, document, "", reading);
  }
  // Rules between keys make sense once each key does.
  if (problems.empty()) check_rules(spec, document, problems);
  if (!problems.empty()) throw SpecError(context.file, problems.take());
  spec.resolved = document_json(document);
  return spec;
}

}  // namespace

SpecError::SpecError(const std::string& file, std::vector<SpecProblem> problems)
    : Error(ErrorClass::invalid_argument, summary(file, in_order(problems))),
      file_(file),
      problems_(in_order(std::move(problems))) {}

std::vector<std::string> SpecError::lines() const {
  std::vector<std::string> lines;
  lines.reserve(problems_.size());
  for (const SpecProblem& problem : problems_)
    lines.push_back(line_of(file_, problem));
  return lines;
}

JobSpec parse_job_spec(std::string_view text, const SpecContext& context) {
  SpecProblems problems;
  SpecNode document = read_document(text, problems);
  substitute_variables(document, context, problems);
  return read_spec(std::move(document), context, problems);
}

JobSpec parse_resolved_spec(std::string_view json) {
  SpecProblems problems;
  const SpecContext context{.file = "stored job"};
  SpecNode document = read_document(json, problems);
  loosen(document);
  return read_spec(std::move(document), context, problems);
}

}  // namespace haul::job
