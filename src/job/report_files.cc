#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "job/durable_file.h"
#include "job/report.h"
#include "job/report_manifest.h"
#include "job/report_position.h"

namespace haul::job {
namespace {

constexpr std::string_view kIndexName = "segments.jsonl";
constexpr std::string_view kSummaryName = "summary.json";
constexpr std::string_view kManifestName = "manifest.json";

[[noreturn]] void throw_report_lost(const std::string& path, std::string message) {
  throw Error(ErrorClass::data_loss, std::move(message)).during("continue report").on(visible(path));
}

// What is known of bytes by passing over them once. Cheap to copy in the middle.
class Fingerprint {
 public:
  void update(std::string_view bytes) {
    sha256_.update(bytes);
    lines_ += static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
    bytes_ += bytes.size();
  }
  std::uint64_t bytes() const noexcept { return bytes_; }
  std::uint64_t lines() const noexcept { return lines_; }
  std::string sha256() const {
    Sha256 copy = sha256_;
    return to_hex(std::move(copy).finish());
  }

 private:
  Sha256 sha256_;
  std::uint64_t bytes_ = 0, lines_ = 0;
};

// One kind of file: closed segments behind it, one open at most.
struct SegmentStream {
  SegmentKind kind;
  std::string_view begin, end;  // of the names
  std::uint32_t number = 1;     // of the open segment
  Fingerprint content{};        // of it
  DurableFile file{};

  std::string name() const { return fmt::format("{}-{:05}{}", begin, number, end); }
};

}  // namespace

struct ReportFiles::State {
  std::string directory;
  ReportOptions options;
  std::array<SegmentStream, 3> streams{{{SegmentKind::ledger, "ledger", ".jsonl"},
                                        {SegmentKind::succeeded, "succeeded", ".csv"},
                                        {SegmentKind::failed, "failed", ".csv"}}};
  std::vector<Segment> closed;
  std::string chain{kChainBegin};
  DurableFile index;
  std::uint64_t index_bytes = 0;

  std::string path(std::string_view name) const { return (std::filesystem::path(directory) / name).string(); }

  void begin();
  void continue_at(const ReportPosition& position);
  void reload_closed(std::size_t count);
  void reload(SegmentStream& stream, std::uint64_t bytes, const std::string& sha256);
  void forget_later_files();
  void write(SegmentStream& stream, std::string_view bytes);
  Segment describe(const SegmentStream& stream, std::string_view chain_before) const;
  void close(SegmentStream& stream);
  std::string position() const;
};

ReportFiles::ReportFiles(std::string directory, const ReportOptions& options, std::string_view position)
    : state_(std::make_unique<State>()) {
  state_->directory = std::move(directory);
  state_->options = options;
  std::error_code error;
  std::filesystem::create_directories(state_->directory, error);
  if (error) throw errno_error(error.value(), "create directory", visible(state_->directory));
  if (position.empty())
    state_->begin();
  else
    state_->continue_at(parse_position(position));
  state_->forget_later_files();
  state_->index = DurableFile(state_->path(kIndexName));
  state_->index.truncate(state_->index_bytes);
  state_->index.sync();
  sync_directory(state_->directory);
}

ReportFiles::~ReportFiles() = default;

const std::string& ReportFiles::directory() const noexcept {
  return state_->directory;
}

void ReportFiles::State::begin() {
  std::string manifest;
  const auto take = [&manifest](std::string_view piece) { manifest += piece; };
  if (!read_pieces(path(kManifestName), UINT64_MAX, take)) return;
  // An earlier run without any outcome may have got as far as its manifest: only the summary is in it.
  if (parse_manifest(manifest).segments.size() > 1)
    throw Error(ErrorClass::already_exists, "holds the report of another run")
        .during("begin report")
        .on(visible(directory));
}

void ReportFiles::State::continue_at(const ReportPosition& position) {
  reload_closed(position.closed);
  if (chain != position.chain)
    throw_report_lost(path(kIndexName), "the closed segments of the report are not those that were recorded");
  for (std::size_t i = 0; i < streams.size(); ++i) {
    streams[i].number = position.open[i].number;
    reload(streams[i], position.open[i].bytes, position.open[i].sha256);
  }
}

void ReportFiles::State::reload_closed(std::size_t count) {
  std::string text;
  if (count != 0)
    read_pieces(path(kIndexName), UINT64_MAX, [&text](std::string_view piece) { text += piece; });
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = text.find('\n', index_bytes);
    if (end == std::string::npos)
      throw_report_lost(path(kIndexName), "the list of closed segments is cut off");
    Segment segment;
    try {
      segment = parse_segment(std::string_view(text).substr(index_bytes, end - index_bytes));
    } catch (const Error& error) {
      throw error.during("continue report").on(visible(path(kIndexName)));
    }
    chain = chain_after(chain, segment.sha256);
    if (segment.chain != chain) throw_report_lost(path(kIndexName), "the chain of the segments is broken");
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(path(segment.name), error);
    if (error) throw_report_lost(path(segment.name), "a segment of the report is not there");
    if (size != segment.bytes)
      throw_report_lost(path(segment.name),
                        fmt::format("a segment of the report has {} bytes, and not {}", size, segment.bytes));
    closed.push_back(std::move(segment));
    index_bytes = end + 1;
  }
}

