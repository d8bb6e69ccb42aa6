// doctor: everything that may stand in the way, looked at in the order in which it would.

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "app/commands.h"
#include "app/findings.h"
#include "app/store_factory.h"
#include "app/usage_error.h"
#include "auth/sts.h"
#include "base/bytes.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "runtime/body.h"
#include "stores/local/local_store.h"
#include "stores/s3/address.h"
#include "stores/s3/s3_admin.h"
#include "stores/s3/upload.h"

namespace haul::app {
namespace {

constexpr rlim_t kComfortableFiles = 4096;
constexpr std::chrono::minutes kTolerableSkew{5};  // refused from 15 on; mended by haul itself
constexpr std::size_t kUploadsNamed = 20;
constexpr std::chrono::hours kAbandonedAfter{24};

void check_machine(Findings& findings) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < kComfortableFiles)
    findings.note("open files", "", fmt::format("at most {}", limit.rlim_cur),
                  "more can be worked on at once with: ulimit -n 65536");
  else
    findings.good("open files", "", fmt::format("at most {}", limit.rlim_cur));
  const std::string folder = system_env().variable("TMPDIR").value_or("/var/tmp");
  if (::access(folder.c_str(), W_OK) != 0)
    findings.bad("temporary", "", visible(folder) + " cannot be written to",
                 "set TMPDIR to a writable folder");
  else
    findings.good("temporary", "", visible(folder));
}

// Reachability and clock by one request without credentials: any answer will do.
Task<> check_endpoint(Session& session, Findings& findings) {
  const auto store = session.services().bucket(session.settings().both, "", Use::read);
  const s3::S3Service& service = store->bucket().service();
  const s3::Address address = s3::resolve_address(service.options(), "", service.default_region());
  const std::string url = (address.endpoint.tls ? "https://" : "http://") + address.authority;
  OpContext context = session.context();
  auth::FetchAnswer answer;
  try {
    answer = co_await session.services().fetch().send({.method = "GET", .url = url + address.bucket_path},
                                                      context);
  } catch (const Error& error) {
    findings.bad("endpoint", "", error.on(url), "check --endpoint-url, the network and the proxy");
    co_return;
  }
  findings.good("endpoint", "", fmt::format("{} answers", url));
  const std::optional<Time> theirs = parse_http_date(answer.date);
  if (!theirs) co_return;
  const Duration skew = *theirs - session.env().wall_now();
  if (std::chrono::abs(skew) > kTolerableSkew)
    findings.note("clock", "",
                  fmt::format("{} {} the service", format_duration(std::chrono::abs(skew)),
                              skew > Duration(0) ? "behind" : "ahead of"),
                  "haul corrects for it; still, set the clock: timedatectl set-ntp true");
  else
    findings.good(
        "clock", "",
        fmt::format("within {} of the service",
                    format_duration(std::max<Duration>(std::chrono::abs(skew), std::chrono::seconds(1)))));
}

Task<bool> check_credentials(Session& session, const auth::Identity& identity, Findings& findings) {
  OpContext context = session.context();
  if (session.settings().both.no_sign_request) {
    findings.good("credentials", "", "none, as asked for (--no-sign-request)");
    co_return true;
  }
  std::string origin;
  try {
    const auth::Snapshot snapshot = co_await identity.credentials->get(context);
    origin = snapshot->origin;
    if (snapshot->expiry)
      origin +=
          fmt::format(", for another {}", format_duration(*snapshot->expiry - session.env().wall_now()));
    findings.good("credentials", "", "found: " + origin);
  } catch (const Error& error) {
    findings.bad("credentials", "", error,
                 "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile");
    co_return false;
  }
  const bool amazon = auth::talks_to_aws(identity.settings);
  if (!amazon && !identity.settings.sts_configured) {
    // Another service's keys are none of Amazon's business.
    findings.good("identity", "", "not asked for: no STS endpoint is configured for this service");
    co_return true;
  }
  try {
    const std::unique_ptr<auth::Sts> sts = auth::make_sts(identity.settings, session.services().fetch());
    const auth::CallerIdentity caller = co_await sts->caller_identity(*identity.credentials, context);
    findings.good("identity", "", caller.arn);
  } catch (const Error& error) {
    if (amazon)
      findings.bad("identity", "", error, "the keys may be wrong or deactivated");
    else
      findings.note("identity", "", "this service does not say who the credentials belong to", "");
  }
  co_return true;
}

template <class Check>
Task<bool> probe(Findings& findings, std::string check, std::string subject, std::string remedy, Check run) {
  std::optional<Error> failure;
  try {
    co_await run();
  } catch (...) {
    failure = current_error();
  }
  if (failure)
    findings.bad(check, subject, *failure, std::move(remedy));
  else
    findings.good(std::move(check), std::move(subject), "allowed");
  co_return !failure;
}

Task<> list_once(store::Store& store, std::string prefix, OpContext& context) {
  store::ListRequest request;
  request.prefix = std::move(prefix);
  request.page_size = 1;
  const std::unique_ptr<store::Lister> lister = store.list(std::move(request));
  co_await lister->next(context);
}

constexpr std::string_view kProbeText = "haul doctor was here; this may be removed\n";

Task<> write_probe(store::Store& store, std::string key, OpContext& context) {
  MemoryBody body(as_bytes(kProbeText));
  co_await store.write(std::move(key), body, {}, context);
}

Task<> read_probe(store::Store& store, std::string key, OpContext& context) {
  const std::unique_ptr<store::Reader> reader = co_await store.read(std::move(key), {}, context);
  std::array<std::byte, 256> piece{};
  while (co_await reader->read_some(piece, context) != 0) {
  }
}

