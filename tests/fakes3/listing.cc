#include "listing.h"

#include "text.h"

namespace haul::fakes3 {

namespace {

// The first text that is not before anything with this prefix; empty: there is none.
std::string after_prefix(std::string_view prefix) {
  std::string out(prefix);
  while (!out.empty() && static_cast<unsigned char>(out.back()) == 0xFF)
    out.pop_back();
  if (!out.empty()) out.back() = static_cast<char>(out.back() + 1);
  return out;
}

class PageWriter {
 public:
  explicit PageWriter(bool url_encoded) : url_encoded_(url_encoded) {}

  void text(std::string_view name, std::string_view value) {
    open(name);
    append_xml(out, value);
    close(name);
  }
  void key(std::string_view name, std::string_view value) {
    open(name);
    append_key(value);
    close(name);
  }
  void number(std::string_view name, std::uint64_t value) {
    open(name);
    append_number(out, value);
    close(name);
  }
  void append_key(std::string_view value) {
    if (url_encoded_) {
      append_form_encoded(out, value);
    } else {
      append_xml(out, value);
    }
  }
  void date(std::int64_t seconds) {
    if (seconds != date_seconds_) {
      date_seconds_ = seconds;
      date_ = iso_date(seconds);
    }
    out += date_;
  }
  void etag(std::string_view quoted) {
    if (quoted.size() >= 2 && quoted.front() == '"') quoted = quoted.substr(1, quoted.size() - 2);
    out.append("&quot;").append(quoted).append("&quot;");
  }

  std::string out;

 private:
  void open(std::string_view name) { out.append("<").append(name).append(">"); }
  void close(std::string_view name) { out.append("</").append(name).append(">"); }

