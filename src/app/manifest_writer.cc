#include "app/manifest_writer.h"

#include <fmt/format.h>
#include <zlib.h>

#include <iterator>

#include "app/output.h"
#include "base/encoding.h"
#include "base/error.h"
#include "base/time_format.h"

namespace haul::app {
namespace {

constexpr std::size_t kCompressAt = 64U << 10;
constexpr int kGzip = 15 + 16;  // zlib's way to say: the largest window, with gzip's header

}  // namespace

struct ManifestWriter::Deflate {
  z_stream stream{};
  Deflate() {
    if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw Error(ErrorClass::exhausted, "no memory to compress");
  }
  ~Deflate() { ::deflateEnd(&stream); }
};

ManifestKind manifest_kind_of(std::string_view name) {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  for (const std::string_view ending : {".json", ".jsonl", ".ndjson"})
    if (name.ends_with(ending)) return ManifestKind::json;
  return ManifestKind::csv;
}

ManifestWriter::ManifestWriter(ManifestKind kind, bool compressed, std::string bucket)
    : kind_(kind), bucket_(std::move(bucket)), deflate_(compressed ? std::make_unique<Deflate>() : nullptr) {}
ManifestWriter::~ManifestWriter() = default;

void ManifestWriter::add(const store::Entry& entry) {
  std::string& out = deflate_ ? text_ : bytes_;
  if (kind_ == ManifestKind::json) {
    out += "{\"bucket\":";
    append_json(out, bucket_);
    out += ",\"key\":";
    append_json(out, entry.key);
    fmt::format_to(std::back_inserter(out), ",\"size\":{},\"modified\":\"", entry.size);
    append_iso8601(out, entry.modified);
    out += '"';
    if (!entry.etag.empty()) {
      out += ",\"etag\":";
      append_json(out, entry.etag);
    }
    if (!entry.version.empty()) {
      out += ",\"version\":";
      append_json(out, entry.version);
    }
    out += "}\n";
  } else {
    // Quoted as S3 Inventory does; encoded keys hold neither quotes nor commas.
    out += '"';
    out += bucket_;
    out += "\",\"";
    append_percent_encoded(out, entry.key, Slash::keep);
    fmt::format_to(std::back_inserter(out), "\",\"{}\",\"", entry.size);
    append_iso8601(out, entry.modified);
    out += "\"\n";
  }
  if (deflate_ && text_.size() >= kCompressAt) compress(false);
}

void ManifestWriter::finish() {
  if (deflate_) compress(true);
}

void ManifestWriter::compress(bool last) {
  z_stream& stream = deflate_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(text_.data());
  stream.avail_in = static_cast<uInt>(text_.size());
  int result = Z_OK;
  do {
    const std::size_t before = bytes_.size();
    bytes_.resize(before + kCompressAt);
    stream.next_out = reinterpret_cast<Bytef*>(bytes_.data() + before);
    stream.avail_out = kCompressAt;
    result = ::deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
    bytes_.resize(before + kCompressAt - stream.avail_out);
  } while (last ? result != Z_STREAM_END : stream.avail_out == 0);
  text_.clear();
}

}  // namespace haul::app
