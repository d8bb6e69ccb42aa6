// One line of a manifest: what it says of one object.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "store/entry.h"

namespace haul::listing {

// What the columns of a CSV are, by the names of S3 Inventory's fileSchema.
enum class ManifestColumn : std::uint8_t {
  bucket,
  key,
  version,
  is_latest,
  is_delete_marker,
  size,
  modified,
  etag,
  storage_class,
};
inline constexpr std::size_t kManifestColumns = 9;
inline constexpr std::size_t kMostCsvFields = 64;

struct CsvLayout {
  std::array<std::int8_t, kManifestColumns> at;  // index of each column; -1: there is none
  std::size_t needed = 0;                        // fields that have to be looked at

  CsvLayout() noexcept { at.fill(-1); }
  bool has(ManifestColumn column) const noexcept { return at[static_cast<std::size_t>(column)] >= 0; }
  // Throws invalid_argument without Key, and for a column that is there twice or behind the 64th.
  static CsvLayout of(const std::vector<std::string>& names);
};

// The fields of one CSV record (RFC 4180), as many as `fields` has room for; what is behind them is not
// looked at. Fields with doubled quotes are in `scratch`, the others where they were. Gives their number;
// nothing where a quote is not closed or followed by something else than a comma.
std::optional<std::size_t> split_csv(std::string_view line, std::span<std::string_view> fields,
                                     std::string& scratch);

// What a line was read as. The entry's texts are in the arena that was given.
struct ManifestLine {
  store::Entry entry;       // facts_known as it is
  std::string_view bucket;  // as in the line, or in the arena; empty: not named
  bool has_version = false;
};

// Reads lines of one manifest. What is wrong with a line is a value: an error without place. Not thread-safe.
class ManifestLineReader {
 public:
  // Nothing: two columns, or three with a version, or more that are passed over, as each line has them.
  explicit ManifestLineReader(std::optional<CsvLayout> layout = std::nullopt) : layout_(layout) {}

  // Bucket, url-encoded key, and so on.
  std::optional<Error> csv(std::string_view line, TextArena& text, ManifestLine& parsed);
  // A JSON object.
  std::optional<Error> json(std::string_view line, TextArena& text, ManifestLine& parsed);
  // path[,version] as DataSync has it, with `base` in front of the path.
  std::optional<Error> datasync(std::string_view line, std::string_view base, TextArena& text,
                                ManifestLine& parsed);

 private:
  std::optional<Error> facts_of(std::span<const std::string_view> fields, TextArena& text,
                                ManifestLine& parsed) const;

  const std::optional<CsvLayout> layout_;
  std::string scratch_;
};

}  // namespace haul::listing
