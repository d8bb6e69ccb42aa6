// The head of a request as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/client.h"

namespace haul::http {

// Throws invalid_argument if a part of the request would end its line, or the head, before its time: what
// comes from a key or a user must not become another header (RFC 9112 section 11.1).
void check_request(const Request& request);

// Whether a request may be sent again by the client itself, having perhaps been acted upon (RFC 9110 section
// 9.2.2).
bool is_idempotent(std::string_view method) noexcept;

// Appends the whole head. `target_prefix` comes before the target (absolute form, for proxies), `fixed_lines`
// are the headers that all requests of this endpoint have in common.
void append_request_head(std::string& out, const Request& request, std::string_view target_prefix,
                         std::string_view fixed_lines);

}  // namespace haul::http
