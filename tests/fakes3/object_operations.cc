#include <algorithm>
#include <utility>

#include "exchange.h"
#include "text.h"

namespace haul::fakes3 {

namespace {

struct Range {
  std::uint64_t offset = 0, size = 0;
  bool partial = false;
};

Refusal unsatisfiable(std::uint64_t size) {
  return {416, "InvalidRange", "The requested range is not satisfiable",
          "<ActualObjectSize>" + std::to_string(size) + "</ActualObjectSize>",
          "Content-Range: bytes */" + std::to_string(size) + "\r\n"};
}

// One range; what is not understood is no range at all (RFC 9110, section 14.2).
Range range_of(std::string_view text, std::uint64_t size) {
  Range whole{0, size, false};
  if (!text.starts_with("bytes=") || text.find(',') != std::string_view::npos) return whole;
  text.remove_prefix(6);
  std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return whole;
  auto first = parse_number(text.substr(0, dash)), last = parse_number(text.substr(dash + 1));
  if (!first && !last) return whole;
  if (!first) {
    if (*last == 0 || size == 0) throw unsatisfiable(size);
    std::uint64_t length = std::min(*last, size);
    return {size - length, length, true};
  }
  if (last && *last < *first) return whole;
  if (*first >= size) throw unsatisfiable(size);
  return {*first, std::min(last.value_or(size - 1), size - 1) - *first + 1, true};
}

Range part_of(const Object& object, std::string_view text) {
  auto number = parse_number(text);
  if (!number || *number == 0)
    throw Refusal{400, "InvalidArgument", "Part number must be an integer between 1 and 10000"};
  if (object.parts.empty()) {
    if (*number == 1) return {0, object.size, true};
    throw Refusal{416, "InvalidPartNumber", "The requested partnumber is not satisfiable"};
  }
  if (*number > object.parts.size()) {
    throw Refusal{416, "InvalidPartNumber", "The requested partnumber is not satisfiable"};
  }
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i + 1 < *number; ++i)
    offset += object.parts[i];
  return {offset, object.parts[*number - 1], true};
}

void remove_one(Exchange& exchange, Bucket& bucket) {
  auto removed =
      exchange.server.store.remove(bucket, exchange.request.key, exchange.request.parameter("versionId"));
  if (removed.marker) exchange.response.header("x-amz-delete-marker", "true");
  if (!removed.version_id.empty()) exchange.response.header("x-amz-version-id", removed.version_id);
}

void remove_many(Exchange& exchange) {
  const Request& request = exchange.request;
  if (request.find("content-md5") == nullptr && !exchange.body.algorithm) {
    throw Refusal{400, "InvalidRequest",
                  "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"};
  }
  const std::string& document = exchange.body.text;
  bool quiet = element(document, "Quiet") == "true";
  auto objects = elements(document, "Object");
  if (objects.empty() || objects.size() > 1000) {
    throw Refusal{
        400, "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema"};
  }
  std::string out = std::string(kXmlHead) + "<DeleteResult" + std::string(kNamespace);
  bool synthetic = Synthetic::parse(request.bucket).has_value();
  std::unique_lock lock(exchange.server.store.mutex);
  Bucket* bucket = synthetic || !exchange.keeps() ? nullptr : &bucket_of(exchange);
  for (std::string_view entry : objects) {
    std::string key = element(entry, "Key").value_or("");
    auto version = element(entry, "VersionId");
    std::string name = "<Key>";
    append_xml(name, key);
    name += "</Key>";
    Store::Removed removed;
    if (bucket != nullptr) {
      if (auto etag = element(entry, "ETag")) {
        const Object* existing = exchange.server.store.find_object(request.bucket, key);
        if (existing != nullptr && *etag != "*" && *etag != existing->etag) {
          out += "<Error>" + name +
                 "<Code>PreconditionFailed</Code><Message>At least one of the pre-conditions you "
                 "specified did not hold</Message></Error>";
          continue;
        }
      }
      removed = exchange.server.store.remove(*bucket, key, version);
    }
    if (quiet) continue;
    out += "<Deleted>" + name;
    if (version) out += "<VersionId>" + *version + "</VersionId>";
    if (removed.marker) {
      out += "<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>" + removed.version_id +
             "</DeleteMarkerVersionId>";
    }
    out += "</Deleted>";
  }
  exchange.response.xml(out + "</DeleteResult>");
}

}  // namespace

