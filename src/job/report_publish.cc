#include "job/report_publish.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "job/durable_file.h"
#include "job/report_manifest.h"

namespace haul::job {
namespace {

constexpr std::size_t kSentAtOnce = 1U << 20;

// A file of a report on its way, hashed as it passes.
class SegmentBody final : public Body {
 public:
  SegmentBody(std::string path, std::uint64_t size)
      : path_(std::move(path)), size_(size), descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw errno_error(errno, "open", visible(path_));
  }
  ~SegmentBody() override { ::close(descriptor_); }
  SegmentBody(const SegmentBody&) = delete;
  SegmentBody& operator=(const SegmentBody&) = delete;

  std::uint64_t size() const override { return size_; }
  bool replayable() const override { return true; }
  Task<> rewind(OpContext&) override {
    offset_ = 0;
    hash_ = {};
    co_return;
  }
  Task<std::span<const std::byte>> next(OpContext& context) override {
    co_await context.blocking([this] { fill(); });
    hash_.update(buffer_);
    offset_ += buffer_.size();
    co_return std::span<const std::byte>(buffer_);
  }
  std::string sha256() const {
    Sha256 copy = hash_;
    return to_hex(std::move(copy).finish());
  }

 private:
  void fill() {
    buffer_.resize(std::min<std::uint64_t>(kSentAtOnce, size_ - offset_));
    std::size_t filled = 0;
    while (filled < buffer_.size()) {
      const ssize_t n = ::pread(descriptor_, buffer_.data() + filled, buffer_.size() - filled,
                                static_cast<off_t>(offset_ + filled));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw errno_error(errno, "read", visible(path_));
      if (n == 0)
        throw Error(ErrorClass::data_loss, "is shorter than its manifest says")
            .during("publish report")
            .on(visible(path_));
      filled += static_cast<std::size_t>(n);
    }
  }

  const std::string path_;
  const std::uint64_t size_;
  const int descriptor_;
  std::uint64_t offset_ = 0;
  Sha256 hash_;
  std::vector<std::byte> buffer_;
};

std::string_view content_type_of(std::string_view name) {
  if (name.ends_with(".csv")) return "text/csv";
  return name.ends_with(".jsonl") ? "application/x-ndjson" : "application/json";
}

store::Properties properties_of(std::string_view name) {
  store::Properties properties;
  properties.content.type = content_type_of(name);
  return properties;
}

std::string published_bucket(const store::Store& store) {
  constexpr std::string_view kScheme = "s3://";
  const std::string place = store.describe("");
  return place.starts_with(kScheme) ? place.substr(kScheme.size()) : std::string();
}

}  // namespace

Task<> publish_report(std::string directory, store::Store& store, std::string prefix, OpContext& context) {
  const auto path = [&directory](std::string_view name) {
    return (std::filesystem::path(directory) / name).string();
  };
  std::string text;
  const bool finished = co_await context.blocking([&] {
    return read_pieces(path("manifest.json"), UINT64_MAX, [&text](std::string_view piece) { text += piece; });
  });
  if (!finished)
    throw Error(ErrorClass::not_found, "the report is not finished")
        .during("publish report")
        .on(visible(directory));
  const ReportManifest manifest = parse_manifest(text);
  for (const Segment& segment : manifest.segments) {
    SegmentBody body(path(segment.name), segment.bytes);
    const store::Properties properties = properties_of(segment.name);
    co_await store.write(prefix + segment.name, body, {.properties = &properties}, context);
    if (body.sha256() != segment.sha256)
      throw Error(ErrorClass::data_loss, "is not what its manifest says")
          .during("publish report")
          .on(visible(path(segment.name)));
  }
  const std::string published = manifest_json(manifest, published_bucket(store), prefix);
  const store::Properties properties = properties_of("manifest.json");
  MemoryBody body(as_bytes(published));
  co_await store.write(prefix + "manifest.json", body, {.properties = &properties}, context);
}

}  // namespace haul::job
