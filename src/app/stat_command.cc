// stat: all that is known of single objects.

#include <fmt/format.h>

#include "app/commands.h"
#include "app/estimate.h"
#include "app/store_factory.h"
#include "app/usage_error.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "store/posix_metadata.h"
#include "stores/local/local_store.h"

namespace haul::app {
namespace {

// Rows of a name and a value, as text or as members of a JSON object.
class Rows {
 public:
  explicit Rows(bool json) : json_(json) { text_ = json ? "{" : ""; }

  void add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (json_) {
      begin(name);
      append_json(text_, value);
    } else {
      text_ += fmt::format("{:<22} {}\n", name, visible(value));
    }
  }
  void add_number(std::string_view name, std::uint64_t value, std::string_view more = {}) {
    if (json_) {
      begin(name);
      text_ += std::to_string(value);
    } else {
      text_ += fmt::format("{:<22} {}{}\n", name, value, more);
    }
  }
  void add_pairs(std::string_view name, const store::Metadata& pairs) {
    if (pairs.empty()) return;
    if (!json_) {
      for (const auto& [key, value] : pairs)
        add(fmt::format("{} {}", name, visible(key)), value.empty() ? "\"\"" : value);
      return;
    }
    begin(name);
    text_ += '{';
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (i != 0) text_ += ',';
      append_json(text_, pairs[i].first);
      text_ += ':';
      append_json(text_, pairs[i].second);
    }
    text_ += '}';
  }
  std::string finish() {
    if (json_) text_ += "}\n";
    return std::move(text_);
  }

 private:
  void begin(std::string_view name) {
    if (text_.size() > 1) text_ += ',';
    std::string key(name);
    std::ranges::replace(key, ' ', '_');
    append_json(text_, key);
    text_ += ':';
  }
  const bool json_;
  std::string text_;
};

std::string describe_details(const store::Details& details, const std::string& location, bool json) {
  Rows rows(json);
  rows.add("location", location);
  rows.add("key", details.key);
  rows.add_number("size", details.size, json ? "" : " (" + format_size(details.size) + ")");
  rows.add("modified", format_iso8601(details.modified, Fraction::nanoseconds));
  rows.add("etag", details.etag);
  rows.add("version", details.version);
  rows.add("storage class", details.storage_class);
  if (details.archived) rows.add("archived", "yes; it must be restored before it can be read");
  rows.add("encryption", details.encryption);
  if (details.part_count > 0) rows.add_number("parts", details.part_count);
  for (const Checksum& sum : details.checksums)
    rows.add(to_string(sum.algorithm()), sum.to_string());
  const store::Properties& properties = details.properties;
  rows.add("content type", properties.content.type);
  rows.add("content encoding", properties.content.encoding);
  rows.add("content language", properties.content.language);
  rows.add("content disposition", properties.content.disposition);
  rows.add("cache control", properties.content.cache_control);
  rows.add("expires", properties.content.expires);
  rows.add("website redirect", properties.website_redirect);
  const auto posix = properties.posix ? properties.posix : store::get_posix(properties.metadata);
  if (posix) {
    if (posix->mode) rows.add("mode", fmt::format("{:04o}", *posix->mode & 07777U));
    if (posix->uid) rows.add_number("uid", *posix->uid);
    if (posix->gid) rows.add_number("gid", *posix->gid);
    if (posix->mtime) rows.add("file modified", format_iso8601(*posix->mtime, Fraction::nanoseconds));
  }
  rows.add_pairs("metadata", properties.metadata);
  if (properties.tags)
    rows.add_pairs("tag", *properties.tags);
  else if (details.tag_count > 0)
    rows.add_number("tags", details.tag_count);
  return rows.finish();
}

}  // namespace

Task<int> stat_command(Session& session) {
  const Settings& settings = session.settings();
  announce_needs(settings, session.services());
  RealStores stores(settings, session.services());
  OpContext context = session.context();
  bool first = true;
  for (const std::string& text : settings.locations) {
    const store::Location location = parse_place(text);
    std::shared_ptr<store::Store> store;
    std::string key = location.path;
    if (location.scheme == store::Scheme::s3) {
      if (key.empty()) throw UsageError(visible(text) + " is a bucket", "name an object, or use ls or du");
      store = stores.bucket(Side::source, location.bucket);
    } else if (location.scheme == store::Scheme::local) {
      const local::SingleFile file = local::split_file_path(location.path);
      store = stores.directory_of_file(Side::source, file.root, true);
      key = file.key;
    } else {
      throw UsageError("- cannot be looked at", "name an object");
    }
    store::ReadOptions options;
    options.tags = store->capabilities().keeps_tags;
    options.pin.version = settings.version_id;
    const std::optional<store::Details> details = co_await store->stat(key, options, context);
    if (!details)
      throw Error(ErrorClass::not_found, "there is no such object")
          .on(visible(text))
          .with_hint("haul ls '" + visible(text) + "*'");
    if (!first && !settings.json) session.output().write("\n");
    first = false;
    session.output().write(describe_details(*details, text, settings.json));
  }
  session.output().flush();
  co_return kDone;
}

}  // namespace haul::app
