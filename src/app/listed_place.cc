#include "app/listed_place.h"

#include <filesystem>

#include "app/usage_error.h"
#include "base/utf8.h"
#include "stores/local/local_store.h"

namespace haul::app {
namespace {

namespace fs = std::filesystem;

void take_pattern(ListedPlace& place, const std::string& pattern) {
  try {
    place.glob.emplace(pattern, GlobDialect::location);
  } catch (const Error& error) {
    throw UsageError(error.on(visible(place.text)));
  }
  place.prefix = place.glob->literal_prefix();
}

Task<bool> anything_below(store::Store& store, std::string prefix, bool all_versions, OpContext& context) {
  store::ListRequest request;
  request.prefix = std::move(prefix);
  request.page_size = 1;
  request.all_versions = all_versions;
  const std::unique_ptr<store::Lister> lister = store.list(std::move(request));
  const store::ListPage page = co_await lister->next(context);
  co_return !page.entries.empty() || !page.last;
}

// A key comes before all others that begin with it.
Task<bool> has_versions(store::Store& store, std::string key, OpContext& context) {
  store::ListRequest request;
  request.prefix = key;
  request.page_size = 1;
  request.all_versions = true;
  const std::unique_ptr<store::Lister> lister = store.list(std::move(request));
  const store::ListPage page = co_await lister->next(context);
  co_return !page.entries.empty() && page.entries.front().key == key;
}

ListedPlace local_place(StoreFactory& stores, const store::Location& location) {
  ListedPlace place;
  place.text = location.text;
  std::error_code error;
  if (is_pattern(location)) {
    const std::string directory = fixed_directory(location.path);
    place.store = stores.tree(Side::source, directory.empty() ? "." : directory);
    std::string pattern = location.path;
    for (std::size_t slashes = std::ranges::count(directory, '/'); slashes > 0; --slashes)
      pattern.erase(0, pattern.find('/') + 1);
    take_pattern(place, pattern);
    return place;
  }
  if (!fs::exists(location.path, error))
    throw Error(ErrorClass::not_found, "there is no such file or directory").on(visible(location.text));
  if (fs::is_directory(location.path, error)) {
    place.store = stores.tree(Side::source, location.path);
    return place;
  }
  const local::SingleFile file = local::split_file_path(location.path);
  place.store = stores.directory_of_file(Side::source, file.root, fs::is_symlink(location.path, error));
  place.prefix = file.key;
  place.is_tree = false;
  return place;
}

}  // namespace

Task<ListedPlace> listed_place(Session& session, StoreFactory& stores, std::string text, OpContext& context) {
  const store::Location location = parse_place(text);
  if (location.scheme == store::Scheme::standard_stream)
    throw UsageError("- cannot be listed", "give a path or s3://bucket/prefix");
  if (location.scheme == store::Scheme::local) {
    ListedPlace place = local_place(stores, location);
    if (!place.is_tree) place.object = co_await stat_if_allowed(*place.store, place.prefix, {}, context);
    co_return place;
  }
  ListedPlace place;
  place.text = location.text;
  place.bucket = location.bucket;
  place.store = stores.bucket(Side::source, location.bucket);
  const bool all_versions = session.settings().all_versions;
  if (all_versions && !location.ends_in_slash() &&
      co_await has_versions(*place.store, location.path, context)) {
    take_pattern(place, literal_pattern(location.path));
    co_return place;
  }
  if (is_pattern(location)) {
    // What exists as it is written is no pattern.
    place.object = co_await stat_if_allowed(*place.store, location.path, {}, context);
    place.is_tree = !place.object;
    if (place.is_tree) take_pattern(place, location.path);
    co_return place;
  }
  place.prefix = as_directory(location.path);
  if (location.ends_in_slash()) co_return place;
  // A name without a slash: an object, a directory, or both.
  place.object = co_await stat_if_allowed(*place.store, location.path, {}, context);
  if (const auto plain = unescaped(location.path); plain && !place.object)
    place.object = co_await stat_if_allowed(*place.store, *plain, {}, context);
  place.is_tree = co_await anything_below(*place.store, place.prefix, all_versions, context);
  if (!place.object && !place.is_tree)
    throw Error(ErrorClass::not_found, "there is no such object and nothing below it")
        .on(visible(location.text))
        .with_hint("to find names that begin so: haul ls '" + visible(location.text) + "*'");
  co_return place;
}

store::Entry entry_of(const store::Details& details) {
  store::Entry entry;
  entry.key = details.key;
  entry.size = details.size;
  entry.modified = details.modified;
  entry.etag = details.etag;
  entry.version = details.version;
  entry.storage_class = details.storage_class;
  return entry;
}

Task<std::uint64_t> visit_entries(Session& session, ListedPlace& place, listing::ListOrder order,
                                  std::function<void(const store::Entry&)> visit) {
  const Settings& settings = session.settings();
  OpContext context = session.context();
  const std::string base = place.glob ? std::string() : place.prefix;
  listing::Filter filter(settings.filters, base);
  if (place.object) visit(entry_of(*place.object));
  if (!place.is_tree) co_return 0;
  store::ListRequest request;
  request.prefix = place.prefix;
  request.all_versions = settings.all_versions;
  listing::ParallelListOptions options;
  options.order = place.store->capabilities().ordered_listing ? order : listing::ListOrder::any;
  options.buffer = std::min<std::uint64_t>(options.buffer, settings.memory / 4);
  listing::ParallelLister lister(*place.store, request, options, context);
  std::uint64_t failures = 0;
  std::exception_ptr error;
  try {
    while (auto page = co_await lister.next(context)) {
      context.check();
      for (const store::ListFailure& failure : page->failures) {
        ++failures;
        session.screen().say(std::string("haul: ") + failure.error.what());
      }
      for (const store::Entry& entry : page->entries)
        if ((!place.glob || place.glob->matches(entry.key)) &&
            filter.judge(entry) == listing::FilterReason::accepted)
          visit(entry);
    }
  } catch (...) {
    error = std::current_exception();
  }
  co_await lister.close();
  if (error) std::rethrow_exception(error);
  co_return failures;
}

}  // namespace haul::app
