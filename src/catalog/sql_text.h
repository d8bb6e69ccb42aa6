// SQL as text, as far as it must be understood before a server sees it: where quotes and comments end, where
// a parameter stands, where a statement ends.
//
// The servers disagree about backslashes in quotes, nested comments and `--`. What they would read
// differently is refused with its place rather than guessed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"

namespace haul::catalog {

struct NamedParameter {
  std::size_t begin, end;  // of `:name`
  std::string_view name;   // without the colon
};

struct ScannedStatement {
  std::string_view text;     // one statement, without the semicolon and what follows it
  std::string_view keyword;  // its first word
  std::vector<NamedParameter> parameters;
};

// The result refers to `text`. Throws invalid_argument with line and column.
ScannedStatement scan_statement(std::string_view text);

// The statement of one page, `cursor` being quoted as the server wants it. `placeholder` is nothing for the
// first page. One row more than a page is asked for: it shows whether the cursor is unique at the edge too.
std::string page_query(const Selection& selection, std::string_view cursor,
                       std::optional<std::string_view> placeholder);
// The statement that looks for rows by `keys` keys: the key and the cursor of each, `limit` rows at the most.
// `placeholder(i)` stands for the i-th key, counted from 0.
template <class Placeholder>
std::string named_query(const Selection& selection, std::string_view key, std::string_view cursor,
                        std::size_t keys, Placeholder placeholder, std::string_view limit);
// The same without rows: for its columns.
std::string columns_query(const Selection& selection);
// "FROM (the query) AS page".
std::string from_selection(const Selection& selection);

template <class Placeholder>
std::string named_query(const Selection& selection, std::string_view key, std::string_view cursor,
                        std::size_t keys, Placeholder placeholder, std::string_view limit) {
  std::string text = "SELECT ";
  text.append(key).append(", ").append(cursor).append(" ").append(from_selection(selection));
  text.append(" WHERE ").append(key).append(" IN (");
  for (std::size_t i = 0; i < keys; ++i)
    text.append(i == 0 ? "" : ", ").append(placeholder(i));
  return text.append(") LIMIT ").append(limit);
}

// A name between quotes, which are doubled inside.
std::string quoted_name(std::string_view name, char quote);

}  // namespace haul::catalog
