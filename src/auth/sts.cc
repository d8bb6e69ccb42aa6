#include "auth/sts.h"

#include <pugixml.hpp>

#include "auth/sigv4.h"
#include "base/encoding.h"
#include "base/error.h"
#include "base/time_format.h"
#include "runtime/retry.h"

namespace haul::auth {
namespace {

using namespace std::chrono_literals;

constexpr RetryPolicy kStsRetries{.max_attempts = 4, .base = 200ms, .throttled_base = 500ms, .cap = 5s};
constexpr std::string_view kFormType = "application/x-www-form-urlencoded; charset=utf-8";

// A `+` for a space is not understood by every server: everything is percent-encoded.
void add_parameter(std::string& form, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  form.append("&").append(name).append("=");
  append_percent_encoded(form, value);
}

std::string form_of(std::string_view action) {
  return "Action=" + std::string(action) + "&Version=2011-06-15";
}

void add_role(std::string& form, const RoleRequest& role) {
  add_parameter(form, "RoleArn", role.role_arn);
  add_parameter(form, "RoleSessionName", role.session_name);
  if (role.duration) add_parameter(form, "DurationSeconds", std::to_string(role.duration->count()));
  add_parameter(form, "Policy", role.session_policy);
}

pugi::xml_node find_element(const pugi::xml_node& below, std::string_view name) {
  return below.find_node([name](const pugi::xml_node& node) { return name == node.name(); });
}

std::string text_in(const pugi::xml_node& below, std::string_view name) {
  return find_element(below, name).text().get();
}

pugi::xml_document parse_answer(const std::string& body, std::string_view operation) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size()))
    throw Error(ErrorClass::unavailable, "STS sent an answer that is not XML").during(std::string(operation));
  return document;
}

// arn:aws:sts::222222222222:assumed-role/name/session
std::string account_of(std::string_view arn) {
  for (int colons = 0; colons < 4; ++colons) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return std::string(arn.substr(0, arn.find(':')));
}

Credentials parse_credentials(const std::string& body, const RoleRequest& role, Duration skew,
                              std::string_view operation) {
  const pugi::xml_document document = parse_answer(body, operation);
  const pugi::xml_node node = find_element(document, "Credentials");
  Credentials credentials;
  credentials.access_key = text_in(node, "AccessKeyId");
  credentials.secret_key = Secret(text_in(node, "SecretAccessKey"));
  credentials.session_token = Secret(text_in(node, "SessionToken"));
  const std::optional<Time> expiry = parse_iso8601(text_in(node, "Expiration"));
  if (credentials.access_key.empty() || credentials.secret_key.empty() || !expiry)
    throw Error(ErrorClass::unavailable, "STS sent an answer without complete credentials")
        .during(std::string(operation))
        .on(role.role_arn);
  credentials.expiry = *expiry - skew;
  credentials.account_id = account_of(text_in(find_element(document, "AssumedRoleUser"), "Arn"));
  credentials.origin = role.origin.empty() ? "role " + role.role_arn : role.origin;
  return credentials;
}

struct Meaning {
  std::string_view code;
  ErrorClass error_class;
  bool retryable;
  std::string_view hint;
};

constexpr Meaning kMeanings[] = {
    {"AccessDenied", ErrorClass::permission_denied, false,
     "the role's trust policy must name the caller (and the external id, if it asks for one), and the caller "
     "needs sts:AssumeRole on the role"},
    {"AccessDeniedException", ErrorClass::permission_denied, false,
     "the role's trust policy must name the caller"},
    {"ExpiredToken", ErrorClass::unauthenticated, false, "renew the credentials or the identity token"},
    {"ExpiredTokenException", ErrorClass::unauthenticated, false,
     "renew the credentials or the identity token"},
    {"IDPCommunicationError", ErrorClass::unavailable, true, ""},
    {"IDPRejectedClaim", ErrorClass::permission_denied, false,
     "the identity provider refused the token: see its settings"},
    {"InvalidIdentityToken", ErrorClass::unauthenticated, true,
     "the token must come from the provider that the role trusts"},
    {"InvalidClientTokenId", ErrorClass::unauthenticated, false,
     "the access key is unknown here: check the profile and the endpoint"},
    {"InvalidAccessKeyId", ErrorClass::unauthenticated, false,
     "the access key is unknown here: check the profile and the endpoint"},
    {"SignatureDoesNotMatch", ErrorClass::unauthenticated, false,
     "check the secret key and the clock of this machine"},
    {"RequestTimeTooSkewed", ErrorClass::unauthenticated, false, "check the clock of this machine"},
    {"MalformedPolicyDocument", ErrorClass::invalid_argument, false,
     "this server does not take the session policy: use --no-scope-down"},
    {"MalformedPolicy", ErrorClass::invalid_argument, false,
     "this server does not take the session policy: use --no-scope-down"},
    {"PackedPolicyTooLarge", ErrorClass::invalid_argument, false,
     "the session policy is too large: use --no-scope-down"},
    {"MethodNotAllowed", ErrorClass::unsupported, false, "this server does not offer the call"},
    {"InvalidAction", ErrorClass::unsupported, false, "this server does not offer the call"},
    {"RegionDisabledException", ErrorClass::permission_denied, false,
     "STS is switched off in this region for the account: use another region"},
    {"ValidationError", ErrorClass::invalid_argument, false,
     "check role_arn, role_session_name, external_id and duration_seconds of the profile"},
};

bool is_throttling(std::string_view code) noexcept {
  return code.starts_with("Throttl") || code == "RequestLimitExceeded" ||
         code == "TooManyRequestsException" || code == "SlowDown";
}

