// What an answer of S3 that is no success means: its error document, and the class, retry and remedy for each
// code. The code decides, not the status; the status only where there is no document (HEAD).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace haul::s3 {

// Owns its text.
struct ErrorDocument {
  std::string code, message, region, endpoint, request_id, host_id, server_time;
};

// Nothing if the body is no error document (an HTML page of a proxy, nothing at all). Changes `body`.
std::optional<ErrorDocument> parse_error_document(std::string& body);

// What an execution does beside throwing.
enum class Remedy {
  none,
  redirect,   // the bucket lives in another region
  fix_clock,  // sign with the server's time
  refresh,    // other credentials
};

struct Answer {
  int status = 0;
  std::string request_id, host_id;  // x-amz-request-id, x-amz-id-2
  std::string bucket_region;        // x-amz-bucket-region
  std::optional<std::chrono::milliseconds> retry_after;
};

// The failure an answer stands for. `subject` and `operation` as Error has them.
Error make_error(const Answer& answer, const ErrorDocument& document, std::string operation,
                 std::string subject);

Remedy remedy_for(const Answer& answer, const ErrorDocument& document, std::string_view operation);

// Asked to go slower, by code or status.
bool is_throttle(int status, std::string_view code);

// Retry-After (seconds, RFC 9110 section 10.2.3) and x-amz-retry-after (milliseconds). Never more than a
// minute: a server that asks for an hour is retried sooner, or given up.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view seconds,
                                                           std::string_view milliseconds);

}  // namespace haul::s3
