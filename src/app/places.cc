#include "app/places.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "app/usage_error.h"
#include "base/utf8.h"
#include "stores/local/local_store.h"

namespace haul::app {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void ask_for_recursion(const store::Location& location, std::string_view what) {
  throw UsageError(fmt::format("{} is a {}", visible(location.text), what),
                   fmt::format("add -r to take everything below it{}",
                               location.scheme == store::Scheme::s3
                                   ? ", or quote a pattern: '" + visible(as_directory(location.text)) + "*'"
                                   : ""));
}

[[noreturn]] void nothing_there(const store::Location& location, std::string_view hint) {
  throw Error(ErrorClass::not_found, "there is no such file or object")
      .on(visible(location.text))
      .with_hint(std::string(hint));
}

// The path without symbolic links, as far as it exists.
std::string real_path(const std::string& path) {
  std::error_code error;
  fs::path real = fs::weakly_canonical(fs::absolute(path, error), error);
  if (error) real = fs::absolute(path, error).lexically_normal();
  std::string text = real.string();
  while (text.size() > 1 && text.back() == '/')
    text.pop_back();
  return text;
}

Whereabouts directory_whereabouts(const std::string& path) {
  return {"file:" + as_directory(real_path(path)), false};
}

Whereabouts bucket_whereabouts(const std::string& endpoint, const std::string& bucket,
                               const std::string& path, bool single) {
  return {"s3:" + endpoint + ":" + bucket + "/" + path, single};
}

std::string last_component(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return std::string(slash == std::string_view::npos ? key : key.substr(slash + 1));
}

// The nearest directory that exists must take what is to be written: better said now than object by object.
void check_writable(const std::string& path, const std::string& text) {
  std::error_code error;
  fs::path existing = fs::absolute(path, error).lexically_normal();
  while (!existing.empty() && !fs::exists(existing, error) && existing != existing.root_path())
    existing = existing.parent_path();
  if (!fs::is_directory(existing, error))
    throw Error(ErrorClass::invalid_argument, fmt::format("{} is no directory", visible(existing.string())))
        .on(visible(text))
        .with_hint("choose another destination");
  if (::access(existing.c_str(), W_OK | X_OK) != 0)
    throw errno_error(errno, "write to destination", visible(existing.string()));
}

// Whether anything lies below a prefix.
Task<bool> has_children(store::Store& store, std::string prefix, OpContext& context) {
  store::ListRequest request;
  request.prefix = std::move(prefix);
  request.page_size = 1;
  const std::unique_ptr<store::Lister> lister = store.list(std::move(request));
  while (true) {
    const store::ListPage page = co_await lister->next(context);
    if (!page.entries.empty()) co_return true;
    if (page.last) co_return false;
  }
}

Task<std::optional<store::Details>> look_up(store::Store& store, std::string key, std::string version,
                                            OpContext& context) {
  store::ReadOptions options;
  options.properties = false;
  options.pin.version = std::move(version);
  co_return co_await store.stat(std::move(key), std::move(options), context);
}

}  // namespace

std::string literal_pattern(std::string_view key) {
  std::string pattern;
  for (const char c : key) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::optional<std::string> unescaped(const std::string& pattern) {
  std::string key;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    key += pattern[i];
  }
  if (key == pattern) return std::nullopt;
  return key;
}

std::string as_directory(std::string_view prefix) {
  std::string text(prefix);
  if (!text.empty() && text.back() != '/') text += '/';
  return text;
}

std::string fixed_directory(std::string_view pattern) {
  std::string literal;
  std::size_t directory = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*' || pattern[i] == '?' || pattern[i] == '[') break;
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    literal += pattern[i];
    if (pattern[i] == '/') directory = literal.size();
  }
  literal.resize(directory);
  return literal;
}

store::Location parse_place(const std::string& text) {
  try {
    return store::parse_location(text);
  } catch (const Error& error) {
    throw UsageError(error);
  }
}

bool is_pattern(const store::Location& location) {
  if (!location.has_glob() || location.scheme == store::Scheme::standard_stream) return false;
  std::error_code error;
  return location.scheme == store::Scheme::s3 || !fs::exists(fs::symlink_status(location.path, error));
}

Task<std::optional<store::Details>> stat_if_allowed(store::Store& store, std::string key, std::string version,
                                                    OpContext& context) {
  try {
    co_return co_await look_up(store, std::move(key), std::move(version), context);
  } catch (const Error& error) {
    if (error.error_class() != ErrorClass::permission_denied) throw;
  }
  co_return std::nullopt;
}

Task<ResolvedSource> PlaceResolver::source(store::Location location, OpContext& context) {
  switch (location.scheme) {
    case store::Scheme::s3: co_return co_await bucket_source(std::move(location), context);
    case store::Scheme::local: co_return co_await local_source(std::move(location), context);
    case store::Scheme::standard_stream: break;
  }
  throw UsageError("standard input cannot be taken here", "- is a source of cp alone, and the only one then");
}