bool contains_secret(std::string_view text, const Secret& secret) noexcept {
  return !secret.empty() && text.contains(secret.reveal());
}

}  // namespace

// What is sent again at each attempt. Lives in the frame of the public call.
struct Sts::Call {
  std::string_view operation;
  std::string form;
  std::string subject;
  CredentialsProvider* caller = nullptr;  // null: not signed
  const Secret* token = nullptr;          // in the form, and not to be repeated in an error
};

Task<Credentials> Sts::assume_role(const RoleRequest& role, CredentialsProvider& caller, OpContext& context) {
  Call call{
      .operation = "AssumeRole", .form = form_of("AssumeRole"), .subject = role.role_arn, .caller = &caller};
  add_role(call.form, role);
  add_parameter(call.form, "ExternalId", role.external_id);
  const std::string body = co_await send(call, context);
  co_return parse_credentials(body, role, skew_.offset(), call.operation);
}

Task<Credentials> Sts::assume_role_with_web_identity(const RoleRequest& role, const Secret& token,
                                                     OpContext& context) {
  Call call{.operation = "AssumeRoleWithWebIdentity",
            .form = form_of("AssumeRoleWithWebIdentity"),
            .subject = role.role_arn,
            .token = &token};
  add_role(call.form, role);
  add_parameter(call.form, "WebIdentityToken", token.reveal());
  const std::string body = co_await send(call, context);
  co_return parse_credentials(body, role, skew_.offset(), call.operation);
}

Task<CallerIdentity> Sts::caller_identity(CredentialsProvider& caller, OpContext& context) {
  const Call call{.operation = "GetCallerIdentity", .form = form_of("GetCallerIdentity"), .caller = &caller};
  const std::string body = co_await send(call, context);
  const pugi::xml_document document = parse_answer(body, call.operation);
  co_return CallerIdentity{.account = text_in(document, "Account"),
                           .arn = text_in(document, "Arn"),
                           .user_id = text_in(document, "UserId")};
}

Task<std::string> Sts::send(const Call& call, OpContext& context) {
  co_return co_await with_retry(context, kStsRetries, Replay::safe,
                                [this, &call, &context] { return attempt(call, context); });
}

Task<std::string> Sts::attempt(const Call& call, OpContext& context) {
  FetchRequest request{.method = "POST", .url = endpoint_url_, .body = call.form};
  request.headers.append("Content-Type: ").append(kFormType).append("\r\nAccept: application/xml\r\n");
  Snapshot signed_with;
  if (call.caller != nullptr) {
    signed_with = co_await call.caller->get(context);
    if (signed_with->anonymous())
      throw Error(ErrorClass::unauthenticated, "a role cannot be assumed without credentials")
          .during(std::string(call.operation))
          .on(call.subject);
    const http::Url url = http::parse_url(endpoint_url_);
    const std::string host = url.endpoint.authority();
    const std::string hash = to_hex(sha256(call.form));
    const HeaderView type{"content-type", kFormType};
    Signer signer(region_, "sts");
    signer.sign(signed_with,
                {.method = request.method,
                 .path = url.path,
                 .host = host,
                 .headers = {&type, 1},
                 .payload_hash = hash},
                skew_.correct(context.env().wall_now()), request.headers);
  }
  FetchAnswer answer = co_await fetch_.send(request, context);
  if (answer.status == 200) co_return std::move(answer.body);
  throw refusal(answer, call, signed_with, context.env().wall_now());
}

Error Sts::refusal(const FetchAnswer& answer, const Call& call, const Snapshot& signed_with, Time received) {
  pugi::xml_document document;
  document.load_buffer(answer.body.data(), answer.body.size());  // may be anything; then there is no code
  // A server may repeat what it was sent, tokens included, anywhere.
  const auto repeatable = [&call, &signed_with](std::string text) {
    if ((call.token != nullptr && contains_secret(text, *call.token)) ||
        (signed_with && (contains_secret(text, signed_with->session_token) ||
                         contains_secret(text, signed_with->secret_key))))
      text.clear();
    return text;
  };
  const std::string code = repeatable(text_in(document, "Code"));
  std::string message = repeatable(text_in(document, "Message"));
  if (code == "SignatureDoesNotMatch") message.clear();  // it quotes the canonical request
  if (message.empty()) message = "STS refused the request";

  Meaning meaning{"", ErrorClass::invalid_argument, false, ""};
  if (answer.status >= 500) meaning = {"", ErrorClass::unavailable, true, ""};
  if (answer.status == 401 || answer.status == 403) meaning.error_class = ErrorClass::permission_denied;
  if (answer.status == 429 || is_throttling(code)) meaning = {"", ErrorClass::throttled, true, ""};
  for (const Meaning& known : kMeanings)
    if (known.code == code) meaning = known;

  bool again = meaning.retryable;
  const std::optional<Time> server_time = parse_http_date(answer.date);
  const bool about_signature = code == "SignatureDoesNotMatch" || code == "RequestTimeTooSkewed";
  if (about_signature && server_time) again = skew_.learn(*server_time, received);
  if (signed_with && meaning.error_class == ErrorClass::unauthenticated && !about_signature)
    again = call.caller->rejected(*signed_with);

  std::string request_id = repeatable(text_in(document, "RequestId"));
  if (request_id.empty()) request_id = repeatable(answer.request_id);
  return Error(meaning.error_class, std::move(message))
      .during(std::string(call.operation))
      .on(call.subject.empty() ? endpoint_url_ : call.subject)
      .with_code(code, answer.status)
      .with_request_id(std::move(request_id))
      .with_hint(std::string(meaning.hint))
      .with_retryable(again);
}

}  // namespace haul::auth
