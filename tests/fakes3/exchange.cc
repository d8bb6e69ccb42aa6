#include "exchange.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "text.h"

namespace haul::fakes3 {

namespace {

void dispatch(Exchange& exchange) {
  switch (exchange.operation) {
    case Operation::list_buckets:
    case Operation::create_bucket:
    case Operation::delete_bucket:
    case Operation::head_bucket:
    case Operation::get_bucket_location:
    case Operation::get_bucket_versioning:
    case Operation::put_bucket_versioning:
    case Operation::bucket_configuration:
    case Operation::list_objects:
    case Operation::list_objects_v2:
    case Operation::list_object_versions: return bucket_operation(exchange);
    case Operation::get_object:
    case Operation::head_object: return read_operation(exchange);
    case Operation::put_object: return write_operation(exchange);
    case Operation::copy_object: return copy_operation(exchange);
    case Operation::delete_object:
    case Operation::delete_objects: return delete_operation(exchange);
    case Operation::get_object_tagging:
    case Operation::put_object_tagging:
    case Operation::delete_object_tagging: return tagging_operation(exchange);
    case Operation::create_multipart_upload:
    case Operation::upload_part:
    case Operation::upload_part_copy:
    case Operation::complete_multipart_upload:
    case Operation::abort_multipart_upload:
    case Operation::list_parts:
    case Operation::list_multipart_uploads: return multipart_operation(exchange);
    case Operation::sts: return sts_operation(exchange);
    case Operation::control: return control_operation(exchange);
    case Operation::unknown: break;
  }
  throw Refusal{501, "NotImplemented",
                "A header or query you provided implies functionality that is not implemented."};
}

std::optional<Algorithm> announced(const Request& request, std::string_view& value) {
  for (std::size_t i = 0; i < kAlgorithms; ++i) {
    auto algorithm = static_cast<Algorithm>(i);
    if (const std::string_view* header = request.find(algorithm_header(algorithm))) {
      value = *header;
      return algorithm;
    }
  }
  return std::nullopt;
}

std::string_view trailer_value(std::string_view trailers, std::string_view name) {
  while (!trailers.empty()) {
    std::string_view line = trailers.substr(0, trailers.find('\n'));
    trailers.remove_prefix(std::min(line.size() + 1, trailers.size()));
    std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), name)) {
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' '))
        value.remove_prefix(1);
      return value;
    }
  }
  return {};
}

void check_body(Exchange& exchange) {
  const Request& request = exchange.request;
  Body& body = exchange.body;
  if (const std::string_view* decoded = request.find("x-amz-decoded-content-length")) {
    if (request.aws_chunked && parse_number(*decoded) != body.size) {
      throw Refusal{400, "IncompleteBody",
                    "You did not provide the number of bytes specified by the Content-Length HTTP header."};
    }
  }
  if (const std::string_view* md5 = request.find("content-md5")) {
    auto raw = base64_decode(*md5);
    if (!raw || raw->size() != 16) {
      throw Refusal{400, "InvalidDigest", "The Content-MD5 you specified was invalid."};
    }
    if (*raw != body.digests.md5()) {
      throw Refusal{400, "BadDigest", "The Content-MD5 you specified did not match what we received."};
    }
  }
  // a checksum at Complete is one of the object, not of this document
  if (body.algorithm && exchange.operation != Operation::complete_multipart_upload) {
    std::string_view value;
    if (!announced(request, value)) value = trailer_value(body.trailers, algorithm_header(*body.algorithm));
    if (!value.empty() && base64_decode(value) != body.digests.value(*body.algorithm)) {
      std::string name(algorithm_name(*body.algorithm));
      throw Refusal{400, "BadDigest",
                    "The " + name + " you specified did not match the calculated checksum."};
    }
  }
  std::string_view sha256 = request.header("x-amz-content-sha256");
  if (sha256.size() == 64 && !body.digests.sha256().empty() && exchange.server.options.verify_signatures &&
      unhex(sha256) != body.digests.sha256()) {
    throw Refusal{400, "XAmzContentSHA256Mismatch",
                  "The provided 'x-amz-content-sha256' header does not match what was computed."};
  }
}

void identify(Exchange& exchange) {
  const Options& options = exchange.server.options;
  const Request& request = exchange.request;
  // without a check to make, and without a session that may be over, nobody needs to know
  bool needed = options.verify_signatures || options.check_region || exchange.operation == Operation::sts ||
                exchange.operation == Operation::create_bucket ||
                request.find("x-amz-security-token") != nullptr;
  if (!needed) return;
  bool web_identity = exchange.body.text.find("AssumeRoleWithWebIdentity") != std::string::npos ||
                      request.query.find("AssumeRoleWithWebIdentity") != std::string_view::npos;
  if (exchange.operation == Operation::sts && web_identity) return;
  Check check = options.verify_signatures ? Check::signature : Check::identity;
  std::string hash;
  if (exchange.operation == Operation::sts) hash = hex(digest(EVP_sha256(), exchange.body.text));
  exchange.sender = authenticate(request, exchange.server.identities, check, exchange.now, hash);
}

