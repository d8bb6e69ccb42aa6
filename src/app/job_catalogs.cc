#include "app/job_catalogs.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>

#include "auth/program.h"
#include "base/utf8.h"

namespace haul::app {
namespace {

constexpr std::chrono::milliseconds kCommandTime{30'000};
constexpr std::size_t kLongestPassword = 4096;

Error no_password(const std::string& from, std::string why) {
  return Error(ErrorClass::unauthenticated, std::move(why)).during("read password").on(from);
}

std::string first_line(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

std::string password_of_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw errno_error(errno != 0 ? errno : EIO, "read password", visible(path));
  std::string text(kLongestPassword + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  std::string password = first_line(std::move(text));
  if (password.empty() || password.size() > kLongestPassword)
    throw no_password(visible(path), "its first line is no password");
  return password;
}

// Words parted by blanks; quotes keep blanks together. No shell looks at them.
std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (const char c : command) {
    if (quote != '\0' ? c == quote : c == '\'' || c == '"') {
      quote = quote == '\0' ? c : '\0';
      if (!in_word) words.emplace_back();
      in_word = true;
    } else if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n')) {
      in_word = false;
    } else {
      if (!in_word) words.emplace_back();
      in_word = true;
      words.back() += c;
    }
  }
  if (quote != '\0') throw no_password("password-command", "a quote is not closed");
  if (words.empty()) throw no_password("password-command", "names no program");
  return words;
}

std::string password_of(const job::SecretSpec& secret, const Env& env) {
  if (!secret.file.empty()) return password_of_file(secret.file);
  if (!secret.variable.empty()) {
    const std::optional<std::string> value = env.variable(secret.variable);
    if (!value || value->empty())
      throw no_password("$" + visible(secret.variable), "the environment does not have it");
    return *value;
  }
  if (secret.command.empty()) return {};
  const auth::ProgramResult result = auth::run_program(words_of(secret.command), kCommandTime);
  if (result.exit_code != 0)
    throw no_password("password-command", fmt::format("it ended with exit code {}", result.exit_code));
  std::string password = first_line(result.output);
  if (password.empty()) throw no_password("password-command", "it wrote nothing");
  return password;
}

}  // namespace

std::shared_ptr<catalog::Catalog> open_job_catalog(const job::JobSpec& spec, const std::string& name,
                                                   const Env& env) {
  const job::CatalogSpec& from = spec.catalogs.at(name);
  catalog::CatalogOptions options;
  options.url = from.url;
  options.password = password_of(from.password, env);
  options.connections = from.connections;
  options.connect_timeout = from.connect_timeout;
  options.statement_timeout = from.statement_timeout;
  options.tls = from.tls;
  options.ca_file = from.ca_file;
  options.rows_per_second = from.rows_per_second;
  options.patience = from.patience;
  return catalog::open_catalog(options);
}

std::string updated_catalog(const job::JobSpec& spec) {
  if (!spec.catalog->catalog.empty()) return spec.catalog->catalog;
  if (spec.select.from_catalog()) return spec.select.catalog;
  return spec.catalogs.begin()->first;
}

}  // namespace haul::app
