#include "auth/metadata_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "runtime/retry.h"

namespace haul::auth {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::string_view kRolePath = "/latest/meta-data/iam/security-credentials/";
constexpr std::string_view kInstanceOrigin = "instance metadata";
constexpr std::string_view kContainerOrigin = "container endpoint";

bool is_true(const std::optional<std::string>& value) {
  if (!value) return false;
  std::string lower = *value;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower == "true";
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Error status_error(const FetchAnswer& answer, std::string_view operation, const std::string& url) {
  const bool passing = answer.status >= 500 || answer.status == 429;
  return Error(passing ? ErrorClass::unavailable : ErrorClass::unauthenticated, "credentials were refused")
      .during(std::string(operation))
      .on(url)
      .with_code("", answer.status);
}

class InstanceSource final : public CredentialsSource {
 public:
  InstanceSource(InstanceOptions options, Fetch& fetch) : options_(std::move(options)), fetch_(fetch) {
    while (options_.base_url.ends_with('/'))
      options_.base_url.pop_back();
  }

  Task<Credentials> fetch(OpContext& context) override {
    const RetryPolicy policy{.max_attempts = std::max(1, options_.attempts), .base = 200ms, .cap = 2s};
    std::optional<Error> failure;
    answered_ = false;
    try {
      co_return co_await with_retry(context, policy, Replay::safe,
                                    [this, &context] { return attempt(context); });
    } catch (const Error& error) {
      failure = error;
    }
    context.check();
    const bool silent =
        failure->error_class() == ErrorClass::timed_out || failure->error_class() == ErrorClass::unavailable;
    if (silent && !answered_) throw absence().caused_by(*failure);
    throw Error(*failure);
  }

 private:
  Error absence() const {
    return Error(ErrorClass::unauthenticated, options_.absence_message)
        .during("find credentials")
        .with_hint(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile by --profile, or use "
            "--no-sign-request for a public bucket; in a container on an instance the hop limit of the "
            "metadata "
            "service must be 2");
  }

  Task<FetchAnswer> ask(std::string path, std::string token, OpContext& context) {
    FetchRequest request{
        .url = options_.base_url + path, .timeout = options_.timeout, .route = FetchRequest::Route::direct};
    if (!token.empty()) request.headers = "x-aws-ec2-metadata-token: " + token + "\r\n";
    FetchAnswer answer = co_await fetch_.send(request, context);
    answered_ = true;
    co_return answer;
  }

  // Empty where the host knows no tokens.
  Task<std::string> session_token(OpContext& context) {
    const FetchRequest request{.method = "PUT",
                               .url = options_.base_url + "/latest/api/token",
                               .headers = "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n",
                               .timeout = options_.timeout,
                               .route = FetchRequest::Route::direct};
    std::optional<Error> timeout;
    try {
      const FetchAnswer answer = co_await fetch_.send(request, context);
      answered_ = true;
      if (answer.status == 200 && !answer.body.empty() && !has_control(answer.body)) co_return answer.body;
      if (answer.status == 403) throw absence();
      if (answer.status != 404 && answer.status != 405) throw status_error(answer, "GetToken", request.url);
    } catch (const Error& error) {
      // An answer that needs more hops than allowed never arrives, as with a host that does not know the
      // path.
      if (error.error_class() != ErrorClass::timed_out) throw;
      timeout = error;
    }
    context.check();
    if (options_.allow_v1) co_return std::string();
    if (timeout) throw Error(*timeout);
    throw absence();
  }

  Task<Credentials> attempt(OpContext& context) {
    std::string token = co_await session_token(context);
    FetchAnswer roles = co_await ask(std::string(kRolePath), token, context);
    if (roles.status == 401 && !token.empty()) {
      token = co_await session_token(context);
      roles = co_await ask(std::string(kRolePath), token, context);
    }
    if (roles.status == 404) throw absence();
    if (roles.status != 200) throw status_error(roles, "GetInstanceRole", options_.base_url);
    std::string role = roles.body.substr(0, roles.body.find('\n'));
    if (role.ends_with('\r')) role.pop_back();
    if (role.empty()) throw absence();
    if (has_control(role) || role.contains(' ') || role.contains('/'))
      throw Error(ErrorClass::unavailable, "the metadata service gave a role name that cannot be one")
          .during("GetInstanceRole");

    const FetchAnswer answer = co_await ask(std::string(kRolePath) + role, token, context);
    if (answer.status != 200) throw status_error(answer, "GetInstanceCredentials", options_.base_url);
    co_return parse_json_credentials(answer.body, std::string(kInstanceOrigin));
  }

  InstanceOptions options_;
  Fetch& fetch_;
  bool answered_ = false;  // in this fetch(): somebody is there, so failures are failures
};

class ContainerSource final : public CredentialsSource {
 public:
  ContainerSource(ContainerOptions options, Fetch& fetch, ReadFile read_file)
      : options_(std::move(options)), fetch_(fetch), read_file_(std::move(read_file)) {}

  Task<Credentials> fetch(OpContext& context) override {
    const RetryPolicy policy{.max_attempts = 3, .base = 1s, .cap = 1s};
    co_return co_await with_retry(context, policy, Replay::safe,
                                  [this, &context] { return attempt(context); });
  }

 private:
  Task<Credentials> attempt(OpContext& context) {
    Secret authorization(options_.token);
    if (!options_.token_file.empty()) {
      std::optional<std::string> text =
          co_await context.blocking([this] { return read_file_(options_.token_file); });
      if (!text)
        throw Error(ErrorClass::unauthenticated, "the container's token file does not exist")
            .on(options_.token_file)
            .with_hint("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names it");
      while (text->ends_with('\n') || text->ends_with('\r'))
        text->pop_back();
      authorization = Secret(std::move(*text));
    }
    if (has_control(authorization.reveal()))
      throw Error(ErrorClass::invalid_argument, "the container's token has a line break in it")
          .during("GetContainerCredentials");
    FetchRequest request{.url = options_.url,
                         .headers = "Accept: application/json\r\n",
                         .timeout = 2s,
                         .route = FetchRequest::Route::direct};
    if (!authorization.empty())
      request.headers.append("Authorization: ").append(authorization.reveal()).append("\r\n");
    const FetchAnswer answer = co_await fetch_.send(request, context);
    if (answer.status != 200) throw status_error(answer, "GetContainerCredentials", options_.url);
    co_return parse_json_credentials(answer.body, std::string(kContainerOrigin));
  }

  const ContainerOptions options_;
  Fetch& fetch_;
  const ReadFile read_file_;
};

bool is_container_host(const std::string& host) {
  return host == "localhost" || host.starts_with("127.") || host == "::1" || host == "169.254.170.2" ||
         host == "169.254.170.23" || host == "fd00:ec2::23";
}

int positive_number(const Env& env, const char* name, int otherwise) {
  const std::optional<std::string> text = env.variable(name);
  if (!text || text->empty()) return otherwise;
  int value = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (problem != std::errc() || end != text->data() + text->size() || value < 1)
    throw Error(ErrorClass::invalid_argument, fmt::format("{} is not a positive number", name))
        .with_hint(fmt::format("set it to a number, or unset it for {}", otherwise));
  return value;
}

}  // namespace

Credentials parse_json_credentials(const std::string& text, const std::string& origin) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto broken = [&origin](std::string message) {
    return Error(ErrorClass::unavailable, std::move(message)).during("read credentials").on(origin);
  };
  if (!object.is_object()) throw broken("the answer is not a JSON object");
  const std::string code = text_of(object, "Code");
  if (!code.empty() && code != "Success")
    throw broken("the answer says '" + visible(code.substr(0, 64)) + "' instead of credentials");
  Credentials credentials;
  credentials.access_key = text_of(object, "AccessKeyId");
  credentials.secret_key = Secret(text_of(object, "SecretAccessKey"));
  credentials.session_token = Secret(text_of(object, object.contains("Token") ? "Token" : "SessionToken"));
  credentials.account_id = text_of(object, "AccountId");
  credentials.origin = origin;
  if (credentials.access_key.empty() || credentials.secret_key.empty())
    throw broken("the answer has no AccessKeyId or no SecretAccessKey");
  if (const std::string expiration = text_of(object, "Expiration"); !expiration.empty()) {
    credentials.expiry = parse_iso8601(expiration);
    if (!credentials.expiry) throw broken("the answer has an Expiration that is not a time");
  }
  return credentials;
}

