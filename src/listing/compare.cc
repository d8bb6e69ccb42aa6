#include "listing/compare.h"

#include <algorithm>
#include <optional>

namespace haul::listing {
namespace {

using enum Verdict;
using std::chrono::seconds;

enum class ETagForm : std::uint8_t { none, md5, multipart, opaque };

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

ETagForm form_of(std::string_view etag) {
  if (etag.empty()) return ETagForm::none;
  if (etag.size() < 32 || !is_hex(etag.substr(0, 32))) return ETagForm::opaque;
  if (etag.size() == 32) return ETagForm::md5;
  const std::string_view parts = etag.substr(33);
  const bool count =
      !parts.empty() && std::ranges::all_of(parts, [](char c) { return c >= '0' && c <= '9'; });
  return etag[32] == '-' && count ? ETagForm::multipart : ETagForm::opaque;
}

Decision by_time_of_writing(Time source, Time destination) {
  if (destination >= source) return {same, CompareReason::written_since};
  return {differs, CompareReason::modified};
}

// Whether `kept` is what a place of lower precision keeps of `original`: a whole number of seconds or of
// milliseconds is taken for a time that lost the rest.
bool is_record_of(Time kept, Time original, Duration window) {
  const Duration apart = kept > original ? kept - original : original - kept;
  if (apart <= window) return true;
  using std::chrono::floor, std::chrono::milliseconds;
  if (floor<seconds>(kept) == kept) return floor<seconds>(original) == kept;
  return floor<milliseconds>(kept) == kept && floor<milliseconds>(original) == kept;
}

Decision object_to_object(const store::Entry& source, const store::Entry& destination) {
  if (!source.etag.empty() && source.etag == destination.etag) return {same, CompareReason::etag};
  if (form_of(source.etag) == ETagForm::md5 && form_of(destination.etag) == ETagForm::md5) {
    if (destination.modified >= source.modified) return {needs_details, CompareReason::maybe_encrypted};
    return {differs, CompareReason::etag};
  }
  return by_time_of_writing(source.modified, destination.modified);
}

Decision file_to_object(const store::Entry& file, const store::Entry& object) {
  if (file.modified <= object.modified && file.changed <= object.modified)
    return {same, CompareReason::written_since};
  return {needs_details, CompareReason::changed_in_place};
}

Decision object_to_file(const store::Entry& object, const store::Entry& file, const CompareOptions& options) {
  if (is_record_of(file.modified, object.modified, options.modify_window))
    return {same, CompareReason::modified};
  // The file's content is not younger than the object, and the file came here after the object did.
  if (file.modified <= object.modified && object.modified <= file.changed - options.clock_margin)
    return {same, CompareReason::written_since};
  return {needs_details, CompareReason::modified};
}

Decision file_to_file(Time source, Time destination, const CompareOptions& options) {
  const bool equal = is_record_of(source, destination, options.modify_window) ||
                     is_record_of(destination, source, options.modify_window);
  return {equal ? same : differs, CompareReason::modified};
}

// What a mode says whatever the sides are.
std::optional<Decision> by_mode(CompareMode mode, std::uint64_t source_size, std::uint64_t destination_size,
                                Time source_time, Time destination_time) {
  switch (mode) {
    case CompareMode::always: return Decision{differs, CompareReason::forced};
    case CompareMode::never: return Decision{same, CompareReason::exists};
    case CompareMode::if_newer:
      return Decision{source_time > destination_time ? differs : same, CompareReason::modified};
    case CompareMode::size_only:
      return Decision{source_size == destination_size ? same : differs, CompareReason::size};
    case CompareMode::standard:
    case CompareMode::checksum: break;
  }
  if (source_size != destination_size) return Decision{differs, CompareReason::size};
  return std::nullopt;
}

bool hides_content(const store::Details& object) {
  return object.encryption.starts_with("aws:kms") || object.encryption == "SSE-C";
}

Decision details_of_objects(const store::Details& source, const store::Details& destination) {
  if (!source.etag.empty() && source.etag == destination.etag) return {same, CompareReason::etag};
  const bool both_md5 = form_of(source.etag) == ETagForm::md5 && form_of(destination.etag) == ETagForm::md5;
  if (both_md5 && !hides_content(source) && !hides_content(destination))
    return {differs, CompareReason::etag};
  return by_time_of_writing(source.modified, destination.modified);
}

Decision details_of_file_and_object(const store::Details& file, const store::Details& object,
                                    Duration window) {
  const auto& posix = object.properties.posix;
  if (posix && posix->mtime)
    return {is_record_of(*posix->mtime, file.modified, window) ? same : differs, CompareReason::kept_time};
  if (is_record_of(file.modified, object.modified, window)) return {same, CompareReason::modified};
  return {differs, CompareReason::modified};
}

}  // namespace

std::string_view to_string(CompareReason reason) noexcept {
  switch (reason) {
    case CompareReason::exists: return "exists";
    case CompareReason::forced: return "forced";
    case CompareReason::kind: return "kind";
    case CompareReason::size: return "size";
    case CompareReason::etag: return "etag";
    case CompareReason::checksum: return "checksum";
    case CompareReason::modified: return "modified";
    case CompareReason::written_since: return "written-since";
    case CompareReason::maybe_encrypted: return "maybe-encrypted";
    case CompareReason::changed_in_place: return "changed-in-place";
    case CompareReason::kept_time: return "kept-time";
    case CompareReason::no_checksum: return "no-checksum";
  }
  return "unknown";
}

Decision decide(const store::Entry& source, const store::Entry& destination,
                const store::Capabilities& source_store, const store::Capabilities& destination_store,
                const CompareOptions& options) noexcept {
  const bool from_file = source_store.modified_is_settable;
  const bool to_file = destination_store.modified_is_settable;
  if (options.mode == CompareMode::never) return {same, CompareReason::exists};
  if (from_file && to_file && source.kind != destination.kind) return {differs, CompareReason::kind};
  // A directory has no content; what its size and times say differs from one file system to the next.
  const bool both_empty = source.kind == store::EntryKind::directory &&
                          (destination.kind == store::EntryKind::directory || !to_file);
  if (both_empty && options.mode != CompareMode::always) return {same, CompareReason::exists};
  if (const auto decided =
          by_mode(options.mode, source.size, destination.size, source.modified, destination.modified))
    return *decided;
  if (options.mode == CompareMode::checksum) {
    const bool comparable = !from_file && !to_file && !source.etag.empty();
    if (comparable && source.etag == destination.etag && form_of(source.etag) != ETagForm::opaque)
      return {same, CompareReason::etag};
    return {needs_details, CompareReason::checksum};
  }
  if (from_file && to_file) return file_to_file(source.modified, destination.modified, options);
  if (from_file) return file_to_object(source, destination);
  if (to_file) return object_to_file(source, destination, options);
  return object_to_object(source, destination);
}

Decision decide_with_details(const store::Details& source, const store::Details& destination,
                             const store::Capabilities& source_store,
                             const store::Capabilities& destination_store,
                             const CompareOptions& options) noexcept {
  if (const auto decided =
          by_mode(options.mode, source.size, destination.size, source.modified, destination.modified))
    return *decided;
  switch (compare(source.checksums, destination.checksums)) {
    case ChecksumMatch::same: return {same, CompareReason::checksum};
    case ChecksumMatch::different: return {differs, CompareReason::checksum};
    case ChecksumMatch::unknown: break;
  }
  const bool from_file = source_store.modified_is_settable;
  const bool to_file = destination_store.modified_is_settable;
  if (options.mode == CompareMode::checksum) {
    if (from_file || to_file) return {needs_content, CompareReason::no_checksum};
    const Decision decision = details_of_objects(source, destination);
    const bool means_content =
        decision.reason == CompareReason::etag && form_of(source.etag) != ETagForm::opaque;
    return means_content ? decision : Decision{needs_content, CompareReason::no_checksum};
  }
  if (from_file && to_file) return file_to_file(source.modified, destination.modified, options);
  if (from_file) return details_of_file_and_object(source, destination, options.modify_window);
  if (to_file) return details_of_file_and_object(destination, source, options.modify_window);
  return details_of_objects(source, destination);
}

}  // namespace haul::listing
