#include "job/catalogue_stream.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace haul::job {
namespace {

std::size_t column_of(const catalog::SelectedPage& selected, const std::string& name, const char* what) {
  const auto found = std::ranges::find(selected.columns, name);
  if (found != selected.columns.end()) return static_cast<std::size_t>(found - selected.columns.begin());
  std::string known;
  for (const std::string& column : selected.columns)
    known += (known.empty() ? "" : ", ") + column;
  throw Error(ErrorClass::invalid_argument,
              std::string("the selection has no column ") + visible(name) + ", which is to be its " + what)
      .during("select from the catalogue")
      .with_hint("its columns are " + known);
}

// In words for a person who looks for the row.
std::string row_name(const std::string& column, const catalog::Value& cursor) {
  return visible("row with " + column + " " + catalog::encode_row({cursor}));
}

}  // namespace

Task<std::optional<store::ListPage>> CatalogueStream::next(OpContext& context) {
  const catalog::SelectedPage selected = co_await listing_.catalog->page(listing_.selection, last_, context);
  if (selected.rows.empty()) {
    facts_.ended = true;
    co_return std::nullopt;
  }
  find_columns(selected);
  store::ListPage page;
  page.entries.reserve(selected.rows.size());
  for (const catalog::Row& row : selected.rows)
    take_row(row, page);
  last_ = selected.rows.back().at(cursor_);
  facts_.count(page);
  co_return page;
}

void CatalogueStream::find_columns(const catalog::SelectedPage& selected) {
  if (std::exchange(columns_known_, true)) return;
  key_ = column_of(selected, listing_.selection.key, "key");
  cursor_ = column_of(selected, listing_.selection.cursor, "cursor");
}

void CatalogueStream::take_row(const catalog::Row& row, store::ListPage& page) const {
  const catalog::Value& cursor = row.at(cursor_);
  if (std::holds_alternative<std::monostate>(cursor))
    throw Error(ErrorClass::invalid_argument, "a row has NULL in the cursor column " +
                                                  visible(listing_.selection.cursor) +
                                                  ", so the selection cannot be paged by it")
        .during("select from the catalogue");
  const auto broken = [&](std::string_view key, std::string message) {
    page.broken.push_back({page.text.store(key), Error(ErrorClass::invalid_argument, std::move(message))
                                                     .during("select from the catalogue")
                                                     .on(row_name(listing_.selection.cursor, cursor))});
  };
  const catalog::Value& value = row.at(key_);
  if (std::holds_alternative<std::monostate>(value)) return broken("", "its key is NULL");
  if (const auto* number = std::get_if<double>(&value))
    return broken(std::to_string(*number), "its key is a number, not a text");
  const std::optional<std::string> key = catalog::key_of(value);
  if (!key) return broken("", "its key is empty");
  if (!key->starts_with(listing_.prefix))
    return broken(*key, "its key does not begin with " + visible(listing_.prefix));
  store::Entry& entry = page.entries.emplace_back();
  entry.key = page.text.store(*key);
  entry.row = page.text.store(catalog::encode_row(row));
  entry.facts_known = false;
}

std::optional<std::string> CatalogueStream::place() const {
  return last_ ? catalog::encode_row({*last_}) : std::string();
}

void CatalogueStream::go_on_at(std::string_view place) {
  last_.reset();
  if (place.empty()) return;
  catalog::Row row = catalog::decode_row(place);
  if (row.size() != 1 || std::holds_alternative<std::monostate>(row.front()))
    throw Error(ErrorClass::invalid_argument, "this is no place in a selection").on(visible(place));
  last_ = std::move(row.front());
}

}  // namespace haul::job
