// mb, rb and presign: what is asked of a bucket or of one object, without moving anything.

#include <fmt/format.h>

#include "app/commands.h"
#include "app/job_builder.h"
#include "app/store_factory.h"
#include "app/usage_error.h"
#include "base/utf8.h"
#include "stores/s3/s3_admin.h"

namespace haul::app {
namespace {

// "s3://name", and as everybody types it, "name".
std::string bucket_name(const std::string& text) {
  const store::Location location = parse_place(text.starts_with("s3://") ? text : "s3://" + text);
  if (!location.path.empty())
    throw UsageError(visible(text) + " is more than a bucket", "write s3://" + location.bucket);
  return location.bucket;
}

std::shared_ptr<s3::S3Store> open_bucket(Session& session, const std::string& name) {
  const SideSettings& side = session.settings().both;
  session.services().need(side, {name, "", access_needed(session.settings(), Side::source)});
  return session.services().bucket(side, name, Use::write);
}

void say_done(Session& session, const std::string& bucket, std::string_view what) {
  const Settings& settings = session.settings();
  if (settings.json)
    session.output().write(fmt::format("{{\"bucket\":\"{}\",\"result\":\"{}\"}}\n", bucket, what));
  else if (!settings.quiet)
    session.output().write(fmt::format("s3://{} {}\n", bucket, what));
}

Task<RunReport> empty_bucket(Session& session, std::shared_ptr<s3::S3Store> store) {
  job::Job job;
  job.operation = job::Operation::remove;
  job.options = job_options(session.settings(), session.runtime().shard_count(), nullptr);
  OpContext context = session.context();
  job.options.all_versions = !(co_await s3::versioning_status(store->bucket(), context)).empty();
  job.sources.push_back({.store = store, .text = "s3://" + store->bucket().name()});
  co_return co_await run_here(session, job);
}

Task<> remove_empty_bucket(std::shared_ptr<s3::S3Store> store, OpContext& context) {
  if (!co_await s3::delete_bucket(store->bucket(), context))
    throw Error(ErrorClass::not_found, "there is no such bucket").on("s3://" + store->bucket().name());
}

// Emptying is a run, and its accounts come when the bucket has gone, or else say why it is still there.
Task<int> remove_bucket_and_contents(Session& session, std::shared_ptr<s3::S3Store> store) {
  RunReport report = co_await empty_bucket(session, store);
  if (exit_code_of(session.settings(), report.result) == kDone) {
    OpContext context = session.context();
    try {
      co_await remove_empty_bucket(store, context);
    } catch (const Error& error) {
      report.result.error = error;
    }
  } else if (report.result.status != job::RunStatus::cancelled && !report.result.error) {
    report.result.error =
        Error(ErrorClass::precondition_failed, "the bucket could not be emptied, so it stays")
            .on("s3://" + store->bucket().name());
  }
  if (report.result.error && report.result.status != job::RunStatus::cancelled)
    report.result.status = job::RunStatus::failed;
  co_return give_report(session, report);
}

}  // namespace

Task<int> make_bucket_command(Session& session) {
  const std::string name = bucket_name(session.settings().locations[0]);
  const auto store = open_bucket(session, name);
  OpContext context = session.context();
  const s3::Created created =
      co_await s3::create_bucket(store->bucket(), session.settings().both.region, context);
  say_done(session, name, created == s3::Created::made ? "made" : "was yours already");
  co_return kDone;
}

Task<int> remove_bucket_command(Session& session) {
  const std::string name = bucket_name(session.settings().locations[0]);
  const auto store = open_bucket(session, name);
  // With --json the account of what was in it is the one document.
  if (session.settings().force) {
    const int code = co_await remove_bucket_and_contents(session, store);
    if (code == kDone && !session.settings().json) say_done(session, name, "removed");
    co_return code;
  }
  OpContext context = session.context();
  co_await remove_empty_bucket(store, context);
  say_done(session, name, "removed");
  co_return kDone;
}

Task<int> presign_command(Session& session) {
  const Settings& settings = session.settings();
  const store::Location location = parse_place(settings.locations[0]);
  if (location.scheme != store::Scheme::s3 || location.path.empty())
    throw UsageError(visible(location.text) + " is no object of S3", "write s3://bucket/key");
  announce_needs(settings, session.services());
  const auto store = session.services().bucket(settings.both, location.bucket, Use::read);
  OpContext context = session.context();
  // A link is signed for one region. Without a word on it, the bucket knows its own.
  const s3::S3Service& service = store->bucket().service();
  if (service.options().endpoint.empty() && settings.both.region.empty())
    co_await s3::head_bucket(store->bucket(), context);
  const std::string url = co_await store->bucket().presign(settings.method, location.path,
                                                           settings.version_id, settings.expires, context);
  if (settings.json) {
    std::string& out = session.output().buffer();
    out += "{\"url\":";
    append_json(out, url);
    out += fmt::format(",\"method\":\"{}\",\"expires_seconds\":{}}}\n", settings.method,
                       settings.expires.count());
  } else {
    session.output().write(url + "\n");
  }
  co_return kDone;
}

}  // namespace haul::app
