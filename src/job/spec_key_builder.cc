#include "job/spec_key_builder.h"

#include <filesystem>

#include "base/glob.h"
#include "base/time_format.h"
#include "listing/manifest_line.h"
#include "store/location.h"

namespace haul::job {

void refuse_value(std::string message, std::string hint) {
  throw Error(ErrorClass::invalid_argument, std::move(message)).with_hint(std::move(hint));
}

std::string absolute_path(SpecNode& node, const std::string& path, const SpecContext& context) {
  if (path == "-") refuse_value("standard input and output have no place in a job", "name a file");
  if (context.directory.empty() || path.starts_with('/')) return path;
  std::filesystem::path whole = (std::filesystem::path(context.directory) / path).lexically_normal();
  node.text = whole.string();
  node.type = NodeType::text;
  if (path.ends_with('/') && !node.text.ends_with('/')) node.text += '/';
  return node.text;
}

std::string take_location(SpecNode& node, const SpecContext& context) {
  const std::string text = take_text(node);
  const store::Location location = store::parse_location(text);
  return location.scheme == store::Scheme::s3 ? text : absolute_path(node, text, context);
}

Time take_age(SpecNode& node, const SpecContext& context) {
  const std::string text = take_text(node);
  const Time time = parse_time_or_age(text, context.now);
  node.text = format_iso8601(time, Fraction::nanoseconds);
  node.type = NodeType::text;
  return time;
}

std::vector<std::string> take_globs(const SpecNode& node) {
  std::vector<std::string> patterns = take_texts(node);
  for (const std::string& pattern : patterns)
    const Glob checked(pattern, GlobDialect::filter);
  return patterns;
}

std::vector<std::string> take_fields(const SpecNode& node) {
  std::vector<std::string> names = take_texts(node);
  listing::CsvLayout::of(names);  // throws
  return names;
}

}  // namespace haul::job
