#include "job/catalogue_step.h"

#include <algorithm>
#include <array>
#include <utility>

namespace haul::job {
namespace {

constexpr std::array<std::string_view, 9> kParameters = {"source_key",
                                                         "destination_key",
                                                         "source_bucket",
                                                         "destination_bucket",
                                                         "size",
                                                         "etag",
                                                         "version",
                                                         "checksum",
                                                         "run"};

catalog::Value text_or_null(std::string text) {
  if (text.empty()) return std::monostate();
  return text;
}

// Of a store that has buckets.
std::string bucket_of(const store::Store& store) {
  constexpr std::string_view kS3 = "s3://";
  const std::string place = store.describe("");
  if (!place.starts_with(kS3)) return {};
  return place.substr(kS3.size(), place.find('/', kS3.size()) - kS3.size());
}

Error unknown_parameter(const std::string& name, std::span<const std::string> columns) {
  std::string known;
  for (const std::string_view each : kParameters)
    known += (known.empty() ? ":" : ", :") + std::string(each);
  for (const std::string& each : columns)
    known += ", :" + each;
  return Error(ErrorClass::invalid_argument, "the statement has a parameter :" + name + " that nothing gives")
      .during("catalogue update")
      .with_hint("there are " + known +
                 (columns.empty() ? "; with a selection from the catalogue its columns as well" : ""));
}

}  // namespace

std::span<const std::string_view> catalogue_parameters() noexcept {
  return kParameters;
}

void check_parameters(const catalog::Statement& statement, std::span<const std::string> columns) {
  for (const std::string& name : statement.names())
    if (std::ranges::find(kParameters, name) == kParameters.end() &&
        std::ranges::find(columns, name) == columns.end())
      throw unknown_parameter(name, columns);
}

CatalogueStep::CatalogueStep(const Job& job)
    : job_(job), catalogue_(*job.catalogue), reverse_(job.operation == Operation::revert) {
  check_parameters(catalogue_.statement, catalogue_.columns);
  bool buckets = false;
  for (const std::string& name : catalogue_.statement.names()) {
    Parameter& parameter = parameters_.emplace_back();
    parameter.fact = static_cast<Fact>(std::ranges::find(kParameters, name) - kParameters.begin());
    if (parameter.fact == Fact::column) {
      by_column_ = true;
      parameter.column =
          static_cast<std::size_t>(std::ranges::find(catalogue_.columns, name) - catalogue_.columns.begin());
    }
    parameter.names_source = parameter.fact == Fact::source_key ||
                             (parameter.fact == Fact::column && name == catalogue_.key_column);
    by_key_ = by_key_ || parameter.names_source;
    buckets = buckets || parameter.fact == Fact::source_bucket || parameter.fact == Fact::destination_bucket;
  }
  if (!buckets) return;
  for (const Source& source : job.sources)
    source_buckets_.push_back(bucket_of(*source.store));
  if (job.destination) destination_bucket_ = bucket_of(*job.destination->store);
}

catalog::Value CatalogueStep::value_of(const Parameter& parameter, const Item& item, const ItemResult& result,
                                       catalog::Row& columns) const {
  const std::string_view before = reverse_ ? item.destination_key : item.key;
  const std::string_view after = reverse_ ? item.key : item.destination_key;
  if (parameter.names_source) return std::string(before);
  switch (parameter.fact) {
    case Fact::source_key: return std::string(before);
    case Fact::destination_key: return std::string(after);
    case Fact::source_bucket: return reverse_ ? destination_bucket_ : source_buckets_[item.source];
    case Fact::destination_bucket: return reverse_ ? source_buckets_[item.source] : destination_bucket_;
    case Fact::size: return static_cast<std::int64_t>(result.bytes);
    case Fact::etag: return text_or_null(reverse_ ? result.etag : result.written_etag);
    case Fact::version: return text_or_null(reverse_ ? std::string(item.version) : result.written_version);
    case Fact::checksum: return text_or_null(checksum_text(result.checksum));
    case Fact::run: return job_.run;
    case Fact::column: break;
  }
  return columns[parameter.column];
}

// A row may be older than the job: runs that remove kept sources, or undo, have it from the report of the
// move. Under other columns its values would be taken for something else.
catalog::Row CatalogueStep::columns_of(const Item& item) const {
  catalog::Row columns = catalog::decode_row(item.row);
  const auto key = static_cast<std::size_t>(std::ranges::find(catalogue_.columns, catalogue_.key_column) -
                                            catalogue_.columns.begin());
  const bool fits = columns.size() == catalogue_.columns.size() &&
                    (key == columns.size() || catalog::key_of(columns[key]) == item.key);
  if (fits) return columns;
  throw Error(ErrorClass::invalid_argument,
              "its row is not as select.query gives rows now, so nothing is done")
      .during("catalogue update")
      .with_hint(
          "put select.query and select.key back as they were when the object was moved, and run again");
}

catalog::RowUpdate CatalogueStep::update_of(const Item& item, const ItemResult& result) const {
  catalog::Row columns;
  if (by_column_) columns = columns_of(item);
  catalog::RowUpdate update;
  update.values.reserve(parameters_.size());
  for (const Parameter& parameter : parameters_)
    update.values.push_back(value_of(parameter, item, result, columns));
  if (!by_key_) return update;  // carried out already, it still finds its row
  update.if_done = update.values;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (parameters_[i].names_source)
      update.if_done[i] = std::string(reverse_ ? item.key : item.destination_key);
  return update;
}

Task<> CatalogueStep::update(std::span<const CatalogueItem> objects, OpContext& context) const {
  const std::size_t batch = std::max<std::size_t>(catalogue_.batch, 1);
  for (std::size_t begin = 0; begin < objects.size(); begin += batch) {
    const auto rows = objects.subspan(begin, std::min(batch, objects.size() - begin));
    std::optional<Error> away;
    try {
      co_await update_batch(rows, context);
      continue;
    } catch (...) {
      away = current_error();
    }
    for (const CatalogueItem& object : rows)
      if (object.result->step != ItemStep::catalogued && !object.result->error) object.result->error = away;
    if (!away->retryable() && away->error_class() != ErrorClass::cancelled) continue;
    // A database that was waited for in vain is not waited for again by every batch.
    for (const CatalogueItem& object : objects.subspan(begin + rows.size()))
      object.result->error = away;
    break;
  }
}

Task<> CatalogueStep::find_named(std::span<const CatalogueItem> objects, OpContext& context) const {
  if (!catalogue_.naming) co_return;
  std::vector<catalog::NamingRow> rows;
  std::vector<CatalogueItem> asked;
  rows.reserve(objects.size());
  asked.reserve(objects.size());
  for (const CatalogueItem& object : objects) {
    try {
      rows.push_back(naming_row(object));
      asked.push_back(object);
    } catch (...) {
      object.result->error = current_error();
    }
  }
  if (asked.empty()) co_return;
  try {
    const std::vector<bool> named =
        co_await catalogue_.catalog->named_by_others(*catalogue_.naming, rows, context);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      ItemResult& result = *asked[i].result;
      if (!named.at(i) || result.already_there) continue;  // there is no source of it
      result.still_named = true;
      result.reason = asked[i].item->action == Action::remove_kept
                          ? "a row names the object, so the source stays"
                          : "another row names the object, so the source stays";
    }
  } catch (...) {
    const Error error = current_error();
    for (const CatalogueItem& object : asked)
      object.result->error = error;
  }
}

