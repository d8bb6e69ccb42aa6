#include "operation.h"

#include <array>

#include "text.h"

namespace haul::fakes3 {

namespace {

constexpr std::array<std::string_view, kOperations> kOperationNames = {
#define HAUL_FAKES3_NAME(name, text) text,
    HAUL_FAKES3_OPERATIONS(HAUL_FAKES3_NAME)
#undef HAUL_FAKES3_NAME
};

// The bucket in front of a domain: `bucket.localhost:9000` -> `bucket`.
std::string_view bucket_of_host(std::string_view host, const std::vector<std::string>& domains) {
  if (std::size_t colon = host.rfind(':'); colon != std::string_view::npos) host = host.substr(0, colon);
  for (const std::string& domain : domains) {
    if (host.size() > domain.size() + 1 && host.ends_with(domain) &&
        host[host.size() - domain.size() - 1] == '.') {
      return host.substr(0, host.size() - domain.size() - 1);
    }
  }
  return {};
}

Operation route_bucket(const Request& r) {
  bool get = r.method == "GET", put = r.method == "PUT";
  if (r.query.empty()) {
    if (get) return Operation::list_objects;
    if (put) return Operation::create_bucket;
    if (r.method == "HEAD") return Operation::head_bucket;
    if (r.method == "DELETE") return Operation::delete_bucket;
    return Operation::unknown;
  }
  if (r.method == "POST") return r.has_parameter("delete") ? Operation::delete_objects : Operation::unknown;
  if (r.has_parameter("list-type")) return Operation::list_objects_v2;
  if (r.has_parameter("versions")) return Operation::list_object_versions;
  if (r.has_parameter("uploads")) return Operation::list_multipart_uploads;
  if (r.has_parameter("location")) return Operation::get_bucket_location;
  if (r.has_parameter("versioning")) {
    return put ? Operation::put_bucket_versioning : Operation::get_bucket_versioning;
  }
  for (std::string_view name : {"policy", "tagging", "acl", "encryption", "lifecycle", "notification", "cors",
                                "logging", "ownershipControls", "publicAccessBlock", "object-lock",
                                "replication", "website", "requestPayment", "accelerate", "policyStatus"}) {
    if (r.has_parameter(name)) return Operation::bucket_configuration;
  }
  if (r.method == "HEAD") return Operation::head_bucket;
  if (put) return Operation::create_bucket;
  if (r.method == "DELETE") return Operation::delete_bucket;
  return Operation::list_objects;
}

Operation route_object(const Request& r) {
  bool get = r.method == "GET", put = r.method == "PUT", post = r.method == "POST",
       remove = r.method == "DELETE";
  if (!r.query.empty()) {
    if (r.has_parameter("tagging")) {
      return get      ? Operation::get_object_tagging
             : put    ? Operation::put_object_tagging
             : remove ? Operation::delete_object_tagging
                      : Operation::unknown;
    }
    if (r.has_parameter("uploadId")) {
      if (put) return r.find("x-amz-copy-source") ? Operation::upload_part_copy : Operation::upload_part;
      if (post) return Operation::complete_multipart_upload;
      if (remove) return Operation::abort_multipart_upload;
      if (get) return Operation::list_parts;
      return Operation::unknown;
    }
    if (post && r.has_parameter("uploads")) return Operation::create_multipart_upload;
    for (std::string_view name :
         {"acl", "attributes", "retention", "legal-hold", "restore", "select", "torrent"}) {
      if (r.has_parameter(name)) return Operation::unknown;
    }
  }
  if (get) return Operation::get_object;
  if (put) return r.find("x-amz-copy-source") ? Operation::copy_object : Operation::put_object;
  if (r.method == "HEAD") return Operation::head_object;
  if (remove) return Operation::delete_object;
  return Operation::unknown;
}

}  // namespace

std::string_view operation_name(Operation operation) {
  return kOperationNames[static_cast<std::size_t>(operation)];
}

Operation route(Request& request, const std::vector<std::string>& domains) {
  std::string_view path = request.path;
  if (path.starts_with("/_fakes3/")) return Operation::control;
  std::string_view rest = path.substr(path.starts_with('/') ? 1 : 0);
  std::string_view host_bucket = bucket_of_host(request.header("host"), domains);
  if (!host_bucket.empty()) {
    request.bucket = host_bucket;
    request.key = url_decode(rest, Plus::literal);
  } else {
    std::size_t slash = rest.find('/');
    request.bucket = url_decode(rest.substr(0, slash), Plus::literal);
    if (slash != std::string_view::npos) request.key = url_decode(rest.substr(slash + 1), Plus::literal);
  }
  if (request.bucket.empty()) {
    if (request.method == "POST" || request.query.starts_with("Action=")) return Operation::sts;
    return request.method == "GET" ? Operation::list_buckets : Operation::unknown;
  }
  return request.key.empty() ? route_bucket(request) : route_object(request);
}

}  // namespace haul::fakes3
