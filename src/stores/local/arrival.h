// A file on its way to its name: written beside it under a temporary name, then renamed, so that nobody ever
// sees half of it. All methods block; they run on the pool.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "store/store.h"
#include "stores/local/file_key.h"
#include "stores/local/options.h"

namespace haul::local {

struct ArrivalOptions {
  store::WriteMode mode = store::WriteMode::overwrite;
  const store::Properties* properties = nullptr;
};

// Move-only. Thread safety: write_at may be called from several threads at once, the rest from one.
class Arrival {
 public:
  enum class Lock : bool { none, held };

  // Makes missing parent directories and the temporary file. `held` keeps a lock on it, by which other
  // processes see that it is not abandoned: for all that takes longer than a single call.
  // Throws: see Root::failure; invalid_argument where the path cannot be a file.
  Arrival(std::shared_ptr<Place> place, FilePath path, std::uint64_t chance, Lock lock, bool restricted);
  Arrival(Arrival&& other) noexcept = default;
  Arrival& operator=(Arrival&&) = delete;
  ~Arrival();  // removes the temporary file unless it has arrived

  // Asks for room for so many bytes. Throws exhausted if there is not enough; a file system that cannot
  // reserve says nothing.
  void reserve(std::uint64_t size);
  void write_at(std::uint64_t offset, ByteView bytes);
  void truncate(std::uint64_t size);
  // Fills `into` from the front as far as the file goes, and gives the number of bytes.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into);

  // Sets attributes, syncs as the options say, closes and renames. False if the mode was create_only and
  // there was something already; then the temporary file is gone.
  bool arrive(const ArrivalOptions& options, std::vector<std::string>& losses);
  void discard() noexcept;

  const FilePath& path() const noexcept { return path_; }
  Error failure(int error_number, std::string_view operation) const;

 private:
  int parent_fd() const noexcept { return parent_ ? parent_.get() : place_->root.fd(); }
  bool rename_into_place(store::WriteMode mode);

  std::shared_ptr<Place> place_;
  FilePath path_;
  Descriptor parent_;  // none: the root
  std::string temporary_;
  Descriptor file_;
};

// The parent directory of a path, made if it is missing; without a descriptor if it is the root itself.
Descriptor open_parent_for_writing(Place& place, const FilePath& path);

// Makes a symbolic link with this target under the name, replacing what is there as `mode` says. False as for
// Arrival::arrive.
bool restore_link(Place& place, const FilePath& path, const std::string& target, std::uint64_t chance,
                  store::WriteMode mode);

// Makes the directory if it is missing and sets its attributes. False if the mode was create_only and it was
// there.
bool arrive_directory(Place& place, const FilePath& path, const ArrivalOptions& options,
                      std::vector<std::string>& losses);

// Removes the temporary file `name` in `directory` if no process holds it and it was last touched before
// `before`. True if it is gone by this.
bool remove_if_abandoned(int directory, const char* name, Time before) noexcept;

}  // namespace haul::local
