#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "server.h"
#include "text.h"

namespace haul::fakes3 {

namespace {

constexpr const char* kHelp = R"(haul-fakes3: a fast fake S3 server for tests and benchmarks

  --port N                 0 (default) lets the system choose; `listening PORT` is printed when ready
  --bind ADDRESS           127.0.0.1
  --domain NAME            buckets are also found as BUCKET.NAME in Host (repeatable; localhost)
  --store memory|none      keep what is written, or drain it and say yes
  --etag md5|fast          fast: ETags are CRCs in the shape of a multipart ETag
  --memory BYTES           for bodies that are kept (8 GiB); beyond it 507
  --min-part BYTES         smallest part but the last (5 MiB)
  --account NAME=KEY:SECRET  (repeatable)
  --verify-signatures      refuse what is not signed by one of the accounts or their sessions
  --check-region           301 for requests signed for another region than the bucket's
  --skew SECONDS           how far its clock is off
  --sts-seconds N          sessions live that long, whatever is asked for
  --latency-us N           each answer waits that long
  --bandwidth BYTES        per second, in each direction
  --rate N                 requests per second, beyond which it answers 503 SlowDown
  --tls CERTIFICATE KEY    PEM files
  --threads N              1
  --spin                   never sleep: a client is not charged for waking it
)";

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "haul-fakes3: %s (--help lists the options)\n", message.c_str());
  std::exit(2);
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  std::string argument;
  int i = 1;
  auto value = [&]() -> std::string {
    if (i + 1 >= argc) fail(argument + " needs a value");
    return argv[++i];
  };
  auto number = [&]() -> std::uint64_t {
    std::string text = value();
    auto parsed = parse_number(text);
    if (!parsed) fail(argument + " needs a number, not '" + text + "'");
    return *parsed;
  };
  auto choice = [&](std::string_view first, std::string_view second) {
    std::string text = value();
    if (text != first && text != second) fail(argument + " does not know '" + text + "'");
    return text == first;
  };
  for (; i < argc; ++i) {
    argument = argv[i];
    // --name=value is --name value
    if (std::size_t equals = argument.find('='); argument.starts_with("--") && equals != std::string::npos) {
      argv[i] = argv[i] + equals + 1;
      argument.resize(equals);
      --i;
    }
    if (argument == "--port") {
      options.port = static_cast<int>(number());
    } else if (argument == "--bind") {
      options.bind = value();
    } else if (argument == "--domain") {
      options.domains.push_back(value());
    } else if (argument == "--store") {
      options.keep = choice("memory", "none") ? Keep::everything : Keep::nothing;
    } else if (argument == "--etag") {
      options.etag = choice("md5", "fast") ? EtagStyle::md5 : EtagStyle::fast;
    } else if (argument == "--memory") {
      options.memory = number();
    } else if (argument == "--min-part") {
      options.minimum_part = number();
    } else if (argument == "--account") {
      std::string text = value();
      std::size_t equals = text.find('='), colon = text.find(':', equals);
      if (equals == std::string::npos || colon == std::string::npos) fail("--account is NAME=KEY:SECRET");
      options.accounts.push_back(
          {text.substr(0, equals), text.substr(equals + 1, colon - equals - 1), text.substr(colon + 1)});
    } else if (argument == "--verify-signatures") {
      options.verify_signatures = true;
    } else if (argument == "--check-region") {
      options.check_region = true;
    } else if (argument == "--skew") {
      options.skew = std::strtoll(value().c_str(), nullptr, 10);
    } else if (argument == "--sts-seconds") {
      options.sts_seconds = static_cast<std::int64_t>(number());
    } else if (argument == "--latency-us") {
      options.latency_us = number();
    } else if (argument == "--bandwidth") {
      options.bandwidth = number();
    } else if (argument == "--rate") {
      options.rate = number();
    } else if (argument == "--tls") {
      options.certificate = value();
      options.private_key = value();
    } else if (argument == "--threads") {
      options.threads = static_cast<int>(number());
      if (options.threads < 1) fail("--threads begins at 1");
    } else if (argument == "--spin") {
      options.spin = true;
    } else if (argument == "--help") {
      std::fputs(kHelp, stdout);
      std::exit(0);
    } else {
      fail("no option is called " + argument);
    }
  }
  return options;
}

}  // namespace haul::fakes3
