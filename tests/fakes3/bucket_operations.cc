#include <algorithm>
#include <utility>

#include "exchange.h"
#include "listing.h"
#include "text.h"

namespace haul::fakes3 {

namespace {

std::string region_of(const Exchange& exchange) {
  return exchange.sender.region.empty() ? std::string("us-east-1") : exchange.sender.region;
}

void create_bucket(Exchange& exchange) {
  const std::string& name = exchange.request.bucket;
  exchange.response.header("Location", "/" + name);
  if (Synthetic::parse(name)) return;
  std::scoped_lock lock(exchange.server.store.mutex);
  if (Bucket* existing = exchange.server.store.find_bucket(name)) {
    if (existing->owner == exchange.sender.account) {
      throw Refusal{409, "BucketAlreadyOwnedByYou",
                    "Your previous request to create the named bucket succeeded and you already own it."};
    }
    throw Refusal{409, "BucketAlreadyExists", "The requested bucket name is not available."};
  }
  Bucket bucket;
  bucket.owner = exchange.sender.account;
  bucket.region = element(exchange.body.text, "LocationConstraint").value_or(region_of(exchange));
  exchange.server.store.buckets.emplace(name, std::move(bucket));
}

void list_buckets(Exchange& exchange) {
  std::string out = std::string(kXmlHead) + "<ListAllMyBucketsResult" + std::string(kNamespace) +
                    "<Owner><ID>fakes3</ID></Owner><Buckets>";
  std::scoped_lock lock(exchange.server.store.mutex);
  for (const auto& [name, bucket] : exchange.server.store.buckets) {
    out += "<Bucket><Name>" + name + "</Name><CreationDate>" + iso_date(exchange.now) +
           "</CreationDate></Bucket>";
  }
  exchange.response.xml(out + "</Buckets></ListAllMyBucketsResult>");
}

void versioning(Exchange& exchange) {
  std::scoped_lock lock(exchange.server.store.mutex);
  Bucket& bucket = bucket_of(exchange);
  if (exchange.operation == Operation::put_bucket_versioning) {
    auto status = element(exchange.body.text, "Status");
    if (status != "Enabled" && status != "Suspended") {
      throw Refusal{400, "MalformedXML", "The XML you provided was not well-formed."};
    }
    bucket.versioning = *status == "Enabled" ? Versioning::enabled : Versioning::suspended;
    return;
  }
  std::string status;
  if (bucket.versioning == Versioning::enabled) status = "<Status>Enabled</Status>";
  if (bucket.versioning == Versioning::suspended) status = "<Status>Suspended</Status>";
  exchange.response.xml(std::string(kXmlHead) + "<VersioningConfiguration" + std::string(kNamespace) +
                        status + "</VersioningConfiguration>");
}

void location(Exchange& exchange) {
  std::string region = "us-east-1";
  if (!Synthetic::parse(exchange.request.bucket)) {
    std::scoped_lock lock(exchange.server.store.mutex);
    region = bucket_of(exchange).region;
  }
  // us-east-1 is the region without a name
  std::string text = region == "us-east-1" ? std::string() : region;
  exchange.response.xml(std::string(kXmlHead) + "<LocationConstraint" + std::string(kNamespace) + text +
                        "</LocationConstraint>");
}

ListRequest list_request(Exchange& exchange) {
  const Request& request = exchange.request;
  ListRequest out;
  out.dialect = exchange.operation == Operation::list_object_versions ? Dialect::versions
                : exchange.operation == Operation::list_objects_v2    ? Dialect::v2
                                                                      : Dialect::v1;
  out.bucket = request.bucket;
  auto text = [&](std::string_view name) { return request.parameter(name).value_or(""); };
  out.prefix = text("prefix");
  out.delimiter = text("delimiter");
  out.start_after = text("start-after");
  out.marker = text(out.dialect == Dialect::versions ? "key-marker" : "marker");
  out.version_marker = text("version-id-marker");
  if (out.dialect == Dialect::v2) {
    if (auto token = request.parameter("continuation-token")) {
      out.token = std::move(*token);
      out.has_token = true;
    }
  }
  if (auto limit = request.parameter("max-keys"); limit && !limit->empty()) {
    auto number = parse_number(*limit);
    if (!number)
      throw Refusal{400, "InvalidArgument", "Provided max-keys not an integer or within integer range"};
    out.max_keys = std::min<std::uint64_t>(*number, 1000);
  }
  std::string encoding = text("encoding-type");
  if (!encoding.empty() && encoding != "url") {
    throw Refusal{400, "InvalidArgument", "Invalid Encoding Method specified in Request"};
  }
  out.url_encoded = encoding == "url";
  out.fetch_owner = text("fetch-owner") == "true";
  if (exchange.fault != nullptr) {
    out.repeats_key = exchange.fault->kind == FaultKind::repeat_key;
    out.endless = exchange.fault->kind == FaultKind::endless_token;
  }
  return out;
}

void list(Exchange& exchange) {
  ListRequest request = list_request(exchange);
  std::optional<std::string> page;
  if (auto synthetic = Synthetic::parse(request.bucket)) {
    SyntheticCursor cursor(*synthetic);
    page = list_page(request, cursor);
  } else {
    std::scoped_lock lock(exchange.server.store.mutex);
    using Show = StoredCursor::Show;
    StoredCursor cursor(bucket_of(exchange),
                        request.dialect == Dialect::versions ? Show::versions : Show::current);
    page = list_page(request, cursor);
  }
  if (!page) throw Refusal{400, "InvalidArgument", "The continuation token provided is incorrect"};
  exchange.response.xml(std::move(*page));
}

// The rest of a bucket's settings: there are none.
void configuration(Exchange& exchange) {
  const Request& request = exchange.request;
  if (!Synthetic::parse(request.bucket)) {
    std::scoped_lock lock(exchange.server.store.mutex);
    bucket_of(exchange);
  }
  if (request.method == "PUT") return;
  if (request.method == "DELETE") {
    exchange.response.status = 204;
    exchange.response.bodiless = true;
    return;
  }
  if (request.has_parameter("policy")) {
    throw Refusal{404, "NoSuchBucketPolicy", "The bucket policy does not exist"};
  }
  if (request.has_parameter("tagging")) throw Refusal{404, "NoSuchTagSet", "The TagSet does not exist"};
  if (request.has_parameter("lifecycle")) {
    throw Refusal{404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"};
  }
  if (request.has_parameter("object-lock")) {
    throw Refusal{404, "ObjectLockConfigurationNotFoundError",
                  "Object Lock configuration does not exist for this bucket"};
  }
  if (request.has_parameter("requestPayment")) {
    exchange.response.xml(std::string(kXmlHead) + "<RequestPaymentConfiguration" + std::string(kNamespace) +
                          "<Payer>BucketOwner</Payer></RequestPaymentConfiguration>");
    return;
  }
  throw Refusal{501, "NotImplemented", "This configuration of a bucket is not implemented."};
}

}  // namespace

void bucket_operation(Exchange& exchange) {
  Store& store = exchange.server.store;
  switch (exchange.operation) {
    case Operation::list_buckets: return list_buckets(exchange);
    case Operation::create_bucket: return create_bucket(exchange);
    case Operation::put_bucket_versioning:
    case Operation::get_bucket_versioning: return versioning(exchange);
    case Operation::get_bucket_location: return location(exchange);
    case Operation::bucket_configuration: return configuration(exchange);
    case Operation::head_bucket: {
      exchange.response.bodiless = true;
      if (Synthetic::parse(exchange.request.bucket)) return;
      std::scoped_lock lock(store.mutex);
      exchange.response.header("x-amz-bucket-region", bucket_of(exchange).region);
      return;
    }
    case Operation::delete_bucket: {
      std::scoped_lock lock(store.mutex);
      if (!bucket_of(exchange).objects.empty()) {
        throw Refusal{409, "BucketNotEmpty", "The bucket you tried to delete is not empty"};
      }
      store.buckets.erase(exchange.request.bucket);
      exchange.response.status = 204;
      exchange.response.bodiless = true;
      return;
    }
    default: return list(exchange);
  }
}

}  // namespace haul::fakes3
