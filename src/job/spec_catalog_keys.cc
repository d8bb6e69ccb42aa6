#include "base/utf8.h"
#include "job/spec_key_builder.h"
#include "job/spec_sections.h"

namespace haul::job {
namespace {

std::string take_database_url(SpecNode& node, const SpecContext& context) {
  std::string url = take_text(node);
  const std::size_t begin = url.find("://");
  if (begin != std::string::npos) {
    // As far as the last @, since whoever writes a password here may not have escaped it. The value is not
    // repeated: it is the secret.
    const std::string_view rest = std::string_view(url).substr(begin + 3);
    const std::size_t at = rest.rfind('@');
    if ((at != std::string_view::npos && rest.substr(0, at).contains(':')) || url.contains("password="))
      refuse_value("a password in a URL",
                   "take it out, and name a password-file, password-env or password-command");
  }
  const bool known = url.starts_with("mariadb://") || url.starts_with("mysql://") ||
                     url.starts_with("postgresql://") || url.starts_with("postgres://") ||
                     url.starts_with("sqlite:");
  if (!known)
    refuse_value("names no kind of database",
                 "mariadb://, mysql://, postgresql:// or sqlite:, as in mariadb://app@host/db");
  constexpr std::string_view kSqlite = "sqlite:";
  if (!url.starts_with(kSqlite)) return url;
  node.text = std::string(kSqlite) + absolute_path(node, url.substr(kSqlite.size()), context);
  return node.text;
}

}  // namespace

SpecSection update_keys() {
  return Keys<CatalogUpdateSpec>()
      .text("name", &CatalogUpdateSpec::catalog,
            "Which of the catalogs; the one that is selected from, or the only one, unless given.")
      .text("update", &CatalogUpdateSpec::update,
            "An UPDATE with named parameters, carried out once the copy is verified and before the source "
            "goes: "
            ":source_key, :destination_key, :size, :etag, :checksum, :run, and any column of the query.")
      .required()
      .count("batch", &CatalogUpdateSpec::batch, 1, 100'000, "Rows updated at once (1000).")
      .choice("unmatched", &CatalogUpdateSpec::unmatched_fails,
              Words<bool>{{"fail", true}, {"ignore", false}},
              "Whether an object without a row has failed (fail), or goes its way (ignore).");
}

SpecSection catalog_keys() {
  Keys<CatalogSpec> keys;
  keys.add("url", text_schema(),
           "mariadb://user@host:port/database, mysql:// alike, postgresql://..., sqlite:PATH. Never with a "
           "password.",
           [](CatalogSpec& part, SpecNode& node, SpecReading& reading) {
             part.url = take_database_url(node, reading.context);
           })
      .required();
  const auto secret = [&](std::string name, std::string SecretSpec::* member, bool is_path,
                          std::string text) {
    keys.add(std::move(name), text_schema(), std::move(text),
             [member, is_path](CatalogSpec& part, SpecNode& node, SpecReading& reading) {
               // It would be kept with the run. The program sees the environment by itself.
               if (!is_path && node.variable)
                 refuse_value("a variable has no place here", "name the variable in password-env");
               part.password.*member =
                   is_path ? absolute_path(node, take_text(node), reading.context) : take_text(node);
             });
  };
  secret("password-file", &SecretSpec::file, true, "File whose first line is the password.");
  secret("password-env", &SecretSpec::variable, false,
         "Name of the environment variable that holds the password.");
  secret("password-command", &SecretSpec::command, false,
         "Program whose first line of output is the password; run without a shell.");
  return keys
      .choice("tls", &CatalogSpec::tls,
              Words<catalog::TlsMode>{{"preferred", catalog::TlsMode::preferred},
                                      {"off", catalog::TlsMode::off},
                                      {"required", catalog::TlsMode::required}},
              "Where the server offers it (preferred), never (off), or always and verified (required).")
      .path("ca-file", &CatalogSpec::ca_file, "Certificate authorities to trust, PEM.")
      .count("connections", &CatalogSpec::connections, 1, 64, "Connections at most (2).")
      .value(
          "rows-per-second", number_schema(0), &CatalogSpec::rows_per_second,
          [](const SpecNode& node) { return take_number(node, 0); },
          "Rows selected and updated a second at most; 0 is without a bound.")
      .duration("statement-timeout", &CatalogSpec::statement_timeout, "For one statement (60s).")
      .duration("connect-timeout", &CatalogSpec::connect_timeout, "For a connection to be made (10s).")
      .duration("patience", &CatalogSpec::patience, "How long a server that is away is waited for (2m).");
}

}  // namespace haul::job
