// A small request with its whole answer, as the control planes of this room need it (STS, metadata services).
// The seam at which tests put their own servers.
#pragma once

#include <chrono>
#include <string>

#include "http/client.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::auth {

struct FetchRequest {
  enum class Route : bool { by_proxy, direct };  // metadata services are never asked through a proxy

  std::string method = "GET";
  std::string url;      // http or https, with path and query
  std::string headers;  // `Name: value\r\n` lines
  std::string body;
  std::chrono::milliseconds timeout{10'000};  // of the whole exchange
  Route route = Route::by_proxy;
};

struct FetchAnswer {
  int status = 0;
  std::string date;        // the Date header
  std::string request_id;  // x-amzn-requestid
  std::string body;
};

// Thread safety: send() may be called from any shard. Throws as http::Client::send does.
class Fetch {
 public:
  virtual ~Fetch() = default;
  virtual Task<FetchAnswer> send(const FetchRequest& request, OpContext& context) = 0;
};

// By the HTTP client; `direct` is one without proxies. Both must outlive it.
class HttpFetch final : public Fetch {
 public:
  HttpFetch(http::Client& by_proxy, http::Client& direct) : by_proxy_(by_proxy), direct_(direct) {}
  Task<FetchAnswer> send(const FetchRequest& request, OpContext& context) override;

 private:
  http::Client& by_proxy_;
  http::Client& direct_;
};

}  // namespace haul::auth
