#include "http/proxy.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <boost/asio/ip/address.hpp>

#include "base/encoding.h"
#include "base/error.h"

namespace haul::http {
namespace {

using boost::asio::ip::address;

std::optional<address> parse_address(std::string_view text) {
  boost::system::error_code error;
  address parsed = boost::asio::ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  return parsed;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

template <class Bytes>
bool same_network(const Bytes& a, const Bytes& b, unsigned bits) {
  if (bits > 8 * a.size()) return false;
  if (std::memcmp(a.data(), b.data(), bits / 8) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

bool in_network(const address& host, std::string_view entry) {
  const std::size_t slash = entry.find('/');
  const auto network = parse_address(entry.substr(0, slash));
  unsigned bits = 0;
  const char* last = entry.data() + entry.size();
  const auto [stop, error] = std::from_chars(entry.data() + slash + 1, last, bits);
  if (!network || error != std::errc() || stop != last || network->is_v4() != host.is_v4()) return false;
  return host.is_v4() ? same_network(host.to_v4().to_bytes(), network->to_v4().to_bytes(), bits)
                      : same_network(host.to_v6().to_bytes(), network->to_v6().to_bytes(), bits);
}

bool entry_matches(std::string_view entry, const Endpoint& endpoint, const std::optional<address>& host) {
  if (entry == "*") return true;
  if (entry.find('/') != std::string_view::npos) return host && in_network(*host, entry);
  if (entry.starts_with('[')) {  // [::1] or [::1]:8080
    const std::size_t close = std::min(entry.find(']'), entry.size());
    const std::string_view rest = entry.substr(std::min(close + 1, entry.size()));
    if (!rest.empty() && rest != ":" + std::to_string(endpoint.port)) return false;
    const auto wanted = parse_address(entry.substr(1, close - 1));
    return host && wanted && *host == *wanted;
  }
  if (const auto wanted = parse_address(entry)) return host && *host == *wanted;
  if (const std::size_t colon = entry.rfind(':'); colon != std::string_view::npos) {
    if (entry.substr(colon + 1) != std::to_string(endpoint.port)) return false;
    return entry_matches(entry.substr(0, colon), endpoint, host);
  }
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty() || host) return false;
  const std::string_view name = endpoint.host;
  if (equal_ignoring_case(name, entry)) return true;
  return name.size() > entry.size() && name[name.size() - entry.size() - 1] == '.' &&
         equal_ignoring_case(name.substr(name.size() - entry.size()), entry);
}

}  // namespace

Proxy parse_proxy(std::string_view text) {
  // Nothing of the text goes into an error: it may hold a password anywhere.
  const Error malformed = Error(ErrorClass::invalid_argument, "the proxy's URL is malformed")
                              .with_hint("write http_proxy and https_proxy as http://host:port");
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    if (!equal_ignoring_case(text.substr(0, scheme), "http"))
      throw Error(ErrorClass::unsupported, "only proxies that speak plain HTTP are supported")
          .with_hint("write http_proxy and https_proxy as http://host:port");
    text.remove_prefix(scheme + 3);
  }
  text = text.substr(0, text.find('/'));
  Proxy proxy;
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    const auto user = percent_decode(text.substr(0, at));
    if (!user) throw malformed;
    proxy.authorization = "Basic " + to_base64(as_bytes(*user));
    text.remove_prefix(at + 1);
  }
  try {
    proxy.endpoint = parse_url("http://" + std::string(text)).endpoint;
  } catch (const Error&) {
    throw malformed;
  }
  return proxy;
}

bool bypasses_proxy(std::string_view no_proxy, const Endpoint& endpoint) {
  const std::optional<address> host = parse_address(endpoint.host);
  constexpr std::string_view kSeparators = ", \t";
  while (true) {
    const std::size_t from = no_proxy.find_first_not_of(kSeparators);
    if (from == std::string_view::npos) return false;
    const std::size_t to = std::min(no_proxy.find_first_of(kSeparators, from), no_proxy.size());
    if (entry_matches(no_proxy.substr(from, to - from), endpoint, host)) return true;
    no_proxy.remove_prefix(to);
  }
}

std::optional<Proxy> choose_proxy(const ClientOptions& options, const Endpoint& endpoint) {
  const std::string& url = endpoint.tls ? options.https_proxy : options.http_proxy;
  if (url.empty() || endpoint.host == "localhost") return std::nullopt;
  if (const auto host = parse_address(endpoint.host); host && host->is_loopback()) return std::nullopt;
  if (bypasses_proxy(options.no_proxy, endpoint)) return std::nullopt;
  return parse_proxy(url);
}

void proxy_from_environment(const Env& env, ClientOptions& options) {
  const auto first = [&env](std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (auto value = env.variable(name); value && !value->empty()) return *value;
    return std::string();
  };
  options.http_proxy = first({"http_proxy", "all_proxy", "ALL_PROXY"});
  options.https_proxy = first({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  options.no_proxy = first({"no_proxy", "NO_PROXY"});
}

}  // namespace haul::http