bool is_kept_header(std::string_view name) {
  constexpr std::array<std::string_view, 9> kept = {"cache-control",
                                                    "content-disposition",
                                                    "content-encoding",
                                                    "content-language",
                                                    "content-type",
                                                    "expires",
                                                    "x-amz-website-redirect-location",
                                                    "x-amz-server-side-encryption",
                                                    "x-amz-server-side-encryption-aws-kms-key-id"};
  if (name.size() > 11 && equal_ignoring_case(name.substr(0, 11), "x-amz-meta-")) return true;
  return std::any_of(kept.begin(), kept.end(),
                     [&](std::string_view one) { return equal_ignoring_case(one, name); });
}

}  // namespace

void perform(Exchange& exchange) {
  try {
    if (exchange.operation != Operation::control) identify(exchange);
    check_body(exchange);
    dispatch(exchange);
  } catch (const Refusal& refusal) {
    refuse(exchange.response, refusal, exchange.request);
  } catch (const std::exception& error) {
    refuse(exchange.response, Refusal{400, "InvalidRequest", error.what()}, exchange.request);
  }
}

void prepare_digests(Server& server, const Request& request, Operation operation, Body& body) {
  std::string_view value;
  body.algorithm = announced(request, value);
  if (!body.algorithm) {
    if (const std::string_view* trailer = request.find("x-amz-trailer");
        trailer != nullptr && trailer->size() > 15) {
      body.algorithm = algorithm_of_name(trailer->substr(15));
    }
  }
  if (!body.algorithm && operation == Operation::upload_part && server.options.keep == Keep::everything) {
    std::scoped_lock lock(server.store.mutex);
    auto found = server.store.uploads.find(request.parameter("uploadId").value_or(""));
    if (found != server.store.uploads.end()) body.algorithm = found->second.algorithm;
  }
  bool data = operation == Operation::put_object || operation == Operation::upload_part;
  bool md5 = request.find("content-md5") != nullptr || (data && server.options.etag == EtagStyle::md5);
  bool sha256 = server.options.verify_signatures && request.header("x-amz-content-sha256").size() == 64;
  body.digests.start(body.algorithm, md5, sha256);
}

Bucket& bucket_of(Exchange& exchange) {
  Bucket* bucket = exchange.server.store.find_bucket(exchange.request.bucket);
  if (bucket == nullptr) {
    throw Refusal{404, "NoSuchBucket", "The specified bucket does not exist",
                  "<BucketName>" + exchange.request.bucket + "</BucketName>"};
  }
  bool elsewhere = !exchange.sender.region.empty() && exchange.sender.region != bucket->region;
  if (exchange.server.options.check_region && elsewhere) {
    throw Refusal{301, "PermanentRedirect",
                  "The bucket you are attempting to access must be addressed using the specified endpoint.",
                  "<Bucket>" + exchange.request.bucket + "</Bucket><Region>" + bucket->region + "</Region>",
                  "x-amz-bucket-region: " + bucket->region + "\r\n"};
  }
  return *bucket;
}

Object object_of(Exchange& exchange, std::string_view bucket, std::string_view key,
                 const std::optional<std::string>& version) {
  auto refusal = [&](int status, std::string code, std::string message, std::string headers = {}) {
    std::string element = "<Key>";
    append_xml(element, key);
    return Refusal{status, std::move(code), std::move(message), element + "</Key>", std::move(headers)};
  };
  if (auto synthetic = Synthetic::parse(bucket)) {
    auto index = synthetic->index_of(key);
    if (!index) throw refusal(404, "NoSuchKey", "The specified key does not exist.");
    return synthetic->object(*index);
  }
  Store& store = exchange.server.store;
  if (store.find_bucket(bucket) == nullptr) {
    throw Refusal{404, "NoSuchBucket", "The specified bucket does not exist",
                  "<BucketName>" + std::string(bucket) + "</BucketName>"};
  }
  Object* found = version ? store.find_version(bucket, key, *version) : store.find_object(bucket, key);
  if (found == nullptr && version)
    throw refusal(404, "NoSuchVersion", "The specified version does not exist.");
  if (found == nullptr) throw refusal(404, "NoSuchKey", "The specified key does not exist.");
  if (found->delete_marker) {
    throw refusal(405, "MethodNotAllowed", "The specified method is not allowed against this resource.",
                  "x-amz-delete-marker: true\r\nAllow: DELETE\r\n");
  }
  return *found;
}

void check_write_conditions(Exchange& exchange) {
  const std::string_view* none = exchange.request.find("if-none-match");
  const std::string_view* match = exchange.request.find("if-match");
  if (none == nullptr && match == nullptr) return;
  const Object* existing = exchange.server.store.find_object(exchange.request.bucket, exchange.request.key);
  auto failed = [](const char* condition) {
    return Refusal{412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                   std::string("<Condition>") + condition + "</Condition>"};
  };
  if (none != nullptr) {
    if (*none != "*") throw Refusal{501, "NotImplemented", "If-None-Match of a write is *"};
    if (existing != nullptr) throw failed("If-None-Match");
  }
  if (match != nullptr) {
    if (existing == nullptr) throw Refusal{404, "NoSuchKey", "The specified key does not exist."};
    bool same =
        *match == "*" || *match == existing->etag || "\"" + std::string(*match) + "\"" == existing->etag;
    if (!same) throw failed("If-Match");
  }
}

