#include "listing/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/utf8.h"
#include "listing/inventory.h"
#include "listing/line_reader.h"

namespace haul::listing {
namespace {

constexpr std::size_t kPageKeys = 1000;
constexpr std::size_t kMostInventoryManifest = 64U << 20;
constexpr std::size_t kLooked = 64U << 10;  // of the first bytes, to tell the format by
constexpr std::size_t kShownOfLine = 1000;
constexpr std::string_view kGzipMagic = "\x1f\x8b";

// Where a stream stands: behind a line of one of its files. As text: "1 FILE OFFSET LINE VERSIONS STATE".
struct ManifestPosition {
  std::uint64_t file = 0;    // of an inventory; else 0
  std::uint64_t offset = 0;  // in its bytes, unpacked
  std::uint64_t line = 0;
  std::uint64_t versions = 0;  // whether a line had one so far
  std::string state;           // of the manifest itself

  std::string text() const { return fmt::format("1 {} {} {} {} {}", file, offset, line, versions, state); }

  static ManifestPosition parse(std::string_view text) {
    ManifestPosition position;
    std::uint64_t form = 0;
    for (std::uint64_t* number :
         {&form, &position.file, &position.offset, &position.line, &position.versions}) {
      const char* end = text.data() + text.size();
      const auto [stopped, problem] = std::from_chars(text.data(), end, *number);
      if (problem != std::errc() || stopped == end || *stopped != ' ')
        throw Error(ErrorClass::invalid_argument, "is no place in a manifest").on(visible(text));
      text.remove_prefix(static_cast<std::size_t>(stopped - text.data()) + 1);
    }
    if (form != 1) throw Error(ErrorClass::invalid_argument, "is no place in a manifest").on(visible(text));
    position.state = text;
    return position;
  }
};

std::string directory_of(const std::string& name) {
  return name.substr(0, name.rfind('/') + 1);
}

class ManifestStream final : public EntryStream {
 public:
  ManifestStream(ManifestPlace place, ManifestOptions options)
      : place_(std::move(place)),
        options_(std::move(options)),
        name_(place_.store ? place_.store->describe(place_.name) : visible(place_.name)) {
    if (!options_.fields.empty()) layout_ = CsvLayout::of(options_.fields);
  }

  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const ListingFacts& facts() const noexcept override { return facts_; }
  std::optional<std::string> place() const override {
    if (opened_ && state_.empty()) return std::nullopt;  // a pipe
    return given_ ? given_->text() : std::string();
  }
  void go_on_at(std::string_view place) override {
    given_ = place.empty() ? std::nullopt : std::optional(ManifestPosition::parse(place));
    facts_ = {};
    opened_ = false;
    lines_.reset();
    inventory_.reset();
  }

 private:
  Task<OpenedBytes> open(std::string name, std::uint64_t offset, OpContext& context) {
    if (place_.store) co_return co_await open_object(place_.store, std::move(name), offset, context);
    co_return co_await open_file(std::move(name), offset, context);
  }
  Task<> begin(OpContext& context);
  Task<> begin_inventory(std::string text, OpContext& context);
  Task<std::string> inventory_checksum(OpContext& context);
  Task<bool> next_file(OpContext& context);
  Task<OpenedBytes> open_inventory_file(const InventoryFile& file, std::string& name, OpContext& context);
  Task<> begin_lines(std::unique_ptr<ByteSource> bytes, std::string name, ManifestFormat format,
                     const ManifestPosition& from, std::uint64_t skip, OpContext& context);
  ManifestPosition position() const {
    return {.file = file_,
            .offset = lines_->offset(),
            .line = lines_->number(),
            .versions = versions_ ? 1U : 0U,
            .state = state_};
  }
  void take_line(LineReader::Next what, std::string_view line, store::ListPage& page);
  std::optional<Error> read_line(std::string_view line, store::ListPage& page, ManifestLine& parsed);
  std::optional<Error> judge(const ManifestLine& parsed);
  void broken(Error error, std::string_view key, store::ListPage& page);

