// ls: what there is. It streams: nothing is kept, the first line comes with the first page.

#include <fmt/format.h>

#include "app/commands.h"
#include "app/entry_format.h"
#include "app/estimate.h"
#include "app/listed_place.h"
#include "app/usage_error.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "stores/s3/s3_admin.h"

namespace haul::app {
namespace {

struct ListSums {
  std::uint64_t objects = 0, bytes = 0, failures = 0;
};

Task<> list_buckets(Session& session) {
  const Settings& settings = session.settings();
  OpContext context = session.context();
  const auto service = session.services().bucket(settings.both, "", Use::read);
  EntryFormat format(false, false);
  std::string& out = session.output().buffer();
  for (const s3::BucketEntry& bucket : co_await s3::list_buckets(service->bucket(), context)) {
    if (settings.json) {
      out += "{\"bucket\":";
      append_json(out, bucket.name);
      out += ",\"created\":\"" + format_iso8601(bucket.created) + "\"}\n";
    } else {
      format.append_time(out, bucket.created);
      out += " " + bucket.name + "\n";
    }
  }
}

// One level: objects and common prefixes, in the order of their names.
Task<> list_level(Session& session, ListedPlace& place, EntryFormat& format, ListSums& sums) {
  const Settings& settings = session.settings();
  OpContext context = session.context();
  listing::Filter filter(settings.filters, place.prefix);
  store::ListRequest request;
  request.prefix = place.prefix;
  request.one_level = true;
  request.all_versions = settings.all_versions;
  const std::unique_ptr<store::Lister> lister = place.store->list(request);
  for (bool last = false; !last;) {
    const store::ListPage page = co_await lister->next(context);
    last = page.last;
    std::string& out = session.output().buffer();
    for (const store::ListFailure& failure : page.failures) {
      ++sums.failures;
      session.screen().say(std::string("haul: ") + failure.error.what());
    }
    for (const std::string_view prefix : page.common_prefixes) {
      if (settings.json) {
        out += "{\"prefix\":";
        append_json(out, prefix);
        out += "}\n";
      } else {
        format.append_prefix(out, prefix.substr(std::min(prefix.size(), place.prefix.size())));
      }
    }
    for (const store::Entry& entry : page.entries) {
      if (filter.judge(entry) != listing::FilterReason::accepted) continue;
      ++sums.objects;
      sums.bytes += entry.size;
      if (settings.json)
        append_entry_json(out, entry);
      else
        format.append(out, entry, entry.key.substr(place.prefix.size()));
      session.output().pump();
    }
  }
}

Task<> list_tree(Session& session, ListedPlace& place, EntryFormat& format, ListSums& sums) {
  Output& output = session.output();
  const bool json = session.settings().json;
  const auto visit = [&output, &format, &sums, json](const store::Entry& entry) {
    ++sums.objects;
    sums.bytes += entry.size;
    if (json)
      append_entry_json(output.buffer(), entry);
    else
      format.append(output.buffer(), entry, entry.key);
    output.pump();
  };
  sums.failures += co_await visit_entries(session, place, listing::ListOrder::by_key, visit);
}

Task<> list_place(Session& session, StoreFactory& stores, std::string text, ListSums& sums) {
  const Settings& settings = session.settings();
  OpContext context = session.context();
  EntryFormat format(settings.human, settings.all_versions);
  ListedPlace place = co_await listed_place(session, stores, std::move(text), context);
  if (settings.recursive || place.glob || !place.is_tree) {
    co_await list_tree(session, place, format, sums);
    co_return;
  }
  if (place.object) {
    const store::Entry entry = entry_of(*place.object);
    ++sums.objects;
    sums.bytes += entry.size;
    if (settings.json)
      append_entry_json(session.output().buffer(), entry);
    else
      format.append(session.output().buffer(), entry, entry.key.substr(entry.key.rfind('/') + 1));
  }
  co_await list_level(session, place, format, sums);
}

}  // namespace

Task<int> list_command(Session& session) {
  const Settings& settings = session.settings();
  if (settings.locations.empty() || (settings.locations.size() == 1 && settings.locations[0] == "s3://")) {
    co_await list_buckets(session);
    co_return kDone;
  }
  announce_needs(settings, session.services());
  RealStores stores(settings, session.services());
  ListSums sums;
  for (const std::string& text : settings.locations) {
    if (settings.locations.size() > 1 && !settings.json) session.output().write(visible(text) + ":\n");
    co_await list_place(session, stores, text, sums);
  }
  if (settings.summarize && settings.json)
    session.output().write(fmt::format("{{\"objects\":{},\"bytes\":{}}}\n", sums.objects, sums.bytes));
  else if (settings.summarize)
    session.output().write(fmt::format("\n{} objects, {} bytes ({})\n", with_commas(sums.objects),
                                       with_commas(sums.bytes), format_size(sums.bytes)));
  session.output().flush();
  co_return sums.failures == 0 ? kDone : kSomeFailed;
}

}  // namespace haul::app
