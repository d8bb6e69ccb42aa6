#include "stores/local/local_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/utf8.h"
#include "runtime/task_group.h"
#include "stores/local/file_key.h"
#include "stores/local/local_lister.h"
#include "stores/local/local_reader.h"
#include "stores/local/local_remover.h"
#include "stores/local/local_writer.h"

namespace haul::local {
namespace {

constexpr std::size_t kRemovedAtOnce = 64;  // keys, in one go on the pool

store::Capabilities file_capabilities(const LocalOptions& options) {
  store::Capabilities can;
  can.ordered_listing = true;
  // Not range_listing: each range would read and sort all names of the directories that it shares with
  // others.
  can.keeps_posix = options.preserve.mode && options.preserve.times;
  can.create_only = true;
  can.modified_is_settable = options.preserve.times;
  can.rereads = true;
  can.directories = true;
  return can;
}

Task<> remove_some(std::shared_ptr<Place> place, std::span<const store::RemoveItem> items,
                   std::span<store::RemoveResult> results, OpContext& context) {
  std::vector<std::size_t> open(items.size());
  for (std::size_t i = 0; i < open.size(); ++i)
    open[i] = i;
  const auto remove_open = [&] {
    std::erase_if(open, [&](std::size_t i) {
      results[i].error = remove_item(*place, items[i]);
      return !results[i].error || !results[i].error->retryable();
    });
    if (!open.empty()) throw *results[open.front()].error;
  };
  try {
    co_await with_retry(context, place->options.retry, Replay::safe,
                        [&] { return context.blocking([&] { remove_open(); }); });
  } catch (const Error& error) {
    if (!error.retryable()) throw;  // stopped, not failed: the results hold the failures
  }
}

}  // namespace

LocalStore::LocalStore(LocalOptions options)
    : capabilities_(file_capabilities(options)), place_(std::make_shared<Place>(std::move(options))) {}
LocalStore::~LocalStore() = default;

std::string LocalStore::describe(std::string_view key) const {
  return place_->root.describe(key);
}

std::unique_ptr<store::Lister> LocalStore::list(store::ListRequest request) {
  return make_lister(place_, std::move(request));
}

Task<std::optional<store::Details>> LocalStore::stat(std::string key, store::ReadOptions options,
                                                     OpContext& context) {
  context.check();
  if (!why_not_a_file(key).empty()) co_return std::nullopt;
  co_return co_await with_retry(context, place_->options.retry, Replay::safe, [&] {
    return context.blocking([&] { return look_up(*place_, key, options.properties); });
  });
}

Task<std::unique_ptr<store::Reader>> LocalStore::read(std::string key, store::ReadOptions options,
                                                      OpContext& context) {
  context.check();
  if (const std::string_view why = why_not_a_file(key); !why.empty() || key.ends_with('/')) {
    throw Error(ErrorClass::not_found, why.empty() ? "it is a directory" : std::string(why))
        .during("read")
        .on(describe(key));
  }
  co_return co_await with_retry(context, place_->options.retry, Replay::safe, [&] {
    return context.blocking([&] { return open_reader(place_, key, options); });
  });
}

Task<store::Written> LocalStore::write(std::string key, Body& body, store::WriteOptions options,
                                       OpContext& context) {
  return write_body(place_, std::move(key), body, std::move(options), context);
}

Task<std::unique_ptr<store::Upload>> LocalStore::begin_upload(std::string key, store::WriteOptions options,
                                                              OpContext& context) {
  context.check();
  check_writable(*place_, key, options);
  if (key.ends_with('/')) {
    throw Error(ErrorClass::invalid_argument,
                "a key that ends in '/' is a directory here and holds no content")
        .during("upload")
        .on(describe(key));
  }
  const std::uint64_t chance = context.env().random();
  co_return co_await with_retry(context, place_->options.retry, Replay::safe, [&] {
    return context.blocking([&]() -> std::unique_ptr<store::Upload> {
      return std::make_unique<LocalUpload>(place_, key, options, chance);
    });
  });
}

bool LocalStore::can_copy_from(const store::Store&) const noexcept {
  return false;  // bytes of files pass through here in any case
}

Task<store::Written> LocalStore::copy_from(store::Store&, std::string, std::string key, store::CopyOptions,
                                           OpContext&) {
  throw Error(ErrorClass::unsupported, "files are copied by reading and writing")
      .during("copy")
      .on(describe(key));
  co_return store::Written{};
}

Task<std::vector<store::RemoveResult>> LocalStore::remove(std::span<const store::RemoveItem> items,
                                                          OpContext& context) {
  context.check();
  std::vector<store::RemoveResult> results(items.size());
  TaskGroup group(context.executor());
  for (std::size_t at = 0; at < items.size(); at += kRemovedAtOnce) {
    const std::size_t count = std::min(kRemovedAtOnce, items.size() - at);
    group.spawn(
        remove_some(place_, items.subspan(at, count), std::span(results).subspan(at, count), context));
  }
  co_await group.join();
  co_return results;
}

Task<> LocalStore::set_tags(std::string key, store::Tags, OpContext&) {
  throw Error(ErrorClass::unsupported, "files have no tags").during("set tags").on(describe(key));
  co_return;
}

Task<store::Tags> LocalStore::get_tags(std::string key, std::string, OpContext&) {
  throw Error(ErrorClass::unsupported, "files have no tags").during("get tags").on(describe(key));
  co_return store::Tags{};
}

Task<> LocalStore::make_durable(OpContext& context) {
  context.check();
  co_await context.blocking([this] {
    const Opened root = place_->root.open("", O_RDONLY | O_DIRECTORY);
    if (root.error == ENOENT) return;  // nothing was written
    if (!root) throw place_->root.failure(root.error, "open", "");
    if (uninterrupted([&] { return ::syncfs(root.descriptor.get()); }) != 0)
      throw place_->root.failure(errno, "sync", "");
  });
}

Task<std::uint64_t> LocalStore::discard_remains(std::vector<std::string_view> keys, Time /*after*/,
                                                Time before, OpContext& context) {
  co_return co_await context.blocking([&] { return remove_remains(*place_, keys, before); });
}

Task<std::uint64_t> LocalStore::remove_abandoned_temporaries(OpContext& context) {
  const Time before = context.env().wall_now() - place_->options.abandoned_after;
  co_return co_await context.blocking([this, before, &context] {
    return remove_abandoned(*place_, before, [&context] { context.check(); });
  });
}

SingleFile split_file_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {".", escape_name(path)};
  return {std::string(path.substr(0, std::max<std::size_t>(slash, 1))), escape_name(path.substr(slash + 1))};
}

}  // namespace haul::local
