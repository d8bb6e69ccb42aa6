#include "identity.h"

#include <openssl/hmac.h>

#include <algorithm>
#include <cctype>

#include "checksum.h"
#include "response.h"
#include "text.h"

namespace haul::fakes3 {

namespace {

constexpr std::int64_t kAllowedSkew = 15 * 60;

std::string hmac(std::string_view key, std::string_view text) {
  unsigned char out[32];
  unsigned size = sizeof out;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}

std::string_view between(std::string_view text, std::string_view name, char end) {
  std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + name.size());
  return text.substr(0, text.find(end));
}

struct Claim {
  std::string access_key, date, region, service, signed_headers, signature, time, token;
  bool presigned = false;
  std::int64_t lifetime = 0;
};

bool split_scope(std::string_view credential, Claim& claim) {
  // an access key holds no slash
  std::vector<std::string> parts;
  while (true) {
    std::size_t slash = credential.find('/');
    parts.emplace_back(credential.substr(0, slash));
    if (slash == std::string_view::npos) break;
    credential.remove_prefix(slash + 1);
  }
  if (parts.size() != 5 || parts[4] != "aws4_request") return false;
  claim.access_key = parts[0];
  claim.date = parts[1];
  claim.region = parts[2];
  claim.service = parts[3];
  return true;
}

std::optional<Claim> claim_of(const Request& request) {
  Claim claim;
  std::string_view authorization = request.header("authorization");
  if (!authorization.empty()) {
    if (!split_scope(between(authorization, "Credential=", ','), claim)) {
      throw Refusal{400, "AuthorizationHeaderMalformed", "The authorization header is malformed."};
    }
    claim.signed_headers = between(authorization, "SignedHeaders=", ',');
    claim.signature = between(authorization, "Signature=", ',');
    claim.time = request.header("x-amz-date");
    claim.token = request.header("x-amz-security-token");
    return claim;
  }
  if (!request.has_parameter("X-Amz-Signature")) return std::nullopt;
  if (!split_scope(request.parameter("X-Amz-Credential").value_or(""), claim)) {
    throw Refusal{400, "AuthorizationQueryParametersError",
                  "The credential of the presigned URL is malformed."};
  }
  claim.presigned = true;
  claim.signed_headers = request.parameter("X-Amz-SignedHeaders").value_or("");
  claim.signature = *request.parameter("X-Amz-Signature");
  claim.time = request.parameter("X-Amz-Date").value_or("");
  claim.token = request.parameter("X-Amz-Security-Token").value_or("");
  claim.lifetime =
      static_cast<std::int64_t>(parse_number(request.parameter("X-Amz-Expires").value_or("")).value_or(0));
  return claim;
}

std::string canonical_query(const Request& request) {
  std::vector<std::string> pairs;
  for (std::size_t at = 0; at < request.query.size();) {
    std::size_t end = std::min(request.query.find('&', at), request.query.size());
    std::string_view pair = request.query.substr(at, end - at);
    at = end + 1;
    if (pair.starts_with("X-Amz-Signature=")) continue;
    std::size_t equals = std::min(pair.find('='), pair.size());
    std::string one;
    append_uri_encoded(one, url_decode(pair.substr(0, equals), Plus::space), Slash::encode);
    one += '=';
    append_uri_encoded(one, url_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::space),
                       Slash::encode);
    pairs.push_back(std::move(one));
  }
  // by name, then value: the same order as by the whole text but where a name is the beginning of another
  std::sort(pairs.begin(), pairs.end(), [](const std::string& a, const std::string& b) {
    std::string_view left = std::string_view(a).substr(0, a.find('='));
    std::string_view right = std::string_view(b).substr(0, b.find('='));
    return left != right ? left < right : a < b;
  });
  std::string out;
  for (const std::string& pair : pairs)
    out.append(out.empty() ? "" : "&").append(pair);
  return out;
}

void append_canonical_header(std::string& out, const Request& request, std::string_view name) {
  out.append(name).append(":");
  bool first = true;
  for (const Header& header : request) {
    if (!equal_ignoring_case(header.name, name)) continue;
    if (!first) out += ',';
    first = false;
    char previous = 0;
    for (char c : header.value) {
      if (c != ' ' || previous != ' ') out += c;
      previous = c;
    }
  }
  out += '\n';
}

std::string string_to_sign(const Request& request, const Claim& claim, std::string_view payload_hash) {
  std::string canonical(request.method);
  canonical += '\n';
  append_uri_encoded(canonical, url_decode(request.path, Plus::literal), Slash::keep);
  canonical.append("\n").append(canonical_query(request)).append("\n");
  std::string_view names = claim.signed_headers;
  while (!names.empty()) {
    std::size_t end = names.find(';');
    append_canonical_header(canonical, request, names.substr(0, end));
    names = end == std::string_view::npos ? std::string_view() : names.substr(end + 1);
  }
  canonical.append("\n").append(claim.signed_headers).append("\n").append(payload_hash);
  return "AWS4-HMAC-SHA256\n" + claim.time + "\n" + claim.date + "/" + claim.region + "/" + claim.service +
         "/aws4_request\n" + hex(digest(EVP_sha256(), canonical));
}

