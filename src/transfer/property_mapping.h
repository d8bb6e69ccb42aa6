// Which properties travel with an object, and in which shape the destination can keep them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace haul::transfer {

// What is to be kept, as far as the destination can.
struct Preserve {
  bool mtime = true;
  bool mode = true;
  bool owner = true;
  bool metadata = true;  // user metadata and content headers
  bool tags = true;
  bool storage_class = false;

  bool all_properties() const noexcept { return mtime && mode && owner && metadata && tags; }
};

// The passage of properties between two stores. Between files and objects:
//   file -> object   attributes by store/posix_metadata.h (by the store itself if it says keeps_posix);
//                    a content type guessed from the name
//   object -> file   attributes out of the metadata; without any, the time of the object is the file's
// Thread safety: immutable; a value.
class PropertyMapping {
 public:
  PropertyMapping(const Preserve& preserve, const store::Capabilities& source,
                  const store::Capabilities& destination) noexcept
      : preserve_(preserve), source_(source), destination_(destination) {}

  // Whether the source's tags are to be read.
  bool wants_tags() const noexcept { return preserve_.tags && source_.keeps_tags && destination_.keeps_tags; }

  // The properties to write: `from`'s own where nothing changes, else those made in `made`. What is asked for
  // and cannot be kept is added to `losses`. `modified` is the source's time as it was listed. The result
  // points into `from` or `made`.
  const store::Properties* map(const store::Details& from, Time modified, std::string_view destination_key,
                               store::Properties& made, std::vector<std::string>& losses) const;

 private:
  bool unchanged(const store::Properties& from) const noexcept;
  void map_posix(const store::Details& from, Time modified, store::Properties& made,
                 std::vector<std::string>& losses) const;
  void note_losses(const store::Details& from, std::string_view destination_key,
                   std::vector<std::string>& losses) const;

  const Preserve& preserve_;
  const store::Capabilities& source_;
  const store::Capabilities& destination_;
};

// Adds `loss` unless it is there.
void add_loss(std::vector<std::string>& losses, std::string_view loss);

}  // namespace haul::transfer