  const ManifestPlace place_;
  const ManifestOptions options_;
  const std::string name_;  // for messages
  std::optional<CsvLayout> layout_;

  ListingFacts facts_;
  std::optional<ManifestPosition> given_;  // behind the last page
  bool opened_ = false;
  std::string state_;  // of the manifest; empty: it can be read only once

  // The file in hand.
  ManifestFormat format_ = ManifestFormat::automatic;
  std::optional<Inventory> inventory_;
  std::uint64_t file_ = 0;
  std::string file_name_;
  std::optional<LineReader> lines_;
  std::optional<ManifestLineReader> reader_;
  bool versions_ = false;  // every line is to have one, since one had or the columns say so
};

Task<std::optional<store::ListPage>> ManifestStream::next(OpContext& context) {
  if (!opened_) co_await begin(context);
  store::ListPage page;
  page.entries.reserve(kPageKeys);
  std::optional<ManifestPosition> end;
  while (lines_ && page.entries.size() + page.broken.size() < kPageKeys) {
    std::string_view line;
    const LineReader::Next what = lines_->take(line);
    if (what != LineReader::Next::none) {
      take_line(what, line, page);
    } else if (!co_await lines_->fill(context)) {
      end = position();
      if (!co_await next_file(context)) lines_.reset();
    }
  }
  if (lines_)
    given_ = position();
  else if (end)
    given_ = std::move(end);
  if (page.entries.empty() && page.broken.empty()) {
    facts_.ended = true;
    co_return std::nullopt;
  }
  facts_.count(page);
  co_return page;
}

// Opens the manifest, looks at what it is, and goes to the place that was given.
Task<> ManifestStream::begin(OpContext& context) {
  const ManifestPosition from = given_.value_or(ManifestPosition{});
  OpenedBytes opened = co_await open(place_.name, 0, context);
  state_ = opened.state;
  if (given_ && given_->state != state_)
    throw Error(ErrorClass::source_changed, "the manifest is not the one that was begun with")
        .on(name_)
        .with_hint("put it back as it was, or begin a new run");
  std::string first(kLooked, '\0');
  std::size_t filled = 0;
  while (filled < first.size()) {
    const std::size_t got =
        co_await opened.bytes->read_some(std::as_writable_bytes(std::span(first).subspan(filled)), context);
    if (got == 0) break;
    filled += got;
  }
  first.resize(filled);
  const bool zipped = first.starts_with(kGzipMagic);
  std::unique_ptr<ByteSource> bytes = put_back(first, std::move(opened.bytes));
  if (zipped) {
    bytes = unzipped(std::move(bytes), name_);
    first.resize(kLooked);
    first.resize(co_await bytes->read_some(std::as_writable_bytes(std::span(first)), context));
    bytes = put_back(first, std::move(bytes));
  }
  format_ = options_.format;
  if (format_ == ManifestFormat::automatic) {
    const std::size_t begin = std::min(first.find_first_not_of("\xef\xbb\xbf \t\r\n"), first.size());
    const std::string_view text = std::string_view(first).substr(begin);
    format_ = !text.starts_with('{')       ? ManifestFormat::csv
              : looks_like_inventory(text) ? ManifestFormat::inventory
                                           : ManifestFormat::json_lines;
  }
  opened_ = true;
  versions_ = from.versions != 0 ||
              (format_ == ManifestFormat::csv && layout_ && layout_->has(ManifestColumn::version));
  if (format_ == ManifestFormat::inventory) {
    co_await begin_inventory(co_await read_whole(std::move(bytes), kMostInventoryManifest, name_, context),
                             context);
    co_return;
  }
  std::uint64_t skip = from.offset;
  if (!zipped && skip > kLooked) {
    bytes = (co_await open(place_.name, skip, context)).bytes;
    skip = 0;
  }
  reader_.emplace(layout_);
  co_await begin_lines(std::move(bytes), name_, format_, from, skip, context);
}

Task<> ManifestStream::begin_lines(std::unique_ptr<ByteSource> bytes, std::string name, ManifestFormat format,
                                   const ManifestPosition& from, std::uint64_t skip, OpContext& context) {
  file_name_ = std::move(name);
  lines_.emplace(std::move(bytes),
                 format == ManifestFormat::datasync ? LineEnd::csv_records : LineEnd::newline);
  if (from.offset != 0) co_await lines_->go_on(skip, from.offset, from.line, context);
}

Task<> ManifestStream::begin_inventory(std::string text, OpContext& context) {
  try {
    inventory_ = parse_inventory(text);
  } catch (const Error& error) {
    throw error.on(name_);
  }
  if (!options_.bucket.empty() && inventory_->source_bucket != options_.bucket)
    throw Error(ErrorClass::invalid_argument,
                fmt::format("is an inventory of the bucket {}, and the source is in {}",
                            visible(inventory_->source_bucket), options_.bucket))
        .on(name_);
  const std::string expected = co_await inventory_checksum(context);
  if (!expected.empty()) {
    auto bytes = verified(put_back(std::move(text), nullptr), std::nullopt, expected, name_);
    std::array<std::byte, 4096> piece;
    while (co_await bytes->read_some(piece, context) != 0) {
    }
  }
  reader_.emplace(inventory_->layout);
  const ManifestPosition from = given_.value_or(ManifestPosition{});
  file_ = from.file;
  if (file_ >= inventory_->files.size()) co_return;
  const InventoryFile& file = inventory_->files[file_];
  std::string name;
  OpenedBytes opened = co_await open_inventory_file(file, name, context);
  co_await begin_lines(std::move(opened.bytes), name, ManifestFormat::inventory, from, from.offset, context);
}

// What manifest.checksum beside it says, if it is there.
Task<std::string> ManifestStream::inventory_checksum(OpContext& context) {
  const std::string name = directory_of(place_.name) + "manifest.checksum";
  std::string text;
  try {
    OpenedBytes opened = co_await open(name, 0, context);
    text = co_await read_whole(std::move(opened.bytes), 4096, visible(name), context);
  } catch (const Error& error) {
    // Who may not list a bucket is told that what is not there is forbidden.
    if (error.error_class() != ErrorClass::not_found && error.error_class() != ErrorClass::permission_denied)
      throw;
  }
  co_return parse_inventory_checksum(text);
}

Task<bool> ManifestStream::next_file(OpContext& context) {
  if (!inventory_ || file_ + 1 >= inventory_->files.size()) co_return false;
  ++file_;
  std::string name;
  OpenedBytes opened = co_await open_inventory_file(inventory_->files[file_], name, context);
  co_await begin_lines(std::move(opened.bytes), name, ManifestFormat::inventory, {}, 0, context);
  co_return true;
}

// Unpacked. The files of a manifest in a bucket lie in the inventory's bucket; those of one that was fetched
// beside it, under their whole key, or where they lay relative to it; or still in the bucket.
Task<OpenedBytes> ManifestStream::open_inventory_file(const InventoryFile& file, std::string& name,
                                                      OpContext& context) {
  OpenedBytes opened;
  std::shared_ptr<store::Store> store = place_.store;
  if (place_.bucket && !inventory_->destination_bucket.empty())
    store = place_.bucket(inventory_->destination_bucket);
  if (!place_.store) {
    const std::string beside = directory_of(place_.name);
    const std::string last = file.key.substr(file.key.rfind('/') + 1);
    for (const std::string& relative : {file.key, last, "data/" + last, "../data/" + last}) {
      const std::string path = beside + relative;
      try {
        opened = co_await open_file(path, 0, context);
      } catch (const Error& error) {
        if (error.error_class() != ErrorClass::not_found) throw;
        continue;
      }
      name = visible(path);
      break;
    }
    if (!opened.bytes && !store)
      throw Error(ErrorClass::not_found, fmt::format("its file {} is not beside it", visible(file.key)))
          .on(name_)
          .with_hint("fetch it into the same directory, or name the manifest where it lies in the bucket");
  }
  if (!opened.bytes) {
    name = store->describe(file.key);
    opened = co_await open_object(store, file.key, 0, context);
  }
  opened.bytes = verified(std::move(opened.bytes), file.size, file.md5, name);
  std::string first(kGzipMagic.size(), '\0');
  std::size_t filled = 0;
  while (filled < first.size()) {
    const std::size_t got =
        co_await opened.bytes->read_some(std::as_writable_bytes(std::span(first).subspan(filled)), context);
    if (got == 0) break;
    filled += got;
  }
  first.resize(filled);
  const bool zipped = first == kGzipMagic;
  opened.bytes = put_back(std::move(first), std::move(opened.bytes));
  if (zipped) opened.bytes = unzipped(std::move(opened.bytes), name);
  co_return opened;
}

void ManifestStream::take_line(LineReader::Next what, std::string_view line, store::ListPage& page) {
  if (what == LineReader::Next::too_long)
    return broken(Error(ErrorClass::invalid_argument, "is longer than any line may be"), line, page);
  if (line.empty()) return;
  ManifestLine parsed;
  if (auto error = read_line(line, page, parsed)) {
    const bool has_key = !parsed.entry.key.empty();
    return broken(std::move(*error), has_key ? parsed.entry.key : line, page);
  }
  store::Entry& entry = parsed.entry;
  if (inventory_ && !options_.all_versions) {
    if (!entry.latest || entry.kind == store::EntryKind::delete_marker) return;
    entry.version = {};
  }
  page.entries.push_back(entry);
}

std::optional<Error> ManifestStream::read_line(std::string_view line, store::ListPage& page,
                                               ManifestLine& parsed) {
  if (line.find('\0') != std::string_view::npos)
    return Error(ErrorClass::invalid_argument, "holds a NUL byte").with_hint("a manifest is in UTF-8");
  std::optional<Error> error;
  switch (format_) {
    case ManifestFormat::keys:
      parsed.entry.key = page.text.store(options_.base, line);
      parsed.entry.facts_known = false;
      break;
    case ManifestFormat::datasync: error = reader_->datasync(line, options_.base, page.text, parsed); break;
    case ManifestFormat::json_lines: error = reader_->json(line, page.text, parsed); break;
    case ManifestFormat::automatic:
    case ManifestFormat::csv:
    case ManifestFormat::inventory: error = reader_->csv(line, page.text, parsed); break;
  }
  return error ? error : judge(parsed);
}

// Whether what the line says is what the source has.
std::optional<Error> ManifestStream::judge(const ManifestLine& parsed) {
  if (!options_.bucket.empty() && !parsed.bucket.empty() && parsed.bucket != options_.bucket)
    return Error(ErrorClass::invalid_argument, fmt::format("names the bucket {}, and the source is in {}",
                                                           visible(parsed.bucket), options_.bucket))
        .with_hint("the keys of one bucket go together");
  if (!parsed.entry.key.starts_with(options_.prefix))
    return Error(ErrorClass::invalid_argument,
                 fmt::format("the key is not below {}", visible(options_.prefix)))
        .with_hint("use the bucket itself, or a prefix that all keys have, as the source");
  if (inventory_) return std::nullopt;
  // What has no version would be taken in whatever state it is: not what a list of versions means.
  if (!parsed.has_version && versions_)
    return Error(ErrorClass::invalid_argument, "has no version, in a manifest of versions")
        .with_hint("write null for an object without versions");
  versions_ = versions_ || parsed.has_version;
  return std::nullopt;
}

void ManifestStream::broken(Error error, std::string_view key, store::ListPage& page) {
  error = error.on(fmt::format("{} line {}", file_name_, lines_->number()));
  if (options_.broken == BrokenLines::refuse) throw error;
  page.broken.push_back({.key = page.text.store(key.substr(0, kShownOfLine)), .error = std::move(error)});
}

}  // namespace

std::unique_ptr<EntryStream> open_manifest(ManifestPlace place, ManifestOptions options) {
  return std::make_unique<ManifestStream>(std::move(place), std::move(options));
}

}  // namespace haul::listing
