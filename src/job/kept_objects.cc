#include "job/kept_objects.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/utf8.h"
#include "job/ledger_line.h"
#include "job/packed.h"

namespace haul::job {
namespace {

constexpr std::size_t kPageEntries = 1000;
constexpr std::string_view kKept = "\"source_kept\":true";

}  // namespace

std::string pack_kept(const KeptFacts& facts) {
  std::string packed;
  pack(packed, facts.destination_key);
  pack(packed, facts.written_etag);
  pack(packed, facts.written_version);
  pack(packed, facts.checksum);
  pack(packed, facts.row);
  pack(packed, static_cast<std::uint64_t>(facts.moved.time_since_epoch().count()));
  return packed;
}

std::optional<KeptFacts> unpack_kept(std::string_view packed) noexcept {
  Unpacker from(packed);
  KeptFacts facts;
  facts.destination_key = from.text();
  facts.written_etag = from.text();
  facts.written_version = from.text();
  facts.checksum = from.text();
  facts.row = from.text();
  facts.moved = Time(Duration(static_cast<Duration::rep>(from.number())));
  if (!from.ok() || !from.at_end() || facts.destination_key.empty()) return std::nullopt;
  return facts;
}

KeptFacts take_kept(Item& item) {
  const auto facts = unpack_kept(item.row);
  if (!facts)
    throw Error(ErrorClass::invalid_argument, "nothing is recorded of where the object was moved to")
        .during("read the report");
  item.destination_key = facts->destination_key;
  item.row = facts->row;
  return *facts;
}

Task<std::optional<store::ListPage>> KeptStream::next(OpContext& context) {
  store::ListPage page;
  co_await context.blocking([this, &page] { read_page(page); });
  if (page.entries.empty()) {
    facts_.ended = true;
    co_return std::nullopt;
  }
  facts_.count(page);
  co_return page;
}

std::optional<std::string> KeptStream::place() const {
  return std::to_string(segment_) + ":" + std::to_string(offset_);
}

void KeptStream::go_on_at(std::string_view place) {
  std::uint64_t segment = 0, offset = 0;
  if (!place.empty()) {
    const std::string packed = std::string(place) + ";";
    Unpacker from(packed);
    segment = from.number(':');
    offset = from.number();
    if (!from.ok() || !from.at_end())
      throw Error(ErrorClass::invalid_argument, "this is no place in a ledger").on(visible(place));
  }
  segment_ = segment;
  offset_ = offset;
  opened_ = false;
  file_ = {};
}

void KeptStream::read_page(store::ListPage& page) {
  if (!std::exchange(opened_, true)) {
    segments_.clear();
    std::error_code failed;
    for (const auto& each : std::filesystem::directory_iterator(listing_.directory, failed)) {
      const std::string name = each.path().filename();
      if (name.starts_with("ledger-") && name.ends_with(".jsonl")) segments_.push_back(each.path());
    }
    if (segments_.empty())
      throw Error(ErrorClass::not_found, "there is no report of the run")
          .during("read the report")
          .on(visible(listing_.directory));
    // Numbers of five digits grow to six: the longer name is the later one.
    std::ranges::sort(segments_, {}, [](const std::string& name) { return std::pair(name.size(), name); });
    open_segment();
  }
  std::string line;
  while (page.entries.size() < kPageEntries && read_line(line)) {
    if (line.find(kKept) == std::string::npos) continue;
    try {
      take_line(line, page);
    } catch (const Error& error) {
      throw error.on(visible(segments_[segment_]) + " before byte " + std::to_string(offset_));
    }
  }
}

bool KeptStream::open_segment() {
  file_ = {};
  if (segment_ >= segments_.size()) return false;
  errno = 0;
  file_.open(segments_[segment_], std::ios::binary);
  file_.seekg(static_cast<std::streamoff>(offset_));
  if (!file_) throw errno_error(errno != 0 ? errno : EIO, "open", visible(segments_[segment_]));
  return true;
}

bool KeptStream::read_line(std::string& line) {
  while (segment_ < segments_.size()) {
    if (std::getline(file_, line)) {
      offset_ += line.size() + 1;
      return true;
    }
    if (file_.bad()) throw errno_error(EIO, "read", visible(segments_[segment_]));
    ++segment_;
    offset_ = 0;
    open_segment();
  }
  return false;
}

void KeptStream::take_line(std::string_view text, store::ListPage& page) const {
  const Outcome moved = parse_ledger_line(text).outcome;
  // A key may hold what the search for kept ones has found.
  if (moved.kind != OutcomeKind::moved || !moved.source_kept || moved.source != listing_.source) return;
  if (listing_.chosen && !listing_.chosen(moved.key)) return;
  if (listing_.moved_before && moved.finished >= *listing_.moved_before) return;
  store::Entry entry;
  entry.key = page.text.store(moved.key);
  entry.etag = page.text.store(moved.etag);
  entry.version = page.text.store(moved.version);
  entry.size = moved.size;
  entry.modified = entry.changed = moved.modified;
  entry.row = page.text.store(pack_kept({.destination_key = moved.destination_key,
                                         .written_etag = moved.written_etag,
                                         .written_version = moved.written_version,
                                         .checksum = moved.checksum,
                                         .row = moved.row,
                                         .moved = moved.finished}));
  page.entries.push_back(entry);
}

}  // namespace haul::job
