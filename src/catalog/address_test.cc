#include "catalog/address.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace haul::catalog {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(AddressTest, a_url_names_server_user_and_database) {
  const Address address = parse_address("mariadb://app%40x@db.internal:3307/media");
  EXPECT_EQ(address.kind, ServerKind::mariadb);
  EXPECT_EQ(address.user, "app@x");
  EXPECT_EQ(address.host, "db.internal");
  EXPECT_EQ(address.port, 3307);
  EXPECT_EQ(address.database, "media");
  EXPECT_EQ(address.description(), "mariadb app@x@db.internal:3307/media");
  EXPECT_EQ(parse_address("mysql://a@h/d").port, 3306);
  EXPECT_EQ(parse_address("postgres://a@[::1]:7/d").host, "::1");
  EXPECT_EQ(parse_address("postgresql://a@h/d").description(), "postgresql a@h/d");
}

TEST(AddressTest, a_socket_stands_instead_of_a_host) {
  const Address address = parse_address("mariadb://app@/media?socket=/run/my%20sql.sock");
  EXPECT_EQ(address.socket, "/run/my sql.sock");
  EXPECT_EQ(address.description(), "mariadb app@/run/my sql.sock/media");
}

TEST(AddressTest, a_file_is_named_by_its_path) {
  EXPECT_EQ(parse_address("sqlite:media.db").path, "media.db");
  EXPECT_EQ(parse_address("sqlite:/var/x#y?z.db").path, "/var/x#y?z.db");
  EXPECT_EQ(parse_address("sqlite:///var/x.db").path, "/var/x.db");
}

TEST(AddressTest, what_is_no_address_is_refused) {
  for (const char* url :
       {"", "media.db", "oracle://a@h/d", "mariadb:a@h/d", "mariadb://h/d", "mariadb://a@h", "mariadb://a@/d",
        "mariadb://a@h:0/d", "mariadb://a@h:99999/d", "mariadb://a@h:x/d", "mariadb://a@h/d?tls=no",
        "mariadb://a%zz@h/d", "postgresql://a@[::1/d", "sqlite:", "sqlite://x.db"})
    EXPECT_THROW(parse_address(url), Error) << url;
}

TEST(AddressTest, what_is_refused_is_named_by_its_scheme_or_the_path_of_its_file) {
  const auto refusal = [](const char* url) {
    try {
      parse_address(url);
    } catch (const Error& error) {
      return error.subject();
    }
    return std::string("nothing was thrown");
  };
  EXPECT_EQ(refusal("mariadb://a@h:x/d"), "mariadb://...");
  EXPECT_EQ(refusal("oracle://a@h/d"), "oracle://...");
  EXPECT_EQ(refusal("sqlite://x.db"), "sqlite://x.db");
}

TEST(AddressTest, a_password_is_refused_and_not_repeated) {
  for (const char* url :
       {"mariadb://app:hunter2@h/d", "mariadbb://app:hunter2@h/d", "mariadb:app:hunter2@h",
        "mariadb://app:hunter2/x@h/d", "mariadb://app:x/hunter2@h/d", "postgresql://app:x?hunter2@h/d",
        "postgresql://app:1/hunter2@h/d", "mariadb://app:hunter2", "mariadb://app:%hunter2@h/d",
        "mariadb://app@h:hunter2/d", "mariadb://app@h/d?password=hunter2", "sqlite://app:hunter2@h/d",
        "app@hunter2:3306/d", "hunter2"}) {
    try {
      parse_address(url);
      ADD_FAILURE() << url;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
    }
  }
}

}  // namespace
}  // namespace haul::catalog