Task<ResolvedSource> PlaceResolver::bucket_source(store::Location location, OpContext& context) {
  co_await stores_.check_bucket(Side::source, location.bucket, context);
  ResolvedSource resolved;
  job::Source& source = resolved.source;
  source.store = stores_.bucket(Side::source, location.bucket);
  source.text = location.text;
  const std::string endpoint = stores_.endpoint(Side::source);
  // As with paths: what exists as it is written is no pattern (report[1].pdf).
  if (!options_.whole_trees && is_pattern(location))
    source.object = co_await stat_if_allowed(*source.store, location.path, options_.version, context);
  // And a pattern all of whose wildcards are escaped is that one name.
  if (const auto plain = unescaped(location.path); plain && !options_.whole_trees && !is_pattern(location)) {
    source.object = co_await stat_if_allowed(*source.store, location.path, options_.version, context);
    if (!source.object) {
      source.object = co_await stat_if_allowed(*source.store, *plain, options_.version, context);
      if (source.object) location.path = *plain;
    }
  }
  if (!options_.whole_trees && is_pattern(location) && !source.object) {
    try {
      source.glob.emplace(location.path, GlobDialect::location);
    } catch (const Error& error) {
      throw UsageError(error.on(location.text));
    }
    source.prefix = source.glob->literal_prefix();
    source.strip = fixed_directory(location.path);
    resolved.where = bucket_whereabouts(endpoint, location.bucket, source.strip, false);
    co_return resolved;
  }
  const std::string directory = as_directory(location.path);
  const bool named_as_directory = location.ends_in_slash();
  if (options_.all_versions && !options_.recursive && !named_as_directory) {
    source.object.reset();
    source.prefix = location.path;
    source.strip = location.path.substr(0, location.path.size() - last_component(location.path).size());
    source.glob.emplace(literal_pattern(location.path), GlobDialect::location);
    resolved.where = bucket_whereabouts(endpoint, location.bucket, location.path, true);
    co_return resolved;
  }
  bool take_directory = options_.whole_trees || (options_.recursive && named_as_directory);
  if (!take_directory && !named_as_directory && !source.object) {
    // A name without a slash is a prefix if -r says so and something is below it, else an object.
    if (options_.recursive) take_directory = co_await has_children(*source.store, directory, context);
    if (!take_directory)
      source.object = co_await look_up(*source.store, location.path, options_.version, context);
    if (!take_directory && !source.object && options_.may_be_gone)
      source.object = store::Details{.key = location.path};
    if (!take_directory && !source.object) {
      if (options_.version.empty() && !options_.recursive &&
          co_await has_children(*source.store, directory, context))
        ask_for_recursion(location, "prefix");
      if (!options_.recursive) nothing_there(location, "haul ls " + visible(location.text));
      take_directory = true;  // nothing is below it; the accounts will say so
    }
  }
  if (source.object) {
    source.version = options_.version;
    source.strip = location.path.substr(0, location.path.size() - last_component(location.path).size());
    resolved.where = bucket_whereabouts(endpoint, location.bucket, location.path, true);
    co_return resolved;
  }
  if (!take_directory) {
    if (location.path.empty()) ask_for_recursion(location, "bucket");
    ask_for_recursion(location, "prefix");
  }
  source.prefix = source.strip = directory;
  resolved.where = bucket_whereabouts(endpoint, location.bucket, directory, false);
  co_return resolved;
}

ResolvedSource PlaceResolver::local_directory(const store::Location& location, const std::string& root) {
  ResolvedSource resolved;
  resolved.source.store = stores_.tree(Side::source, root);
  resolved.source.text = location.text;
  resolved.where = directory_whereabouts(root);
  return resolved;
}

