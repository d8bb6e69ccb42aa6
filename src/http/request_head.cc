#include "http/request_head.h"

#include <charconv>
#include <cstring>

#include "base/error.h"

namespace haul::http {
namespace {

[[noreturn]] void refuse_request(const char* why) {
  throw Error(ErrorClass::invalid_argument, why).with_hint("percent-encode what comes from outside");
}

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

// No early end of the loop: this way it becomes a handful of vector instructions.
bool all_visible_ascii(std::string_view text) noexcept {
  unsigned char bad = 0;
  for (const char c : text)
    bad |= static_cast<unsigned char>(static_cast<unsigned char>(c - 0x21) > 0x7e - 0x21);
  return bad == 0;
}

}  // namespace

void check_request(const Request& request) {
  if (request.method.empty() || !all_visible_ascii(request.method))
    refuse_request("the method is no HTTP method");
  if (request.target.empty() || !all_visible_ascii(request.target))
    refuse_request("the target of a request has characters that must be encoded");
  std::string_view rest = request.headers;
  if (std::memchr(rest.data() == nullptr ? "" : rest.data(), '\0', rest.size()) != nullptr)
    refuse_request("a header has a NUL in it");
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::size_t carriage = rest.find('\r');
    if (end == std::string_view::npos || carriage + 1 != end || rest[0] == ' ' || rest[0] == '\t' ||
        rest[0] == ':' || rest.substr(0, carriage).find(':') == std::string_view::npos)
      refuse_request("a header is not of the form `Name: value` and one line end");
    rest.remove_prefix(end + 1);
  }
}

bool is_idempotent(std::string_view method) noexcept {
  return method != "POST" && method != "PATCH";
}

void append_request_head(std::string& out, const Request& request, std::string_view target_prefix,
                         std::string_view fixed_lines) {
  out.append(request.method)
      .append(1, ' ')
      .append(target_prefix)
      .append(request.target)
      .append(" HTTP/1.1\r\n");
  out.append(fixed_lines).append(request.headers);
  if (request.body != nullptr || request.method == "PUT" || request.method == "POST" ||
      request.method == "PATCH") {
    out.append("Content-Length: ");
    append_number(out, request.body != nullptr ? request.body->size() : 0);
    out.append("\r\n");
  }
  if (request.expect_continue && request.body != nullptr && request.body->size() != 0)
    out.append("Expect: 100-continue\r\n");
  if (request.close) out.append("Connection: close\r\n");
  out.append("\r\n");
}

}  // namespace haul::http
