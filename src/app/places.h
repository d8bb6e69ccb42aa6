// From what the user wrote to places that a job works on: stores, prefixes, single objects.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/settings.h"
#include "job/job.h"
#include "runtime/context.h"
#include "store/location.h"

namespace haul::app {

enum class Side : bool { source, destination };

// Makes the stores of locations. The seam at which tests put their own.
class StoreFactory {
 public:
  virtual ~StoreFactory() = default;
  virtual std::shared_ptr<store::Store> bucket(Side side, const std::string& name) = 0;
  // The tree below a directory. As a destination it is made when something is written.
  virtual std::shared_ptr<store::Store> tree(Side side, const std::string& root) = 0;
  // One file's directory: `follow` reads through a link that the user named himself.
  virtual std::shared_ptr<store::Store> directory_of_file(Side side, const std::string& root,
                                                          bool follow) = 0;
  // Where a side's buckets are: two that are equal are the same service.
  virtual std::string endpoint(Side side) = 0;
  // Refuses a bucket that does not exist or cannot be reached, in words. Absent permission to look is no
  // reason.
  virtual Task<> check_bucket(Side side, std::string name, OpContext& context) = 0;
};

// Where a place is, for comparing: two places overlap if the text of one begins with that of the other.
struct Whereabouts {
  std::string text;  // ends in `/` unless it is a single object
  bool single = false;
};

struct ResolvedSource {
  job::Source source;
  Whereabouts where;
};
struct ResolvedDestination {
  job::Destination destination;
  Whereabouts where;
};

// s3 locations of the command line, read before anything is asked of a service. Throws UsageError.
store::Location parse_place(const std::string& text);

// Whether a local path holds a pattern: one that exists as written does not.
bool is_pattern(const store::Location& location);

// `dir/sub/` of `dir/sub/*.gz`: what stands before the last `/` ahead of the first wildcard.
std::string fixed_directory(std::string_view pattern);

// A pattern that matches this key alone.
std::string literal_pattern(std::string_view key);

// The one key that a pattern without wildcards stands for: `a[1]` of `a\[1\]`. Nothing if it has no escapes.
std::optional<std::string> unescaped(const std::string& pattern);

// A prefix as a directory: with a `/` at its end unless it is empty.
std::string as_directory(std::string_view prefix);

// What is known of an object, without its properties; nothing if there is none, or if this identity may list
// but not read.
Task<std::optional<store::Details>> stat_if_allowed(store::Store& store, std::string key, std::string version,
                                                    OpContext& context);

struct ResolveOptions {
  bool whole_trees = false;  // sync, check, plan: a location is always a directory or prefix
  bool recursive = false;
  bool all_versions = false;  // a single object stands for all its versions, of which the latest may be gone
  bool may_be_gone = false;   // a name that nothing has is that of an object that was there
  bool removes = false;       // a symbolic link is meant itself, not what it leads to
  std::string version;        // of a single object
};

// Throws UsageError where -r is missing or a location makes no sense, Error where there is nothing.
class PlaceResolver {
 public:
  PlaceResolver(StoreFactory& stores, ResolveOptions options)
      : stores_(stores), options_(std::move(options)) {}

  Task<ResolvedSource> source(store::Location location, OpContext& context);
  // `into`: the destination is a place to put things into, whatever it looks like.
  Task<ResolvedDestination> destination(store::Location location, bool into, OpContext& context);

 private:
  Task<ResolvedSource> bucket_source(store::Location location, OpContext& context);
  Task<ResolvedSource> local_source(store::Location location, OpContext& context);
  ResolvedSource local_directory(const store::Location& location, const std::string& root);

  StoreFactory& stores_;
  ResolveOptions options_;
};

// Refuses sources that are the destination, contain it, or (of a sync or a move) lie inside it. Throws
// UsageError.
void refuse_overlap(Command command, const std::vector<ResolvedSource>& sources,
                    const ResolvedDestination& destination);

}  // namespace haul::app