Task<> remove_probe(store::Store& store, std::string key, OpContext& context) {
  const store::RemoveItem item{.key = key};
  const std::vector<store::RemoveResult> results = co_await store.remove({&item, 1}, context);
  if (!results.empty() && results[0].error) throw *results[0].error;
}

Task<> check_permissions(store::Store& store, const std::string& prefix, const std::string& subject,
                         bool owned, Findings& findings, OpContext& context) {
  const auto remedy = [&](const char* action) {
    return owned ? fmt::format("allow {} on {}* to this identity", action, visible(store.describe(prefix)))
                 : "change the owner or mode, or run as somebody else";
  };
  co_await probe(findings, "list", subject, remedy("s3:ListBucket"),
                 [&] { return list_once(store, prefix, context); });
  const std::string key = prefix + ".haul-doctor-" + make_id(context.env());
  const bool written = co_await probe(findings, "write", subject, remedy("s3:PutObject"),
                                      [&] { return write_probe(store, key, context); });
  if (!written) co_return;
  co_await probe(findings, "read", subject, remedy("s3:GetObject"),
                 [&] { return read_probe(store, key, context); });
  co_await probe(findings, "delete", subject, remedy("s3:DeleteObject"),
                 [&] { return remove_probe(store, key, context); });
}

Task<> check_uploads(Session& session, s3::S3Bucket& bucket, std::string prefix, const std::string& subject,
                     Findings& findings) {
  const Settings& settings = session.settings();
  OpContext context = session.context();
  const Time before = session.env().wall_now() - settings.older_than.value_or(kAbandonedAfter);
  std::uint64_t found = 0, aborted = 0;
  std::string named;
  s3::PendingUploads page;
  do {
    page = co_await s3::list_uploads(bucket, prefix, page.key_marker, page.upload_id_marker, context);
    for (const s3::PendingUpload& upload : page.uploads) {
      if (upload.initiated > before) continue;
      if (++found <= kUploadsNamed)
        named += fmt::format("\n                       {}  {}",
                             format_iso8601(upload.initiated, Fraction::none), visible(upload.key));
      if (!settings.abort_uploads) continue;
      co_await s3::abort_upload(bucket, upload.key, upload.upload_id, context);
      ++aborted;
    }
  } while (page.truncated);
  if (found == 0)
    findings.good("uploads", subject, "none abandoned");
  else if (aborted == found)
    findings.good("uploads", subject, fmt::format("{} abandoned, now aborted{}", found, named));
  else
    findings.note("uploads", subject,
                  fmt::format("{} abandoned, which are paid for as storage{}", found, named),
                  "abort them with: haul doctor --abort-uploads " + subject);
}

Task<> check_bucket(Session& session, StoreFactory& stores, store::Location location, Findings& findings) {
  OpContext context = session.context();
  const auto store = std::static_pointer_cast<s3::S3Store>(stores.bucket(Side::source, location.bucket));
  const std::string subject = visible(location.text);
  std::optional<s3::BucketHead> head;
  try {
    head = co_await s3::head_bucket(store->bucket(), context);
  } catch (const Error& error) {
    findings.bad("bucket", subject, error, "check credentials and endpoint");
    co_return;
  }
  if (!head) {
    findings.bad("bucket", subject, "does not exist", "make it with: haul mb s3://" + location.bucket);
    co_return;
  }
  findings.good("bucket", subject,
                head->accessible ? fmt::format("exists{}", head->region.empty() ? "" : ", in " + head->region)
                                 : "exists, and must not be looked at as a whole");
  co_await check_permissions(*store, location.path, subject, true, findings, context);
  try {
    co_await check_uploads(session, store->bucket(), location.path, subject, findings);
  } catch (const Error& error) {
    findings.bad("uploads", subject, error,
                 "allow s3:ListBucketMultipartUploads and s3:AbortMultipartUpload");
  }
}

Task<> check_directory(Session& session, StoreFactory& stores, store::Location location, Findings& findings) {
  OpContext context = session.context();
  const std::string subject = visible(location.text);
  std::error_code error;
  if (!std::filesystem::is_directory(location.path, error)) {
    findings.bad("directory", subject, "is none", "make it, or check the spelling");
    co_return;
  }
  const auto store = std::static_pointer_cast<local::LocalStore>(stores.tree(Side::source, location.path));
  co_await check_permissions(*store, "", subject, false, findings, context);
  if (session.settings().abort_uploads) {
    const std::uint64_t removed = co_await store->remove_abandoned_temporaries(context);
    findings.good("temporaries", subject, fmt::format("{} abandoned ones removed", removed));
  }
  const auto space = std::filesystem::space(location.path, error);
  if (!error) findings.good("space", subject, format_size(space.available) + " free");
}

}  // namespace

Task<int> doctor_command(Session& session) {
  const Settings& settings = session.settings();
  Findings findings;
  check_machine(findings);
  announce_needs(settings, session.services());
  RealStores stores(settings, session.services());
  const bool asks_s3 =
      settings.locations.empty() || std::ranges::any_of(settings.locations, [](const std::string& text) {
        return parse_place(text).scheme == store::Scheme::s3;
      });
  bool credible = true;
  if (asks_s3) {
    const auth::Identity& identity = session.services().identity(settings.both);
    co_await check_endpoint(session, findings);
    credible = co_await check_credentials(session, identity, findings);
  }
  for (const std::string& text : settings.locations) {
    const store::Location location = parse_place(text);
    if (location.scheme == store::Scheme::local)
      co_await check_directory(session, stores, location, findings);
    else if (location.scheme == store::Scheme::s3 && credible)
      co_await check_bucket(session, stores, location, findings);
  }
  session.output().write(settings.json ? findings.json() : findings.text());
  session.output().flush();
  co_return findings.any_bad() ? kSomeFailed : kDone;
}

}  // namespace haul::app
