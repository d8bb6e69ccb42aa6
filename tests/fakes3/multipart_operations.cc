#include <algorithm>
#include <utility>

#include "copy_source.h"
#include "exchange.h"
#include "text.h"

namespace haul::fakes3 {

namespace {

constexpr std::uint64_t kLargestPart = std::uint64_t{5} << 30;

Refusal no_such_upload() {
  return {404, "NoSuchUpload",
          "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
          "aborted or "
          "completed."};
}

std::string upload_id(const Exchange& exchange) {
  return exchange.request.parameter("uploadId").value_or("");
}

// The mutex must be held.
Upload& upload_of(Exchange& exchange) {
  auto found = exchange.server.store.uploads.find(upload_id(exchange));
  if (found == exchange.server.store.uploads.end() || found->second.bucket != exchange.request.bucket ||
      found->second.key != exchange.request.key) {
    throw no_such_upload();
  }
  return found->second;
}

int part_number(const Request& request) {
  auto number = parse_number(request.parameter("partNumber").value_or(""));
  if (!number || *number < 1 || *number > 10000) {
    throw Refusal{400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"};
  }
  return static_cast<int>(*number);
}

bool drains(const Exchange& exchange) {
  return !exchange.keeps() || Synthetic::parse(exchange.request.bucket).has_value();
}

void append_name(std::string& out, const Request& request) {
  out += "<Bucket>" + request.bucket + "</Bucket><Key>";
  append_xml(out, request.key);
  out += "</Key>";
}

void create(Exchange& exchange) {
  const Request& request = exchange.request;
  std::string id = "drained";
  if (!drains(exchange)) {
    Upload upload;
    upload.bucket = request.bucket;
    upload.key = request.key;
    upload.initiated = exchange.now;
    upload.attributes = attributes_of(request);
    upload.tags = tags_of_header(request);
    std::string_view type = request.header("x-amz-checksum-type");
    if (auto algorithm = algorithm_of_name(request.header("x-amz-checksum-algorithm"))) {
      upload.algorithm = *algorithm;
      upload.asked_for_checksum = true;
      // CRC32 and CRC32C are composite unless it is said otherwise, CRC64NVME never is
      upload.full_object = *algorithm == Algorithm::crc64nvme || equal_ignoring_case(type, "FULL_OBJECT");
    }
    if ((upload.full_object && !is_crc(upload.algorithm)) ||
        (equal_ignoring_case(type, "COMPOSITE") && upload.algorithm == Algorithm::crc64nvme)) {
      throw Refusal{400, "InvalidRequest", "The checksum type is not possible with this algorithm."};
    }
    std::scoped_lock lock(exchange.server.store.mutex);
    bucket_of(exchange);
    id = exchange.server.store.next_id();
    if (upload.asked_for_checksum) {
      exchange.response.header("x-amz-checksum-algorithm", algorithm_name(upload.algorithm));
      exchange.response.header("x-amz-checksum-type", upload.full_object ? "FULL_OBJECT" : "COMPOSITE");
    }
    exchange.server.store.uploads.emplace(id, std::move(upload));
  }
  std::string out = std::string(kXmlHead) + "<InitiateMultipartUploadResult" + std::string(kNamespace);
  append_name(out, request);
  exchange.response.xml(out + "<UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>");
}

void upload_part(Exchange& exchange) {
  int number = part_number(exchange.request);
  Body& body = exchange.body;
  if (body.size > kLargestPart) {
    throw Refusal{400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"};
  }
  Part part;
  part.size = body.size;
  part.crc64nvme = body.digests.crc64nvme();
  part.etag = etag_of(exchange.server.options, body.digests.md5(), part.crc64nvme, part.size);
  part.digest =
      body.digests.md5().empty() ? crc_bytes(Algorithm::crc64nvme, part.crc64nvme) : body.digests.md5();
  part.modified = exchange.now;
  exchange.response.header("ETag", part.etag);
  Algorithm algorithm = body.algorithm.value_or(Algorithm::crc64nvme);
  exchange.response.header(algorithm_header(algorithm), base64_encode(body.digests.value(algorithm)));
  if (drains(exchange)) return;

  part.content = std::move(body.content);
  std::scoped_lock lock(exchange.server.store.mutex);
  bucket_of(exchange);
  Upload& upload = upload_of(exchange);
  if (body.algorithm && upload.asked_for_checksum && *body.algorithm != upload.algorithm) {
    throw Refusal{400, "InvalidRequest",
                  "Checksum Type mismatch occurred, expected checksum Type: " +
                      std::string(algorithm_name(upload.algorithm))};
  }
  if (!upload.asked_for_checksum && body.algorithm && is_crc(*body.algorithm)) {
    upload.algorithm = *body.algorithm;
    upload.full_object = true;
  }
  part.checksum =
      body.digests.value(body.algorithm == upload.algorithm ? upload.algorithm : Algorithm::crc64nvme);
  upload.parts.insert_or_assign(number, std::move(part));
}

void upload_part_copy(Exchange& exchange) {
  const Request& request = exchange.request;
  int number = part_number(request);
  CopySource source = copy_source_of(request);
  std::scoped_lock lock(exchange.server.store.mutex);
  Object object = object_of(exchange, source.bucket, source.key, source.version);
  check_read_conditions(request, kCopyConditions, object, Unchanged::precondition_failed);
  std::uint64_t offset = 0, size = object.size;
  if (const std::string_view* range = request.find("x-amz-copy-source-range")) {
    std::string_view text = range->starts_with("bytes=") ? range->substr(6) : std::string_view();
    std::size_t dash = text.find('-');
    auto first = parse_number(text.substr(0, dash));
    auto last = dash == std::string_view::npos ? std::nullopt : parse_number(text.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= object.size) {
      throw Refusal{400, "InvalidArgument",
                    "Range specified is not valid for source object of size: " + std::to_string(object.size)};
    }
    offset = *first;
    size = *last - *first + 1;
  }
  if (size > kLargestPart) {
    throw Refusal{400, "InvalidRequest",
                  "The specified copy source is larger than the maximum allowable size"};
  }
  Part part;
  part.content = slice(object.content, offset, size);
  part.size = size;
  // reading a part to name it would stop everybody else: a name from what it is made of does as well
  std::string origin = object.etag + "/" + std::to_string(offset) + "/" + std::to_string(size);
  part.digest = digest(EVP_md5(), origin);
  part.etag = "\"" + hex(part.digest) + "\"";
  part.modified = exchange.now;
  std::string out = std::string(kXmlHead) + "<CopyPartResult" + std::string(kNamespace) + "<LastModified>" +
                    iso_date(exchange.now) + "</LastModified><ETag>";
  append_xml(out, part.etag);
  out += "</ETag>";
  if (!drains(exchange)) {
    bucket_of(exchange);
    Upload& upload = upload_of(exchange);
    if (upload.algorithm != Algorithm::crc64nvme) {
      throw Refusal{501, "NotImplemented", "Parts are copied with CRC64NVME only."};
    }
    part.crc64nvme = crc64nvme_of(part.content);
    part.checksum = crc_bytes(Algorithm::crc64nvme, part.crc64nvme);
    out += "<ChecksumCRC64NVME>" + base64_encode(part.checksum) + "</ChecksumCRC64NVME>";
    upload.parts.insert_or_assign(number, std::move(part));
  }
  exchange.response.xml(out + "</CopyPartResult>");
}

// Puts the named parts together; checks order, ETags, sizes and checksums of each.
Object assemble(Exchange& exchange, const Upload& upload) {
  Object object;
  std::string digests, checksums;
  std::uint64_t crc = 0;
  int previous = 0;
  auto named = elements(exchange.body.text, "Part");
  if (named.empty()) {
    throw Refusal{
        400, "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema"};
  }
  const Refusal invalid{
      400, "InvalidPart",
      "One or more of the specified parts could not be found. The part may not have been uploaded, "
      "or the specified entity tag may not match the part's entity tag."};
  std::string checksum_name = "Checksum" + std::string(algorithm_name(upload.algorithm));
  std::vector<int> numbers;
  for (std::string_view part : named) {
    int number = static_cast<int>(parse_number(element(part, "PartNumber").value_or("")).value_or(0));
    if (number <= previous) {
      throw Refusal{400, "InvalidPartOrder", "The list of parts was not in ascending order."};
    }
    numbers.push_back(previous = number);
  }
  for (std::size_t i = 0; i < named.size(); ++i) {
    int number = numbers[i];
    auto found = upload.parts.find(number);
    if (found == upload.parts.end()) throw invalid;
    const Part& part = found->second;
    std::string etag = element(named[i], "ETag").value_or("");
    if (etag != part.etag && "\"" + etag + "\"" != part.etag) throw invalid;
    if (auto checksum = element(named[i], checksum_name);
        checksum && base64_decode(*checksum) != part.checksum) {
      throw invalid;
    }
    if (i + 1 < named.size() && part.size < exchange.server.options.minimum_part) {
      throw Refusal{400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size",
                    "<ProposedSize>" + std::to_string(part.size) + "</ProposedSize><PartNumber>" +
                        std::to_string(number) + "</PartNumber>"};
    }
    append(object.content, part.content);
    object.size += part.size;
    object.parts.push_back(part.size);
    digests += part.digest;
    checksums += part.checksum;
    if (upload.full_object) crc = combine(upload.algorithm, crc, crc_value(part.checksum), part.size);
  }
  std::string count = "-" + std::to_string(named.size());
  object.etag = "\"" + hex(digest(EVP_md5(), digests)) + count + "\"";
  if (upload.full_object) {
    object.checksum = Checksum{upload.algorithm, true, base64_encode(crc_bytes(upload.algorithm, crc))};
  } else {
    Digests whole;
    whole.start(upload.algorithm, false, false);
    whole.update(checksums);
    whole.finish();
    object.checksum = Checksum{upload.algorithm, false, base64_encode(whole.value(upload.algorithm)) + count};
  }
  return object;
}

void check_completed(const Request& request, const Object& object) {
  if (const std::string_view* size = request.find("x-amz-mp-object-size");
      size && parse_number(*size) != object.size) {
    throw Refusal{400, "InvalidRequest",
                  "The provided 'x-amz-mp-object-size' header value does not match what was "
                  "computed."};
  }
  const Checksum& checksum = *object.checksum;
  if (const std::string_view* type = request.find("x-amz-checksum-type")) {
    if (equal_ignoring_case(*type, "FULL_OBJECT") != checksum.full_object) {
      throw Refusal{400, "BadDigest", "The checksum type is not the one the upload was created with."};
    }
  }
  for (std::size_t i = 0; i < kAlgorithms; ++i) {
    auto algorithm = static_cast<Algorithm>(i);
    const std::string_view* value = request.find(algorithm_header(algorithm));
    if (value != nullptr && (algorithm != checksum.algorithm || *value != checksum.value)) {
      throw Refusal{400, "BadDigest",
                    "The " + std::string(algorithm_name(algorithm)) +
                        " you specified did not match the calculated checksum."};
    }
  }
}

void complete(Exchange& exchange) {
  const Request& request = exchange.request;
  Store& store = exchange.server.store;
  Object object;
  if (drains(exchange)) {
    std::size_t parts = elements(exchange.body.text, "Part").size();
    object.etag = "\"" + hex(digest(EVP_md5(), exchange.body.text)) + "-" + std::to_string(parts) + "\"";
  } else {
    std::scoped_lock lock(store.mutex);
    Bucket& bucket = bucket_of(exchange);
    Upload& upload = upload_of(exchange);
    object = assemble(exchange, upload);
    check_completed(request, object);
    check_write_conditions(exchange);
    object.modified = exchange.now;
    object.attributes = upload.attributes;
    object.tags = upload.tags;
    Object kept = store.put(bucket, request.key, std::move(object));
    if (bucket.versioning != Versioning::never) exchange.response.header("x-amz-version-id", kept.version_id);
    store.uploads.erase(upload_id(exchange));
    object = std::move(kept);
  }
  std::string out =
      std::string(kXmlHead) + "<CompleteMultipartUploadResult" + std::string(kNamespace) + "<Location>";
  append_xml(out, "http://" + std::string(request.header("host")) + std::string(request.path));
  out += "</Location>";
  append_name(out, request);
  out += "<ETag>";
  append_xml(out, object.etag);
  out += "</ETag>";
  if (object.checksum) {
    std::string name = "Checksum" + std::string(algorithm_name(object.checksum->algorithm));
    out += "<" + name + ">" + object.checksum->value + "</" + name + "><ChecksumType>";
    out += object.checksum->full_object ? "FULL_OBJECT" : "COMPOSITE";
    out += "</ChecksumType>";
  }
  exchange.response.xml(out + "</CompleteMultipartUploadResult>");
}

void abort(Exchange& exchange) {
  exchange.response.status = 204;
  exchange.response.bodiless = true;
  if (drains(exchange)) return;
  std::scoped_lock lock(exchange.server.store.mutex);
  bucket_of(exchange);
  upload_of(exchange);
  exchange.server.store.uploads.erase(upload_id(exchange));
}

std::uint64_t limit_of(const Request& request, std::string_view name) {
  return std::min<std::uint64_t>(parse_number(request.parameter(name).value_or("1000")).value_or(1000), 1000);
}

void list_parts(Exchange& exchange) {
  const Request& request = exchange.request;
  if (drains(exchange)) throw no_such_upload();
  std::uint64_t limit = limit_of(request, "max-parts");
  auto marker = parse_number(request.parameter("part-number-marker").value_or("0")).value_or(0);
  std::scoped_lock lock(exchange.server.store.mutex);
  bucket_of(exchange);
  Upload& upload = upload_of(exchange);
  std::string list, name = "Checksum" + std::string(algorithm_name(upload.algorithm));
  std::uint64_t count = 0;
  int last = 0;
  auto at = upload.parts.upper_bound(static_cast<int>(marker));
  for (; at != upload.parts.end() && count < limit; ++at, ++count) {
    const auto& [number, part] = *at;
    last = number;
    list += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><LastModified>" +
            iso_date(part.modified) + "</LastModified><ETag>";
    append_xml(list, part.etag);
    list += "</ETag><Size>" + std::to_string(part.size) + "</Size><" + name + ">" +
            base64_encode(part.checksum) + "</" + name + "></Part>";
  }
  bool truncated = at != upload.parts.end();
  std::string out = std::string(kXmlHead) + "<ListPartsResult" + std::string(kNamespace);
  append_name(out, request);
  out += "<UploadId>" + upload_id(exchange) + "</UploadId><PartNumberMarker>" + std::to_string(marker) +
         "</PartNumberMarker><MaxParts>" + std::to_string(limit) + "</MaxParts>";
  if (truncated) out += "<NextPartNumberMarker>" + std::to_string(last) + "</NextPartNumberMarker>";
  out += truncated ? "<IsTruncated>true</IsTruncated>" : "<IsTruncated>false</IsTruncated>";
  exchange.response.xml(out + list + "</ListPartsResult>");
}

void list_uploads(Exchange& exchange) {
  const Request& request = exchange.request;
  auto text = [&](std::string_view name) { return request.parameter(name).value_or(""); };
  std::string prefix = text("prefix"), key_marker = text("key-marker"), id_marker = text("upload-id-marker");
  bool url_encoded = text("encoding-type") == "url";
  std::uint64_t limit = limit_of(request, "max-uploads"), count = 0;
  auto append_key = [&](std::string& out, std::string_view key) {
    url_encoded ? append_form_encoded(out, key) : append_xml(out, key);
  };
  // by key, and of one key by id: the order in which S3 pages through them
  std::map<std::pair<std::string_view, std::string_view>, const Upload*> sorted;
  std::string list, next_key, next_id;
  bool truncated = false;
  if (!drains(exchange)) {
    std::scoped_lock lock(exchange.server.store.mutex);
    bucket_of(exchange);
    for (const auto& [id, upload] : exchange.server.store.uploads) {
      if (upload.bucket == request.bucket && upload.key.starts_with(prefix))
        sorted.emplace(std::pair{std::string_view(upload.key), std::string_view(id)}, &upload);
    }
    for (const auto& [name, upload] : sorted) {
      auto [key, id] = name;
      bool behind = key < key_marker ||
                    (key == key_marker && (id_marker.empty() ? !key_marker.empty() : id <= id_marker));
      if (behind) continue;
      if (count == limit) {
        truncated = true;
        break;
      }
      ++count;
      next_key = key;
      next_id = id;
      list += "<Upload><Key>";
      append_key(list, key);
      list += "</Key><UploadId>" + next_id + "</UploadId><StorageClass>STANDARD</StorageClass><Initiated>" +
              iso_date(upload->initiated) + "</Initiated></Upload>";
    }
  }
  std::string out = std::string(kXmlHead) + "<ListMultipartUploadsResult" + std::string(kNamespace) +
                    "<Bucket>" + request.bucket + "</Bucket><KeyMarker>";
  append_key(out, key_marker);
  out += "</KeyMarker><UploadIdMarker>" + id_marker + "</UploadIdMarker><MaxUploads>" +
         std::to_string(limit) + "</MaxUploads>";
  if (url_encoded) out += "<EncodingType>url</EncodingType>";
  if (truncated) {
    out += "<NextKeyMarker>";
    append_key(out, next_key);
    out += "</NextKeyMarker><NextUploadIdMarker>" + next_id + "</NextUploadIdMarker>";
  }
  out += truncated ? "<IsTruncated>true</IsTruncated>" : "<IsTruncated>false</IsTruncated>";
  exchange.response.xml(out + list + "</ListMultipartUploadsResult>");
}

}  // namespace

void multipart_operation(Exchange& exchange) {
  switch (exchange.operation) {
    case Operation::create_multipart_upload: return create(exchange);
    case Operation::upload_part: return upload_part(exchange);
    case Operation::upload_part_copy: return upload_part_copy(exchange);
    case Operation::complete_multipart_upload: return complete(exchange);
    case Operation::abort_multipart_upload: return abort(exchange);
    case Operation::list_parts: return list_parts(exchange);
    default: return list_uploads(exchange);
  }
}

}  // namespace haul::fakes3