std::optional<InstanceOptions> instance_options(const Env& env) {
  if (is_true(env.variable("AWS_EC2_METADATA_DISABLED"))) return std::nullopt;
  InstanceOptions options;
  const std::string mode = env.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").value_or("");
  if (mode == "ipv6" || mode == "IPv6" || mode == "IPV6") options.base_url = "http://[fd00:ec2::254]";
  if (const auto endpoint = env.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT"); endpoint && !endpoint->empty())
    options.base_url = *endpoint;
  options.allow_v1 = !is_true(env.variable("AWS_EC2_METADATA_V1_DISABLED"));
  options.timeout = std::chrono::seconds(positive_number(env, "AWS_METADATA_SERVICE_TIMEOUT", 1));
  options.attempts = positive_number(env, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", 1);
  return options;
}

std::unique_ptr<CredentialsSource> make_instance_source(InstanceOptions options, Fetch& fetch) {
  return std::make_unique<InstanceSource>(std::move(options), fetch);
}

std::optional<ContainerOptions> container_options(const Env& env) {
  ContainerOptions options;
  const std::string relative = env.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").value_or("");
  const std::string full = env.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").value_or("");
  if (!relative.empty()) {
    options.url = "http://169.254.170.2" + relative;
  } else if (!full.empty()) {
    const http::Url url = http::parse_url(full);
    if (!url.endpoint.tls && !is_container_host(url.endpoint.host))
      throw Error(ErrorClass::invalid_argument,
                  "container credentials may not be asked for there in the clear")
          .on("AWS_CONTAINER_CREDENTIALS_FULL_URI")
          .with_hint("use https, or a loopback or container address");
    options.url = full;
  } else {
    return std::nullopt;
  }
  options.token_file = env.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").value_or("");
  if (options.token_file.empty())
    options.token = env.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
  return options;
}

std::unique_ptr<CredentialsSource> make_container_source(ContainerOptions options, Fetch& fetch,
                                                         ReadFile read_file) {
  return std::make_unique<ContainerSource>(std::move(options), fetch, std::move(read_file));
}

}  // namespace haul::auth
