#include "catalog/sql_text.h"

#include <algorithm>

#include "base/error.h"

namespace haul::catalog {
namespace {

bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool in_word(char c) {
  return starts_word(c) || (c >= '0' && c <= '9');
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  ScannedStatement scan() {
    ScannedStatement found;
    std::size_t first = text_.size(), last = 0;
    bool ended = false;
    while (at_ < text_.size()) {
      if (skip_blank_or_comment()) continue;
      if (text_[at_] == ';') {
        if (first == text_.size()) refuse(at_, "there is no statement before this semicolon");
        ended = true;
        ++at_;
        continue;
      }
      if (ended) refuse(at_, "there is more than one statement");
      if (first == text_.size()) {
        first = at_;
        found.keyword = word_at(at_);
      }
      step(found.parameters);
      last = at_;
    }
    if (first == text_.size()) refuse(0, "there is no statement");
    found.text = text_.substr(0, last);
    return found;
  }

 private:
  char peek(std::size_t offset = 0) const { return at_ + offset < text_.size() ? text_[at_ + offset] : '\0'; }

  std::string_view word_at(std::size_t at) const {
    std::size_t end = at;
    while (end < text_.size() && in_word(text_[end]))
      ++end;
    return text_.substr(at, end - at);
  }

  bool skip_blank_or_comment() {
    if (is_blank(peek())) {
      ++at_;
      return true;
    }
    if (peek() == '-' && peek(1) == '-') {
      // MariaDB takes it for two minus signs otherwise.
      if (at_ + 2 < text_.size() && !is_blank(peek(2)))
        refuse(at_, "a comment begins with -- and a space; two minus signs need a space between them");
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    if (peek() != '/' || peek(1) != '*') return false;
    const std::size_t begin = at_;
    if (peek(2) == '!' || (peek(2) == 'M' && peek(3) == '!'))
      refuse(begin, "a comment with ! is carried out by some servers: leave it out");
    const std::size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) refuse(begin, "this comment is not closed");
    if (const std::size_t inner = text_.find("/*", at_ + 2); inner < end)
      refuse(inner, "comments inside of comments end differently from server to server");
    at_ = end + 2;
    return true;
  }

  void step(std::vector<NamedParameter>& parameters) {
    const char c = peek();
    if (c == '\'' || c == '"' || c == '`') return skip_quoted(c);
    if (c == '$' && (peek(1) == '$' || starts_word(peek(1)))) return skip_dollar_quoted();
    if (in_word(c)) {
      // As a whole: a dollar sign or a quote belongs to a word otherwise than to a blank.
      while (in_word(peek()) || peek() == '$')
        ++at_;
      return;
    }
    if (c == ':' && (peek(1) == ':' || peek(1) == '=')) {
      at_ += 2;
      return;
    }
    if (c == ':' && starts_word(peek(1))) {
      const std::string_view name = word_at(at_ + 1);
      parameters.push_back({.begin = at_, .end = at_ + 1 + name.size(), .name = name});
      at_ += 1 + name.size();
      return;
    }
    ++at_;
  }

  void skip_quoted(char quote) {
    const std::size_t begin = at_++;
    std::size_t backslashes = 0;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++backslashes;
        continue;
      }
      if (text_[at_] == quote) {
        if (quote != '`' && backslashes % 2 != 0)
          refuse(at_ - 1, "a backslash before a quote means different things to different servers");
        if (peek(1) != quote) {
          ++at_;
          return;
        }
        ++at_;
      }
      backslashes = 0;
    }
    refuse(begin, "this quote is not closed");
  }

  // PostgreSQL: $$...$$ or $word$...$word$. A lone dollar sign is nobody's quote.
  void skip_dollar_quoted() {
    const std::size_t begin = at_;
    const std::string_view word = word_at(at_ + 1);
    const std::size_t open = at_ + 1 + word.size();
    if (open >= text_.size() || text_[open] != '$') {
      at_ = open;
      return;
    }
    const std::string_view delimiter = text_.substr(at_, word.size() + 2);
    const std::size_t end = text_.find(delimiter, open + 1);
    if (end == std::string_view::npos) refuse(begin, "this quote is not closed");
    at_ = end + delimiter.size();
  }

  [[noreturn]] void refuse(std::size_t at, std::string_view why) const {
    const std::string_view before = text_.substr(0, at);
    const auto line = 1 + std::ranges::count(before, '\n');
    const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
    throw Error(ErrorClass::invalid_argument, "line " + std::to_string(line) + ", column " +
                                                  std::to_string(column) + ": " + std::string(why))
        .during("read the SQL statement");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool same_word(std::string_view word, std::string_view upper) {
  return std::ranges::equal(word, upper, [](char a, char b) { return (a >= 'a' ? a - 'a' + 'A' : a) == b; });
}

}  // namespace

ScannedStatement scan_statement(std::string_view text) {
  return Scanner(text).scan();
}

std::string from_selection(const Selection& selection) {
  const ScannedStatement query = scan_statement(selection.query);
  if (!query.parameters.empty())
    throw Error(ErrorClass::invalid_argument,
                "a selection takes no parameters: " + std::string(query.parameters.front().name))
        .during("read the SQL statement");
  // On lines of its own: a comment within the query must not swallow what follows.
  return std::string("FROM (\n").append(query.text).append("\n) AS page");
}

std::string page_query(const Selection& selection, std::string_view cursor,
                       std::optional<std::string_view> placeholder) {
  std::string text = "SELECT * " + from_selection(selection);
  if (placeholder) text.append(" WHERE ").append(cursor).append(" > ").append(*placeholder);
  text.append(" ORDER BY ").append(cursor).append(" LIMIT ");
  return text + std::to_string(std::uint64_t{selection.page_rows} + 1);
}

std::string columns_query(const Selection& selection) {
  return "SELECT * " + from_selection(selection) + " LIMIT 0";
}

std::string quoted_name(std::string_view name, char quote) {
  std::string text(1, quote);
  for (const char c : name)
    text.append(c == quote ? 2 : 1, c);
  return text + quote;
}

Statement Statement::parse(std::string text) {
  const ScannedStatement scanned = scan_statement(text);
  if (!same_word(scanned.keyword, "UPDATE") && !same_word(scanned.keyword, "WITH"))
    throw Error(ErrorClass::invalid_argument,
                "the statement must be an UPDATE, it begins with '" + std::string(scanned.keyword) + "'")
        .during("read the SQL statement");
  if (scanned.parameters.empty())
    throw Error(ErrorClass::invalid_argument, "the statement has no parameter, so it would change every row")
        .during("read the SQL statement")
        .with_hint("name what it is for, as in WHERE id = :id");
  Statement statement;
  for (const NamedParameter& parameter : scanned.parameters) {
    auto& names = statement.names_;
    const auto known = std::ranges::find(names, parameter.name);
    statement.uses_.push_back({.begin = parameter.begin,
                               .end = parameter.end,
                               .name = static_cast<std::size_t>(known - names.begin())});
    if (known == names.end()) names.emplace_back(parameter.name);
  }
  const std::size_t length = scanned.text.size();
  text.resize(length);
  statement.text_ = std::move(text);
  return statement;
}

std::vector<std::size_t> Statement::order() const {
  std::vector<std::size_t> order;
  order.reserve(uses_.size());
  for (const Use& use : uses_)
    order.push_back(use.name);
  return order;
}

}  // namespace haul::catalog
