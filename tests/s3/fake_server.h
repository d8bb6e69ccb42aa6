// A haul-fakes3 of the test program's own, and S3 stores on it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.h"
#include "stores/s3/s3_store.h"

namespace haul::testing_support {

struct Server {
  std::string endpoint, access_key, secret_key;
};

// Runs as long as it lives. Not thread-safe.
class FakeServer {
 public:
  explicit FakeServer(const std::vector<std::string>& options = {});
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  const Server& server() const noexcept { return server_; }

  // The rules of its README; replaces those before and begins to count anew.
  void fail(std::string_view rules) const;
  void heal() const;
  // What GET stats answers.
  std::string stats() const;

  // One request to the control port; the answer's body. Throws Error for anything but 2xx.
  std::string control(std::string_view method, std::string_view path, std::string_view body = {}) const;

 private:
  pid_t process_ = -1;
  std::uint16_t port_ = 0;
  Server server_;
};

// A store on a new and empty bucket, with a client and a service of its own, which live as long as the store.
std::shared_ptr<s3::S3Store> make_s3_store(const Server& server, s3::BucketOptions options = {},
                                           s3::ServiceOptions service = {});

}  // namespace haul::testing_support
