// STS: sessions for whoever may ask. A role `arn:aws:iam::ACCOUNT:role/NAME` acts for the account of that
// name if there is one, else for the caller's own.
#include <algorithm>
#include <map>
#include <utility>

#include "exchange.h"
#include "text.h"

namespace haul::fakes3 {

namespace {

using Form = std::map<std::string, std::string, std::less<>>;

Form parse_form(std::string_view text) {
  Form out;
  while (!text.empty()) {
    std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    std::size_t equals = std::min(pair.find('='), pair.size());
    out[url_decode(pair.substr(0, equals), Plus::space)] =
        url_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::space);
  }
  return out;
}

std::string account_of_role(std::string_view arn) {
  for (int colons = 0; colons < 4; ++colons) {
    std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return std::string(arn.substr(0, arn.find(':')));
}

// STS wraps its errors otherwise than S3 does.
void refuse_sts(Exchange& exchange, const Refusal& refusal) {
  exchange.response.reset();
  exchange.response.status = refusal.status;
  std::string out =
      "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>" +
      refusal.code + "</Code><Message>";
  append_xml(out, refusal.message);
  exchange.response.xml(out + "</Message></Error><RequestId>fakes3</RequestId></ErrorResponse>");
}

void answer(Exchange& exchange, const std::string& action, const std::string& result) {
  std::string out = "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
                    "Result>" + result + "</" + action +
                    "Result><ResponseMetadata><RequestId>fakes3</RequestId></ResponseMetadata></" + action +
                    "Response>";
  exchange.response.xml(std::move(out));
}

}  // namespace

void sts_operation(Exchange& exchange) {
  Form form =
      parse_form(exchange.body.text.empty() ? exchange.request.query : std::string_view(exchange.body.text));
  const std::string& action = form["Action"];
  if (action == "GetCallerIdentity") {
    answer(exchange, action,
           "<Arn>arn:aws:iam::" + exchange.sender.account + ":user/" + exchange.sender.account +
               "</Arn><UserId>" + exchange.sender.access_key + "</UserId><Account>" +
               exchange.sender.account + "</Account>");
    return;
  }
  if (action != "AssumeRole" && action != "AssumeRoleWithWebIdentity") {
    return refuse_sts(exchange, {400, "InvalidAction", "Could not find operation " + action});
  }
  const std::string &role = form["RoleArn"], &session = form["RoleSessionName"];
  if (role.size() < 20 || session.size() < 2 || session.size() > 64) {
    return refuse_sts(exchange,
                      {400, "ValidationError", "RoleArn or RoleSessionName is missing or too short or long"});
  }
  if (action == "AssumeRoleWithWebIdentity" && form["WebIdentityToken"].empty()) {
    return refuse_sts(exchange, {400, "InvalidIdentityToken", "No WebIdentityToken"});
  }
  const std::string& asked = form["DurationSeconds"];
  auto seconds = asked.empty() ? std::optional<std::uint64_t>(3600) : parse_number(asked);
  if (!seconds || *seconds < 900 || *seconds > 43200) {
    return refuse_sts(exchange, {400, "ValidationError", "DurationSeconds is between 900 and 43200"});
  }
  if (form["Policy"].size() > 2048) {
    return refuse_sts(exchange,
                      {400, "PackedPolicyTooLarge", "The session policy is longer than 2048 characters"});
  }
  std::string account = account_of_role(role);
  if (!exchange.server.identities.has_account(account)) account = exchange.sender.account;
  std::int64_t forced = exchange.server.sts_seconds.load(std::memory_order_relaxed);
  std::int64_t expires = exchange.now + (forced != 0 ? forced : static_cast<std::int64_t>(*seconds));
  Credential credential = exchange.server.identities.make_session(account, expires);
  exchange.server.remember(
      {action, role, session, form["Policy"], account, static_cast<std::int64_t>(*seconds)});

  std::string iso = iso_date(expires);
  iso.replace(iso.find('.'), std::string::npos, "Z");
  std::string arn =
      "arn:aws:sts::" + account + ":assumed-role" + role.substr(role.rfind('/')) + "/" + session;
  std::string result = "<Credentials><AccessKeyId>" + credential.access_key +
                       "</AccessKeyId><SecretAccessKey>" + credential.secret_key +
                       "</SecretAccessKey><SessionToken>";
  append_xml(result, credential.token);
  result += "</SessionToken><Expiration>" + iso +
            "</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>fakes3:";
  append_xml(result, session);
  result += "</AssumedRoleId><Arn>";
  append_xml(result, arn);
  answer(exchange, action, result + "</Arn></AssumedRoleUser>");
}

}  // namespace haul::fakes3
