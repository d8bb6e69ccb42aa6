// A store in memory: ordered, with metadata, tags, etags (MD5, as S3 makes them), versions if wanted,
// conditional writes, uploads in parts and copies between stores of one service.
//
// Capabilities are honoured as given, so that tests can ask how the rooms above cope with less: what
// cannot be kept is dropped and named in Written::losses, limits are enforced, an unordered listing is
// scattered.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace haul::memory {

// Everything an object store may have.
store::Capabilities full_capabilities();

struct MemoryOptions {
  store::Capabilities capabilities = full_capabilities();
  std::string name = "memory";        // in messages: `memory:key`
  std::string service = "memory";     // copy_from works between stores of one service
  std::size_t read_chunk = SIZE_MAX;  // read_some gives at most this much at once
};

// Thread safety: all methods may be called from any thread.
class MemoryStore final : public store::Store {
 public:
  explicit MemoryStore(MemoryOptions options = {});
  ~MemoryStore() override;

  // For setting up and looking at a store outside of coroutines.
  void put(std::string key, std::string content, store::Properties properties = {}, Time modified = {});
  std::optional<std::string> content(std::string_view key) const;  // of the latest version
  std::vector<std::string> keys() const;                           // without those that are deleted
  std::size_t pending_uploads() const;                             // neither completed nor aborted

  const store::Capabilities& capabilities() const noexcept override { return options_.capabilities; }
  std::string describe(std::string_view key) const override;
  std::unique_ptr<store::Lister> list(store::ListRequest request) override;
  Task<std::optional<store::Details>> stat(std::string key, store::ReadOptions options,
                                           OpContext& context) override;
  Task<std::unique_ptr<store::Reader>> read(std::string key, store::ReadOptions options,
                                            OpContext& context) override;
  Task<store::Written> write(std::string key, Body& body, store::WriteOptions options,
                             OpContext& context) override;
  Task<std::unique_ptr<store::Upload>> begin_upload(std::string key, store::WriteOptions options,
                                                    OpContext& context) override;
  bool can_copy_from(const store::Store& source) const noexcept override;
  Task<store::Written> copy_from(store::Store& source, std::string source_key, std::string key,
                                 store::CopyOptions options, OpContext& context) override;
  Task<std::vector<store::RemoveResult>> remove(std::span<const store::RemoveItem> items,
                                                OpContext& context) override;
  Task<> set_tags(std::string key, store::Tags tags, OpContext& context) override;
  Task<store::Tags> get_tags(std::string key, std::string version, OpContext& context) override;

 private:
  friend class MemoryLister;
  friend class MemoryUpload;

  // One state of an object; immutable once it is in the map, so that readers need no lock.
  struct State;
  using StatePtr = std::shared_ptr<const State>;
  using Objects = std::map<std::string, std::vector<StatePtr>, std::less<>>;  // newest last, never empty

  StatePtr find_locked(std::string_view key, std::string_view version) const;
  StatePtr latest(std::string_view key) const;
  StatePtr require(std::string_view key, const store::Pin& pin, std::string_view operation) const;
  store::Written commit(std::string key, State state, const store::WriteOptions& options);
  std::vector<std::string> keep_what_is_possible(store::Properties& properties) const;
  store::Details details_of(std::string_view key, const State& state,
                            const store::ReadOptions& options) const;
  store::Entry entry_of(std::string_view key, const State& state, bool is_latest, TextArena& text) const;
  Error failure(ErrorClass error_class, std::string message, std::string_view operation,
                std::string_view key) const;

  const MemoryOptions options_;
  mutable std::mutex mutex_;  // guards all below
  Objects objects_;
  std::uint64_t last_version_ = 0;
  std::size_t pending_uploads_ = 0;
};

}  // namespace haul::memory
