// The list of a run as a query of the user's database gives it: page by page, each row an object.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "listing/entry_stream.h"

namespace haul::job {

struct CatalogueListing {
  std::shared_ptr<catalog::Catalog> catalog;
  catalog::Selection selection;  // its key is the complete one, with whatever prefix the source has
  std::string prefix;            // of the source: keys that do not begin with it are broken rows
};

// Entries have their key and their whole row (Entry::row, catalog::encode_row); nothing else is known of
// them. A row whose key is NULL, empty, no text or not below the source is a broken one of its page, and does
// not stop the stream.
class CatalogueStream final : public listing::EntryStream {
 public:
  explicit CatalogueStream(CatalogueListing listing) : listing_(std::move(listing)) {}

  // Throws invalid_argument if the selection has no such column as key or cursor, or a cursor that is NULL.
  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const listing::ListingFacts& facts() const noexcept override { return facts_; }

  // The cursor of the last row. Rows that are inserted before it later are not seen.
  std::optional<std::string> place() const override;
  void go_on_at(std::string_view place) override;

 private:
  void find_columns(const catalog::SelectedPage& selected);
  void take_row(const catalog::Row& row, store::ListPage& page) const;

  const CatalogueListing listing_;
  std::optional<catalog::Value> last_;
  std::size_t key_ = 0, cursor_ = 0;  // columns
  bool columns_known_ = false;
  listing::ListingFacts facts_;
};

}  // namespace haul::job
