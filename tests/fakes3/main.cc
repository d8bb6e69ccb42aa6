// haul-fakes3: a fake S3 server. See README.md.
#include <malloc.h>
#include <signal.h>

#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "loop.h"
#include "server.h"
#include "transport.h"

int main(int argc, char** argv) {
  using namespace haul::fakes3;
  signal(SIGPIPE, SIG_IGN);
  Server server(parse_options(argc, argv));
  const Options& options = server.options;
  SSL_CTX* tls = load_tls(options.certificate.c_str(), options.private_key.c_str());

  std::vector<std::unique_ptr<Loop>> loops;
  int port = options.port;
  for (int i = 0; i < options.threads; ++i) {
    int listener = listen_on(options.bind, port, options.threads > 1);
    port = port_of(listener);
    loops.push_back(std::make_unique<Loop>(server, tls, listener));
  }
  std::printf("listening %d\n", port);
  std::fflush(stdout);

  std::vector<std::thread> threads;
  for (auto& loop : loops)
    threads.emplace_back([&loop] { loop->run(); });
  for (std::thread& thread : threads)
    thread.join();
}
