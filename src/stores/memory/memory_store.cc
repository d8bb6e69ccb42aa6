#include "stores/memory/memory_store.h"

#include <algorithm>

#include "base/utf8.h"
#include "stores/memory/memory_lister.h"
#include "stores/memory/memory_state.h"
#include "stores/memory/memory_upload.h"

namespace haul::memory {
namespace {

class MemoryReader final : public store::Reader {
 public:
  MemoryReader(store::Details details, std::shared_ptr<const void> owner, std::string_view rest,
               std::size_t chunk)
      : details_(std::move(details)),
        owner_(std::move(owner)),
        rest_(rest),
        size_(rest.size()),
        chunk_(chunk) {}

  const store::Details& details() const override { return details_; }
  std::uint64_t size() const override { return size_; }
  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    context.check();
    const std::size_t count = std::min({into.size(), rest_.size(), chunk_});
    std::ranges::copy(as_bytes(rest_.substr(0, count)), into.begin());
    rest_.remove_prefix(count);
    co_return count;
  }

 private:
  store::Details details_;
  std::shared_ptr<const void> owner_;  // keeps the bytes of rest_
  std::string_view rest_;
  std::uint64_t size_;
  std::size_t chunk_;
};

}  // namespace

store::Capabilities full_capabilities() {
  store::Capabilities all;
  all.ordered_listing = all.range_listing = true;
  all.keeps_metadata = all.keeps_tags = all.keeps_posix = all.keeps_storage_class = true;
  all.create_only = true;
  all.etag_in_listing = true;
  return all;
}

MemoryStore::MemoryStore(MemoryOptions options) : options_(std::move(options)) {}
MemoryStore::~MemoryStore() = default;

void MemoryStore::put(std::string key, std::string content, store::Properties properties, Time modified) {
  State state;
  state.content = std::move(content);
  state.modified = modified == Time{} ? system_env().wall_now() : modified;
  store::WriteOptions options;
  options.properties = &properties;
  commit(std::move(key), std::move(state), options);
}

std::optional<std::string> MemoryStore::content(std::string_view key) const {
  const StatePtr state = latest(key);
  return state ? std::optional(state->content) : std::nullopt;
}

std::vector<std::string> MemoryStore::keys() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> keys;
  for (const auto& [key, states] : objects_)
    if (!states.back()->delete_marker) keys.push_back(key);
  return keys;
}

std::size_t MemoryStore::pending_uploads() const {
  const std::lock_guard lock(mutex_);
  return pending_uploads_;
}

std::string MemoryStore::describe(std::string_view key) const {
  return options_.name + ":" + visible(key);
}

Error MemoryStore::failure(ErrorClass error_class, std::string message, std::string_view operation,
                           std::string_view key) const {
  return Error(error_class, std::move(message)).during(std::string(operation)).on(describe(key));
}

std::unique_ptr<store::Lister> MemoryStore::list(store::ListRequest request) {
  return std::make_unique<MemoryLister>(*this, std::move(request));
}

MemoryStore::StatePtr MemoryStore::find_locked(std::string_view key, std::string_view version) const {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return nullptr;
  const auto& states = found->second;
  if (version.empty()) return states.back()->delete_marker ? nullptr : states.back();
  const auto state = std::ranges::find(states, version, [](const StatePtr& s) { return s->version; });
  return state == states.end() || (*state)->delete_marker ? nullptr : *state;
}

MemoryStore::StatePtr MemoryStore::latest(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  return find_locked(key, {});
}

// The state that a pin means. Throws not_found, or source_changed if it is another one by now.
MemoryStore::StatePtr MemoryStore::require(std::string_view key, const store::Pin& pin,
                                           std::string_view operation) const {
  StatePtr state;
  {
    const std::lock_guard lock(mutex_);
    state = find_locked(key, pin.version);
  }
  if (!state) throw failure(ErrorClass::not_found, "there is no such object", operation, key);
  if ((!pin.etag.empty() && pin.etag != state->etag) || (pin.size && *pin.size != state->content.size()) ||
      (pin.modified && *pin.modified != state->modified)) {
    throw failure(ErrorClass::source_changed, "the object has changed since it was listed", operation, key);
  }
  return state;
}

