#include <algorithm>
#include <utility>

#include "copy_source.h"
#include "exchange.h"
#include "text.h"

namespace haul::fakes3 {

namespace {

constexpr std::uint64_t kLargestPut = std::uint64_t{5} << 30;
// beyond this a copy's MD5 is not worth the time it takes: nobody else could be answered meanwhile
constexpr std::uint64_t kLargestDigest = std::uint64_t{64} << 20;

std::string md5_of(const Content& content) {
  std::string bytes;
  for (const Segment& segment : content) {
    for (std::uint64_t at = 0; at < segment.size;) {
      std::string_view piece = segment.window(at, segment.size);
      bytes += piece;
      at += piece.size();
    }
  }
  return digest(EVP_md5(), bytes);
}

bool says(const Request& request, std::string_view header, std::string_view value) {
  return equal_ignoring_case(request.header(header), value);
}

// A copy is an object of one part: of a multipart source it has another ETag.
void settle_copy(Exchange& exchange, Object& copy, bool synthetic_source) {
  bool multipart = copy.etag.find('-') != std::string::npos;
  if (!multipart || synthetic_source) return;
  std::uint64_t crc = crc64nvme_of(copy.content);
  bool digest_it = exchange.server.options.etag == EtagStyle::md5 && copy.size <= kLargestDigest;
  copy.etag =
      etag_of(exchange.server.options, digest_it ? md5_of(copy.content) : std::string(), crc, copy.size);
  copy.parts.clear();
  copy.checksum = Checksum{Algorithm::crc64nvme, true, base64_encode(crc_bytes(Algorithm::crc64nvme, crc))};
}

void answer_copy(Exchange& exchange, const Object& object) {
  std::string out = std::string(kXmlHead) + "<CopyObjectResult" + std::string(kNamespace) + "<LastModified>" +
                    iso_date(object.modified) + "</LastModified><ETag>";
  append_xml(out, object.etag);
  out += "</ETag>";
  if (object.checksum) {
    std::string name = "Checksum" + std::string(algorithm_name(object.checksum->algorithm));
    out += "<" + name + ">" + object.checksum->value + "</" + name + "><ChecksumType>";
    out += object.checksum->full_object ? "FULL_OBJECT" : "COMPOSITE";
    out += "</ChecksumType>";
  }
  exchange.response.xml(out + "</CopyObjectResult>");
}

}  // namespace

CopySource copy_source_of(const Request& request) {
  std::string_view text = request.header("x-amz-copy-source");
  CopySource out;
  if (std::size_t mark = text.find("?versionId="); mark != std::string_view::npos) {
    out.version = text.substr(mark + 11);
    text = text.substr(0, mark);
  }
  std::string path = url_decode(text, Plus::literal);
  if (path.starts_with('/')) path.erase(0, 1);
  std::size_t slash = path.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == path.size()) {
    throw Refusal{400, "InvalidArgument", "Invalid copy source object key"};
  }
  out.bucket = path.substr(0, slash);
  out.key = path.substr(slash + 1);
  out.synthetic = Synthetic::parse(out.bucket).has_value();
  return out;
}

void write_operation(Exchange& exchange) {
  Body& body = exchange.body;
  if (body.size > kLargestPut) {
    throw Refusal{400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"};
  }
  Object object;
  object.size = body.size;
  object.etag = etag_of(exchange.server.options, body.digests.md5(), body.digests.crc64nvme(), body.size);
  Algorithm algorithm = body.algorithm.value_or(Algorithm::crc64nvme);
  object.checksum = Checksum{algorithm, true, base64_encode(body.digests.value(algorithm))};
  Response& response = exchange.response;
  response.header("ETag", object.etag);
  describe_checksum(response, object);
  if (!exchange.keeps() || Synthetic::parse(exchange.request.bucket)) return;

  object.content = std::move(body.content);
  object.modified = exchange.now;
  object.attributes = attributes_of(exchange.request);
  object.tags = tags_of_header(exchange.request);
  Store& store = exchange.server.store;
  std::scoped_lock lock(store.mutex);
  Bucket& bucket = bucket_of(exchange);
  check_write_conditions(exchange);
  const Object& kept = store.put(bucket, exchange.request.key, std::move(object));
  if (bucket.versioning != Versioning::never) response.header("x-amz-version-id", kept.version_id);
}

void copy_operation(Exchange& exchange) {
  const Request& request = exchange.request;
  Store& store = exchange.server.store;
  CopySource source = copy_source_of(request);
  bool into_nothing = !exchange.keeps() || Synthetic::parse(request.bucket).has_value();

  std::unique_lock lock(store.mutex);
  Object copy = object_of(exchange, source.bucket, source.key, source.version);
  check_read_conditions(request, kCopyConditions, copy, Unchanged::precondition_failed);
  if (copy.size > kLargestPut) {
    throw Refusal{
        400, "InvalidRequest",
        "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"};
  }
  bool replace = says(request, "x-amz-metadata-directive", "REPLACE");
  bool onto_itself = source.bucket == request.bucket && source.key == request.key && !source.version;
  if (onto_itself && !replace && request.find("x-amz-storage-class") == nullptr &&
      request.find("x-amz-server-side-encryption") == nullptr) {
    throw Refusal{
        400, "InvalidRequest",
        "This copy request is illegal because it is trying to copy an object to itself without changing the "
        "object's metadata, storage class, website redirect location or encryption attributes."};
  }
  if (!source.synthetic && store.find_bucket(source.bucket)->versioning != Versioning::never) {
    exchange.response.header("x-amz-copy-source-version-id", copy.version_id);
  }
  copy.modified = exchange.now;
  settle_copy(exchange, copy, source.synthetic);
  if (into_nothing) return answer_copy(exchange, copy);

  auto said = attributes_of(request);
  auto attributes = std::make_shared<Attributes>(replace ? *said : *copy.attributes);
  attributes->storage_class = said->storage_class;
  copy.attributes = std::move(attributes);
  if (says(request, "x-amz-tagging-directive", "REPLACE")) copy.tags = tags_of_header(request);
  if (auto algorithm = algorithm_of_name(request.header("x-amz-checksum-algorithm"));
      algorithm == Algorithm::crc64nvme || !copy.checksum) {
    std::string raw = crc_bytes(Algorithm::crc64nvme, crc64nvme_of(copy.content));
    copy.checksum = Checksum{Algorithm::crc64nvme, true, base64_encode(raw)};
  }
  Bucket& bucket = bucket_of(exchange);
  check_write_conditions(exchange);
  const Object& kept = store.put(bucket, request.key, std::move(copy));
  if (bucket.versioning != Versioning::never) exchange.response.header("x-amz-version-id", kept.version_id);
  answer_copy(exchange, kept);
}

}  // namespace haul::fakes3
