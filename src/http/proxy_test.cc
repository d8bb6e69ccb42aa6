#include "http/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace haul::http {
namespace {

Endpoint to(std::string host, std::uint16_t port = 443) {
  return {.tls = true, .host = std::move(host), .port = port};
}

TEST(ProxyTest, ReadsHostPortAndCredentials) {
  EXPECT_EQ(parse_proxy("http://proxy.test:3128/").endpoint, (Endpoint{.host = "proxy.test", .port = 3128}));
  EXPECT_EQ(parse_proxy("proxy.test:3128").endpoint.port, 3128);
  EXPECT_EQ(parse_proxy("proxy.test").endpoint.port, 80);
  EXPECT_EQ(parse_proxy("http://[::1]:8080").endpoint.host, "::1");
  // RFC 7617 section 2
  EXPECT_EQ(parse_proxy("http://Aladdin:open%20sesame@p:1").authorization,
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(parse_proxy("http://p:1").authorization, "");
}

TEST(ProxyTest, RefusesWithoutRepeatingASecret) {
  for (const char* text : {"http://user:secret@", "http://user:secret@p:port", "http://user:secret%zz@p:1",
                           "https://user:secret@p:1", "socks5://user:secret@p:1"}) {
    try {
      parse_proxy(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("secret")));
    }
  }
}

TEST(NoProxyTest, ExemptsDomainsAndAllBelow) {
  for (const char* list : {"example.com", ".example.com", "*.example.com", "x,example.com",
                           " x , EXAMPLE.com ", "x example.com", "example.com:443", "*"}) {
    EXPECT_TRUE(bypasses_proxy(list, to("example.com"))) << list;
    EXPECT_TRUE(bypasses_proxy(list, to("s3.example.com"))) << list;
  }
  for (const char* list :
       {"", ",", "example.org", "s3.example.com", "ample.com", "example.com:80", "com.example"})
    EXPECT_FALSE(bypasses_proxy(list, to("example.com"))) << list;
  EXPECT_FALSE(bypasses_proxy("example.com", to("badexample.com")));
}

TEST(NoProxyTest, ExemptsAddressesAndNetworks) {
  EXPECT_TRUE(bypasses_proxy("10.1.2.3", to("10.1.2.3")));
  EXPECT_TRUE(bypasses_proxy("10.1.2.3:443", to("10.1.2.3")));
  EXPECT_FALSE(bypasses_proxy("10.1.2.3:80", to("10.1.2.3")));
  EXPECT_TRUE(bypasses_proxy("10.0.0.0/8", to("10.200.2.3")));
  EXPECT_FALSE(bypasses_proxy("10.0.0.0/8", to("11.0.0.0")));
  EXPECT_TRUE(bypasses_proxy("192.168.16.0/20", to("192.168.31.255")));
  EXPECT_FALSE(bypasses_proxy("192.168.16.0/20", to("192.168.32.0")));
  EXPECT_TRUE(bypasses_proxy("0.0.0.0/0", to("8.8.8.8")));
  EXPECT_TRUE(bypasses_proxy("fd00::/8", to("fd12::1")));
  EXPECT_FALSE(bypasses_proxy("fd00::/8", to("10.0.0.1")));
  EXPECT_TRUE(bypasses_proxy("fd12::1", to("fd12:0::1")));
  EXPECT_TRUE(bypasses_proxy("[fd12::1]:443", to("fd12::1")));
  EXPECT_FALSE(bypasses_proxy("[fd12::1]:80", to("fd12::1")));
  EXPECT_FALSE(bypasses_proxy("10.0.0.0/99,10.0.0.0/x,/8,[,[]", to("10.0.0.1")));
  EXPECT_FALSE(bypasses_proxy(".1.2.3", to("10.1.2.3")));
}

TEST(ProxyTest, IsChosenByScheme) {
  ClientOptions options;
  options.http_proxy = "http://a:1";
  options.https_proxy = "http://b:2";
  options.no_proxy = "near.test";
  EXPECT_EQ(choose_proxy(options, to("far.test"))->endpoint.host, "b");
  EXPECT_EQ(choose_proxy(options, Endpoint{.host = "far.test"})->endpoint.host, "a");
  EXPECT_FALSE(choose_proxy(options, to("near.test")));
  EXPECT_FALSE(choose_proxy(options, to("localhost")));
  EXPECT_FALSE(choose_proxy(options, to("127.0.0.1")));
  EXPECT_FALSE(choose_proxy(options, to("::1")));
}

TEST(ProxyTest, ComesFromTheEnvironment) {
  ManualEnv env;
  env.set_variable("http_proxy", "http://lower:1");
  env.set_variable("HTTPS_PROXY", "http://upper:1");
  env.set_variable("NO_PROXY", "near.test");
  ClientOptions options;
  proxy_from_environment(env, options);
  EXPECT_EQ(options.http_proxy, "http://lower:1");
  EXPECT_EQ(options.https_proxy, "http://upper:1");
  EXPECT_EQ(options.no_proxy, "near.test");
}

TEST(ProxyTest, IgnoresHttpProxyInCapitalsWhichARequestMayHaveSet) {
  ManualEnv env;
  env.set_variable("HTTP_PROXY", "http://evil:1");
  ClientOptions options;
  proxy_from_environment(env, options);
  EXPECT_EQ(options.http_proxy, "");
  env.set_variable("ALL_PROXY", "http://all:1");
  proxy_from_environment(env, options);
  EXPECT_EQ(options.http_proxy, "http://all:1");
  EXPECT_EQ(options.https_proxy, "http://all:1");
}

}  // namespace
}  // namespace haul::http
