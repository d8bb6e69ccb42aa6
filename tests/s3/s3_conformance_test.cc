// The contract of stores, on the fake S3 server and on a real one if the environment names it.
#include <cstdlib>

#include "s3/fake_server.h"
#include "support/conformance.h"

namespace haul::testing_support {
namespace {

StoreUnderTest on_fake(std::string name, s3::BucketOptions bucket, s3::ServiceOptions service) {
  static FakeServer fake;
  StoreUnderTest under_test;
  under_test.name = std::move(name);
  under_test.make = [bucket, service] {
    return StoreInstance{make_s3_store(fake.server(), bucket, service), ""};
  };
  return under_test;
}

std::vector<StoreUnderTest> stores() {
  std::vector<StoreUnderTest> all{on_fake("Fake", {}, {}),
                                  on_fake("FakeWithTrailers", {}, {.trailers = s3::Trailers::always})};
  if (const char* endpoint = std::getenv("HAUL_TEST_S3_ENDPOINT"); endpoint != nullptr && *endpoint != 0) {
    const Server server{endpoint, std::getenv("HAUL_TEST_S3_ACCESS_KEY"),
                        std::getenv("HAUL_TEST_S3_SECRET_KEY")};
    StoreUnderTest real;
    real.name = "Real";
    real.make = [server] { return StoreInstance{make_s3_store(server), "under a prefix/"}; };
    real.holds = [](std::string_view key) { return key.size() <= 1024; };
    all.push_back(real);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(S3, Conformance, testing::ValuesIn(stores()), conformance_name);

}  // namespace
}  // namespace haul::testing_support
