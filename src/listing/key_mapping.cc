#include "listing/key_mapping.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/utf8.h"

namespace haul::listing {
namespace {

// Views of the parts of one key.
struct KeyParts {
  std::string_view key, name, dir, stem, ext;

  explicit KeyParts(std::string_view whole) : key(whole), name(whole) {
    if (const auto slash = whole.rfind('/'); slash != std::string_view::npos) {
      name = whole.substr(slash + 1);
      dir = whole.substr(0, slash);
    }
    // `.profile` is a name and not an extension.
    stem = name;
    if (const auto dot = name.rfind('.'); dot != std::string_view::npos && dot != 0) {
      stem = name.substr(0, dot);
      ext = name.substr(dot + 1);
    }
  }
};

[[noreturn]] void bad_template(std::string_view pattern, std::size_t position, std::string_view what) {
  throw Error(ErrorClass::invalid_argument,
              fmt::format("key template {:?} at position {}: {}", visible(pattern), position + 1, what))
      .with_hint("known are {key} {name} {dir} {stem} {ext} {year} {month} {day}; {{ and }} are braces");
}

}  // namespace

KeyMapping::KeyMapping(std::string strip, std::string put, std::vector<Piece> pieces)
    : strip_(std::move(strip)), put_(std::move(put)), pieces_(std::move(pieces)) {
  // A literal in front is part of what is put in front.
  if (pieces_.size() == 2 && pieces_[0].part == Part::literal && pieces_[1].part == Part::key) {
    put_ += pieces_[0].text;
    pieces_.erase(pieces_.begin());
  }
  keeps_order_ = pieces_.size() == 1 && pieces_[0].part == Part::key;
}

KeyMapping KeyMapping::prefix(std::string strip, std::string put) {
  return {std::move(strip), std::move(put), {{Part::key, {}}}};
}

KeyMapping KeyMapping::flatten(std::string strip, std::string put) {
  return {std::move(strip), std::move(put), {{Part::name, {}}}};
}

KeyMapping KeyMapping::from_template(std::string strip, std::string put, std::string_view pattern) {
  static constexpr std::array<std::pair<std::string_view, Part>, 8> kNames{{{"key", Part::key},
                                                                            {"name", Part::name},
                                                                            {"dir", Part::dir},
                                                                            {"stem", Part::stem},
                                                                            {"ext", Part::ext},
                                                                            {"year", Part::year},
                                                                            {"month", Part::month},
                                                                            {"day", Part::day}}};
  std::vector<Piece> pieces;
  bool named = false;
  const auto add_literal = [&pieces](char c) {
    if (pieces.empty() || pieces.back().part != Part::literal) pieces.push_back({Part::literal, {}});
    pieces.back().text += c;
  };
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '{' && c != '}') {
      add_literal(c);
    } else if (i + 1 < pattern.size() && pattern[i + 1] == c) {
      add_literal(c);
      ++i;
    } else if (c == '}') {
      bad_template(pattern, i, "a } that closes nothing");
    } else {
      const auto end = pattern.find('}', i);
      if (end == std::string_view::npos) bad_template(pattern, i, "a { that is not closed");
      const std::string_view name = pattern.substr(i + 1, end - i - 1);
      const auto* const known = std::ranges::find(kNames, name, &std::pair<std::string_view, Part>::first);
      if (known == kNames.end()) bad_template(pattern, i, fmt::format("{{{}}} is not known", visible(name)));
      pieces.push_back({known->second, {}});
      named = true;
      i = end;
    }
  }
  if (!named) bad_template(pattern, 0, "without a name in braces all objects would get one key");
  return {std::move(strip), std::move(put), std::move(pieces)};
}

std::optional<Error> KeyMapping::map(const store::Entry& entry, std::string& out) const {
  const auto refuse = [&entry](const char* why) {
    return Error(ErrorClass::invalid_argument, why).during("map key").on(visible(entry.key));
  };
  if (!entry.key.starts_with(strip_))
    return refuse("the key does not begin with the prefix it was listed under");
  const std::string_view key = entry.key.substr(strip_.size());
  out.assign(put_);
  if (keeps_order_) {
    out.append(key);
    if (out.empty()) return refuse("the key at the destination would be empty");
    return std::nullopt;
  }
  const KeyParts parts(key);
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(entry.modified));
  bool dir_was_empty = false;
  for (const Piece& piece : pieces_) {
    const bool skip_slash = std::exchange(dir_was_empty, false);
    switch (piece.part) {
      case Part::literal:
        out.append(piece.text, skip_slash && piece.text.front() == '/' ? 1 : 0, std::string::npos);
        break;
      case Part::key: out.append(parts.key); break;
      case Part::name:
        if (parts.name.empty()) return refuse("a key that ends in / has no name to go by");
        out.append(parts.name);
        break;
      case Part::dir:
        out.append(parts.dir);
        dir_was_empty = parts.dir.empty();
        break;
      case Part::stem: out.append(parts.stem); break;
      case Part::ext: out.append(parts.ext); break;
      case Part::year: fmt::format_to(std::back_inserter(out), "{:04}", static_cast<int>(date.year())); break;
      case Part::month:
        fmt::format_to(std::back_inserter(out), "{:02}", static_cast<unsigned>(date.month()));
        break;
      case Part::day:
        fmt::format_to(std::back_inserter(out), "{:02}", static_cast<unsigned>(date.day()));
        break;
    }
  }
  if (out.size() == put_.size()) return refuse("the key at the destination would be empty");
  return std::nullopt;
}

}  // namespace haul::listing
