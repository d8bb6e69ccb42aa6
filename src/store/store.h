// The interface of every kind of place that holds objects. Vendors differ in Capabilities, never in methods.
//
// Keys are complete: a store knows nothing of the prefix a job works under. Absence and unmet conditions
// are values; failures are thrown as haul::Error with operation and subject filled in. Passing faults are
// retried inside (runtime/retry.h), so what is thrown is final for this operation.
// Thread safety: a Store may be used from any shard; what it returns (Lister, Reader, Upload) belongs to
// the shard it was made on and to one coroutine at a time. All references must outlive the await.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "runtime/body.h"
#include "runtime/context.h"
#include "runtime/task.h"
#include "store/entry.h"
#include "store/properties.h"

namespace haul::store {

// Positive facts: what a store can do.
struct Capabilities {
  bool ordered_listing = false;  // list() gives keys in ascending byte order
  bool range_listing = false;    // starting at any key is as cheap as starting at the first
  bool keeps_metadata = false;   // user metadata and content headers
  bool keeps_tags = false;
  bool keeps_posix = false;  // mode, owner, times: natively or as metadata
  bool keeps_storage_class = false;
  bool versions = false;
  bool create_only = false;  // WriteMode::create_only is atomic
  bool etag_in_listing = false;
  bool modified_is_settable = false;  // `modified` is the content's own time (files), not the time of writing
  bool rereads = false;               // reading a range once more costs little: the system has it in memory
  bool directories = false;           // has directories of their own, beside the objects below them
  std::uint64_t max_object = UINT64_MAX;
  std::uint64_t max_single_write = UINT64_MAX;  // beyond: begin_upload
  std::uint64_t min_part = 1, max_part = UINT64_MAX;
  std::uint32_t max_parts = UINT32_MAX;
  std::size_t max_remove = 1000;  // keys that one request removes
};

struct ListRequest {
  std::string prefix;      // only keys that begin with it
  std::string after;       // only keys greater than it; empty: from the first
  std::string until;       // only keys not greater than it; empty: to the last
  bool one_level = false;  // group by `/` below the prefix: entries and common prefixes
  bool all_versions = false;
  bool directories = false;  // file stores: list directories too; object stores: always list what there is
  std::uint32_t page_size = 1000;
};

// Gives the pages of one listing, in order where capabilities say so. After the page with `last`, next()
// must not be called again.
class Lister {
 public:
  virtual ~Lister() = default;
  virtual Task<ListPage> next(OpContext& context) = 0;
};

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Which state of an object is meant. A read whose object is in another state throws source_changed.
struct Pin {
  std::string etag;                   // empty: not compared
  std::string version;                // empty: the latest
  std::optional<std::uint64_t> size;  // file stores compare size and time before and after
  std::optional<Time> modified;
};

struct ReadOptions {
  std::optional<ByteRange> range;  // nothing: all of it
  Pin pin;
  bool properties = true;  // details() has the properties (tags only if `tags`)
  bool tags = false;
};

// A stream of an object's bytes. Resumes by itself at the byte where a connection broke.
class Reader {
 public:
  virtual ~Reader() = default;
  // Of the whole object, also when a range is read. Valid as long as the reader.
  virtual const Details& details() const = 0;
  // Bytes that this reader will give in all.
  virtual std::uint64_t size() const = 0;
  // Fills from the front of `into` as much as is there, at least one byte; 0 at the end. Never short: a body
  // that ends early throws data_loss, an object that changed throws source_changed.
  virtual Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) = 0;
};

enum class WriteMode : std::uint8_t { overwrite, create_only, if_etag };

struct WriteOptions {
  WriteMode mode = WriteMode::overwrite;
  std::string etag;                        // with if_etag
  const Properties* properties = nullptr;  // nothing: none
  std::string storage_class;               // empty: the store's setting
  std::optional<Checksum> checksum;        // of the whole content, if known beforehand: sent and checked
  std::uint64_t size = 0;                  // begin_upload: bytes in all, as far as known
};

// What a write left behind. `condition_failed`: nothing was written, the object was already there
// (create_only) or in another state (if_etag).
struct Written {
  bool condition_failed = false;
  bool server_verified = false;  // the store itself has compared a checksum or MD5 of what arrived
  std::string etag, version;
  std::uint64_t size = 0;
  Checksums checksums;
  std::vector<std::string> losses;  // properties it could not hold: "tags", "metadata", "owner" ...
};

