// What a request, and a byte, cost the HTTP client: CPU time of this process over many requests to one server
// that answers path-style S3 (the project's fake one, say). Nothing is signed.
//
//   http_client URL WORKLOAD [REQUESTS [IN_FLIGHT [CA_FILE]]]
//   WORKLOAD: copy | put4k | get4k | get8m | put8m
#include <sys/resource.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.h"
#include "runtime/task_group.h"

namespace {

using namespace haul;

struct Workload {
  std::string method = "GET";
  std::string key;  // what ends the target
  std::string headers;
  std::size_t send = 0;
  std::size_t receive = 0;
};

struct Work {
  http::Client& client;
  http::Endpoint endpoint;
  Workload workload;
  std::uint64_t left;
  std::uint64_t received = 0;
  std::vector<std::byte> bytes;
};

Task<> work_through(Work& work, OpContext context) {
  const Workload& workload = work.workload;
  std::vector<std::byte> buffer(workload.receive > 4096 ? 256 << 10 : 0);
  std::string text, target;
  while (work.left != 0) {
    char number[20];
    const auto end = std::to_chars(number, number + sizeof number, work.left--).ptr;
    target.assign(workload.send != 0 || workload.method == "PUT" ? "/dst-bucket/some/prefix/"
                                                                 : "/src-bucket/some/prefix/");
    target.append(number, end).append(workload.key);
    MemoryBody body(std::span(work.bytes).first(workload.send));
    const http::Request request{.method = workload.method,
                                .target = target,
                                .headers = workload.headers,
                                .body = workload.send != 0 ? &body : nullptr};
    http::Response response = co_await work.client.send(work.endpoint, request, context);
    if (response.status() != 200)
      throw Error(ErrorClass::internal, "status " + std::to_string(response.status()));
    if (buffer.empty()) {
      text.clear();
      co_await response.read_all(text, 1 << 20, context);
      work.received += text.size();
    } else {
      while (const std::size_t got = co_await response.read_some(buffer, context))
        work.received += got;
    }
  }
}

Task<> work_together(Work& work, unsigned in_flight, OpContext context) {
  TaskGroup group(context.executor());
  for (unsigned i = 0; i < in_flight; ++i)
    group.spawn(work_through(work, context));
  co_await group.join();
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// As large as a signed request's.
const std::string kSignature =
    "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\nx-amz-date: 20240101T000000Z\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" +
    std::string(64, '0') + "\r\n";

Workload workload_named(std::string_view name) {
  if (name == "copy")
    return {.method = "PUT",
            .key = "-4096",
            .headers = kSignature + "x-amz-copy-source: /src-bucket/a/key-4096\r\n"};
  if (name == "put4k") return {.method = "PUT", .key = "-4096", .headers = kSignature, .send = 4096};
  if (name == "get4k") return {.key = "-4096", .headers = kSignature, .receive = 4096};
  if (name == "get8m") return {.key = "-8388608", .headers = kSignature, .receive = 8 << 20};
  if (name == "put8m") return {.method = "PUT", .key = "-8388608", .headers = kSignature, .send = 8 << 20};
  std::fprintf(stderr, "unknown workload\n");
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: http_client URL copy|put4k|get4k|get8m|put8m [REQUESTS [IN_FLIGHT [CA_FILE]]]\n");
    return 2;
  }
  const std::uint64_t requests = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 100'000;
  const auto in_flight = static_cast<unsigned>(argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 64);
  http::ClientOptions options;
  if (argc > 5) options.ca_file = argv[5];
  Runtime runtime(system_env(), null_logger(), {.shards = 1});
  http::Client client(options, 1);
  Work work{.client = client,
            .endpoint = http::parse_url(argv[1]).endpoint,
            .workload = workload_named(argv[2]),
            .left = requests,
            .bytes = std::vector<std::byte>(8 << 20)};
  try {
    const double cpu = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    runtime.run(work_together(work, in_flight, runtime.context()));
    const double used = cpu_seconds() - cpu;
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double bytes = static_cast<double>(work.received + requests * work.workload.send);
    std::printf("%s: %.2f us of CPU a request, %.0f requests/s, %.3f CPU s/GB\n", argv[2],
                used * 1e6 / static_cast<double>(requests), static_cast<double>(requests) / wall,
                bytes != 0 ? used / bytes * 1e9 : 0.0);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
