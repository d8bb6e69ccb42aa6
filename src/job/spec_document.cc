#include "job/spec_document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <istream>
#include <span>
#include <spanstream>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace haul::job {
namespace {

constexpr std::size_t kLongestDocument = 1 << 20;
constexpr std::size_t kDeepest = 32;
constexpr std::size_t kMostNodes = 200'000;
constexpr std::size_t kLongestValue = 1 << 20;  // with variables replaced

constexpr std::string_view kNoAliases = "aliases are not supported";
constexpr std::string_view kQuoteStars = "write the value out; a pattern that begins with * needs quotes";

// Ends the reading: what follows would make no sense.
struct Unreadable {
  SpecProblem problem;
};

// yaml-cpp's events as a tree. Anchors and the like are problems where they stand.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(SpecProblems& problems) : problems_(problems) {}

  SpecNode take() { return std::move(root_); }
  bool seen() const noexcept { return seen_; }

  void OnDocumentStart(const YAML::Mark&) override { seen_ = true; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    put(node_at(mark, NodeType::null, anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    SpecNode node = node_at(mark, NodeType::null, YAML::NullAnchor);
    problems_.add(node, std::string(kNoAliases), std::string(kQuoteStars));
    put(std::move(node));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    SpecNode node = node_at(mark, NodeType::text, anchor);
    refuse_tag(node, tag);
    node.quoted = tag == "!";
    node.text = value;
    if (!node.quoted) node.type = type_of_plain(value);
    put(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, NodeType::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, NodeType::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    SpecNode node;
    std::unordered_set<std::string> keys;
    bool key_next = true;  // of a map
    bool duplicate = false;
  };

  SpecNode node_at(const YAML::Mark& mark, NodeType type, YAML::anchor_t anchor) {
    if (++nodes_ > kMostNodes)
      throw Unreadable{{at(mark.line), at(mark.column), "the document holds too many values", ""}};
    SpecNode node;
    node.type = type;
    node.line = at(mark.line);
    node.column = at(mark.column);
    if (anchor != YAML::NullAnchor)
      problems_.add(node, "anchors are not supported", "write the value out where it is needed");
    return node;
  }
  static std::size_t at(int zero_based) { return static_cast<std::size_t>(std::max(zero_based, 0)) + 1; }

  void refuse_tag(const SpecNode& node, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      problems_.add(node, "tags of types are not supported", "leave out what begins with !");
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, NodeType type) {
    SpecNode node = node_at(mark, type, anchor);
    refuse_tag(node, tag);
    if (open_.size() >= kDeepest) throw Unreadable{{node.line, node.column, "is nested too deeply", ""}};
    open_.push_back({std::move(node), {}});
  }

  void close() {
    SpecNode node = std::move(open_.back().node);
    open_.pop_back();
    put(std::move(node));
  }

  void put(SpecNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& into = open_.back();
    if (into.node.type == NodeType::list) {
      into.node.items.push_back(std::move(node));
    } else if (into.key_next) {
      take_key(into, std::move(node));
    } else {
      if (node.type == NodeType::null) {  // it has no place of its own
        node.line = into.node.entries.back().key.line;
        node.column = into.node.entries.back().key.column;
      }
      if (into.duplicate)
        into.node.entries.pop_back();
      else
        into.node.entries.back().value = std::move(node);
      into.key_next = true;
    }
  }

  void take_key(Open& into, SpecNode key) {
    if (!key.scalar()) throw Unreadable{{key.line, key.column, "a key must be a word", ""}};
    if (key.type == NodeType::null) key.text = "null";
    into.duplicate = !into.keys.insert(key.text).second;
    if (into.duplicate)
      problems_.add(key, fmt::format("the key '{}' is there twice", visible(key.text)),
                    "leave one out: nobody knows which is meant");
    into.node.entries.push_back({std::move(key), {}});
    into.key_next = false;
  }

  SpecProblems& problems_;
  SpecNode root_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
  bool seen_ = false;
};

// The column of a tab in the indentation of a line; 0 if there is none.
std::size_t tab_in_indentation(std::string_view text, std::size_t line) {
  for (; line > 1 && !text.empty(); --line)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  const std::string_view blank = text.substr(0, std::min(text.find_first_not_of(" \t"), text.size()));
  return blank.find('\t') + 1;  // npos + 1 is 0
}

SpecProblem problem_of(const YAML::ParserException& error, std::string_view text) {
  SpecProblem problem;
  if (!error.mark.is_null()) {
    problem.line = static_cast<std::size_t>(std::max(error.mark.line, 0)) + 1;
    problem.column = static_cast<std::size_t>(std::max(error.mark.column, 0)) + 1;
  }
  problem.message = "is no YAML: " + error.msg;
  if (error.msg.contains("anchor") || error.msg.contains("alias")) {
    problem.message = kNoAliases;
    problem.hint = kQuoteStars;
  }
  if (const std::size_t column = tab_in_indentation(text, problem.line); column != 0) {
    problem.column = column;
    problem.message = "a tab in the indentation";
    problem.hint = "indent by spaces";
  }
  return problem;
}

// Where the bytes stop being UTF-8, as a problem.
SpecProblem not_utf8(std::string_view text) {
  SpecProblem problem{.message = "is no UTF-8", .hint = "save the file as UTF-8"};
  std::string_view rest = text;
  while (const auto code_point = take_code_point(rest)) {
    ++problem.column;
    if (*code_point == '\n') {
      ++problem.line;
      problem.column = 1;
    }
  }
  return problem;
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_real(std::string_view text) {
  const std::size_t exponent = std::min(text.find_first_of("eE"), text.size());
  std::string_view power = text.substr(exponent);
  if (!power.empty()) {
    power.remove_prefix(1);
    if (power.starts_with('+') || power.starts_with('-')) power.remove_prefix(1);
    if (!all_digits(power)) return false;
  }
  const std::string_view number = text.substr(0, exponent);
  const std::size_t point = std::min(number.find('.'), number.size());
  const std::string_view whole = number.substr(0, point);
  const std::string_view part = point < number.size() ? number.substr(point + 1) : std::string_view{};
  return (whole.empty() ? all_digits(part) : all_digits(whole) && (part.empty() || all_digits(part)));
}

bool is_name(std::string_view text) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  return !text.empty() && kLetters.contains(text.front()) &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") ==
             std::string_view::npos;
}

std::optional<std::string> variable_of(const SpecContext& context, const std::string& name) {
  if (const auto given = context.variables.find(name); given != context.variables.end()) return given->second;
  return context.env != nullptr ? context.env->variable(name) : std::nullopt;
}

void substitute(SpecNode& node, const SpecContext& context, SpecProblems& problems) {
  if (!node.text.contains('$')) return;
  std::string out;
  for (std::size_t i = 0; i < node.text.size(); ++i) {
    const std::string_view rest = std::string_view(node.text).substr(i);
    if (rest.starts_with("$$")) {
      out += '$';
      ++i;
      continue;
    }
    if (!rest.starts_with("${")) {
      out += rest.front();
      continue;
    }
    const std::size_t end = rest.find('}');
    const std::string name(rest.substr(2, end == std::string_view::npos ? 0 : end - 2));
    if (!is_name(name)) {
      problems.add(node, "'${' begins no variable", "write ${NAME}; $${ is a literal ${");
      return;
    }
    const std::optional<std::string> value = variable_of(context, name);
    if (!value) {
      problems.add(node, fmt::format("the variable {} has no value", name),
                   fmt::format("give it with --set {}=VALUE, or in the environment", name));
      return;
    }
    out += *value;
    node.variable = true;
    i += end;
    if (out.size() > kLongestValue || !is_utf8(*value)) {
      problems.add(node,
                   fmt::format("the value of {} is {}", name, is_utf8(*value) ? "too long" : "no UTF-8"));
      return;
    }
  }
  node.text = std::move(out);
  if (node.variable || !node.quoted) node.type = type_of_plain(node.text);
}

void append_node(nlohmann::ordered_json& out, const SpecNode& node) {
  switch (node.type) {
    case NodeType::null: out = nullptr; break;
    case NodeType::boolean: out = node.text == "true" || node.text == "True" || node.text == "TRUE"; break;
    case NodeType::integer:
      if (const auto number = plain_number(node.text))
        out = *number;
      else
        out = node.text;
      break;
    case NodeType::real:
    case NodeType::text: out = node.text; break;
    case NodeType::list:
      out = nlohmann::ordered_json::array();
      for (const SpecNode& item : node.items)
        append_node(out.emplace_back(), item);
      break;
    case NodeType::map:
      out = nlohmann::ordered_json::object();
      for (const auto& [key, value] : node.entries)
        append_node(out[key.text], value);
      break;
  }
}

}  // namespace

std::string_view to_string(NodeType type) noexcept {
  switch (type) {
    case NodeType::null: return "nothing";
    case NodeType::boolean: return "true or false";
    case NodeType::integer: return "a whole number";
    case NodeType::real: return "a number";
    case NodeType::text: return "text";
    case NodeType::list: return "a list";
    case NodeType::map: return "a section";
  }
  return "";
}

NodeType type_of_plain(std::string_view text) noexcept {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return NodeType::null;
  for (const std::string_view word : {"true", "True", "TRUE", "false", "False", "FALSE"})
    if (text == word) return NodeType::boolean;
  if (text.starts_with("0x") &&
      text.substr(2).find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos && text.size() > 2)
    return NodeType::integer;
  if (text.starts_with("0o") && text.substr(2).find_first_not_of("01234567") == std::string_view::npos &&
      text.size() > 2)
    return NodeType::integer;
  std::string_view number = text;
  if (number.starts_with('-') || number.starts_with('+')) number.remove_prefix(1);
  if (all_digits(number)) return NodeType::integer;
  if (is_real(number)) return NodeType::real;
  for (const std::string_view word : {".inf", ".Inf", ".INF"})
    if (number == word) return NodeType::real;
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return NodeType::real;
  return NodeType::text;
}

std::optional<std::int64_t> plain_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || std::to_string(number) != text)
    return std::nullopt;
  return number;
}

