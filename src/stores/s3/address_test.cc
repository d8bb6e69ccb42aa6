#include "stores/s3/address.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace haul::s3 {
namespace {

std::string address_of(const ServiceOptions& options, std::string_view bucket,
                       std::string_view region = "eu-west-1") {
  const Address address = resolve_address(options, bucket, region);
  return std::string(address.endpoint.tls ? "https://" : "http://") + address.authority + address.path_prefix;
}

TEST(S3Address, AmazonsBucketsStandInTheHost) {
  EXPECT_EQ(address_of({}, "media"), "https://media.s3.eu-west-1.amazonaws.com/");
  EXPECT_EQ(address_of({}, "media", "cn-north-1"), "https://media.s3.cn-north-1.amazonaws.com.cn/");
  EXPECT_EQ(address_of({.dual_stack = true}, "media"), "https://media.s3.dualstack.eu-west-1.amazonaws.com/");
  EXPECT_EQ(address_of({.fips = true}, "media", "us-gov-west-1"),
            "https://media.s3-fips.us-gov-west-1.amazonaws.com/");
  EXPECT_EQ(address_of({.accelerate = true}, "media"), "https://media.s3-accelerate.amazonaws.com/");
}

TEST(S3Address, NamesThatNoCertificateCoversStandInThePath) {
  EXPECT_EQ(address_of({}, "my.bucket"), "https://s3.eu-west-1.amazonaws.com/my.bucket/");
  EXPECT_EQ(address_of({}, "Old_Bucket"), "https://s3.eu-west-1.amazonaws.com/Old_Bucket/");
}

TEST(S3Address, CustomEndpointsGetThePathUnlessTold) {
  EXPECT_EQ(address_of({.endpoint = "http://127.0.0.1:9000"}, "media"), "http://127.0.0.1:9000/media/");
  EXPECT_EQ(address_of({.endpoint = "https://s3.example.org/"}, "media"), "https://s3.example.org/media/");
  EXPECT_EQ(address_of({.endpoint = "https://example.org/s3/", .addressing = Addressing::path}, "media"),
            "https://example.org/s3/media/");
  EXPECT_EQ(
      address_of({.endpoint = "http://s3.example.org:8080", .addressing = Addressing::virtual_host}, "media"),
      "http://media.s3.example.org:8080/");
}

TEST(S3Address, RequestsToTheServiceHaveNoBucket) {
  EXPECT_EQ(resolve_address({}, "", "eu-west-1").bucket_path, "/");
  EXPECT_EQ(resolve_address({.endpoint = "http://127.0.0.1:9000"}, "media", "x").bucket_path, "/media");
  EXPECT_EQ(resolve_address({}, "media", "eu-west-1").bucket_path, "/");
}

TEST(S3Address, ImpossibleOnesAreRefused) {
  EXPECT_THROW(
      address_of({.endpoint = "http://127.0.0.1:1", .addressing = Addressing::virtual_host}, "media"), Error);
  EXPECT_THROW(address_of({.addressing = Addressing::virtual_host}, "Old_Bucket"), Error);
  EXPECT_THROW(address_of({}, "media", "eu-west-1.evil.example/"), Error);
  EXPECT_THROW(address_of({.endpoint = "http://host/?x=1"}, "media"), Error);
}

TEST(S3Address, AmazonIsKnownByItsHosts) {
  EXPECT_TRUE(is_amazon({}));
  EXPECT_TRUE(is_amazon({.endpoint = "https://s3.eu-west-1.amazonaws.com"}));
  EXPECT_FALSE(is_amazon({.endpoint = "https://amazonaws.com.example.org"}));
}

}  // namespace
}  // namespace haul::s3
