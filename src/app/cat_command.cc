// cat, and `-` as a source or destination of cp: bytes that come from or go to a pipe.

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "app/commands.h"
#include "app/estimate.h"
#include "app/job_builder.h"
#include "app/listed_place.h"
#include "app/run_report.h"
#include "app/store_factory.h"
#include "app/usage_error.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "stores/local/local_store.h"
#include "transfer/transfer.h"

namespace haul::app {
namespace {

constexpr std::size_t kPiece = 256U << 10;
constexpr int kLookAroundMs = 200;  // how soon a wish to stop is seen while nothing comes

class StandardInput final : public transfer::StreamSource {
 public:
  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    while (true) {
      context.check();
      const auto got = co_await context.blocking([into] { return read_with_patience(into); });
      if (got) co_return *got;
    }
  }

 private:
  // Nothing: nothing came for a while.
  static std::optional<std::size_t> read_with_patience(std::span<std::byte> into) {
    pollfd ready{STDIN_FILENO, POLLIN, 0};
    const int found = ::poll(&ready, 1, kLookAroundMs);
    if (found == 0 || (found < 0 && errno == EINTR)) return std::nullopt;
    const ssize_t n = ::read(STDIN_FILENO, into.data(), into.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
    if (n < 0) throw errno_error(errno, "read", "standard input");
    return static_cast<std::size_t>(n);
  }
};

bool is_stream(const std::string& text) {
  return text == "-";
}

Task<int> upload_standard_input(Session& session) {
  const Settings& settings = session.settings();
  announce_needs(settings, session.services());
  RealStores stores(settings, session.services());
  OpContext context = session.context();
  const store::Location location = parse_place(settings.locations.back());
  if (location.ends_in_slash())
    throw UsageError(visible(location.text) + " is no name for what comes from standard input",
                     "write the whole name: " + visible(location.text) + "NAME");
  PlaceResolver resolver(stores, {});
  const ResolvedDestination resolved = co_await resolver.destination(location, false, context);
  if (!resolved.destination.key)
    throw UsageError(visible(location.text) + " is a directory", "write the whole name");
  Bandwidth bandwidth(settings.bandwidth);
  const job::Options options =
      job_options(settings, session.runtime().shard_count(), settings.bandwidth != 0 ? &bandwidth : nullptr);
  if (settings.dry_run && settings.json) {
    RunReport planned;
    planned.result.status = job::RunStatus::completed;
    planned.result.accounts.listed = planned.result.accounts.copied = 1;
    session.output().write(report_json(settings, planned));
    co_return kDone;
  }
  if (settings.dry_run) {
    session.output().write("would copy standard input -> " + visible(location.text) + "\n");
    co_return kDone;
  }
  transfer::Transfer transfer(session.runtime(), options.transfer);
  StandardInput input;
  transfer::StreamRequest request{.source = input,
                                  .destination = *resolved.destination.store,
                                  .destination_key = *resolved.destination.key};
  request.properties.content.type = settings.content_type;
  if (options.create_only) request.mode = store::WriteMode::create_only;
  RunReport report;
  report.result.accounts.listed = 1;
  const SteadyTime start = session.env().steady_now();
  const transfer::TransferResult done = co_await transfer.stream(std::move(request), context);
  report.duration = session.env().steady_now() - start;
  job::Accounts& accounts = report.result.accounts;
  if (done.condition_failed) {
    accounts.skipped = 1;
  } else {
    accounts.copied = 1;
    accounts.copied_bytes = accounts.listed_bytes = done.bytes;
  }
  report.result.status = job::RunStatus::completed;
  report.requests = session.services().requests();
  if (settings.json)
    session.output().write(report_json(settings, report));
  else if (!settings.quiet)
    session.output().write(report_text(settings, report));
  co_return kDone;
}

}  // namespace

bool uses_standard_stream(const Settings& settings) {
  return std::ranges::any_of(settings.locations, is_stream);
}

Task<> write_object(Session& session, store::Store& store, std::string key, std::string version) {
  OpContext context = session.context();
  store::ReadOptions options;
  options.properties = false;
  options.pin.version = std::move(version);
  const std::unique_ptr<store::Reader> reader = co_await store.read(std::move(key), options, context);
  std::vector<std::byte> piece(kPiece);
  Output& output = session.output();
  while (true) {
    const std::size_t n = co_await reader->read_some(piece, context);
    if (n == 0) break;
    output.write({reinterpret_cast<const char*>(piece.data()), n});
    // A pipe that nobody empties must not hold up the shard's other work.
    co_await context.blocking([&output] { output.flush(); });
  }
}

Task<int> cat_command(Session& session) {
  const Settings& settings = session.settings();
  for (const std::string& text : settings.locations)
    if (is_stream(text))
      throw UsageError("- cannot be read here", "cat reads objects; standard input needs no haul");
  announce_needs(settings, session.services());
  RealStores stores(settings, session.services());
  OpContext context = session.context();
  for (const std::string& text : settings.locations) {
    PlaceResolver resolver(stores, {.version = settings.version_id});
    const ResolvedSource resolved = co_await resolver.source(parse_place(text), context);
    if (resolved.source.object) {
      co_await write_object(session, *resolved.source.store, resolved.source.object->key,
                            settings.version_id);
      continue;
    }
    // A pattern: its objects one after the other, in the order of their keys.
    std::vector<std::string> keys;
    ListedPlace place = co_await listed_place(session, stores, text, context);
    const auto visit = [&keys](const store::Entry& entry) { keys.emplace_back(entry.key); };
    co_await visit_entries(session, place, listing::ListOrder::by_key, visit);
    if (keys.empty()) throw Error(ErrorClass::not_found, "nothing matches").on(visible(text));
    for (const std::string& key : keys)
      co_await write_object(session, *place.store, key, "");
  }
  session.output().flush();
  co_return kDone;
}

Task<int> stream_command(Session& session) {
  const Settings& settings = session.settings();
  if (settings.command != Command::cp)
    throw UsageError("- works with cp alone",
                     "standard input and output cannot be compared, moved or removed");
  if (settings.locations.size() != 2)
    throw UsageError("- stands for one object", "give one source and one destination");
  if (settings.recursive || !settings.takes_everything() || settings.flatten ||
      !settings.name_template.empty())
    throw UsageError("- stands for one object: there is nothing to choose, to descend into or to rename",
                     "leave out -r, filters, lists of keys, --flatten and --template");
  const bool from = is_stream(settings.locations[0]), to = is_stream(settings.locations[1]);
  if (from && to)
    throw UsageError("standard input to standard output needs no haul", "give a location for one of them");
  if (from) co_return co_await upload_standard_input(session);
  announce_needs(settings, session.services());
  RealStores stores(settings, session.services());
  OpContext context = session.context();
  PlaceResolver resolver(stores, {.version = settings.version_id});
  const ResolvedSource resolved = co_await resolver.source(parse_place(settings.locations[0]), context);
  if (!resolved.source.object)
    throw UsageError(visible(settings.locations[0]) + " is not one object",
                     "standard output takes one; see haul cat");
  co_await write_object(session, *resolved.source.store, resolved.source.object->key, settings.version_id);
  co_return kDone;
}

}  // namespace haul::app
