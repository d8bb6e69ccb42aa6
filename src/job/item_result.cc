#include "job/item_result.h"

#include <algorithm>
#include <bit>

#include "base/encoding.h"
#include "job/packed.h"

namespace haul::job {
namespace {

constexpr std::uint64_t kMostLosses = 64;

// Times before 1970 are negative; their bits are as good as any other number's.
std::uint64_t bits_of(Time time) {
  return std::bit_cast<std::uint64_t>(std::int64_t{time.time_since_epoch().count()});
}

Time time_of(std::uint64_t bits) {
  return Time(Time::duration(std::bit_cast<std::int64_t>(bits)));
}

void unpack_object(Unpacker& facts, ItemResult& result) {
  result.step = static_cast<ItemStep>(facts.number_to(static_cast<std::uint64_t>(ItemStep::catalogued)));
  if (result.step == ItemStep::undone) return;
  result.recalled = true;
  const std::uint64_t flags = facts.number_to(7);
  result.transferred = (flags & 1) != 0;
  result.already_there = (flags & 2) != 0;
  result.bytes = facts.number();
  result.modified = time_of(facts.number());
  result.how =
      static_cast<transfer::Method>(facts.number_to(static_cast<std::uint64_t>(transfer::Method::parts)));
  result.proof =
      static_cast<transfer::Proof>(facts.number_to(static_cast<std::uint64_t>(transfer::Proof::read_back)));
  result.catalogue =
      static_cast<CatalogueState>(facts.number_to(static_cast<std::uint64_t>(CatalogueState::unmatched)));
  result.took = Duration(static_cast<Duration::rep>(facts.number_to(INT64_MAX)));
  result.etag = facts.text();
  result.written_etag = facts.text();
  result.written_version = facts.text();
  result.checksum = checksum_of_text(facts.text());
  result.reason = facts.text();
  const std::uint64_t losses = facts.number_to(kMostLosses);
  for (std::uint64_t i = 0; i < losses && facts.ok(); ++i)
    result.losses.emplace_back(facts.text());
}

}  // namespace

void ItemResult::clear() {
  step = ItemStep::undone;
  kind = OutcomeKind::copied;
  bytes = 0;
  etag.clear();
  modified = {};
  written_etag.clear();
  written_version.clear();
  checksum.reset();
  how = transfer::Method::streamed;
  proof = transfer::Proof::none;
  transferred = already_there = source_kept = under_way = still_named = recalled = false;
  arrived_by = {};
  catalogue = CatalogueState::none;
  took = {};
  reason.clear();
  error.reset();
  losses.clear();
}

void append_checksum(std::string& out, const Checksum& checksum) {
  out += to_string(checksum.algorithm());
  out += ':';
  if (checksum.type() == ChecksumType::full_object)
    append_base64(out, checksum.bytes());
  else
    out += checksum.to_string();
}

std::string checksum_text(const std::optional<Checksum>& checksum) {
  std::string text;
  if (checksum) append_checksum(text, *checksum);
  return text;
}

std::optional<Checksum> checksum_of_text(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto algorithm = parse_checksum_algorithm(text.substr(0, colon));
  if (!algorithm) return std::nullopt;
  return Checksum::parse(*algorithm, text.substr(colon + 1));
}

void pack_facts(std::string& out, const ItemResult& result) {
  pack(out, static_cast<std::uint64_t>(result.step));
  if (result.step == ItemStep::undone) return;
  pack(out, (result.transferred ? 1U : 0U) | (result.already_there ? 2U : 0U));
  pack(out, result.bytes);
  pack(out, bits_of(result.modified));
  pack(out, static_cast<std::uint64_t>(result.how));
  pack(out, static_cast<std::uint64_t>(result.proof));
  pack(out, static_cast<std::uint64_t>(result.catalogue));
  pack(out, static_cast<std::uint64_t>(std::max<Duration::rep>(result.took.count(), 0)));
  pack(out, std::string_view(result.etag));
  pack(out, std::string_view(result.written_etag));
  pack(out, std::string_view(result.written_version));
  pack(out, std::string_view(checksum_text(result.checksum)));
  pack(out, std::string_view(result.reason));
  const std::uint64_t losses = std::min<std::uint64_t>(result.losses.size(), kMostLosses);
  pack(out, losses);
  for (std::uint64_t i = 0; i < losses; ++i)
    pack(out, std::string_view(result.losses[i]));
}

std::optional<std::vector<ItemResult>> unpack_facts(std::string_view facts, std::size_t count) {
  std::vector<ItemResult> results(count);
  Unpacker unpacker(facts);
  for (ItemResult& result : results)
    unpack_object(unpacker, result);
  if (!unpacker.ok() || !unpacker.at_end()) return std::nullopt;
  return results;
}

}  // namespace haul::job
