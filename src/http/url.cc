#include "http/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include <boost/asio/ip/address_v6.hpp>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::http {
namespace {

[[noreturn]] void refuse_url(std::string_view text, std::size_t position, std::string_view why,
                             std::string_view remedy) {
  // What stands before an @ may be a password.
  const bool secret = text.find('@') != std::string_view::npos;
  throw Error(ErrorClass::invalid_argument,
              secret ? fmt::format("malformed URL at position {}: {}", position, why)
                     : fmt::format("malformed URL '{}' at position {}: {}", visible(text), position, why))
      .with_hint(std::string(remedy));
}

constexpr bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

}  // namespace

std::string Endpoint::authority() const {
  if (port != (tls ? 443 : 80)) return host_and_port();
  return host.find(':') == std::string::npos ? host : '[' + host + ']';
}

std::string Endpoint::host_and_port() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

Url parse_url(std::string_view text) {
  Url url;
  const std::size_t colon = text.find("://");
  const std::string scheme = lower_case(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (scheme != "http" && scheme != "https")
    refuse_url(text, 0, "neither http:// nor https://", "write it as https://host or https://host:port/path");
  url.endpoint.tls = scheme == "https";
  url.endpoint.port = url.endpoint.tls ? 443 : 80;

  const std::size_t from = colon + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", from), text.size());
  const std::string_view authority = text.substr(from, end - from);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos)
    refuse_url(text, from + at, "user name and password are not taken from a URL",
               "leave out everything up to the @");

  std::size_t host_end = 0;
  if (authority.starts_with('[')) {
    host_end = authority.find(']');
    boost::system::error_code error;
    if (host_end != std::string_view::npos) {
      url.endpoint.host = lower_case(authority.substr(1, host_end - 1));
      boost::asio::ip::make_address_v6(url.endpoint.host, error);
    }
    if (host_end == std::string_view::npos || error)
      refuse_url(text, from, "no IPv6 address between the brackets", "write it as http://[::1]:8080");
    ++host_end;
  } else {
    host_end = std::min(authority.find(':'), authority.size());
    url.endpoint.host = lower_case(authority.substr(0, host_end));
    const auto bad = std::ranges::find_if_not(url.endpoint.host, is_host_character);
    if (bad != url.endpoint.host.end())
      refuse_url(text, from + static_cast<std::size_t>(bad - url.endpoint.host.begin()),
                 "this character cannot be in a host name",
                 "names beyond ASCII are written in their xn-- form");
    if (url.endpoint.host.empty())
      refuse_url(text, from, "the host is missing", "write it as https://host or https://host:port/path");
  }

  const std::string_view port = authority.substr(host_end);
  if (!port.empty()) {
    const char* last = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data() + 1, last, url.endpoint.port);
    if (port[0] != ':' || error != std::errc() || stop != last || url.endpoint.port == 0)
      refuse_url(text, from + host_end, "the port is not a number from 1 to 65535",
                 "write it as https://host:port");
  }

  const std::string_view path = text.substr(end, text.find('#', end) - end);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto c = static_cast<unsigned char>(path[i]);
    if (c <= 0x20 || c >= 0x7f)
      refuse_url(text, end + i, "this character must be percent-encoded", "write a space as %20");
  }
  url.path = path;
  return url;
}

}  // namespace haul::http
