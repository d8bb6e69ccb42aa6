#include "catalog/address.h"

#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "base/error.h"
#include "base/utf8.h"

namespace haul::catalog {
namespace {

// What may be shown of it. Whatever follows a scheme may hold a password, the more so where it cannot be
// read; the path of a file holds none.
std::string shown(std::string_view url) {
  if (url.starts_with("sqlite:") && !url.contains('@')) return visible(url);
  const std::size_t colon = url.find(':');
  if (colon == std::string_view::npos || url.substr(0, colon).contains('@')) return {};
  return visible(url.substr(0, colon)) + "://...";
}

[[noreturn]] void refuse_address(std::string_view why, std::string_view url) {
  throw Error(ErrorClass::invalid_argument, std::string(why))
      .during("read the catalogue's URL")
      .on(shown(url))
      .with_hint(
          "write mariadb://user@host:port/database, postgresql://user@host:port/database or sqlite:path");
}

std::string decoded(std::string_view text, std::string_view url) {
  auto plain = percent_decode(text);
  if (!plain) refuse_address("a % is not followed by two hexadecimal digits", url);
  if (plain->find('\0') != std::string::npos) refuse_address("a name holds a NUL", url);
  return *std::move(plain);
}

std::optional<ServerKind> kind_of(std::string_view scheme) {
  if (scheme == "mariadb" || scheme == "mysql") return ServerKind::mariadb;
  if (scheme == "postgresql" || scheme == "postgres") return ServerKind::postgres;
  return std::nullopt;
}

// Takes what stands before `mark` off the front, with the mark.
std::optional<std::string_view> take_before(std::string_view& rest, char mark) {
  const std::size_t at = rest.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view front = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return front;
}

void read_host(std::string_view text, Address& address, std::string_view url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) refuse_address("the bracket of the host is not closed", url);
    address.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    address.host = decoded(text.substr(0, colon), url);
    port = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  address.port = address.kind == ServerKind::mariadb ? 3306 : 5432;
  if (port.empty()) return;
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() || address.port == 0)
    refuse_address("the port is not a number from 1 to 65535", url);
}

}  // namespace

std::string Address::description() const {
  if (kind == ServerKind::sqlite) return "sqlite " + visible(path);
  std::string text = kind == ServerKind::mariadb ? "mariadb " : "postgresql ";
  text += visible(user) + "@" + visible(socket.empty() ? host : socket);
  const std::uint16_t usual = kind == ServerKind::mariadb ? 3306 : 5432;
  if (socket.empty() && port != usual) text += ":" + std::to_string(port);
  return text + "/" + visible(database);
}

Address parse_address(std::string_view url) {
  Address address;
  if (url.starts_with("sqlite:")) {
    std::string_view path = url.substr(7);
    if (path.starts_with("///")) path.remove_prefix(2);
    if (path.empty() || path.starts_with("//")) refuse_address("the path of the file is missing", url);
    if (path.find('\0') != std::string_view::npos) refuse_address("the path holds a NUL", url);
    address.path = path;
    return address;
  }
  std::string_view rest = url;
  const auto scheme = take_before(rest, ':');
  const auto kind = scheme ? kind_of(*scheme) : std::nullopt;
  if (!kind || !rest.starts_with("//")) refuse_address("no URL of a kind that is known", url);
  rest.remove_prefix(2);
  address.kind = *kind;
  std::string_view options;
  if (const std::size_t mark = rest.find('?'); mark != std::string_view::npos) {
    options = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  std::string_view authority = rest;
  if (const auto before = take_before(rest, '/'))
    authority = *before;
  else
    rest = {};
  std::string_view user;
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    user = authority.substr(0, at);
    authority = authority.substr(at + 1);
  }
  if (user.find(':') != std::string_view::npos)
    throw Error(ErrorClass::invalid_argument, "a password does not belong into the catalogue's URL")
        .with_hint("name a file that holds it (password-file)");
  address.user = decoded(user, url);
  address.database = decoded(rest, url);
  read_host(authority, address, url);
  if (options.starts_with("socket="))
    address.socket = decoded(options.substr(7), url);
  else if (!options.empty())
    refuse_address("the only option is ?socket=/path", url);
  if (address.socket.empty() && address.host.empty()) refuse_address("the host is missing", url);
  if (address.user.empty()) refuse_address("the user is missing", url);
  if (address.database.empty()) refuse_address("the database is missing", url);
  return address;
}

}  // namespace haul::catalog