void read_operation(Exchange& exchange) {
  const Request& request = exchange.request;
  Response& response = exchange.response;
  Object object;
  if (Synthetic::parse(request.bucket)) {
    object = object_of(exchange, request.bucket, request.key, std::nullopt);
  } else {
    std::scoped_lock lock(exchange.server.store.mutex);
    Bucket& bucket = bucket_of(exchange);
    object = object_of(exchange, request.bucket, request.key, request.parameter("versionId"));
    if (bucket.versioning != Versioning::never) response.header("x-amz-version-id", object.version_id);
  }
  check_read_conditions(request, kReadConditions, object, Unchanged::not_modified);

  Range range{0, object.size, false};
  if (auto part = request.parameter("partNumber")) {
    range = part_of(object, *part);
    if (!object.parts.empty()) response.header("x-amz-mp-parts-count", object.parts.size());
  } else if (const std::string_view* text = request.find("range")) {
    range = range_of(*text, object.size);
  }
  if (range.partial) {
    response.status = 206;
    response.header("Content-Range", "bytes " + std::to_string(range.offset) + "-" +
                                         std::to_string(range.offset + range.size - 1) + "/" +
                                         std::to_string(object.size));
  }
  response.header("ETag", object.etag);
  response.header("Last-Modified", http_date(object.modified));
  response.header("Accept-Ranges", "bytes");
  bool typed = false;
  for (const auto& [name, value] : object.attributes->headers) {
    response.header(name, value);
    typed = typed || name == "content-type";
  }
  if (!typed) response.header("Content-Type", "binary/octet-stream");
  if (!object.attributes->storage_class.empty())
    response.header("x-amz-storage-class", object.attributes->storage_class);
  if (!object.tags.empty()) response.header("x-amz-tagging-count", object.tags.size());
  // of a range there is no checksum, unless it is the whole
  bool whole = range.size == object.size;
  if (equal_ignoring_case(request.header("x-amz-checksum-mode"), "ENABLED") && whole) {
    describe_checksum(response, object);
  }
  response.length = range.size;
  if (request.method == "HEAD") {
    response.bodiless = true;
  } else {
    response.content = whole ? std::move(object.content) : slice(object.content, range.offset, range.size);
  }
}

void delete_operation(Exchange& exchange) {
  if (exchange.operation == Operation::delete_objects) return remove_many(exchange);
  exchange.response.status = 204;
  exchange.response.bodiless = true;
  if (!exchange.keeps() || Synthetic::parse(exchange.request.bucket)) return;
  std::scoped_lock lock(exchange.server.store.mutex);
  Bucket& bucket = bucket_of(exchange);
  if (exchange.request.find("if-match") != nullptr) check_write_conditions(exchange);
  remove_one(exchange, bucket);
}

void tagging_operation(Exchange& exchange) {
  const Request& request = exchange.request;
  Response& response = exchange.response;
  bool get = exchange.operation == Operation::get_object_tagging;
  Pairs tags;
  if (Synthetic::parse(request.bucket)) {
    object_of(exchange, request.bucket, request.key, std::nullopt);
  } else {
    std::scoped_lock lock(exchange.server.store.mutex);
    bucket_of(exchange);
    auto version = request.parameter("versionId");
    Object copy = object_of(exchange, request.bucket, request.key, version);
    tags = std::move(copy.tags);
    if (!get) {
      Store& store = exchange.server.store;
      Object* object = version ? store.find_version(request.bucket, request.key, *version)
                               : store.find_object(request.bucket, request.key);
      bool put = exchange.operation == Operation::put_object_tagging;
      object->tags = put ? tags_of_document(exchange.body.text) : Pairs{};
    }
  }
  if (exchange.operation == Operation::delete_object_tagging) {
    response.status = 204;
    response.bodiless = true;
  }
  if (!get) return;
  std::string out = std::string(kXmlHead) + "<Tagging" + std::string(kNamespace) + "<TagSet>";
  for (const auto& [key, value] : tags) {
    out += "<Tag><Key>";
    append_xml(out, key);
    out += "</Key><Value>";
    append_xml(out, value);
    out += "</Value></Tag>";
  }
  response.xml(out + "</TagSet></Tagging>");
}

}  // namespace haul::fakes3