void check_read_conditions(const Request& request, ConditionNames names, const Object& object,
                           Unchanged answer) {
  auto same = [&](std::string_view etags) {
    while (!etags.empty()) {
      std::string_view one = etags.substr(0, etags.find(','));
      etags.remove_prefix(std::min(one.size() + 1, etags.size()));
      while (one.starts_with(' '))
        one.remove_prefix(1);
      if (one == "*" || one == object.etag || "\"" + std::string(one) + "\"" == object.etag) return true;
    }
    return false;
  };
  auto failed = [] {
    return Refusal{412, "PreconditionFailed",
                   "At least one of the pre-conditions you specified did not hold"};
  };
  auto unchanged = [&] {
    if (answer == Unchanged::precondition_failed) return failed();
    return Refusal{304, "NotModified", "Not Modified", "", "ETag: " + object.etag + "\r\n"};
  };
  const std::string_view* match = request.find(names.match);
  if (match != nullptr && !same(*match)) throw failed();
  if (const std::string_view* since = request.find(names.unmodified_since);
      since != nullptr && match == nullptr) {
    if (object.modified > parse_http_date(*since).value_or(object.modified)) throw failed();
  }
  const std::string_view* none = request.find(names.none_match);
  if (none != nullptr && same(*none)) throw unchanged();
  if (const std::string_view* since = request.find(names.modified_since);
      since != nullptr && none == nullptr) {
    if (object.modified <= parse_http_date(*since).value_or(0)) throw unchanged();
  }
}

std::shared_ptr<const Attributes> attributes_of(const Request& request) {
  auto out = std::make_shared<Attributes>();
  for (const Header& header : request) {
    if (equal_ignoring_case(header.name, "x-amz-storage-class")) {
      if (header.value != "STANDARD") out->storage_class = header.value;
      continue;
    }
    if (!is_kept_header(header.name)) continue;
    std::string name;
    for (char c : header.name)
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::string value(header.value);
    if (name == "content-encoding") {
      // the transfer's own encoding is not the object's
      for (std::string_view own : {"aws-chunked,", ",aws-chunked", "aws-chunked"}) {
        if (std::size_t at = value.find(own); at != std::string::npos) value.erase(at, own.size());
      }
      if (value.empty()) continue;
    }
    out->headers.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

Pairs tags_of_header(const Request& request) {
  Pairs out;
  std::string_view text = request.header("x-amz-tagging");
  while (!text.empty()) {
    std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    std::size_t equals = std::min(pair.find('='), pair.size());
    out.emplace_back(url_decode(pair.substr(0, equals), Plus::space),
                     url_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::space));
  }
  if (out.size() > 10) throw Refusal{400, "InvalidTag", "Object tags cannot be greater than 10"};
  return out;
}

Pairs tags_of_document(std::string_view document) {
  Pairs out;
  for (std::string_view tag : elements(document, "Tag")) {
    out.emplace_back(element(tag, "Key").value_or(""), element(tag, "Value").value_or(""));
  }
  if (out.size() > 10) throw Refusal{400, "BadRequest", "Object tags cannot be greater than 10"};
  return out;
}

std::string etag_of(const Options& options, const std::string& md5, std::uint64_t crc, std::uint64_t size) {
  if (options.etag == EtagStyle::md5 && !md5.empty()) return "\"" + hex(md5) + "\"";
  std::string bytes = crc_bytes(Algorithm::crc64nvme, crc) + crc_bytes(Algorithm::crc64nvme, size);
  return "\"" + hex(bytes) + "-1\"";
}

void describe_checksum(Response& response, const Object& object) {
  if (!object.checksum) {
    std::string raw = crc_bytes(Algorithm::crc64nvme, crc64nvme_of(object.content));
    response.header(algorithm_header(Algorithm::crc64nvme), base64_encode(raw));
    response.header("x-amz-checksum-type", "FULL_OBJECT");
    return;
  }
  response.header(algorithm_header(object.checksum->algorithm), object.checksum->value);
  response.header("x-amz-checksum-type", object.checksum->full_object ? "FULL_OBJECT" : "COMPOSITE");
}

std::vector<std::string_view> elements(std::string_view document, std::string_view name) {
  std::vector<std::string_view> out;
  std::string open = "<" + std::string(name) + ">", close = "</" + std::string(name) + ">";
  for (std::size_t at = 0;;) {
    std::size_t begin = document.find(open, at);
    if (begin == std::string_view::npos) return out;
    begin += open.size();
    std::size_t end = document.find(close, begin);
    if (end == std::string_view::npos) return out;
    out.push_back(document.substr(begin, end - begin));
    at = end + close.size();
  }
}

std::optional<std::string> element(std::string_view document, std::string_view name) {
  auto found = elements(document, name);
  if (found.empty()) return std::nullopt;
  return xml_unescape(found.front());
}

}  // namespace haul::fakes3