// A large object that arrives in parts, in any order and in parallel (on one shard). It becomes visible
// under its name only by complete(). Destroying it without complete() or abort() leaves remains that a
// later run finds.
class Upload {
 public:
  virtual ~Upload() = default;
  // number counts from 1; offset is where the part begins in the object. Returns the part's checksum in the
  // algorithm of checksum_algorithm().
  virtual Task<Checksum> write_part(std::uint32_t number, std::uint64_t offset, Body& part,
                                    OpContext& context) = 0;
  virtual ChecksumAlgorithm checksum_algorithm() const = 0;
  // Whether parts are better given piece by piece than from memory, which costs that memory and the cache;
  // they are verified as well. `rereads`: what they are read from can be read again at little cost. To be
  // asked before the first part is written; may ask a service, once.
  virtual Task<bool> takes_pieces([[maybe_unused]] bool rereads, OpContext&) { co_return false; }
  // `whole` is the checksum of the source's bytes, composed from those read: the store must agree with it.
  virtual Task<Written> complete(const Checksum& whole, OpContext& context) = 0;
  virtual Task<> abort(OpContext& context) = 0;
};

// Which state is meant is optional: with it, an object that was changed since is not removed where the store
// can tell (object stores by etag, where the service supports conditional deletes; files by size and mtime).
struct RemoveItem {
  std::string_view key;
  std::string_view version;  // empty: the latest (leaves a delete marker where versions are kept)
  std::string_view etag;     // empty: not compared
  std::optional<std::uint64_t> size;
  std::optional<Time> modified;
};

// Removing what is gone is success. An object in another state than the one meant gives source_changed.
struct RemoveResult {
  std::optional<Error> error;
};

// A copy within the store's own service.
struct CopyOptions {
  Pin source;                     // state of the source that is meant
  std::uint64_t source_size = 0;  // as listed
  WriteOptions write;             // properties == nullptr: take the source's
};

class Store {
 public:
  virtual ~Store() = default;

  virtual const Capabilities& capabilities() const noexcept = 0;
  // How many requests of this context's shard it has in flight at most at this moment: operations beyond them
  // only wait. Changes all the time; unbounded where nothing bounds it.
  virtual std::size_t places(const OpContext&) const noexcept {
    return std::numeric_limits<std::size_t>::max();
  }
  // For messages: `s3://bucket/key` or the path. Control characters are made visible.
  virtual std::string describe(std::string_view key) const = 0;

  virtual std::unique_ptr<Lister> list(ListRequest request) = 0;
  virtual Task<std::optional<Details>> stat(std::string key, ReadOptions options, OpContext& context) = 0;
  // Throws not_found if there is no such object.
  virtual Task<std::unique_ptr<Reader>> read(std::string key, ReadOptions options, OpContext& context) = 0;
  virtual Task<Written> write(std::string key, Body& body, WriteOptions options, OpContext& context) = 0;
  virtual Task<std::unique_ptr<Upload>> begin_upload(std::string key, WriteOptions options,
                                                     OpContext& context) = 0;

  // Whether copy_from(source) works: one service and one identity that reads there and writes here.
  virtual bool can_copy_from(const Store& source) const noexcept = 0;
  // Copies without moving the bytes through here. Throws source_changed if the pin does not hold.
  virtual Task<Written> copy_from(Store& source, std::string source_key, std::string key, CopyOptions options,
                                  OpContext& context) = 0;

  // Returns once all that was written and acknowledged here survives a power cut. What acknowledges durably
  // anyway (object stores) has nothing to do.
  virtual Task<> make_durable(OpContext&) { co_return; }

  // Removes what writers of these keys that are gone have left behind: temporary files that nobody holds and
  // that were last touched before `before`, uploads begun after `after` and before `before` and never ended.
  // Nobody else may be writing these keys. Gives their number. Throws where it cannot look.
  virtual Task<std::uint64_t> discard_remains(std::vector<std::string_view>, Time /*after*/, Time /*before*/,
                                              OpContext&) {
    co_return 0;
  }

  // At most capabilities().max_remove items. One result an item, in order; throws only if all failed alike.
  virtual Task<std::vector<RemoveResult>> remove(std::span<const RemoveItem> items, OpContext& context) = 0;

  // Replaces all tags. Throws unsupported where capabilities().keeps_tags is false.
  virtual Task<> set_tags(std::string key, Tags tags, OpContext& context) = 0;
  virtual Task<Tags> get_tags(std::string key, std::string version, OpContext& context) = 0;
};

}  // namespace haul::store
