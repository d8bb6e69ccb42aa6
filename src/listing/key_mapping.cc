#include "listing/key_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::listing {
namespace {

std::string_view name_of(std::string_view key) {
  // A directory's key ends in `/`, which belongs to its name.
  const std::size_t slash = key.substr(0, key.empty() ? 0 : key.size() - 1).rfind('/');
  return slash == std::string_view::npos ? key : key.substr(slash + 1);
}

std::string_view directory_of(std::string_view key) {
  const std::size_t name = name_of(key).size();
  return name == key.size() ? std::string_view{} : key.substr(0, key.size() - name - 1);
}

std::size_t extension_dot(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == 0 ? std::string_view::npos : dot;  // `.profile` has no extension
}

}  // namespace

KeyMapping KeyMapping::flatten() {
  KeyMapping mapping;
  mapping.kind_ = Kind::flatten;
  return mapping;
}

KeyMapping KeyMapping::templated(std::string_view pattern) {
  static constexpr std::array<std::pair<std::string_view, Field>, 8> kFields{{{"key", Field::key},
                                                                              {"dir", Field::dir},
                                                                              {"name", Field::name},
                                                                              {"stem", Field::stem},
                                                                              {"ext", Field::ext},
                                                                              {"year", Field::year},
                                                                              {"month", Field::month},
                                                                              {"day", Field::day}}};
  const auto malformed = [&](std::size_t at, std::string_view why) {
    return Error(ErrorClass::invalid_argument,
                 fmt::format("{} at position {} of '{}'", why, at + 1, visible(pattern)))
        .during("read template")
        .with_hint("fields are {key} {dir} {name} {stem} {ext} {year} {month} {day}; {{ and }} are braces");
  };
  KeyMapping mapping;
  mapping.kind_ = Kind::templated;
  std::string literal;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if ((c == '{' || c == '}') && i + 1 < pattern.size() && pattern[i + 1] == c) {
      literal += c;
      ++i;
    } else if (c == '}') {
      throw malformed(i, "a } without {");
    } else if (c == '{') {
      const std::size_t end = pattern.find('}', i);
      if (end == std::string_view::npos) throw malformed(i, "a { without }");
      const std::string_view name = pattern.substr(i + 1, end - i - 1);
      const auto field =
          std::find_if(kFields.begin(), kFields.end(), [&](const auto& f) { return f.first == name; });
      if (field == kFields.end()) throw malformed(i, "an unknown field");
      if (!literal.empty()) mapping.pieces_.push_back({Field::literal, std::exchange(literal, {})});
      mapping.pieces_.push_back({field->second, {}});
      i = end;
    } else {
      literal += c;
    }
  }
  if (!literal.empty()) mapping.pieces_.push_back({Field::literal, std::move(literal)});
  if (mapping.pieces_.empty()) throw malformed(0, "an empty template");
  return mapping;
}

bool KeyMapping::injective() const noexcept {
  return kind_ == Kind::identity || std::any_of(pieces_.begin(), pieces_.end(),
                                                [](const Piece& piece) { return piece.field == Field::key; });
}

std::string_view KeyMapping::map(std::string_view prefix, std::string_view relative_key,
                                 const store::Entry& entry, TextArena& text) const {
  if (kind_ == Kind::identity) return text.store(prefix, relative_key);
  if (kind_ == Kind::flatten) return text.store(prefix, name_of(relative_key));
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(entry.modified));
  const std::string_view name = name_of(relative_key);
  const std::size_t dot = extension_dot(name);
  std::string mapped;
  for (const Piece& piece : pieces_) {
    switch (piece.field) {
      case Field::literal: mapped += piece.literal; break;
      case Field::key: mapped += relative_key; break;
      case Field::dir: mapped += directory_of(relative_key); break;
      case Field::name: mapped += name; break;
      case Field::stem: mapped += name.substr(0, dot); break;
      case Field::ext:
        mapped += dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
        break;
      case Field::year: mapped += fmt::format("{:04}", static_cast<int>(date.year())); break;
      case Field::month: mapped += fmt::format("{:02}", static_cast<unsigned>(date.month())); break;
      case Field::day: mapped += fmt::format("{:02}", static_cast<unsigned>(date.day())); break;
    }
  }
  if (mapped.empty())
    throw Error(ErrorClass::invalid_argument,
                fmt::format("the template leaves nothing of '{}'", visible(relative_key)));
  return text.store(prefix, mapped);
}

}  // namespace haul::listing
