#include "app/store_factory.h"

#include <unistd.h>

#include "app/usage_error.h"
#include "base/utf8.h"
#include "stores/s3/s3_admin.h"

namespace haul::app {
namespace {

bool copies(Command command) {
  return command == Command::cp || command == Command::mv || command == Command::sync ||
         command == Command::check || command == Command::plan;
}

bool compares_trees(Command command) {
  return command == Command::sync || command == Command::check || command == Command::plan;
}

local::SymlinkMode symlink_mode(LinkMode mode) {
  switch (mode) {
    case LinkMode::skip: return local::SymlinkMode::skip;
    case LinkMode::follow: return local::SymlinkMode::follow;
    case LinkMode::preserve: return local::SymlinkMode::preserve;
  }
  return local::SymlinkMode::skip;
}

}  // namespace

SideSettings RealStores::side_settings(Side side) const {
  return side == Side::source ? settings_.source_side() : settings_.destination_side();
}

std::string RealStores::endpoint(Side side) {
  return services_.endpoint(side_settings(side));
}

std::shared_ptr<store::Store> RealStores::bucket(Side side, const std::string& name) {
  std::shared_ptr<store::Store>& made = made_[(side == Side::source ? "<s3:" : ">s3:") + name];
  if (!made)
    made =
        services_.bucket(settings_, side_settings(side), name, side == Side::source ? Use::read : Use::write);
  return made;
}

std::shared_ptr<store::Store> RealStores::tree(Side side, const std::string& root) {
  // What is removed are the links themselves, never what they lead to.
  const LinkMode links = settings_.command == Command::rm ? LinkMode::preserve : settings_.links;
  return local(side, root, symlink_mode(links));
}

std::shared_ptr<store::Store> RealStores::directory_of_file(Side side, const std::string& root, bool follow) {
  const bool reads_through =
      follow && settings_.links != LinkMode::preserve && settings_.command != Command::rm;
  if (reads_through) return local(side, root, local::SymlinkMode::follow);
  return tree(side, root);
}

std::shared_ptr<store::Store> RealStores::local(Side side, const std::string& root,
                                                local::SymlinkMode links) {
  std::shared_ptr<store::Store>& made =
      made_[(side == Side::source ? "<" : ">") + std::to_string(static_cast<int>(links)) + root];
  if (made) return made;
  local::LocalOptions options;
  options.root = root;
  options.symlinks = links;
  const bool superuser = ::geteuid() == 0;
  options.preserve.mode = settings_.preserve.mode;
  options.preserve.times = settings_.preserve.mtime;
  // Only root can give files away; anybody else hears of the loss only if he asked for it.
  options.preserve.owner = settings_.preserve.owner && (superuser || settings_.preserve_given);
  options.names_memory = std::min<std::uint64_t>(32ULL << 20, settings_.memory / 8);
  const std::string temporary = system_env().variable("TMPDIR").value_or("");
  if (!temporary.empty()) options.spill_directory = temporary;
  if (side == Side::destination) options.missing_root = local::MissingRoot::create_on_write;
  if (settings_.links == LinkMode::preserve) options.restore_links = local::LinkRestore::inside_root;
  const bool empties = settings_.command == Command::rm || settings_.command == Command::mv;
  // Not where empty directories count: the source may have one that deletions just emptied here.
  options.prune_empty_directories =
      empties ? settings_.recursive : settings_.delete_extra && !settings_.empty_directories;
  made = std::make_shared<local::LocalStore>(std::move(options));
  return made;
}

Task<> RealStores::check_bucket(Side side, std::string name, OpContext& context) {
  auto made = std::static_pointer_cast<s3::S3Store>(bucket(side, name));
  // A listing says by itself that the bucket is missing; writing object by object would say it for each.
  if (side == Side::source) co_return;
  const std::optional<s3::BucketHead> head = co_await s3::head_bucket(made->bucket(), context);
  if (!head)
    throw Error(ErrorClass::not_found, "there is no such bucket")
        .on("s3://" + visible(name))
        .with_hint("make it with: haul mb s3://" + visible(name));
}

namespace {

auth::Access access_of_method(const std::string& method) {
  if (method == "PUT") return auth::Access::write;
  return method == "DELETE" ? auth::Access::remove : auth::Access::read;
}

// Whether what the destination has is looked at before anything is decided.
bool compares(const Settings& settings) {
  return compares_trees(settings.command) || settings.overwrite != Overwrite::always;
}

}  // namespace

auth::Access access_needed(const Settings& settings, Side side) {
  using auth::Access;
  Access access = Access::list;
  switch (settings.command) {
    case Command::mb: return access | Access::bucket;
    case Command::rb:
      return access | Access::bucket | (settings.force ? Access::write | Access::remove : Access::none);
    case Command::doctor: return access | Access::read | Access::write | Access::remove;
    case Command::presign: return access | access_of_method(settings.method);
    default: break;
  }
  const bool changes =
      !settings.dry_run && settings.command != Command::plan && settings.command != Command::check;
  if (side == Side::source || compares(settings)) access = access | Access::read;
  if (side == Side::source && changes && (settings.command == Command::mv || settings.command == Command::rm))
    access = access | Access::remove;
  if (settings.command == Command::tag) access = access | Access::tag;
  if (side == Side::destination && changes) {
    access = access | Access::read | Access::write;  // what was written is looked at
    if (settings.delete_extra) access = access | Access::remove;
    if (settings.preserve.tags) access = access | Access::tag;
    if (!settings.object.acl.empty()) access = access | Access::acl;
  }
  return access;
}

std::vector<auth::PolicyScope> scopes_needed(const Settings& settings, const store::Location& location,
                                             Side side) {
  const auth::PolicyScope object{location.bucket, location.path, access_needed(settings, side), true};
  auth::PolicyScope tree{location.bucket, as_directory(location.path), object.access};
  if (side == Side::source && is_pattern(location)) {
    tree.prefix = fixed_directory(location.path);
    return {tree};
  }
  if (settings.command == Command::doctor) {  // tries keys that begin so
    tree.prefix = location.path;
    return {tree};
  }
  bool is_tree = location.path.empty() || location.ends_in_slash() || compares_trees(settings.command);
  bool may_be_tree = settings.recursive || settings.has_key_list();
  if (side == Side::destination) {
    is_tree |= settings.locations.size() > 2 || settings.flatten || !settings.name_template.empty();
    may_be_tree |= is_pattern(parse_place(settings.locations.front()));
  }
  if (is_tree) return {tree};
  // With -r, a name is a prefix if anything is below it, else an object: that is seen only then.
  if (may_be_tree) return {object, tree};
  if (const auto plain = unescaped(location.path); plain && side == Side::source)
    return {object, {location.bucket, *plain, object.access, true}};
  return {object};
}

void announce_needs(const Settings& settings, Services& services) {
  if (!settings.manifest.empty()) {
    const store::Location manifest = parse_place(settings.manifest);
    // The files of an inventory lie anywhere in its bucket.
    const bool inventory = manifest.path.ends_with("manifest.json");
    if (manifest.scheme == store::Scheme::s3)
      services.need(settings, settings.source_side(),
                    {manifest.bucket, inventory ? std::string() : manifest.path,
                     auth::Access::list | auth::Access::read, !inventory});
  }
  const bool has_destination = copies(settings.command) && settings.locations.size() > 1;
  for (std::size_t i = 0; i < settings.locations.size(); ++i) {
    const store::Location location = parse_place(settings.locations[i]);
    if (location.scheme != store::Scheme::s3) continue;
    const Side side =
        has_destination && i + 1 == settings.locations.size() ? Side::destination : Side::source;
    for (auth::PolicyScope& scope : scopes_needed(settings, location, side))
      services.need(settings, side == Side::source ? settings.source_side() : settings.destination_side(),
                    std::move(scope));
  }
}

}  // namespace haul::app
