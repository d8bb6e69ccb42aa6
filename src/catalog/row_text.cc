// Rows as lines of JSON. Written by hand, since one is made for every object of a catalogue.
#include <array>
#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/utf8.h"
#include "catalog/catalog.h"

namespace haul::catalog {
namespace {

void append_string(std::string& line, std::string_view text) {
  if (!is_utf8(text)) {
    line += R"({"hex":")";
    append_hex(line, as_bytes(text));
    line += R"("})";
    return;
  }
  line += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      line += "\\u00";
      const auto byte = static_cast<std::byte>(c);
      append_hex(line, {&byte, 1});
    } else {
      line += c;
    }
  }
  line += '"';
}

template <class Number>
void append_number(std::string& line, Number number) {
  std::array<char, 32> digits;
  line.append(digits.data(), std::to_chars(digits.begin(), digits.end(), number).ptr);
}

void append_real(std::string& line, double value) {
  // JSON knows neither; and a real must not come back as an integer.
  if (!std::isfinite(value)) {
    line += std::isnan(value) ? R"({"real":"nan"})" : value > 0 ? R"({"real":"inf"})" : R"({"real":"-inf"})";
    return;
  }
  const std::size_t begin = line.size();
  append_number(line, value);
  if (line.find_first_of(".e", begin) == std::string::npos) line += ".0";
}

[[noreturn]] void refuse_row(std::string_view why) {
  throw Error(ErrorClass::invalid_argument, std::string(why)).during("read a catalogue row");
}

Value decode_value(const nlohmann::json& json) {
  if (json.is_null()) return std::monostate{};
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX)
    refuse_row("an integer is out of range");
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object() && json.size() == 1) {
    const auto& name = json.begin().key();
    const auto& value = json.begin().value();
    if (name == "hex" && value.is_string())
      if (auto bytes = decode_hex(value.get_ref<const std::string&>())) return *std::move(bytes);
    if (name == "real" && value == "nan") return std::nan("");
    if (name == "real" && value == "inf") return HUGE_VAL;
    if (name == "real" && value == "-inf") return -HUGE_VAL;
  }
  refuse_row("not a value: " + visible(json.dump()));
}

}  // namespace

std::string encode_row(const Row& row) {
  std::string line = "[";
  for (const Value& value : row) {
    if (line.size() > 1) line += ',';
    if (const auto* integer = std::get_if<std::int64_t>(&value))
      append_number(line, *integer);
    else if (const auto* real = std::get_if<double>(&value))
      append_real(line, *real);
    else if (const auto* text = std::get_if<std::string>(&value))
      append_string(line, *text);
    else
      line += "null";
  }
  return line + ']';
}

std::optional<std::string> key_of(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&value); text != nullptr && !text->empty()) return *text;
  return std::nullopt;
}

Row decode_row(std::string_view text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_array()) refuse_row("not a JSON array: " + visible(text.substr(0, 200)));
  Row row;
  row.reserve(json.size());
  for (const auto& value : json)
    row.push_back(decode_value(value));
  return row;
}

}  // namespace haul::catalog
