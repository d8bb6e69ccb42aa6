// What an STS may answer: the first byte chooses the status, the rest is the body.
#include <string>

#include "auth/sts.h"
#include "fuzz_input.h"
#include "runtime/manual_runtime.h"

namespace {

using namespace haul;

constexpr std::string_view kToken = "token-of-the-provider";

class OneAnswer final : public auth::Fetch {
 public:
  OneAnswer(int status, std::string body) : status_(status), body_(std::move(body)) {}
  Task<auth::FetchAnswer> send(const auth::FetchRequest&, OpContext&) override {
    co_return auth::FetchAnswer{.status = status_, .body = body_};
  }

 private:
  int status_;
  std::string body_;
};

Task<bool> assume(auth::Sts& sts, OpContext context) {
  auth::RoleRequest role;
  role.role_arn = "arn:aws:iam::1:role/r";
  role.session_name = "s";
  const auth::Secret token{std::string(kToken)};
  try {
    const auth::Credentials credentials = co_await sts.assume_role_with_web_identity(role, token, context);
    fuzz::check(!credentials.anonymous() && !credentials.secret_key.empty() && credentials.expiry);
    co_return true;
  } catch (const Error& error) {
    fuzz::check(!std::string_view(error.what()).contains(kToken));
    co_return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static ManualRuntime world;  // its threads are started once
  constexpr int kStatuses[] = {200, 400, 403, 500};
  const int status = kStatuses[data[0] % 4];
  OneAnswer answer(status, std::string(fuzz::text_of(data + 1, size - 1)));
  auth::Sts sts(answer, "https://sts.example.com/", "us-east-1");
  const bool done = world.run_for(assume(sts, world.context()));
  if (status != 200) fuzz::check(!done);
  return 0;
}
