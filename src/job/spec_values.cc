#include "job/spec_values.h"

#include <fmt/format.h>

#include <charconv>

#include "base/nearest_word.h"
#include "base/time_format.h"
#include "base/utf8.h"

namespace haul::job {
namespace {

[[noreturn]] void wrong_type(const SpecNode& node, std::string_view expected, std::string hint = {}) {
  if (node.type == NodeType::null && !node.any_type())
    throw Error(ErrorClass::invalid_argument, fmt::format("has no value; {} is expected", expected))
        .with_hint("give one, or leave the key out");
  throw Error(ErrorClass::invalid_argument,
              fmt::format("is {}; {} is expected", to_string(node.type), expected))
      .with_hint(std::move(hint));
}

Error bad_value(const SpecNode& node, std::string message, std::string hint = {}) {
  return Error(ErrorClass::invalid_argument, fmt::format("'{}' {}", visible(node.text), message))
      .with_hint(std::move(hint));
}

// Runs one of base's parsers of what people type.
template <class Parse>
auto parsed(const SpecNode& node, Parse parse) {
  try {
    return parse(node.text);
  } catch (const Error& error) {
    // The parsers name the text by themselves.
    throw Error(ErrorClass::invalid_argument, error.message()).with_hint(error.hint());
  }
}

std::optional<double> real_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A variable stands for a value of any type.
Schema or_variable(Schema schema) {
  return {{"anyOf", Schema::array({std::move(schema), {{"$ref", "#/$defs/variable"}}})}};
}

Schema number_or_pattern(Schema number, const char* pattern) {
  return {{"anyOf", Schema::array({std::move(number),
                                   {{"type", "string"}, {"pattern", pattern}},
                                   {{"$ref", "#/$defs/variable"}}})}};
}

}  // namespace

std::string take_text(const SpecNode& node) {
  if (!node.scalar()) wrong_type(node, "text");
  if (node.type != NodeType::text && !node.any_type())
    wrong_type(node, "text", node.type == NodeType::null ? "" : "put it in quotes");
  if (node.text.empty()) throw Error(ErrorClass::invalid_argument, "is empty");
  return node.text;
}

bool take_boolean(const SpecNode& node) {
  if (node.type != NodeType::boolean)
    wrong_type(node, "true or false",
               node.type == NodeType::text ? "write true or false, without quotes" : "");
  return node.text.front() == 't' || node.text.front() == 'T';
}

std::uint64_t take_count(const SpecNode& node, std::uint64_t least, std::uint64_t most) {
  if (node.type != NodeType::integer) wrong_type(node, "a whole number");
  std::string_view digits = node.text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  if (!whole || count < least || count > most)
    throw bad_value(node, fmt::format("is not between {} and {}", least, most));
  return count;
}

double take_number(const SpecNode& node, double least) {
  if (node.type != NodeType::integer && node.type != NodeType::real) wrong_type(node, "a number");
  const std::optional<double> value = real_of(node.text);
  if (!value || !(*value >= least) || *value > 1e15)
    throw bad_value(node, fmt::format("is no number of {} or more", least));
  return *value;
}

std::uint64_t take_size(const SpecNode& node) {
  if (node.type != NodeType::integer && node.type != NodeType::text)
    wrong_type(node, "a size", "write 4096, 64KiB or 4GiB");
  return parsed(node, [](const std::string& text) { return parse_size(text); });
}

std::uint64_t take_rate(const SpecNode& node) {
  if (node.type != NodeType::integer && node.type != NodeType::text)
    wrong_type(node, "bytes a second", "write 200MB/s");
  const std::uint64_t rate = parsed(node, [](const std::string& text) { return parse_rate(text); });
  if (rate == 0) throw bad_value(node, "moves nothing");
  return rate;
}

Duration take_duration(const SpecNode& node) {
  if (node.type != NodeType::text && node.text != "0") wrong_type(node, "a duration", "write 30s, 15m, 7d");
  return parsed(node, [](const std::string& text) { return parse_duration(text); });
}

double take_share(const SpecNode& node) {
  const bool percent = node.type == NodeType::text && node.text.ends_with('%');
  if (!percent && node.type != NodeType::integer && node.type != NodeType::real)
    wrong_type(node, "a share", "write 25% or 0.25");
  const std::optional<double> value =
      real_of(std::string_view(node.text).substr(0, node.text.size() - (percent ? 1 : 0)));
  const double share = value.value_or(-1) / (percent ? 100 : 1);
  if (!(share >= 0 && share <= 1)) throw bad_value(node, "is no share", "write 25% or 0.25; 100% is all");
  return share;
}

std::vector<std::string> take_texts(const SpecNode& node) {
  if (node.type != NodeType::list) return {take_text(node)};
  if (node.items.empty()) throw Error(ErrorClass::invalid_argument, "is an empty list");
  std::vector<std::string> texts;
  texts.reserve(node.items.size());
  for (const SpecNode& item : node.items)
    texts.push_back(take_text(item));
  return texts;
}

void refuse_word(const std::string& word, const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& each : words)
    all += (all.empty() ? "" : ", ") + each;
  const std::string near = nearest_word(word, words);
  throw Error(ErrorClass::invalid_argument, fmt::format("'{}' is none of {}", visible(word), all))
      .with_hint(near.empty() ? "" : "did you mean " + near + "?");
}

Schema text_schema() {
  return {{"type", "string"}, {"minLength", 1}};
}

Schema texts_schema(Schema item) {
  return {{"anyOf", Schema::array({item, {{"type", "array"}, {"minItems", 1}, {"items", item}}})}};
}

Schema boolean_schema() {
  return or_variable({{"type", "boolean"}});
}

Schema count_schema(std::uint64_t least, std::uint64_t most) {
  return or_variable({{"type", "integer"}, {"minimum", least}, {"maximum", most}});
}

Schema number_schema(double least) {
  return or_variable({{"type", "number"}, {"minimum", least}});
}

Schema size_schema() {
  return number_or_pattern({{"type", "integer"}, {"minimum", 0}},
                           "^[0-9]+(\\.[0-9]+)? ?([kKmMgGtTpPeE]([iI]?[bB])?|[bB])?$");
}

Schema rate_schema() {
  return number_or_pattern({{"type", "integer"}, {"minimum", 1}},
                           "^[0-9]+(\\.[0-9]+)? ?([kKmMgGtTpPeE]([iI]?[bB])?|[bB])?(/s)?$");
}

Schema duration_schema() {
  return number_or_pattern({{"const", 0}}, "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d|w|M|y))+$");
}

Schema share_schema() {
  return number_or_pattern({{"type", "number"}, {"minimum", 0}, {"maximum", 1}},
                           "^(100(\\.0+)?|[0-9]{1,2}(\\.[0-9]+)?)%$");
}

Schema count_or_share_schema() {
  return number_or_pattern({{"type", "integer"}, {"minimum", 0}}, "^(100(\\.0+)?|[0-9]{1,2}(\\.[0-9]+)?)%$");
}

Schema words_schema(const std::vector<std::string>& words) {
  return or_variable({{"type", "string"}, {"enum", words}});
}

}  // namespace haul::job
