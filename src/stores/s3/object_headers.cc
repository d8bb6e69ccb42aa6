#include "stores/s3/object_headers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/encoding.h"
#include "base/error.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "store/posix_metadata.h"

namespace haul::s3 {
namespace {

constexpr std::string_view kMetaPrefix = "x-amz-meta-";
constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";
constexpr std::size_t kMetadataLimit = 2048;  // Amazon's, names and values together

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

// Servers that do not know the encoding keep it as if it were the content's own.
std::string without_aws_chunked(std::string_view encoding) {
  constexpr std::string_view kChunked = "aws-chunked";
  if (encoding == kChunked) return {};
  if (encoding.starts_with("aws-chunked,"))
    encoding.remove_prefix(kChunked.size() + 1);
  else if (encoding.ends_with(",aws-chunked"))
    encoding.remove_suffix(kChunked.size() + 1);
  while (encoding.starts_with(' '))
    encoding.remove_prefix(1);
  return std::string(encoding);
}

std::size_t metadata_size(const store::Metadata& metadata) {
  std::size_t size = 0;
  for (const auto& [name, value] : metadata)
    size += name.size() + value.size();
  return size;
}

}  // namespace

std::string_view unquoted_etag(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') return etag.substr(1, etag.size() - 2);
  return etag;
}

std::string quoted_etag(std::string_view etag) {
  return "\"" + std::string(unquoted_etag(etag)) + "\"";
}

void DetailsBuilder::add(std::string_view name, std::string_view value) {
  std::array<char, 256> buffer;
  if (name.size() > buffer.size()) return;
  std::ranges::transform(name, buffer.begin(), lower);
  const std::string_view key(buffer.data(), name.size());

  if (key.starts_with(kMetaPrefix)) return add_metadata(key.substr(kMetaPrefix.size()), value);
  if (key.starts_with(kChecksumPrefix)) {
    const std::string_view algorithm = key.substr(kChecksumPrefix.size());
    if (algorithm == "type") {
      checksum_type_ = value == "COMPOSITE" ? ChecksumType::composite : ChecksumType::full_object;
      has_type_ = true;
    } else if (const auto known = parse_checksum_algorithm(algorithm)) {
      checksums_.emplace_back(*known, value);
    }
    return;
  }
  store::ContentHeaders& content = details_.properties.content;
  if (key == "content-length")
    details_.size = number<std::uint64_t>(value).value_or(0);
  else if (key == "content-range")
    total_ = number<std::uint64_t>(value.substr(value.find('/') + 1));
  else if (key == "last-modified")
    details_.modified = parse_http_date(value).value_or(Time{});
  else if (key == "etag")
    details_.etag = unquoted_etag(value);
  else if (key == "content-type")
    content.type = value;
  else if (key == "content-encoding")
    content.encoding = without_aws_chunked(value);
  else if (key == "content-language")
    content.language = value;
  else if (key == "content-disposition")
    content.disposition = value;
  else if (key == "cache-control")
    content.cache_control = value;
  else if (key == "expires")
    content.expires = value;
  else if (!key.starts_with("x-amz-"))
    return;
  else if (key == "x-amz-version-id")
    details_.version = value;
  else if (key == "x-amz-delete-marker" && value == "true")
    details_.kind = store::EntryKind::delete_marker;
  else if (key == "x-amz-storage-class")
    details_.storage_class = value == "STANDARD" ? "" : value;
  else if (key == "x-amz-tagging-count")
    details_.tag_count = number<unsigned>(value).value_or(0);
  else if (key == "x-amz-mp-parts-count")
    details_.part_count = number<unsigned>(value).value_or(0);
  else if (key == "x-amz-server-side-encryption")
    details_.encryption = value;
  else if (key == "x-amz-server-side-encryption-customer-algorithm")
    details_.encryption = "SSE-C";
  else if (key == "x-amz-website-redirect-location")
    details_.properties.website_redirect = value;
  else if (key == "x-amz-restore")
    restore_ = value;
  else if (key == "x-amz-archive-status")
    archive_status_ = true;
}

void DetailsBuilder::add_metadata(std::string_view name, std::string_view value) {
  store::Metadata& metadata = details_.properties.metadata;
  const auto same = [name](const auto& item) { return item.first == name; };
  // A name that was sent twice is one with both values (RFC 9110 section 5.3).
  if (const auto found = std::ranges::find_if(metadata, same); found != metadata.end())
    found->second.append(",").append(value);
  else
    metadata.emplace_back(name, value);
}

store::Details DetailsBuilder::finish() {
  if (total_) details_.size = *total_;
  details_.changed = details_.modified;
  for (const auto& [algorithm, text] : checksums_)
    if (const auto checksum = Checksum::parse(algorithm, text, checksum_type_))
      details_.checksums.put(*checksum);
  details_.properties.posix = store::get_posix(details_.properties.metadata);
  if (const auto dash = details_.etag.rfind('-'); dash != std::string::npos && details_.part_count == 0)
    details_.part_count = number<unsigned>(std::string_view(details_.etag).substr(dash + 1)).value_or(0);
  const bool restored = restore_.find("ongoing-request=\"false\"") != std::string::npos;
  const bool deep = details_.storage_class == "GLACIER" || details_.storage_class == "DEEP_ARCHIVE";
  details_.archived = !restored && (deep || archive_status_);
  return std::move(details_);
}

std::string metadata_value(std::string_view value) {
  unsigned char bits = 0;  // of all bytes, without an early end of the loop
  for (const char c : value)
    bits |= static_cast<unsigned char>(c);
  const bool ascii = bits < 0x80;
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  const bool trimmed = !value.empty() && (blank(value.front()) || blank(value.back()));
  if (ascii && !trimmed) return std::string(value);
  if (!is_utf8(value))
    throw Error(ErrorClass::invalid_argument, "a value of the metadata is neither ASCII nor UTF-8");
  // An encoded word has at most 75 characters (section 2), so 45 bytes, and never half a character.
  constexpr std::size_t kBytes = 45;
  std::string out;
  while (!value.empty()) {
    std::size_t length = std::min(kBytes, value.size());
    while (length < value.size() && (static_cast<unsigned char>(value[length]) & 0xc0) == 0x80)
      --length;
    if (!out.empty()) out += ' ';
    out += "=?UTF-8?B?";
    append_base64(out, as_bytes(value.substr(0, length)));
    out += "?=";
    value.remove_prefix(length);
  }
  return out;
}

void add_properties(HeaderList& headers, const store::Properties& properties,
                    std::vector<std::string>& losses) {
  const store::ContentHeaders& content = properties.content;
  headers.add_if("content-type", content.type);
  headers.add_if("content-encoding", content.encoding);
  headers.add_if("content-language", content.language);
  headers.add_if("content-disposition", content.disposition);
  headers.add_if("cache-control", content.cache_control);
  headers.add_if("expires", content.expires);
  headers.add_if("x-amz-website-redirect-location", properties.website_redirect);

  store::Metadata metadata = properties.metadata;
  // Metadata that says it already stays as it is, in whichever of the known spellings.
  if (properties.posix && store::get_posix(metadata) != properties.posix) {
    constexpr std::size_t kPosixNames = 5;
    metadata.reserve(metadata.size() + kPosixNames);
    store::put_posix(*properties.posix, metadata);
    if (metadata_size(metadata) > kMetadataLimit && metadata_size(properties.metadata) <= kMetadataLimit) {
      metadata = properties.metadata;
      losses.emplace_back("posix");
    }
  }
  for (const auto& [name, value] : metadata) {
    std::string header;
    header.reserve(kMetaPrefix.size() + name.size());
    header.append(kMetaPrefix).append(name);
    std::ranges::transform(header, header.begin(), lower);
    headers.add(headers.keep(std::move(header)), headers.keep(metadata_value(value)));
  }
}

void add_tags(HeaderList& headers, const store::Tags& tags) {
  if (tags.empty()) return;
  std::string text;
  for (const auto& [name, value] : tags) {
    if (!text.empty()) text += '&';
    append_percent_encoded(text, name);
    text += '=';
    append_percent_encoded(text, value);
  }
  headers.add_kept("x-amz-tagging", std::move(text));
}

void add_settings(HeaderList& headers, const BucketOptions& options, std::string_view storage_class) {
  headers.add_if("x-amz-storage-class", storage_class.empty() ? options.storage_class : storage_class);
  headers.add_if("x-amz-acl", options.acl);
  const Encryption& encryption = options.encryption;
  switch (encryption.kind) {
    case EncryptionKind::none: break;
    case EncryptionKind::s3: headers.add("x-amz-server-side-encryption", "AES256"); break;
    case EncryptionKind::kms:
    case EncryptionKind::kms_dsse:
      headers.add("x-amz-server-side-encryption",
                  encryption.kind == EncryptionKind::kms ? "aws:kms" : "aws:kms:dsse");
      headers.add_if("x-amz-server-side-encryption-aws-kms-key-id", encryption.kms_key_id);
      if (!encryption.kms_context.empty())
        headers.add_kept("x-amz-server-side-encryption-context", to_base64(as_bytes(encryption.kms_context)));
      if (encryption.bucket_key) headers.add("x-amz-server-side-encryption-bucket-key-enabled", "true");
      break;
    case EncryptionKind::customer: add_customer_key(headers, encryption); break;
  }
}

void add_customer_key(HeaderList& headers, const Encryption& encryption) {
  if (encryption.kind != EncryptionKind::customer) return;
  const ByteView key = as_bytes(encryption.customer_key.reveal());
  headers.add("x-amz-server-side-encryption-customer-algorithm", "AES256");
  headers.add_kept("x-amz-server-side-encryption-customer-key", to_base64(key));
  headers.add_kept("x-amz-server-side-encryption-customer-key-md5",
                   checksum_of(ChecksumAlgorithm::md5, key).base64());
}

void add_copy_source_customer_key(HeaderList& headers, const Encryption& encryption) {
  if (encryption.kind != EncryptionKind::customer) return;
  const ByteView key = as_bytes(encryption.customer_key.reveal());
  headers.add("x-amz-copy-source-server-side-encryption-customer-algorithm", "AES256");
  headers.add_kept("x-amz-copy-source-server-side-encryption-customer-key", to_base64(key));
  headers.add_kept("x-amz-copy-source-server-side-encryption-customer-key-md5",
                   checksum_of(ChecksumAlgorithm::md5, key).base64());
}

std::string_view checksum_header(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::crc64nvme: return "x-amz-checksum-crc64nvme";
    case ChecksumAlgorithm::crc32c: return "x-amz-checksum-crc32c";
    case ChecksumAlgorithm::crc32: return "x-amz-checksum-crc32";
    case ChecksumAlgorithm::sha1: return "x-amz-checksum-sha1";
    case ChecksumAlgorithm::sha256: return "x-amz-checksum-sha256";
    case ChecksumAlgorithm::md5: return "content-md5";
  }
  return {};
}

auth::Secret read_customer_key(const std::string& path) {
  constexpr std::size_t kKeySize = 32;
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file && text.empty())
    throw Error(ErrorClass::invalid_argument, "the key cannot be read")
        .on(visible(path))
        .with_hint("check path and mode of the file");
  if (text.size() == kKeySize) return auth::Secret(std::move(text));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  if (auto bytes = decode_base64(text); bytes && bytes->size() == kKeySize)
    return auth::Secret(std::move(*bytes));
  if (auto bytes = decode_hex(text); bytes && bytes->size() == kKeySize)
    return auth::Secret(std::move(*bytes));
  throw Error(ErrorClass::invalid_argument, "the file does not hold a key of 32 bytes")
      .on(visible(path))
      .with_hint("make one with: openssl rand 32 > FILE");
}

}  // namespace haul::s3
