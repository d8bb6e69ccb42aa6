#include "app/manifest_stream.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/utf8.h"

namespace haul::app {
namespace {

constexpr std::size_t kPageKeys = 1000;
constexpr std::size_t kLongestLine = 1 << 20;

// The fields of one CSV record (RFC 4180) without line breaks in it: keys are url-encoded.
std::vector<std::string> csv_fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"')
      fields.back() += line[i++];
    else if (line[i] == '"')
      quoted = !quoted;
    else if (line[i] == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += line[i];
  }
  if (quoted) throw Error(ErrorClass::invalid_argument, "a quote is not closed");
  return fields;
}

}  // namespace

struct ManifestStream::File {
  gzFile handle = nullptr;
  ~File() {
    if (handle != nullptr) ::gzclose_r(handle);
  }
};

ManifestLine parse_manifest_line(const std::string& line) {
  if (line.starts_with('{')) {
    const auto document = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!document.is_object() || !document.contains("key") || !document["key"].is_string() ||
        document["key"].get_ref<const std::string&>().empty())
      throw Error(ErrorClass::invalid_argument, "is no JSON object with a \"key\"");
    ManifestLine parsed{.bucket = "", .key = document["key"].get<std::string>()};
    if (const auto bucket = document.find("bucket"); bucket != document.end()) {
      if (!bucket->is_string()) throw Error(ErrorClass::invalid_argument, "has a \"bucket\" that is no text");
      parsed.bucket = bucket->get<std::string>();
    }
    return parsed;
  }
  std::vector<std::string> fields = csv_fields(line);
  if (fields.size() < 2)
    throw Error(ErrorClass::invalid_argument, "has no second column")
        .with_hint("the columns are bucket, key, ...");
  std::optional<std::string> key = form_decode(fields[1]);
  if (!key || key->empty())
    throw Error(ErrorClass::invalid_argument, "has a key that is not url-encoded")
        .with_hint("write % as %25");
  return {std::move(fields[0]), std::move(*key)};
}

ManifestStream::ManifestStream(std::string path, std::string bucket, std::string prefix)
    : file_(std::make_unique<File>()),
      path_(std::move(path)),
      bucket_(std::move(bucket)),
      prefix_(std::move(prefix)) {
  errno = 0;
  file_->handle = ::gzopen(path_.c_str(), "rbe");
  if (file_->handle == nullptr)
    throw errno_error(errno != 0 ? errno : ENOMEM, "open manifest", visible(path_));
  ::gzbuffer(file_->handle, 256U << 10);
}

ManifestStream::~ManifestStream() = default;

Task<std::optional<store::ListPage>> ManifestStream::next(OpContext& context) {
  store::ListPage page;
  co_await context.blocking([this, &page] { read_page(page); });
  if (page.entries.empty()) {
    facts_.ended = true;
    co_return std::nullopt;
  }
  facts_.count(page);
  co_return page;
}

bool ManifestStream::read_line(std::string& line) {
  std::array<char, 8192> piece;
  line.clear();
  z_off_t read = ::gztell(file_->handle);
  while (::gzgets(file_->handle, piece.data(), static_cast<int>(piece.size())) != nullptr) {
    line += piece.data();
    read += static_cast<z_off_t>(std::strlen(piece.data()));
    // gzgets does not say how much it has read: what lies behind a NUL would be lost.
    if (read != ::gztell(file_->handle))
      throw Error(ErrorClass::invalid_argument, "a line holds a NUL byte").on(visible(path_));
    if (line.ends_with('\n')) break;
    if (line.size() > kLongestLine)
      throw Error(ErrorClass::invalid_argument, "a line is too long").on(visible(path_));
  }
  int problem = Z_OK;
  const char* words = ::gzerror(file_->handle, &problem);
  if (problem != Z_OK && problem != Z_STREAM_END)
    throw Error(ErrorClass::data_loss, fmt::format("cannot be read: {}", words)).on(visible(path_));
  if (line.empty()) return false;
  ++line_number_;
  while (line.ends_with('\n') || line.ends_with('\r'))
    line.pop_back();
  return true;
}

void ManifestStream::read_page(store::ListPage& page) {
  std::string line;
  while (page.entries.size() < kPageKeys && read_line(line))
    if (!line.empty()) take_line(line, page);
}

void ManifestStream::take_line(const std::string& line, store::ListPage& page) {
  const auto place = [this] { return fmt::format("{} line {}", visible(path_), line_number_); };
  ManifestLine parsed;
  try {
    parsed = parse_manifest_line(line);
  } catch (const Error& error) {
    throw error.on(place());
  }
  if (!bucket_.empty() && !parsed.bucket.empty() && parsed.bucket != bucket_)
    throw Error(ErrorClass::invalid_argument,
                fmt::format("names the bucket {}, and the source is in {}", visible(parsed.bucket), bucket_))
        .on(place())
        .with_hint("one command takes the keys of one bucket");
  if (!parsed.key.starts_with(prefix_))
    throw Error(ErrorClass::invalid_argument, fmt::format("the key is not below {}", visible(prefix_)))
        .on(place())
        .with_hint("use the bucket itself, or a prefix that all keys have, as the source");
  store::Entry entry;
  entry.key = page.text.store(parsed.key);
  page.entries.push_back(entry);
}

}  // namespace haul::app