store::Details MemoryStore::details_of(std::string_view key, const State& state,
                                       const store::ReadOptions& options) const {
  store::Details details;
  details.key = key;
  details.size = state.content.size();
  details.modified = details.changed = state.modified;
  details.etag = state.etag;
  details.version = state.version;
  details.storage_class = state.storage_class;
  details.checksums = state.checksums;
  details.part_count = state.part_count;
  if (state.properties.tags) details.tag_count = static_cast<unsigned>(state.properties.tags->size());
  if (options.properties) details.properties = state.properties;
  if (!options.tags)
    details.properties.tags.reset();
  else
    details.properties.tags = state.properties.tags.value_or(store::Tags{});
  return details;
}

store::Entry MemoryStore::entry_of(std::string_view key, const State& state, bool is_latest,
                                   TextArena& text) const {
  store::Entry entry;
  entry.key = text.store(key);
  entry.size = state.content.size();
  entry.modified = entry.changed = state.modified;
  if (options_.capabilities.etag_in_listing) entry.etag = text.store(state.etag);
  entry.version = text.store(state.version);
  entry.storage_class = text.store(state.storage_class);
  entry.latest = is_latest;
  if (state.delete_marker) entry.kind = store::EntryKind::delete_marker;
  return entry;
}

Task<std::optional<store::Details>> MemoryStore::stat(std::string key, store::ReadOptions options,
                                                      OpContext& context) {
  context.check();
  StatePtr state;
  {
    const std::lock_guard lock(mutex_);
    state = find_locked(key, options.pin.version);
  }
  if (!state) co_return std::nullopt;
  co_return details_of(key, *state, options);
}

Task<std::unique_ptr<store::Reader>> MemoryStore::read(std::string key, store::ReadOptions options,
                                                       OpContext& context) {
  context.check();
  StatePtr state = require(key, options.pin, "read");
  std::string_view rest = state->content;
  if (options.range) {
    if (options.range->offset > 0 && options.range->offset >= rest.size())
      throw failure(ErrorClass::invalid_argument, "the range begins behind the end of the object", "read",
                    key);
    rest = rest.substr(options.range->offset, options.range->length);
  }
  store::Details details = details_of(key, *state, options);
  co_return std::make_unique<MemoryReader>(std::move(details), std::move(state), rest, options_.read_chunk);
}

std::vector<std::string> MemoryStore::keep_what_is_possible(store::Properties& properties) const {
  const auto& can = options_.capabilities;
  std::vector<std::string> losses;
  if (!can.keeps_metadata) {
    if (!properties.metadata.empty()) losses.emplace_back("metadata");
    if (properties.content != store::ContentHeaders{}) losses.emplace_back("content headers");
    properties.metadata.clear();
    properties.content = {};
    properties.website_redirect.clear();
  }
  if (!can.keeps_tags) {
    if (properties.tags && !properties.tags->empty()) losses.emplace_back("tags");
    properties.tags.reset();
  }
  if (!can.keeps_posix) {
    if (properties.posix && *properties.posix != store::PosixAttributes{}) losses.emplace_back("posix");
    properties.posix.reset();
  }
  return losses;
}

store::Written MemoryStore::commit(std::string key, State state, const store::WriteOptions& options) {
  const auto& can = options_.capabilities;
  if (state.content.size() > can.max_object)
    throw failure(ErrorClass::invalid_argument, "the object is larger than the store takes", "write", key);
  store::Written written;
  if (options.properties != nullptr) state.properties = *options.properties;
  written.losses = keep_what_is_possible(state.properties);
  if (can.keeps_storage_class) state.storage_class = options.storage_class;
  if (can.modified_is_settable && state.properties.posix && state.properties.posix->mtime)
    state.modified = *state.properties.posix->mtime;
  if (state.etag.empty()) state.etag = etag_of(state.content);
  state.checksums.put(checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes(state.content)));
  if (options.checksum && options.checksum->type() == ChecksumType::full_object)
    state.checksums.put(*options.checksum);

  const std::lock_guard lock(mutex_);
  const StatePtr before = find_locked(key, {});
  if ((options.mode == store::WriteMode::create_only && before) ||
      (options.mode == store::WriteMode::if_etag && (!before || before->etag != options.etag))) {
    written.condition_failed = true;
    return written;
  }
  if (can.versions) state.version = "v" + std::to_string(++last_version_);
  written.etag = state.etag;
  written.version = state.version;
  written.size = state.content.size();
  written.checksums = state.checksums;
  auto& states = objects_[std::move(key)];
  if (!can.versions) states.clear();
  states.push_back(std::make_shared<const State>(std::move(state)));
  return written;
}