SpecNode read_document(std::string_view text, SpecProblems& problems) {
  if (text.size() > kLongestDocument) {
    problems.add({1, 1, "the file is longer than a mebibyte", "is it a job file?"});
    return {};
  }
  if (!is_utf8(text)) {
    problems.add(not_utf8(text));
    return {};
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    const auto line = static_cast<std::size_t>(std::ranges::count(text.substr(0, nul), '\n')) + 1;
    problems.add({line, 1, "holds a NUL byte", "is it a job file?"});
    return {};
  }
  try {
    std::ispanstream stream{std::span<const char>(text)};
    YAML::Parser parser(stream);
    TreeBuilder tree(problems);
    if (!parser.HandleNextDocument(tree) || !tree.seen()) {
      problems.add({1, 1, "the document is empty", "a job has a name, an operation and a source"});
      return {};
    }
    TreeBuilder second(problems);
    if (parser.HandleNextDocument(second)) {
      const SpecNode begin = second.take();
      problems.add({begin.line, begin.column, "a second document begins", "write one job a file"});
    }
    return tree.take();
  } catch (const Unreadable& unreadable) {
    problems.add(unreadable.problem);
  } catch (const YAML::ParserException& error) {
    problems.add(problem_of(error, text));
  } catch (const YAML::Exception& error) {
    problems.add({1, 1, std::string("is no YAML: ") + error.what(), ""});
  }
  return {};
}

void substitute_variables(SpecNode& node, const SpecContext& context, SpecProblems& problems) {
  if (node.scalar()) substitute(node, context, problems);
  for (SpecNode& item : node.items)
    substitute_variables(item, context, problems);
  for (auto& [key, value] : node.entries)
    substitute_variables(value, context, problems);
}

std::string document_json(const SpecNode& node) {
  nlohmann::ordered_json document;
  append_node(document, node);
  return document.dump();
}

}  // namespace haul::job
