#include "auth/fetch.h"

#include "base/bytes.h"
#include "base/error.h"

namespace haul::auth {
namespace {

constexpr std::size_t kLargestAnswer = 1 << 20;

Task<FetchAnswer> exchange(http::Client& client, const FetchRequest& request, OpContext& context) {
  const http::Url url = http::parse_url(request.url);
  MemoryBody body(as_bytes(request.body));
  http::Request message{.method = request.method,
                        .target = url.path.empty() ? std::string_view("/") : std::string_view(url.path),
                        .headers = request.headers};
  if (!request.body.empty()) message.body = &body;
  http::Response response = co_await client.send(url.endpoint, message, context);
  FetchAnswer answer;
  answer.status = response.status();
  answer.date = response.header("date");
  answer.request_id = response.header("x-amzn-requestid");
  co_await response.read_all(answer.body, kLargestAnswer, context);
  co_return answer;
}

}  // namespace

Task<FetchAnswer> HttpFetch::send(const FetchRequest& request, OpContext& context) {
  http::Client& client = request.route == FetchRequest::Route::direct ? direct_ : by_proxy_;
  OpContext limited = context.with_deadline(context.env().steady_now() + request.timeout);
  try {
    co_return co_await exchange(client, request, limited);
  } catch (const Error& error) {
    // The deadline was of this exchange alone: unless the whole operation is out of time it may be repeated.
    if (error.error_class() != ErrorClass::timed_out) throw;
    context.check();
    throw error.with_retryable(true);
  }
}

}  // namespace haul::auth
