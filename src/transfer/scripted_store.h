// Any store, doing at set moments what a test wants of it. For the tests of this room, which choose what is
// inside: usually the store in memory.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/manual_runtime.h"
#include "store/store.h"

namespace haul::transfer {

// What happens in a call before it reaches the store (it may throw), or to its answer.
struct Script {
  std::function<void(const store::ReadOptions&)> before_read = [](const auto&) {};
  std::function<void(store::Details&)> after_stat = [](store::Details&) {};
  std::function<void()> before_write = [] {};
  std::function<void(std::uint32_t number)> before_part = [](std::uint32_t) {};
  std::function<int(std::uint32_t number)> part_delay = [](std::uint32_t) {
    return 0;
  };  // in turns of the loop
  std::function<void()> before_complete = [] {};
  std::function<void()> before_copy = [] {};
  std::function<void(store::Written&)> after_write = [](store::Written&) {};
  std::function<void()> before_abort = [] {};
  bool copies = false;  // can_copy_from
};

struct CallCounts {
  int reads = 0, stats = 0, writes = 0, parts = 0, uploads = 0, copies = 0, aborts = 0, removes = 0;
};

template <class Inner>
class ScriptedStoreOf final : public store::Store {
 public:
  template <class... Options>
  explicit ScriptedStoreOf(Options&&... options) : inner(std::forward<Options>(options)...) {}

  Inner inner;
  Script script;
  CallCounts calls;

  const store::Capabilities& capabilities() const noexcept override { return inner.capabilities(); }
  std::string describe(std::string_view key) const override { return inner.describe(key); }
  std::unique_ptr<store::Lister> list(store::ListRequest request) override {
    return inner.list(std::move(request));
  }
  Task<std::optional<store::Details>> stat(std::string key, store::ReadOptions options,
                                           OpContext& context) override {
    ++calls.stats;
    auto details = co_await inner.stat(std::move(key), std::move(options), context);
    if (details) script.after_stat(*details);
    co_return details;
  }
  Task<std::unique_ptr<store::Reader>> read(std::string key, store::ReadOptions options,
                                            OpContext& context) override {
    ++calls.reads;
    script.before_read(options);
    co_return co_await inner.read(std::move(key), std::move(options), context);
  }
  Task<store::Written> write(std::string key, Body& body, store::WriteOptions options,
                             OpContext& context) override {
    ++calls.writes;
    script.before_write();
    auto written = co_await inner.write(std::move(key), body, std::move(options), context);
    script.after_write(written);
    co_return written;
  }
  Task<std::unique_ptr<store::Upload>> begin_upload(std::string key, store::WriteOptions options,
                                                    OpContext& context) override {
    ++calls.uploads;
    auto upload = co_await inner.begin_upload(std::move(key), std::move(options), context);
    co_return std::make_unique<ScriptedUpload>(*this, std::move(upload));
  }
  bool can_copy_from(const store::Store&) const noexcept override { return script.copies; }
  Task<store::Written> copy_from(store::Store& source, std::string source_key, std::string key,
                                 store::CopyOptions options, OpContext& context) override {
    ++calls.copies;
    script.before_copy();
    auto written =
        co_await inner.copy_from(dynamic_cast<ScriptedStoreOf&>(source).inner, std::move(source_key),
                                 std::move(key), std::move(options), context);
    script.after_write(written);
    co_return written;
  }
  Task<std::vector<store::RemoveResult>> remove(std::span<const store::RemoveItem> items,
                                                OpContext& context) override {
    ++calls.removes;
    co_return co_await inner.remove(items, context);
  }
  Task<> set_tags(std::string key, store::Tags tags, OpContext& context) override {
    co_await inner.set_tags(std::move(key), std::move(tags), context);
  }
  Task<store::Tags> get_tags(std::string key, std::string version, OpContext& context) override {
    co_return co_await inner.get_tags(std::move(key), std::move(version), context);
  }

 private:
  class ScriptedUpload final : public store::Upload {
   public:
    ScriptedUpload(ScriptedStoreOf& store, std::unique_ptr<store::Upload> upload)
        : store_(store), upload_(std::move(upload)) {}
    Task<Checksum> write_part(std::uint32_t number, std::uint64_t offset, Body& part,
                              OpContext& context) override {
      ++store_.calls.parts;
      store_.script.before_part(number);
      for (int turns = store_.script.part_delay(number); turns > 0; --turns)
        co_await yield(context.executor());
      co_return co_await upload_->write_part(number, offset, part, context);
    }
    ChecksumAlgorithm checksum_algorithm() const override { return upload_->checksum_algorithm(); }
    Task<store::Written> complete(const Checksum& whole, OpContext& context) override {
      store_.script.before_complete();
      auto written = co_await upload_->complete(whole, context);
      store_.script.after_write(written);
      co_return written;
    }
    Task<> abort(OpContext& context) override {
      ++store_.calls.aborts;
      store_.script.before_abort();
      context.check();
      co_await upload_->abort(context);
    }

   private:
    ScriptedStoreOf& store_;
    std::unique_ptr<store::Upload> upload_;
  };
};

// `size` bytes in which no two places look alike.
inline std::string sample_content(std::size_t size, std::uint64_t seed = 1) {
  std::string content(size, '\0');
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  for (std::size_t at = 0; at < size; at += sizeof state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(content.data() + at, &state, std::min(sizeof state, size - at));
  }
  return content;
}

// Two stores and a way between them, in a simulated world.
template <class Inner>
struct TransferWorldOf {
  explicit TransferWorldOf(std::uint64_t memory = 64ULL << 20) : world(memory) {}

  ManualRuntime world;
  ScriptedStoreOf<Inner> source, destination;
};

}  // namespace haul::transfer
