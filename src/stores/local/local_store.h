// Trees of files as a store: objects are regular files below a root directory, keys are their paths.
//
// Reads: a file of up to 256 KiB is opened, checked, read and closed in one go on the blocking pool; what is
// larger is read straight into the caller's memory. A file that changes between opening and the end (size,
// mtime, ctime) throws source_changed.
// Writes: under a temporary name beside the target, then renamed. Never through symbolic links, never out of
// the root (root.h). A key that cannot be a file (file_key.h, or `a` beside `a/b`) throws invalid_argument.
// Listing: in key order, streaming (tree_walker.h), with directories if asked. One level names every
// directory as a common prefix, without looking whether anything is in it.
// Keeps mode, times and owner; metadata, content headers and tags are named in Written::losses. There are no
// etags: WriteMode::if_etag throws unsupported.
#pragma once

#include <memory>

#include "store/store.h"
#include "stores/local/options.h"

namespace haul::local {

// Thread safety: as store::Store.
class LocalStore final : public store::Store {
 public:
  // Opens the root. Throws not_found or invalid_argument if it is missing or no directory.
  explicit LocalStore(LocalOptions options);
  ~LocalStore() override;

  const store::Capabilities& capabilities() const noexcept override { return capabilities_; }
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
  // Keys that end in `/` remove the directory if it is empty; otherwise the result is precondition_failed.
  Task<std::vector<store::RemoveResult>> remove(std::span<const store::RemoveItem> items,
                                                OpContext& context) override;
  Task<> set_tags(std::string key, store::Tags tags, OpContext& context) override;
  Task<store::Tags> get_tags(std::string key, std::string version, OpContext& context) override;

  // Forces everything written so far to the disk: the whole file system, at once.
  Task<> make_durable(OpContext& context) override;
  Task<std::uint64_t> discard_remains(std::vector<std::string_view> keys, Time after, Time before,
                                      OpContext& context) override;

  // Removes temporary files below the root whose writers are gone, as far as they can be told by their locks
  // and their age. Gives how many.
  Task<std::uint64_t> remove_abandoned_temporaries(OpContext& context);

 private:
  store::Capabilities capabilities_;
  std::shared_ptr<Place> place_;
};

// A single file as a source or a destination: the store of its parent directory, and the key of the file.
struct SingleFile {
  std::string root;
  std::string key;
};
SingleFile split_file_path(std::string_view path);

}  // namespace haul::local
