#include "transfer/property_mapping.h"

#include <sys/stat.h>

#include <algorithm>

#include "store/posix_metadata.h"
#include "transfer/content_type.h"

namespace haul::transfer {
namespace {

// A type that says no more than the name does is not missed.
bool says_nothing(std::string_view type, std::string_view key) {
  return type.empty() || type == "application/octet-stream" || type == "binary/octet-stream" ||
         type == guess_content_type(key);
}

bool is_link_or_directory(const store::PosixAttributes& posix) {
  return posix.mode && (S_ISLNK(*posix.mode) || S_ISDIR(*posix.mode));
}

}  // namespace

void add_loss(std::vector<std::string>& losses, std::string_view loss) {
  if (std::ranges::find(losses, loss) == losses.end()) losses.emplace_back(loss);
}

bool PropertyMapping::unchanged(const store::Properties& from) const noexcept {
  const bool files_involved = !source_.keeps_metadata || !destination_.keeps_metadata;
  if (files_involved || !preserve_.all_properties()) return false;
  if (from.tags && !destination_.keeps_tags) return false;
  return !from.posix || destination_.keeps_posix;
}

const store::Properties* PropertyMapping::map(const store::Details& from, Time modified,
                                              std::string_view destination_key, store::Properties& made,
                                              std::vector<std::string>& losses) const {
  const store::Properties& given = from.properties;
  if (unchanged(given)) return &given;
  note_losses(from, destination_key, losses);
  made = store::Properties{};
  if (destination_.keeps_metadata) {
    if (preserve_.metadata) {
      made.content = given.content;
      made.metadata = given.metadata;
      made.website_redirect = given.website_redirect;
    }
    if (made.content.type.empty() && !source_.keeps_metadata)
      made.content.type = guess_content_type(destination_key);
  }
  if (wants_tags()) made.tags = given.tags;
  map_posix(from, modified, made, losses);
  return &made;
}

void PropertyMapping::map_posix(const store::Details& from, Time modified, store::Properties& made,
                                std::vector<std::string>& losses) const {
  auto posix = from.properties.posix;
  if (!posix) posix = store::get_posix(from.properties.metadata);
  store::PosixAttributes kept;
  if (posix) {
    // Without its type bits a link or a directory would arrive as a file.
    if (preserve_.mode || is_link_or_directory(*posix)) kept.mode = posix->mode;
    if (preserve_.owner) {
      kept.uid = posix->uid;
      kept.gid = posix->gid;
    }
    if (preserve_.mtime) {
      kept.mtime = posix->mtime;
      kept.atime = posix->atime;
    }
  }
  if (preserve_.mtime && !kept.mtime && destination_.modified_is_settable && modified != Time{})
    kept.mtime = modified;
  std::erase_if(made.metadata, [](const auto& item) { return store::is_posix_name(item.first); });
  if (kept == store::PosixAttributes{}) return;
  if (destination_.keeps_posix) {
    made.posix = kept;
  } else if (destination_.keeps_metadata) {
    store::put_posix(kept, made.metadata);
  } else {
    if (kept.mtime) {
      if (destination_.modified_is_settable)
        made.posix = store::PosixAttributes{.mtime = kept.mtime};
      else
        add_loss(losses, "mtime");
    }
    if (kept.mode) add_loss(losses, "mode");
    if (kept.uid || kept.gid) add_loss(losses, "owner");
  }
}

void PropertyMapping::note_losses(const store::Details& from, std::string_view destination_key,
                                  std::vector<std::string>& losses) const {
  const store::Properties& given = from.properties;
  if (preserve_.tags && !destination_.keeps_tags &&
      (from.tag_count > 0 || (given.tags && !given.tags->empty())))
    add_loss(losses, "tags");
  if (!preserve_.metadata || destination_.keeps_metadata) return;
  const auto plain = [](const auto& item) { return !store::is_posix_name(item.first); };
  if (std::ranges::any_of(given.metadata, plain)) add_loss(losses, "metadata");
  const store::ContentHeaders& content = given.content;
  const bool more_than_type = !content.encoding.empty() || !content.language.empty() ||
                              !content.disposition.empty() || !content.cache_control.empty() ||
                              !content.expires.empty();
  if (more_than_type || !says_nothing(content.type, destination_key)) add_loss(losses, "content headers");
}

}  // namespace haul::transfer
