#include "s3/fake_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>

#include "runtime/shard.h"
#include "stores/s3/s3_admin.h"

extern char** environ;

namespace haul::testing_support {
namespace {

constexpr const char* kAccessKey = "AKIDTESTSOURCE";
constexpr const char* kSecretKey = "secret-of-the-test";

[[noreturn]] void give_up(const std::string& what) {
  throw Error(ErrorClass::internal, what + ": " + std::strerror(errno));
}

// Reads `listening PORT`.
std::uint16_t read_port(int pipe) {
  std::string text;
  char c = 0;
  while (::read(pipe, &c, 1) == 1) {
    if (c != '\n') {
      text += c;
      continue;
    }
    unsigned port = 0;
    if (std::sscanf(text.c_str(), "listening %u", &port) == 1) return static_cast<std::uint16_t>(port);
    text.clear();
  }
  throw Error(ErrorClass::internal, "haul-fakes3 did not start");
}

// Owns what a store needs, in the order in which it has to go.
struct Everything {
  std::unique_ptr<http::Client> client;
  std::shared_ptr<s3::S3Service> service;
  std::unique_ptr<s3::S3Store> store;
};

std::unique_ptr<Everything> make_everything(const Server& server, const s3::BucketOptions& bucket,
                                            s3::ServiceOptions service) {
  auto all = std::make_unique<Everything>();
  all->client = std::make_unique<http::Client>(http::ClientOptions{}, 4);
  service.endpoint = server.endpoint;
  auth::Credentials credentials;
  credentials.access_key = server.access_key;
  credentials.secret_key = auth::Secret(server.secret_key);
  all->service = std::make_shared<s3::S3Service>(*all->client, std::move(service),
                                                 auth::make_static_provider(std::move(credentials)), 4);
  all->store = std::make_unique<s3::S3Store>(all->service, bucket);
  return all;
}

std::string new_bucket_name() {
  static std::atomic<unsigned> count{0};
  return "t" + std::to_string(::getpid()) + "-" + std::to_string(system_env().random() % 1'000'000) + "-" +
         std::to_string(++count);
}

}  // namespace

FakeServer::FakeServer(const std::vector<std::string>& options) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) give_up("pipe");
  std::vector<std::string> words{HAUL_FAKES3_PROGRAM,
                                 "--port",
                                 "0",
                                 "--account",
                                 std::string("source=") + kAccessKey + ":" + kSecretKey,
                                 "--verify-signatures"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  const int failed = ::posix_spawn(&process_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  if (failed != 0) give_up("haul-fakes3 cannot be started");
  port_ = read_port(pipe[0]);
  ::close(pipe[0]);
  server_ = {"http://127.0.0.1:" + std::to_string(port_), kAccessKey, kSecretKey};
}

FakeServer::~FakeServer() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

void FakeServer::fail(std::string_view rules) const {
  control("PUT", "faults", rules);
}
void FakeServer::heal() const {
  control("DELETE", "faults");
}
std::string FakeServer::stats() const {
  return control("GET", "stats");
}

std::string FakeServer::control(std::string_view method, std::string_view path, std::string_view body) const {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("connect");
  std::string request(method);
  request.append(" /_fakes3/").append(path).append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
  request.append("Content-Length: " + std::to_string(body.size()) + "\r\n\r\n").append(body);
  if (::send(fd, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size())) give_up("send");
  std::string answer;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(count));
  ::close(fd);
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos || answer.compare(9, 1, "2") != 0)
    throw Error(ErrorClass::internal, "the fake refused: " + answer);
  return answer.substr(end + 4);
}

std::shared_ptr<s3::S3Store> make_s3_store(const Server& server, s3::BucketOptions options,
                                           s3::ServiceOptions service) {
  if (options.bucket.empty()) {
    options.bucket = new_bucket_name();
    Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 2});
    OpContext context = runtime.context();
    const auto maker = make_everything(server, options, {});
    runtime.run_for(s3::create_bucket(maker->store->bucket(), {}, context));
  }
  std::shared_ptr<Everything> all = make_everything(server, options, std::move(service));
  s3::S3Store* const store = all->store.get();
  return {std::move(all), store};
}

}  // namespace haul::testing_support
