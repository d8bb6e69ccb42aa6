#include "auth/role_sources.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace haul::auth {
namespace {

class RoleSource final : public CredentialsSource {
 public:
  RoleSource(RoleRequest role, std::shared_ptr<CredentialsProvider> caller, std::shared_ptr<Sts> sts)
      : role_(std::move(role)), caller_(std::move(caller)), sts_(std::move(sts)) {}

  Task<Credentials> fetch(OpContext& context) override { return sts_->assume_role(role_, *caller_, context); }

 private:
  const RoleRequest role_;
  const std::shared_ptr<CredentialsProvider> caller_;
  const std::shared_ptr<Sts> sts_;
};

class WebIdentitySource final : public CredentialsSource {
 public:
  WebIdentitySource(RoleRequest role, std::string token_file, std::shared_ptr<Sts> sts, ReadFile read_file)
      : role_(std::move(role)),
        token_file_(std::move(token_file)),
        sts_(std::move(sts)),
        read_file_(std::move(read_file)) {}

  Task<Credentials> fetch(OpContext& context) override {
    std::optional<std::string> text = co_await context.blocking([this] { return read_file_(token_file_); });
    if (!text)
      throw Error(ErrorClass::unauthenticated, "the web identity token file does not exist")
          .during("AssumeRoleWithWebIdentity")
          .on(token_file_)
          .with_hint("AWS_WEB_IDENTITY_TOKEN_FILE or web_identity_token_file names it");
    while (text->ends_with('\n') || text->ends_with('\r') || text->ends_with(' '))
      text->pop_back();
    const Secret token(std::move(*text));
    co_return co_await sts_->assume_role_with_web_identity(role_, token, context);
  }

 private:
  const RoleRequest role_;
  const std::string token_file_;
  const std::shared_ptr<Sts> sts_;
  const ReadFile read_file_;
};

class ProgramSource final : public CredentialsSource {
 public:
  ProgramSource(std::vector<std::string> arguments, std::string origin, RunProgram run_program)
      : arguments_(std::move(arguments)), origin_(std::move(origin)), run_program_(std::move(run_program)) {}

  Task<Credentials> fetch(OpContext& context) override {
    const ProgramResult result = co_await context.blocking([this] { return run_program_(arguments_); });
    if (result.exit_code != 0)
      throw failure(fmt::format("credential_process ended with exit code {}", result.exit_code));
    const nlohmann::json answer = nlohmann::json::parse(result.output, nullptr, /*allow_exceptions=*/false);
    if (!answer.is_object()) throw failure("credential_process did not write a JSON object");
    if (const auto version = answer.find("Version"); version == answer.end() || *version != 1)
      throw failure("credential_process did not write credentials of version 1");
    co_return parse_json_credentials(result.output, origin_);
  }

 private:
  Error failure(std::string message) const {
    return Error(ErrorClass::unauthenticated, std::move(message))
        .during("run credential_process")
        .on(origin_)
        .with_hint("run the program by hand and see what it writes");
  }

  const std::vector<std::string> arguments_;
  const std::string origin_;
  const RunProgram run_program_;
};

}  // namespace

std::unique_ptr<CredentialsSource> make_role_source(RoleRequest role,
                                                    std::shared_ptr<CredentialsProvider> caller,
                                                    std::shared_ptr<Sts> sts) {
  return std::make_unique<RoleSource>(std::move(role), std::move(caller), std::move(sts));
}

std::unique_ptr<CredentialsSource> make_web_identity_source(RoleRequest role, std::string token_file,
                                                            std::shared_ptr<Sts> sts, ReadFile read_file) {
  return std::make_unique<WebIdentitySource>(std::move(role), std::move(token_file), std::move(sts),
                                             std::move(read_file));
}

std::unique_ptr<CredentialsSource> make_program_source(std::vector<std::string> arguments, std::string origin,
                                                       RunProgram run_program) {
  return std::make_unique<ProgramSource>(std::move(arguments), std::move(origin), std::move(run_program));
}

}  // namespace haul::auth
