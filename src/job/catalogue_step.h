// The user's database follows: rows are made to name the new places of objects that have arrived there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "job/chunk.h"
#include "job/item_result.h"
#include "job/job.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::job {

// What a statement may be given of each object, beside the columns of the selection. Where both have a name,
// the object's is meant.
//   source_key, destination_key          complete, as the store has them
//   source_bucket, destination_bucket    empty for files
//   size, etag, version                  of the object that the row is to name
//   checksum                             of its bytes, "crc64nvme:..."; NULL if they did not pass here
//   run                                  the run's id
std::span<const std::string_view> catalogue_parameters() noexcept;

// Throws invalid_argument for a parameter that is neither of these nor a column: it says which, and what
// there is.
void check_parameters(const catalog::Statement& statement, std::span<const std::string> columns);

// An object and what it has come to; both outlive the step.
struct CatalogueItem {
  const Item* item;
  ItemResult* result;
};

// Thread safety: const methods from any shard. Refers to the job, which has a catalogue.
class CatalogueStep {
 public:
  // Throws as check_parameters does.
  explicit CatalogueStep(const Job& job);

  // Each object gets its CatalogueState and the step `catalogued`, or an error and keeps its step. Never
  // throws: what the catalogue as a whole throws is every object's error.
  // For Operation::revert source and destination change places: rows are to name the source again.
  Task<> update(std::span<const CatalogueItem> objects, OpContext& context) const;

  // Before sources go: of objects whose rows name their copies, those that other rows of the database still
  // name get still_named; kept ones (Action::remove_kept) also if only their own row does. What the catalogue
  // throws is the error of every object asked for.
  Task<> find_named(std::span<const CatalogueItem> objects, OpContext& context) const;

  // Throws invalid_argument for a row that is not as the selection gave it.
  catalog::RowUpdate update_of(const Item& item, const ItemResult& result) const;

 private:
  enum class Fact : std::uint8_t {
    source_key,
    destination_key,
    source_bucket,
    destination_bucket,
    size,
    etag,
    version,
    checksum,
    run,
    column,
  };
  struct Parameter {
    Fact fact = Fact::column;
    std::size_t column = 0;
    bool names_source = false;  // its value is the key that the row has before
  };

  catalog::Value value_of(const Parameter& parameter, const Item& item, const ItemResult& result,
                          catalog::Row& columns) const;
  catalog::Row columns_of(const Item& item) const;  // throws as update_of does
  catalog::NamingRow naming_row(const CatalogueItem& object) const;
  Task<> update_batch(std::span<const CatalogueItem> objects, OpContext& context) const;
  void settle_row(const CatalogueItem& object, const catalog::RowResult& row) const;

  const Job& job_;
  const CatalogueUpdate& catalogue_;
  const bool reverse_;
  bool by_key_ = false;  // some parameter names the key that the row has before
  bool by_column_ = false;
  std::vector<Parameter> parameters_;  // by Statement::names()
  std::vector<std::string> source_buckets_;
  std::string destination_bucket_;
};

}  // namespace haul::job
