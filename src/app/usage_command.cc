// du: sizes added up, by prefix down to a depth. Memory grows with the prefixes shown, not with the objects.

#include <fmt/format.h>

#include "app/commands.h"
#include "app/estimate.h"
#include "app/listed_place.h"
#include "app/usage_error.h"
#include "base/time_format.h"
#include "base/utf8.h"

namespace haul::app {
namespace {

struct Sum {
  std::uint64_t objects = 0, bytes = 0;
  void add(std::uint64_t size) {
    ++objects;
    bytes += size;
  }
};

// Sums of one place and of the prefixes in it.
class Sums {
 public:
  Sums(std::size_t skip, unsigned depth) : skip_(skip), depth_(depth) {}

  void add(const store::Entry& entry) {
    whole.add(entry.size);
    std::size_t end = skip_;
    for (unsigned level = 0; level < depth_; ++level) {
      const std::size_t slash = entry.key.find('/', end);
      if (slash == std::string_view::npos) return;
      end = slash + 1;
      const std::string_view prefix = entry.key.substr(0, end);
      auto found = by_prefix.find(prefix);
      if (found == by_prefix.end()) found = by_prefix.emplace(prefix, Sum{}).first;
      found->second.add(entry.size);
    }
  }

  Sum whole;
  std::map<std::string, Sum, std::less<>> by_prefix;

 private:
  const std::size_t skip_;
  const unsigned depth_;
};

void write_sum(Session& session, const Sum& sum, std::string_view name, bool is_whole) {
  const Settings& settings = session.settings();
  std::string& out = session.output().buffer();
  if (settings.json) {
    out += is_whole ? "{\"location\":" : "{\"prefix\":";
    append_json(out, name);
    out += fmt::format(",\"bytes\":{},\"objects\":{}}}\n", sum.bytes, sum.objects);
  } else {
    const std::string size = settings.human ? format_size(sum.bytes) : std::to_string(sum.bytes);
    out += fmt::format("{:>14} {:>12}  {}\n", size, with_commas(sum.objects), visible(name));
  }
  session.output().pump();
}

}  // namespace

Task<int> usage_command(Session& session) {
  const Settings& settings = session.settings();
  announce_needs(settings, session.services());
  RealStores stores(settings, session.services());
  OpContext context = session.context();
  std::uint64_t failures = 0;
  Sum total;
  for (const std::string& text : settings.locations) {
    ListedPlace place = co_await listed_place(session, stores, text, context);
    const unsigned depth = settings.summarize ? 0 : settings.depth.value_or(1);
    Sums sums(place.glob      ? fixed_directory(place.glob->pattern()).size()
              : place.is_tree ? place.prefix.size()
                              : 0,
              depth);
    const auto visit = [&sums](const store::Entry& entry) { sums.add(entry); };
    failures += co_await visit_entries(session, place, listing::ListOrder::any, visit);
    for (const auto& [prefix, sum] : sums.by_prefix)
      write_sum(session, sum, prefix, false);
    write_sum(session, sums.whole, text, true);
    total.objects += sums.whole.objects;
    total.bytes += sums.whole.bytes;
  }
  if (settings.locations.size() > 1 && !settings.json) write_sum(session, total, "total", true);
  session.output().flush();
  co_return failures == 0 ? kDone : kSomeFailed;
}

}  // namespace haul::app