Task<ResolvedSource> PlaceResolver::local_source(store::Location location, OpContext& context) {
  std::error_code error;
  if (const auto plain = unescaped(location.path); plain && !is_pattern(location) &&
                                                   !fs::exists(fs::symlink_status(location.path, error)) &&
                                                   fs::exists(fs::symlink_status(*plain, error)))
    location.path = *plain;
  const fs::file_status status =
      options_.removes ? fs::symlink_status(location.path, error) : fs::status(location.path, error);
  if (!options_.whole_trees && is_pattern(location)) {
    const std::string directory = fixed_directory(location.path);
    const std::string root = directory.empty() ? "." : directory;
    ResolvedSource resolved = local_directory(location, root);
    try {
      // What is fixed may hold escapes: the pattern for keys below it begins behind its last slash.
      std::size_t cut = 0;
      for (std::size_t slashes = std::ranges::count(directory, '/'); slashes > 0; --slashes)
        cut = location.path.find('/', cut) + 1;
      resolved.source.glob.emplace(location.path.substr(cut), GlobDialect::location);
    } catch (const Error& bad) {
      throw UsageError(bad.on(location.text));
    }
    resolved.source.prefix = resolved.source.glob->literal_prefix();
    co_return resolved;
  }
  if (status.type() == fs::file_type::none && error)
    throw errno_error(error.value(), "stat", visible(location.text));
  const bool gone = status.type() == fs::file_type::not_found;
  if (gone && (!options_.may_be_gone || options_.whole_trees || location.ends_in_slash()))
    nothing_there(location, "check the spelling; a path is relative to where haul was started");
  if (status.type() == fs::file_type::directory) {
    if (!options_.whole_trees && !options_.recursive) ask_for_recursion(location, "directory");
    co_return local_directory(location, location.path);
  }
  if (options_.whole_trees)
    throw UsageError(visible(location.text) + " is no directory", "to copy a single file use cp");
  if (location.ends_in_slash())
    throw UsageError(visible(location.text) + " is no directory", "leave the slash out");
  if (!gone && status.type() != fs::file_type::regular && status.type() != fs::file_type::symlink)
    throw UsageError(visible(location.text) + " is no regular file", "pipe it in, with - as the source");
  ResolvedSource resolved;
  const local::SingleFile file = local::split_file_path(location.path);
  const bool is_link = fs::is_symlink(fs::symlink_status(location.path, error));
  resolved.source.store = stores_.directory_of_file(Side::source, file.root, is_link);
  resolved.source.text = location.text;
  if (gone)
    resolved.source.object = store::Details{.key = file.key};
  else
    resolved.source.object = co_await look_up(*resolved.source.store, file.key, {}, context);
  if (!resolved.source.object) nothing_there(location, "it may have gone a moment ago");
  resolved.where = {"file:" + real_path(location.path), true};
  co_return resolved;
}

Task<ResolvedDestination> PlaceResolver::destination(store::Location location, bool into,
                                                     OpContext& context) {
  ResolvedDestination resolved;
  job::Destination& destination = resolved.destination;
  destination.text = location.text;
  if (location.scheme == store::Scheme::standard_stream)
    throw UsageError("standard output cannot be written to here",
                     "- is a destination of cp alone, for one object");

  if (location.scheme == store::Scheme::s3) {
    co_await stores_.check_bucket(Side::destination, location.bucket, context);
    destination.store = stores_.bucket(Side::destination, location.bucket);
    const std::string endpoint = stores_.endpoint(Side::destination);
    if (into || location.ends_in_slash())
      destination.prefix = as_directory(location.path);
    else
      destination.key = location.path;
    resolved.where =
        bucket_whereabouts(endpoint, location.bucket, destination.key ? *destination.key : destination.prefix,
                           destination.key.has_value());
    co_return resolved;
  }

  std::error_code error;
  const bool is_directory = fs::is_directory(location.path, error);
  if (into || is_directory || location.ends_in_slash()) {
    if (!is_directory && fs::exists(location.path, error))
      throw UsageError(visible(location.text) + " is no directory", "the destination must be one here");
    check_writable(location.path, location.text);
    destination.store = stores_.tree(Side::destination, location.path);
    resolved.where = directory_whereabouts(location.path);
    co_return resolved;
  }
  const local::SingleFile file = local::split_file_path(location.path);
  check_writable(file.root, location.text);
  destination.store = stores_.directory_of_file(Side::destination, file.root, false);
  destination.key = file.key;
  resolved.where = {"file:" + real_path(location.path), true};
  co_return resolved;
}

void refuse_overlap(Command command, const std::vector<ResolvedSource>& sources,
                    const ResolvedDestination& destination) {
  const Whereabouts& to = destination.where;
  for (const ResolvedSource& each : sources) {
    const Whereabouts& from = each.where;
    const auto refuse = [&](const char* how, const char* hint) {
      throw UsageError(
          fmt::format("{} {} {}", visible(each.source.text), how, visible(destination.destination.text)),
          hint);
    };
    std::string arrives = to.text;
    if (from.single && !to.single) arrives += last_component(from.text);
    if (arrives == from.text)
      refuse("is the same place as", from.single ? "choose another name" : "choose another destination");
    if (from.single) continue;
    if (arrives.starts_with(from.text))
      refuse("contains the destination", "what is copied would be found again; choose a place beside it");
    if (command == Command::sync && from.text.starts_with(to.text))
      refuse("lies inside the destination",
             "a sync compares whole trees; choose a place beside it, or use cp -r");
    if (command == Command::mv && from.text.starts_with(to.text))
      refuse("lies inside the destination",
             "what is moved could land on what is still to be moved; choose a place beside it");
  }
}

}  // namespace haul::app