void check_time(const Claim& claim, std::int64_t now) {
  auto time = parse_amz_date(claim.time);
  if (!time) throw Refusal{403, "AccessDenied", "The request has no valid date."};
  if (claim.presigned && *time + claim.lifetime < now)
    throw Refusal{403, "AccessDenied", "Request has expired"};
  std::int64_t skew = claim.presigned ? *time - now : std::max(*time - now, now - *time);
  if (skew > kAllowedSkew) {
    throw Refusal{
        403, "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        "<RequestTime>" + claim.time + "</RequestTime><ServerTime>" + iso_date(now) + "</ServerTime>"};
  }
}

void check_coverage(const Request& request, const Claim& claim) {
  std::string names = ";" + claim.signed_headers + ";";
  for (const Header& header : request) {
    std::string name;
    for (char c : header.name)
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    bool must = name == "host" || (!claim.presigned && name.starts_with("x-amz-")) || name == "content-md5";
    if (must && names.find(";" + name + ";") == std::string::npos) {
      throw Refusal{403, "AccessDenied", "There were headers present in the request which were not signed",
                    "<HeadersNotSigned>" + name + "</HeadersNotSigned>"};
    }
  }
}

}  // namespace

void Identities::add_account(std::string name, std::string access_key, std::string secret_key) {
  std::scoped_lock lock(mutex_);
  Credential credential{access_key, std::move(secret_key), "", std::move(name), std::nullopt};
  credentials_.insert_or_assign(std::move(access_key), std::move(credential));
}

std::optional<Credential> Identities::find(std::string_view access_key) const {
  std::scoped_lock lock(mutex_);
  auto found = credentials_.find(access_key);
  if (found == credentials_.end()) return std::nullopt;
  return found->second;
}

bool Identities::has_account(std::string_view name) const {
  std::scoped_lock lock(mutex_);
  for (const auto& [key, credential] : credentials_) {
    if (credential.account == name) return true;
  }
  return false;
}

Credential Identities::make_session(std::string account, std::int64_t expires) {
  std::scoped_lock lock(mutex_);
  std::string number = std::to_string(++counter_);
  std::string seed = hex(digest(EVP_sha256(), account + number));
  Credential out;
  out.access_key = "ASIAFAKE" + std::string(12 - std::min<std::size_t>(number.size(), 12), '0') + number;
  out.secret_key = seed.substr(0, 40);
  out.token = "session/" + number + "/" + seed + "==";
  out.account = std::move(account);
  out.expires = expires;
  credentials_.insert_or_assign(out.access_key, out);
  return out;
}

void Identities::expire_sessions() {
  std::scoped_lock lock(mutex_);
  for (auto& [key, credential] : credentials_) {
    if (credential.expires) credential.expires = 0;
  }
}

void Identities::end_sessions() {
  std::scoped_lock lock(mutex_);
  std::erase_if(credentials_, [](const auto& entry) { return entry.second.expires.has_value(); });
}

std::string signature_of(const std::string& secret_key, std::string_view date, std::string_view region,
                         std::string_view service, std::string_view text) {
  // four of the five steps are the same for a day: remembered for each thread
  thread_local std::map<std::string, std::string> keys;
  std::string name = secret_key;
  for (std::string_view part : {date, region, service})
    name.append("/").append(part);
  std::string& key = keys[name];
  if (key.empty()) key = hmac(hmac(hmac(hmac("AWS4" + secret_key, date), region), service), "aws4_request");
  return hex(hmac(key, text));
}

Sender authenticate(const Request& request, const Identities& identities, Check check, std::int64_t now,
                    std::string_view payload_hash) {
  Sender sender;
  std::optional<Claim> claim = claim_of(request);
  if (!claim) {
    if (check == Check::signature) throw Refusal{403, "AccessDenied", "Access Denied"};
    return sender;
  }
  std::optional<Credential> credential = identities.find(claim->access_key);
  sender.access_key = claim->access_key;
  sender.region = claim->region;
  if (!credential) {
    if (check == Check::identity) return sender;
    throw Refusal{403, "InvalidAccessKeyId",
                  "The AWS Access Key Id you provided does not exist in our records.",
                  "<AWSAccessKeyId>" + claim->access_key + "</AWSAccessKeyId>"};
  }
  sender.account = credential->account;
  if (credential->expires && *credential->expires <= now) {
    throw Refusal{400, "ExpiredToken", "The provided token has expired."};
  }
  if (check == Check::identity) return sender;
  if (claim->token != credential->token) {
    throw Refusal{400, "InvalidToken", "The provided token is malformed or otherwise invalid."};
  }
  check_time(*claim, now);
  check_coverage(request, *claim);
  std::string_view hash = payload_hash;
  if (claim->service == "s3")
    hash = claim->presigned ? "UNSIGNED-PAYLOAD" : request.header("x-amz-content-sha256");
  std::string text = string_to_sign(request, *claim, hash);
  if (signature_of(credential->secret_key, claim->date, claim->region, claim->service, text) !=
      claim->signature) {
    std::string elements = "<StringToSign>";
    append_xml(elements, text);
    throw Refusal{
        403, "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and "
        "signing method.",
        elements + "</StringToSign>"};
  }
  return sender;
}

}  // namespace haul::fakes3
