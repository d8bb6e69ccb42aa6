#include "stores/s3/address.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"
#include "base/error.h"
#include "base/utf8.h"

namespace haul::s3 {
namespace {

// Partitions of AWS by the beginning of their regions' names.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kSuffixes{{
    {"cn-", "amazonaws.com.cn"},
    {"us-isob-", "sc2s.sgov.gov"},
    {"us-isof-", "csp.hci.ic.gov"},
    {"us-iso-", "c2s.ic.gov"},
    {"eu-isoe-", "cloud.adc-e.uk"},
    {"eusc-", "amazonaws.eu"},
}};

std::string_view suffix_of(std::string_view region) {
  for (const auto& [begin, suffix] : kSuffixes)
    if (region.starts_with(begin)) return suffix;
  return "amazonaws.com";
}

// It becomes part of a host name: nothing else may come in with it.
void check_region(std::string_view region) {
  const bool valid = !region.empty() && region.size() <= 64 && std::ranges::all_of(region, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!valid)
    throw Error(ErrorClass::invalid_argument, "'" + visible(region) + "' is no region")
        .with_hint("regions look like eu-west-1");
}

std::string amazon_host(const ServiceOptions& options, std::string_view region) {
  std::string host = options.fips ? "s3-fips" : "s3";
  if (options.dual_stack) host += ".dualstack";
  return host.append(".").append(region).append(".").append(suffix_of(region));
}

bool is_address(std::string_view host) {
  return host.find(':') != std::string_view::npos ||
         std::ranges::all_of(host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

}  // namespace

bool can_be_host_label(std::string_view bucket) {
  return bucket.size() >= 3 && bucket.size() <= 63 && std::ranges::all_of(bucket, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

bool is_amazon(const ServiceOptions& options) {
  if (options.endpoint.empty()) return true;
  const http::Url url = http::parse_url(options.endpoint);
  return url.endpoint.host.ends_with(".amazonaws.com") || url.endpoint.host.ends_with(".amazonaws.com.cn");
}

Address resolve_address(const ServiceOptions& options, std::string_view bucket, std::string_view region) {
  Address address;
  std::string base_path;
  const bool custom = !options.endpoint.empty();
  if (custom) {
    http::Url url = http::parse_url(options.endpoint);
    if (url.path.find('?') != std::string::npos)
      throw Error(ErrorClass::invalid_argument,
                  "the endpoint '" + visible(options.endpoint) + "' has a query")
          .with_hint("an endpoint is http(s)://host[:port]");
    address.endpoint = std::move(url.endpoint);
    base_path = std::move(url.path);
    while (base_path.ends_with('/'))
      base_path.pop_back();
  } else {
    check_region(region);
    address.endpoint = {.tls = true, .host = amazon_host(options, region), .port = 443};
  }

  bool in_host = options.addressing == Addressing::virtual_host;
  if (options.addressing == Addressing::automatic)
    in_host = !custom && can_be_host_label(bucket) && bucket.find('.') == std::string_view::npos;
  if (bucket.empty()) in_host = false;
  if (in_host && (!can_be_host_label(bucket) || is_address(address.endpoint.host)))
    throw Error(
        ErrorClass::invalid_argument,
        "the bucket '" + visible(bucket) + "' cannot be addressed by a host name at " + address.endpoint.host)
        .with_hint("use path addressing (s3.addressing_style = path)");

  if (in_host) {
    if (options.accelerate && !custom)
      address.endpoint.host =
          options.dual_stack ? "s3-accelerate.dualstack.amazonaws.com" : "s3-accelerate.amazonaws.com";
    address.endpoint.host = std::string(bucket) + "." + address.endpoint.host;
  }
  address.authority = address.endpoint.authority();
  address.bucket_path = base_path;
  if (!in_host && !bucket.empty()) address.bucket_path += "/" + percent_encode(bucket);
  address.path_prefix = address.bucket_path + "/";
  if (address.bucket_path.empty()) address.bucket_path = "/";
  return address;
}

}  // namespace haul::s3
