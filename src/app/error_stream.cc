#include "app/error_stream.h"

#include <charconv>

namespace haul::app {
namespace {

constexpr std::uint64_t kPageRecords = 1000;

}  // namespace

ErrorStream::ErrorStream(engine::StateDirectory& state, std::string run, engine::ErrorFilter filter,
                         std::uint16_t source)
    : runs_(std::make_unique<engine::Runs>(state)),
      run_(std::move(run)),
      filter_(std::move(filter)),
      source_(source) {
  filter_.after = 0;
  filter_.limit = kPageRecords;
}

std::optional<store::ListPage> ErrorStream::read_page() {
  store::ListPage page;
  bool any = false;
  runs_->errors(run_, filter_, [&](const engine::ErrorRecord& record) {
    filter_.after = record.sequence;
    any = true;
    if (record.source != source_ || record.extra || record.key.empty()) return true;
    store::Entry& entry = page.entries.emplace_back();
    entry.key = page.text.store(record.key);
    entry.version = page.text.store(record.version);
    entry.row = page.text.store(record.row);
    entry.facts_known = false;
    return true;
  });
  if (!any) return std::nullopt;
  return page;
}

Task<std::optional<store::ListPage>> ErrorStream::next(OpContext& context) {
  while (true) {
    std::optional<store::ListPage> page = co_await context.blocking([this] { return read_page(); });
    if (!page) {
      facts_.ended = true;
      co_return std::nullopt;
    }
    if (page->entries.empty()) continue;
    facts_.count(*page);
    co_return page;
  }
}

void ErrorStream::go_on_at(std::string_view place) {
  std::uint64_t after = 0;
  const auto [end, error] = std::from_chars(place.data(), place.data() + place.size(), after);
  if (!place.empty() && (error != std::errc() || end != place.data() + place.size()))
    throw Error(ErrorClass::invalid_argument, "is no place in a list of errors");
  filter_.after = after;
}

}  // namespace haul::app