// The row that was updated does not count, though the selection may still have it. One that the statement did
// not match names what it named before. What has become of the row of a kept source since its move nobody
// knows: it may never have been matched, or be one of a backup, and counts as any other.
catalog::NamingRow CatalogueStep::naming_row(const CatalogueItem& object) const {
  catalog::NamingRow row{.key = std::string(object.item->key), .cursor = {}};
  if (object.item->row.empty()) return row;
  catalog::Row columns = columns_of(*object.item);
  const auto value_in = [&](const std::string& column) {
    const auto found = std::ranges::find(catalogue_.columns, column);
    return std::move(columns.at(static_cast<std::size_t>(found - catalogue_.columns.begin())));
  };
  row.key = value_in(catalogue_.naming->key);
  if (object.item->action != Action::remove_kept && object.result->catalogue != CatalogueState::unmatched)
    row.cursor = value_in(catalogue_.naming->cursor);
  return row;
}

Task<> CatalogueStep::update_batch(std::span<const CatalogueItem> objects, OpContext& context) const {
  std::vector<catalog::RowUpdate> rows;
  std::vector<CatalogueItem> asked;
  rows.reserve(objects.size());
  asked.reserve(objects.size());
  for (const CatalogueItem& object : objects) {
    try {
      rows.push_back(update_of(*object.item, *object.result));
      asked.push_back(object);
    } catch (...) {
      object.result->error = current_error();
    }
  }
  if (asked.empty()) co_return;
  const std::vector<catalog::RowResult> results =
      co_await catalogue_.catalog->update(catalogue_.statement, rows, context);
  if (results.size() != asked.size())
    throw Error(ErrorClass::internal, "the catalogue has not told of each row").during("catalogue update");
  for (std::size_t i = 0; i < asked.size(); ++i)
    settle_row(asked[i], results[i]);
}

void CatalogueStep::settle_row(const CatalogueItem& object, const catalog::RowResult& row) const {
  ItemResult& result = *object.result;
  const auto refuse = [&](Error error) {
    if (error.subject().empty()) error = error.on(catalogue_.catalog->description());
    result.error = std::move(error);
  };
  switch (row.state) {
    case catalog::RowResult::State::updated:
    case catalog::RowResult::State::already: result.catalogue = CatalogueState::updated; break;
    case catalog::RowResult::State::unmatched:
      result.catalogue = CatalogueState::unmatched;
      if (catalogue_.unmatched_fails)
        return refuse(Error(ErrorClass::not_found, "no row of the catalogue matched")
                          .during("catalogue update")
                          .with_hint(reverse_ ? "the copy is kept" : "the object at the source is kept"));
      break;
    case catalog::RowResult::State::failed:
      return refuse(row.error
                        ? *row.error
                        : Error(ErrorClass::internal, "the row was not updated").during("catalogue update"));
  }
  result.step = ItemStep::catalogued;
}

}  // namespace haul::job
