#include "stores/s3/errors.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/utf8.h"
#include "stores/s3/xml_reader.h"

namespace haul::s3 {
namespace {

using enum ErrorClass;

enum class Again : bool { no, yes };

struct Meaning {
  std::string_view code;
  ErrorClass error_class;
  Again again = Again::no;
  std::string_view hint;
};

constexpr std::string_view kSlowHint =
    "the service asks for fewer requests; concurrency is lowered by itself";
constexpr std::string_view kTokenHint =
    "get new credentials (aws sso login, a new session) and run the command again";
constexpr std::string_view kUploadGone =
    "the upload was aborted or completed meanwhile; run the command again";

// Alphabetical, for the binary search.
constexpr std::array kMeanings{
    Meaning{"AccessControlListNotSupported", unsupported, Again::no,
            "the bucket does not use ACLs: leave --acl out"},
    Meaning{"AccessDenied", permission_denied, Again::no,
            "check the policies of this identity, the bucket and its key"},
    Meaning{"AllAccessDisabled", permission_denied, Again::no,
            "the account or bucket is disabled; ask AWS support"},
    Meaning{"AuthorizationHeaderMalformed", invalid_argument, Again::no,
            "give the bucket's region with --region"},
    Meaning{"BadDigest", data_loss, Again::yes, "the bytes were changed on their way"},
    Meaning{"BandwidthLimitExceeded", throttled, Again::yes, kSlowHint},
    Meaning{"BucketAlreadyExists", already_exists, Again::no,
            "the name is taken by another account; choose another"},
    Meaning{"BucketAlreadyOwnedByYou", already_exists},
    Meaning{"BucketNotEmpty", precondition_failed, Again::no,
            "remove its objects first (haul rm -r, with --all-versions)"},
    Meaning{"ConditionalRequestConflict", unavailable, Again::yes},
    Meaning{"EC2ThrottledException", throttled, Again::yes, kSlowHint},
    Meaning{"EntityTooLarge", invalid_argument, Again::no, "the object is larger than the service allows"},
    Meaning{"EntityTooSmall", invalid_argument, Again::no, "parts below 5 MiB are only allowed at the end"},
    Meaning{"ExpiredToken", unauthenticated, Again::no, kTokenHint},
    Meaning{"IllegalLocationConstraintException", invalid_argument, Again::no,
            "give the bucket's region with --region"},
    Meaning{"IncompleteBody", unavailable, Again::yes},
    Meaning{"InternalError", unavailable, Again::yes},
    Meaning{"InternalServerError", unavailable, Again::yes},
    Meaning{"InvalidAccessKeyId", unauthenticated, Again::no,
            "the access key is not known to this service: check profile and endpoint"},
    Meaning{"InvalidBucketName", invalid_argument},
    Meaning{"InvalidDigest", internal},
    Meaning{"InvalidObjectState", unsupported, Again::no, "the object is archived: restore it first"},
    Meaning{"InvalidPart", data_loss, Again::no, "a part of the upload is missing or was changed"},
    Meaning{"InvalidPartOrder", internal},
    Meaning{"InvalidRange", source_changed},
    Meaning{"InvalidTag", invalid_argument, Again::no,
            "at most 10 tags; letters, digits, space and + - = . _ : / @"},
    Meaning{"InvalidToken", unauthenticated, Again::no, kTokenHint},
    Meaning{"KMS.DisabledException", permission_denied, Again::no, "the KMS key is disabled"},
    Meaning{"KMS.NotFoundException", invalid_argument, Again::no,
            "the KMS key does not exist in this region"},
    Meaning{"KMS.ThrottlingException", throttled, Again::yes,
            "the KMS key's request quota is used up; bucket keys need fewer"},
    Meaning{"KeyTooLongError", invalid_argument, Again::no, "a key has at most 1,024 bytes"},
    Meaning{"LimitExceededException", throttled, Again::yes, kSlowHint},
    Meaning{"MalformedXML", internal},
    Meaning{"MetadataTooLarge", invalid_argument, Again::no,
            "names and values of the metadata have at most 2 KB together"},
    Meaning{"MethodNotAllowed", unsupported},
    Meaning{"NoSuchBucket", not_found, Again::no,
            "check the bucket's name and the endpoint (haul mb makes a bucket)"},
    Meaning{"NoSuchKey", not_found},
    Meaning{"NoSuchUpload", data_loss, Again::no, kUploadGone},  // the parts are; the object begins anew
    Meaning{"NoSuchVersion", not_found},
    Meaning{"NotImplemented", unsupported, Again::no, "the service does not have this function"},
    Meaning{"NotSignedUp", permission_denied, Again::no, "the account has no access to this service"},
    Meaning{"OperationAborted", unavailable, Again::yes},
    Meaning{"PermanentRedirect", invalid_argument, Again::no, "give the bucket's region with --region"},
    Meaning{"PreconditionFailed", precondition_failed},
    Meaning{"PriorRequestNotComplete", throttled, Again::yes, kSlowHint},
    Meaning{"ProvisionedThroughputExceededException", throttled, Again::yes, kSlowHint},
    Meaning{"QuotaExceeded", exhausted, Again::no, "the quota of the account or bucket is used up"},
    Meaning{"RequestLimitExceeded", throttled, Again::yes, kSlowHint},
    Meaning{"RequestThrottled", throttled, Again::yes, kSlowHint},
    Meaning{"RequestThrottledException", throttled, Again::yes, kSlowHint},
    Meaning{"RequestTimeTooSkewed", unauthenticated, Again::no, "set this machine's clock"},
    Meaning{"RequestTimeout", timed_out, Again::yes},
    Meaning{"RequestTimeoutException", timed_out, Again::yes},
    Meaning{"ServiceUnavailable", unavailable, Again::yes},
    Meaning{"SignatureDoesNotMatch", unauthenticated, Again::no,
            "the secret key does not belong to the access key"},
    Meaning{"SlowDown", throttled, Again::yes, kSlowHint},
    Meaning{"TemporaryRedirect", unavailable, Again::yes},
    Meaning{"ThrottledException", throttled, Again::yes, kSlowHint},
    Meaning{"Throttling", throttled, Again::yes, kSlowHint},
    Meaning{"ThrottlingException", throttled, Again::yes, kSlowHint},
    Meaning{"TokenRefreshRequired", unauthenticated, Again::no, kTokenHint},
    Meaning{"TooManyBuckets", exhausted, Again::no, "the account has as many buckets as it may"},
    Meaning{"TooManyRequestsException", throttled, Again::yes, kSlowHint},
    Meaning{"TransactionInProgressException", throttled, Again::yes, kSlowHint},
    Meaning{"XAmzContentChecksumMismatch", data_loss, Again::yes, "the bytes were changed on their way"},
    Meaning{"XAmzContentSHA256Mismatch", data_loss, Again::yes, "the bytes were changed on their way"},
};
static_assert(std::ranges::is_sorted(kMeanings, {}, &Meaning::code));

Meaning meaning_of_status(int status) {
  switch (status) {
    case 301:
    case 302:
    case 307: return {"", invalid_argument, Again::no, "give the bucket's region with --region"};
    case 304:
    case 412: return {"", precondition_failed};
    case 400: return {"", invalid_argument};
    case 401: return {"", unauthenticated};
    case 403:
      return {"", permission_denied, Again::no,
              "check the policies of this identity, the bucket and its key"};
    case 404: return {"", not_found};
    case 405: return {"", unsupported};
    case 408: return {"", timed_out, Again::yes};
    case 409: return {"", precondition_failed};
    case 411: return {"", internal};
    case 413: return {"", invalid_argument, Again::no, "the object is larger than the service allows"};
    case 416: return {"", source_changed};
    case 429: return {"", throttled, Again::yes, kSlowHint};
    case 501: return {"", unsupported, Again::no, "the service does not have this function"};
    case 503: return {"", throttled, Again::yes, kSlowHint};
    case 507: return {"", exhausted, Again::no, "the service has no space left"};
    default: break;
  }
  if (status >= 500) return {"", unavailable, Again::yes};
  return {"", internal};
}

Meaning meaning_of(int status, std::string_view code) {
  const auto found = std::ranges::lower_bound(kMeanings, code, {}, &Meaning::code);
  if (found != kMeanings.end() && found->code == code) return *found;
  return meaning_of_status(status);
}

std::string_view words_for_status(int status) {
  switch (status) {
    case 301:
    case 302:
    case 307: return "the bucket is somewhere else";
    case 400: return "the request was refused";
    case 403: return "access denied";
    case 404: return "not found";
    case 412: return "a condition does not hold";
    default: return "the service answered with an error";
  }
}

}  // namespace

std::optional<ErrorDocument> parse_error_document(std::string& body) {
  // Another root is some other document; an error document that is cut off is still an error, and says what
  // was read of it.
  ErrorDocument document;
  XmlReader xml({body.data(), body.size()});
  try {
    if (xml.root() != "Error") return std::nullopt;
    while (const auto child = xml.child()) {
      const std::string_view name = *child;
      std::string* into = name == "Code"         ? &document.code
                          : name == "Message"    ? &document.message
                          : name == "Region"     ? &document.region
                          : name == "Endpoint"   ? &document.endpoint
                          : name == "RequestId"  ? &document.request_id
                          : name == "HostId"     ? &document.host_id
                          : name == "ServerTime" ? &document.server_time
                                                 : nullptr;
      if (into != nullptr)
        *into = xml.text();
      else
        xml.skip();
    }
  } catch (const Error&) {
    if (document.code.empty()) return std::nullopt;
  }
  return document;
}

Error make_error(const Answer& answer, const ErrorDocument& document, std::string operation,
                 std::string subject) {
  const Meaning meaning = meaning_of(answer.status, document.code);
  // What a server writes is shown, not trusted: one line, and not a page of it.
  constexpr std::size_t kLongest = 400;
  std::string message = document.message.empty() ? std::string(words_for_status(answer.status))
                                                 : visible(document.message.substr(0, kLongest));
  std::string id = document.request_id.empty() ? answer.request_id : document.request_id;
  const std::string& host_id = document.host_id.empty() ? answer.host_id : document.host_id;
  if (!host_id.empty()) id += id.empty() ? host_id : " / " + host_id;
  Error error = Error(meaning.error_class, std::move(message))
                    .during(std::move(operation))
                    .on(std::move(subject))
                    .with_code(visible(document.code.substr(0, kLongest)), answer.status)
                    .with_retryable(meaning.again == Again::yes);
  if (!id.empty()) error = error.with_request_id(visible(id.substr(0, kLongest)));
  if (!meaning.hint.empty()) error = error.with_hint(std::string(meaning.hint));
  if (answer.retry_after) error = error.with_retry_after(*answer.retry_after);
  return error;
}

Remedy remedy_for(const Answer& answer, const ErrorDocument& document, std::string_view operation) {
  const std::string_view code = document.code;
  if (code == "RequestTimeTooSkewed") return Remedy::fix_clock;
  if (code == "ExpiredToken" || code == "InvalidToken" || code == "TokenRefreshRequired")
    return Remedy::refresh;
  if (code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed") return Remedy::redirect;
  if (code == "IllegalLocationConstraintException" && operation != "CreateBucket") return Remedy::redirect;
  if (answer.status == 301 || answer.status == 302 || answer.status == 307) return Remedy::redirect;
  // HEAD has no document to say it.
  if (answer.status == 400 && code.empty() && !answer.bucket_region.empty()) return Remedy::redirect;
  return Remedy::none;
}

bool is_throttle(int status, std::string_view code) {
  return meaning_of(status, code).error_class == throttled;
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view seconds,
                                                           std::string_view milliseconds) {
  constexpr std::uint64_t kMost = 60'000;
  const auto number = [](std::string_view text) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || error != std::errc{} || stopped != end) return std::nullopt;
    return value;
  };
  if (const auto value = number(milliseconds)) return std::chrono::milliseconds(std::min(*value, kMost));
  if (const auto value = number(seconds))
    return std::chrono::milliseconds(std::min(*value, kMost / 1000) * 1000);
  return std::nullopt;
}

}  // namespace haul::s3
