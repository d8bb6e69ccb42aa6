#include "listing/compare.h"

#include <algorithm>

namespace haul::listing {
namespace {

// 32 hexadecimal digits: the MD5 of the content, unless the object is encrypted by KMS or a customer's key.
bool has_md5_form(std::string_view etag) {
  return etag.size() == 32 && std::all_of(etag.begin(), etag.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

// md5(parts)-N. Equal ones mean equal contents; different ones may come from other part sizes.
bool has_multipart_form(std::string_view etag) {
  const std::size_t dash = etag.find('-');
  return dash == 32 && has_md5_form(etag.substr(0, dash));
}

bool etag_is_content_md5(const store::Details& object) {
  return has_md5_form(object.etag) && (object.encryption.empty() || object.encryption == "AES256");
}

bool within(Time a, Time b, std::chrono::nanoseconds window) {
  return (a > b ? a - b : b - a) <= window;
}

// Either side may hold its time in seconds, milliseconds or microseconds: then the finer one is cut down to
// it.
bool same_time(Time a, Time b, std::chrono::nanoseconds window) {
  if (within(a, b, window)) return true;
  const std::int64_t first = a.time_since_epoch().count(), second = b.time_since_epoch().count();
  for (const std::int64_t unit : {1'000LL, 1'000'000LL, 1'000'000'000LL})
    if ((first % unit == 0 || second % unit == 0) && first / unit == second / unit) return true;
  return false;
}

// The object was written after the file was last touched in any way, so it has the file's content. Object
// stores may cut their time to the second, which errs on the side of asking.
Decision compare_file_with_object(const store::Entry& file, const store::Entry& object) {
  if (file.modified <= object.modified && file.changed <= object.modified)
    return {Verdict::same, "object is later than the file"};
  return {Verdict::needs_details, "times do not tell"};
}

// A file that was fetched has the time of its origin, not later than the object's, and was last changed by
// the fetch itself, which came after the object. Where the two are within a second, whole seconds may hide
// which came first.
Decision compare_object_with_file(const store::Entry& object, const store::Entry& file) {
  const bool from_before = file.modified <= object.modified || same_time(file.modified, object.modified, {});
  if (from_before && file.changed > object.modified + std::chrono::seconds(1))
    return {Verdict::same, "file was written after the object"};
  return {Verdict::needs_details, "times do not tell"};
}

Decision compare_objects(const store::Entry& source, const store::Entry& destination) {
  const bool later = destination.modified >= source.modified;
  if (!source.etag.empty() && source.etag == destination.etag) return {Verdict::same, "same etag"};
  if (has_md5_form(source.etag) && has_md5_form(destination.etag))
    return later ? Decision{Verdict::needs_details, "etags differ"}
                 : Decision{Verdict::differs, "etags differ"};
  if (later) return {Verdict::same, "same size, destination is later"};
  return {Verdict::differs, "source is later"};
}

std::optional<Decision> by_policy(Time source, Time destination, const CompareOptions& options) {
  switch (options.overwrite) {
    case Overwrite::always: return Decision{Verdict::differs, "always overwritten"};
    case Overwrite::never: return Decision{Verdict::same, "exists at the destination"};
    case Overwrite::if_newer:
      if (source <= destination + options.modify_window)
        return Decision{Verdict::same, "destination is as new"};
      return std::nullopt;
    case Overwrite::if_different: return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Decision> by_checksums(const store::Details& source, const store::Details& destination) {
  switch (compare(source.checksums, destination.checksums)) {
    case ChecksumMatch::same: return Decision{Verdict::same, "same checksum"};
    case ChecksumMatch::different: return Decision{Verdict::differs, "checksums differ"};
    case ChecksumMatch::unknown: break;
  }
  if (!source.etag.empty() && source.etag == destination.etag &&
      (etag_is_content_md5(source) || has_multipart_form(source.etag)))
    return Decision{Verdict::same, "same etag"};
  if (etag_is_content_md5(source) && etag_is_content_md5(destination))
    return Decision{Verdict::differs, "etags differ"};
  return std::nullopt;
}

// The time of the content itself, as far as a side knows it: a file's own, or the one an object carries.
std::optional<Time> content_time(const store::Details& object, const store::Capabilities& where) {
  if (object.properties.posix && object.properties.posix->mtime) return object.properties.posix->mtime;
  if (where.modified_is_settable) return object.modified;
  return std::nullopt;
}

}  // namespace

Decision compare_entries(const store::Entry& source, const store::Capabilities& source_store,
                         const store::Entry& destination, const store::Capabilities& destination_store,
                         const CompareOptions& options) {
  if (source.kind != destination.kind) return {Verdict::differs, "kinds differ"};
  if (const auto decided = by_policy(source.modified, destination.modified, options)) return *decided;
  if (source.size != destination.size) return {Verdict::differs, "sizes differ"};
  if (options.by == CompareBy::size_only) return {Verdict::same, "same size"};
  if (source.kind == store::EntryKind::directory) return {Verdict::same, "directory exists"};
  if (options.by == CompareBy::checksum) return {Verdict::needs_details, "checksums asked for"};
  const bool from_file = source_store.modified_is_settable, to_file = destination_store.modified_is_settable;
  if (from_file && to_file)
    return within(source.modified, destination.modified, options.modify_window)
               ? Decision{Verdict::same, "same size and time"}
               : Decision{Verdict::differs, "times differ"};
  if (from_file) return compare_file_with_object(source, destination);
  if (to_file) return compare_object_with_file(source, destination);
  return compare_objects(source, destination);
}

Decision compare_details(const store::Details& source, const store::Capabilities& source_store,
                         const store::Details& destination, const store::Capabilities& destination_store,
                         const CompareOptions& options) {
  if (source.size != destination.size) return {Verdict::differs, "sizes differ"};
  if (const auto decided = by_checksums(source, destination)) return *decided;
  if (options.by == CompareBy::checksum) return {Verdict::needs_contents, "no checksum on both sides"};
  const auto source_time = content_time(source, source_store);
  const auto destination_time = content_time(destination, destination_store);
  if (source_time && destination_time)
    return same_time(*source_time, *destination_time, options.modify_window)
               ? Decision{Verdict::same, "same size and time"}
               : Decision{Verdict::differs, "times differ"};
  // One side carries no time of its content: the object must be later than what it was made from.
  const Time written = source_store.modified_is_settable ? destination.modified : source.modified;
  if (source_store.modified_is_settable)
    return source.modified <= written ? Decision{Verdict::same, "object is later than the file"}
                                      : Decision{Verdict::differs, "file is later than the object"};
  if (destination_store.modified_is_settable)
    return written <= destination.changed && destination.modified <= written
               ? Decision{Verdict::same, "file was written after the object"}
               : Decision{Verdict::differs, "times differ"};
  return source.modified <= destination.modified ? Decision{Verdict::same, "same size, destination is later"}
                                                 : Decision{Verdict::differs, "source is later"};
}

}  // namespace haul::listing