void ReportFiles::State::reload(SegmentStream& stream, std::uint64_t bytes, const std::string& sha256) {
  if (bytes != 0)
    read_pieces(path(stream.name()), bytes,
                [&stream](std::string_view piece) { stream.content.update(piece); });
  if (stream.content.bytes() != bytes)
    throw_report_lost(path(stream.name()), fmt::format("the report has {} of {} bytes that were recorded",
                                                       stream.content.bytes(), bytes));
  if (stream.content.sha256() != sha256)
    throw_report_lost(path(stream.name()), "the report is not what was written");
  if (bytes == 0) return;
  stream.file = DurableFile(path(stream.name()));
  stream.file.truncate(bytes);
}

// Segments that were begun behind the last acknowledged position.
void ReportFiles::State::forget_later_files() {
  std::vector<std::filesystem::path> later;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    const auto kind = segment_kind(name);
    for (const SegmentStream& stream : streams) {
      if (kind != stream.kind || (stream.file.is_open() && name == stream.name())) continue;
      if (std::ranges::find(closed, name, &Segment::name) == closed.end()) later.push_back(entry.path());
    }
  }
  for (const auto& file : later)
    std::filesystem::remove(file);
}

std::string ReportFiles::append(const Ledger& ledger) {
  State& state = *state_;
  for (SegmentStream& stream : state.streams)
    if (stream.content.bytes() >= state.options.segment_bytes) state.close(stream);
  std::array<std::string_view, 3> added{ledger.lines, ledger.succeeded, ledger.failed};
  if (!state.options.csv) added[1] = added[2] = {};
  try {
    bool new_file = false;
    for (std::size_t i = 0; i < added.size(); ++i) {
      if (added[i].empty()) continue;
      new_file |= !state.streams[i].file.is_open();
      state.write(state.streams[i], added[i]);
    }
    for (std::size_t i = 0; i < added.size(); ++i)
      if (!added[i].empty()) state.streams[i].file.sync();
    if (new_file) sync_directory(state.directory);
  } catch (...) {
    // Nothing of it counts: what was written of it is behind the end, and is written over or cut off.
    for (std::size_t i = 0; i < added.size(); ++i) {
      SegmentStream& stream = state.streams[i];
      if (added[i].empty() || !stream.file.is_open()) continue;
      try {
        stream.file.truncate(stream.content.bytes());
      } catch (const Error&) {
        continue;  // the first error is the one to tell; finish() cuts again
      }
    }
    throw;
  }
  for (std::size_t i = 0; i < added.size(); ++i)
    state.streams[i].content.update(added[i]);
  return state.position();
}

void ReportFiles::State::write(SegmentStream& stream, std::string_view bytes) {
  if (!stream.file.is_open()) stream.file = DurableFile(path(stream.name()));
  stream.file.write_at(stream.content.bytes(), bytes);
}

Segment ReportFiles::State::describe(const SegmentStream& stream, std::string_view chain_before) const {
  Segment segment{.name = stream.name(),
                  .bytes = stream.content.bytes(),
                  .lines = stream.content.lines(),
                  .sha256 = stream.content.sha256(),
                  .md5 = {},
                  .chain = {}};
  if (stream.kind != SegmentKind::ledger) {  // read once more, since MD5 is known of whole files alone
    Digest md5(DigestAlgorithm::md5);
    read_pieces(path(segment.name), segment.bytes,
                [&md5](std::string_view piece) { md5.update(as_bytes(piece)); });
    std::array<std::byte, 16> digest;
    md5.finish(digest);
    segment.md5 = to_hex(digest);
  }
  segment.chain = chain_after(chain_before, segment.sha256);
  return segment;
}

void ReportFiles::State::close(SegmentStream& stream) {
  Segment segment = describe(stream, chain);
  const std::string line = segment_json(segment) + "\n";
  index.write_at(index_bytes, line);
  index.sync();
  index_bytes += line.size();
  chain = segment.chain;
  closed.push_back(std::move(segment));
  stream.file = DurableFile();
  stream.content = {};
  ++stream.number;
}

std::string ReportFiles::State::position() const {
  ReportPosition position{.closed = closed.size(), .chain = chain, .open = {}};
  for (std::size_t i = 0; i < streams.size(); ++i)
    position.open[i] = {streams[i].number, streams[i].content.bytes(), streams[i].content.sha256()};
  return format_position(position);
}

std::string ReportFiles::finish(std::string_view summary, Time now) {
  State& state = *state_;
  ReportManifest manifest{
      .scope = state.options.scope, .csv = state.options.csv, .created = now, .segments = state.closed};
  std::string chain = state.chain;
  const auto add = [&](Segment segment) {
    chain = segment.chain;
    manifest.segments.push_back(std::move(segment));
  };
  for (SegmentStream& stream : state.streams) {
    if (stream.content.bytes() == 0) continue;
    if (stream.file.size() != stream.content.bytes()) {
      stream.file.truncate(stream.content.bytes());
      stream.file.sync();
    }
    add(state.describe(stream, chain));
  }
  write_durably(state.path(kSummaryName), summary);
  Fingerprint content;
  content.update(summary);
  add({.name = std::string(kSummaryName),
       .bytes = content.bytes(),
       .lines = content.lines(),
       .sha256 = content.sha256(),
       .md5 = {},
       .chain = chain_after(chain, content.sha256())});
  write_durably(state.path(kManifestName), manifest_json(manifest, "", ""));
  return chain;
}

}  // namespace haul::job