  bool url_encoded_;
  std::int64_t date_seconds_ = -1;
  std::string date_;
};

void append_owner(std::string& out) {
  out += "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>";
}

void append_entry(PageWriter& page, const ListRequest& request, const Listed& entry) {
  bool versions = request.dialect == Dialect::versions;
  std::string_view element = !versions ? "Contents" : entry.delete_marker ? "DeleteMarker" : "Version";
  std::string& out = page.out;
  out.append("<").append(element).append("><Key>");
  page.append_key(entry.key);
  out += "</Key>";
  if (versions) {
    page.text("VersionId", entry.version_id);
    page.text("IsLatest", entry.latest ? "true" : "false");
  }
  out += "<LastModified>";
  page.date(entry.modified);
  out += "</LastModified>";
  if (!entry.delete_marker) {
    out += "<ETag>";
    page.etag(entry.etag);
    out += "</ETag>";
    if (!entry.algorithm.empty()) {
      page.text("ChecksumAlgorithm", entry.algorithm);
      page.text("ChecksumType", entry.full_object ? "FULL_OBJECT" : "COMPOSITE");
    }
    out += "<Size>";
    append_number(out, entry.size);
    out += "</Size><StorageClass>";
    out.append(entry.storage_class.empty() ? "STANDARD" : entry.storage_class).append("</StorageClass>");
  }
  if (versions || request.fetch_owner || request.dialect == Dialect::v1) append_owner(out);
  out.append("</").append(element).append(">");
}

// Where a page begins, and what the next token says: `k` after this key, `p` after all keys with this prefix.
struct Place {
  std::string at;
  bool exclusive = false;
};

std::optional<Place> place_of_token(std::string_view token) {
  auto bytes = unhex(token);
  if (!bytes || bytes->empty()) return std::nullopt;
  std::string text = bytes->substr(1);
  if (bytes->front() == 'k') return Place{text, true};
  if (bytes->front() == 'p') return Place{after_prefix(text), false};
  return std::nullopt;
}

std::optional<Place> first_place(const ListRequest& request) {
  if (request.has_token) return place_of_token(request.token);
  bool v2 = request.dialect == Dialect::v2;
  const std::string& marker = v2 ? request.start_after : request.marker;
  if (marker.empty()) return Place{};
  if (!v2 && !request.delimiter.empty() && marker.ends_with(request.delimiter) &&
      marker.starts_with(request.prefix)) {
    return Place{after_prefix(marker), false};
  }
  return Place{marker, true};
}

}  // namespace

bool SyntheticCursor::next(Listed& entry) {
  while (index_ < bucket_.count() && !bucket_.has(index_))
    ++index_;
  if (index_ >= bucket_.count()) return false;
  bucket_.key_at(index_, key_);
  etag_.clear();
  bucket_.append_etag(index_, etag_);
  entry = Listed{};
  entry.key = key_;
  entry.etag = etag_;
  entry.version_id = "null";
  entry.size = bucket_.object_size(index_);
  entry.modified = bucket_.modified(index_);
  ++index_;
  return true;
}

void StoredCursor::seek(std::string_view key) {
  at_ = bucket_.objects.lower_bound(key);
  age_ = 0;
}

bool StoredCursor::next(Listed& entry) {
  for (; at_ != bucket_.objects.end(); ++at_, age_ = 0) {
    const std::vector<Object>& versions = at_->second;
    if (show_ == Show::current && (age_ > 0 || versions.back().delete_marker)) continue;
    if (age_ == versions.size()) continue;
    const Object& object = versions[versions.size() - 1 - age_];
    entry = Listed{};
    entry.key = at_->first;
    entry.etag = object.etag;
    entry.version_id = object.version_id;
    entry.size = object.size;
    entry.modified = object.modified;
    entry.latest = age_ == 0;
    entry.delete_marker = object.delete_marker;
    if (object.attributes) entry.storage_class = object.attributes->storage_class;
    if (object.checksum) {
      entry.algorithm = algorithm_name(object.checksum->algorithm);
      entry.full_object = object.checksum->full_object;
    }
    ++age_;
    return true;
  }
  return false;
}

std::optional<std::string> list_page(const ListRequest& request, Cursor& cursor) {
  std::optional<Place> place = first_place(request);
  if (!place) return std::nullopt;
  if (request.repeats_key) place->exclusive = false;

  PageWriter body(request.url_encoded);
  std::string prefixes, last, next_token, next_version;
  std::uint64_t count = 0;
  bool truncated = false, last_is_prefix = false, past_marker = false;

  // a place behind everything is one that after_prefix left empty
  bool at_end = request.has_token && place->at.empty() && !place->exclusive;
  cursor.seek(place->at < request.prefix ? std::string_view(request.prefix) : std::string_view(place->at));
  Listed entry;
  while (!at_end && cursor.next(entry)) {
    if (!entry.key.starts_with(request.prefix)) break;
    // without a version marker no version id equals it: all versions of the marked key are behind us
    if (place->exclusive && entry.key == place->at && !past_marker) {
      past_marker = entry.version_id == request.version_marker;
      continue;
    }
    std::size_t cut = request.delimiter.empty() ? std::string_view::npos
                                                : entry.key.find(request.delimiter, request.prefix.size());
    if (count == request.max_keys) {
      truncated = true;
      break;
    }
    ++count;
    if (cut == std::string_view::npos) {
      append_entry(body, request, entry);
      last.assign(entry.key);
      next_version.assign(entry.version_id);
      last_is_prefix = false;
      continue;
    }
    last.assign(entry.key.substr(0, cut + request.delimiter.size()));
    next_version.clear();
    last_is_prefix = true;
    PageWriter one(request.url_encoded);
    one.key("Prefix", last);
    prefixes.append("<CommonPrefixes>").append(one.out).append("</CommonPrefixes>");
    std::string behind = after_prefix(last);
    if (behind.empty()) break;
    cursor.seek(behind);
  }
  if (request.max_keys == 0) truncated = false;

  PageWriter page(request.url_encoded);
  bool versions = request.dialect == Dialect::versions, v2 = request.dialect == Dialect::v2;
  std::string_view root = versions ? "ListVersionsResult" : "ListBucketResult";
  page.out.reserve(body.out.size() + prefixes.size() + 1024);
  page.out.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<").append(root);
  page.out += " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  page.text("Name", request.bucket);
  page.key("Prefix", request.prefix);
  if (!request.delimiter.empty()) page.key("Delimiter", request.delimiter);
  if (v2) {
    if (!request.start_after.empty()) page.key("StartAfter", request.start_after);
    if (request.has_token) page.text("ContinuationToken", request.token);
    page.number("KeyCount", count);
  } else {
    page.key(versions ? "KeyMarker" : "Marker", request.marker);
    if (versions) page.text("VersionIdMarker", request.version_marker);
  }
  page.number("MaxKeys", request.max_keys);
  if (request.url_encoded) page.text("EncodingType", "url");
  if (request.endless) truncated = true;
  page.text("IsTruncated", truncated ? "true" : "false");
  if (truncated && v2) {
    // an endless listing: the page's own token, or one for the very beginning
    next_token = hex((last_is_prefix ? "p" : "k") + last);
    if (request.endless) next_token = request.has_token ? request.token : hex("k");
    page.text("NextContinuationToken", next_token);
  } else if (truncated && versions) {
    page.key("NextKeyMarker", request.endless ? request.marker : last);
    page.text("NextVersionIdMarker", request.endless ? request.version_marker : next_version);
  } else if (truncated) {
    page.key("NextMarker", request.endless ? request.marker : last);
  }
  page.out.append(body.out).append(prefixes).append("</").append(root).append(">");
  return std::move(page.out);
}

}  // namespace haul::fakes3