Task<store::Written> MemoryStore::write(std::string key, Body& body, store::WriteOptions options,
                                        OpContext& context) {
  context.check();
  if (key.empty()) throw failure(ErrorClass::invalid_argument, "a key cannot be empty", "write", key);
  if (body.size() > options_.capabilities.max_single_write)
    throw failure(ErrorClass::invalid_argument, "the object is too large to be written in one piece", "write",
                  key);
  State state;
  state.modified = context.env().wall_now();
  try {
    state.content = co_await drain(body, context);
    if (options.checksum) verify_content(state.content, *options.checksum);
  } catch (const Error& error) {
    throw error.during("write").on(describe(key));
  }
  store::Written written = commit(std::move(key), std::move(state), options);
  written.server_verified = options.checksum.has_value() && !written.condition_failed;
  co_return written;
}

Task<std::unique_ptr<store::Upload>> MemoryStore::begin_upload(std::string key, store::WriteOptions options,
                                                               OpContext& context) {
  context.check();
  if (key.empty()) throw failure(ErrorClass::invalid_argument, "a key cannot be empty", "upload", key);
  co_return std::make_unique<MemoryUpload>(*this, std::move(key), options);
}

bool MemoryStore::can_copy_from(const store::Store& source) const noexcept {
  const auto* other = dynamic_cast<const MemoryStore*>(&source);
  return other != nullptr && other->options_.service == options_.service;
}

Task<store::Written> MemoryStore::copy_from(store::Store& source, std::string source_key, std::string key,
                                            store::CopyOptions options, OpContext& context) {
  context.check();
  if (!can_copy_from(source))
    throw failure(ErrorClass::unsupported, "the source is not of the same service", "copy", key);
  const StatePtr from = dynamic_cast<MemoryStore&>(source).require(source_key, options.source, "copy");
  State state;
  state.content = from->content;
  state.modified = context.env().wall_now();
  state.storage_class = from->storage_class;
  if (options.write.properties == nullptr) options.write.properties = &from->properties;
  co_return commit(std::move(key), std::move(state), options.write);
}

Task<std::vector<store::RemoveResult>> MemoryStore::remove(std::span<const store::RemoveItem> items,
                                                           OpContext& context) {
  context.check();
  if (items.size() > options_.capabilities.max_remove)
    throw Error(ErrorClass::invalid_argument, "more keys than one request removes").during("remove");
  std::vector<store::RemoveResult> results(items.size());
  const Time now = context.env().wall_now();
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const store::RemoveItem& item = items[i];
    const auto found = objects_.find(item.key);
    if (found == objects_.end()) continue;
    const StatePtr meant = find_locked(item.key, item.version);
    if (meant && ((!item.etag.empty() && item.etag != meant->etag) ||
                  (item.size && *item.size != meant->content.size()))) {
      results[i].error = failure(ErrorClass::source_changed, "the object is no longer the one that was meant",
                                 "remove", item.key);
      continue;
    }
    auto& states = found->second;
    if (!options_.capabilities.versions) {
      objects_.erase(found);
    } else if (!item.version.empty()) {
      std::erase_if(states, [&](const StatePtr& s) { return s->version == item.version; });
      if (states.empty()) objects_.erase(found);
    } else if (!states.back()->delete_marker) {
      State marker;
      marker.delete_marker = true;
      marker.modified = now;
      marker.version = "v" + std::to_string(++last_version_);
      states.push_back(std::make_shared<const State>(std::move(marker)));
    }
  }
  co_return results;
}

Task<> MemoryStore::set_tags(std::string key, store::Tags tags, OpContext& context) {
  context.check();
  if (!options_.capabilities.keeps_tags)
    throw failure(ErrorClass::unsupported, "the store keeps no tags", "set tags", key);
  const std::lock_guard lock(mutex_);
  const StatePtr before = find_locked(key, {});
  if (!before) throw failure(ErrorClass::not_found, "there is no such object", "set tags", key);
  auto changed = std::make_shared<State>(*before);
  changed->properties.tags = std::move(tags);
  objects_.find(key)->second.back() = std::move(changed);
  co_return;
}

Task<store::Tags> MemoryStore::get_tags(std::string key, std::string version, OpContext& context) {
  context.check();
  if (!options_.capabilities.keeps_tags)
    throw failure(ErrorClass::unsupported, "the store keeps no tags", "get tags", key);
  store::Pin pin;
  pin.version = std::move(version);
  const StatePtr state = require(key, pin, "get tags");
  co_return state->properties.tags.value_or(store::Tags{});
}

}  // namespace haul::memory
