#include "job/ledger_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "job/durable_file.h"
#include "job/report_manifest.h"
#include "job/report_position.h"

namespace haul::job {
namespace {

constexpr std::uint64_t kLedgerPiece = 256U << 10;
constexpr std::size_t kLongestLine = 64U << 20;

Error broken_ledger(std::string message, const std::string& place) {
  return Error(ErrorClass::data_loss, std::move(message)).during("read report").on(place);
}

// Ledger segments of a directory by their numbers.
std::map<std::uint64_t, std::string> segments_in(const std::string& directory) {
  std::map<std::uint64_t, std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (segment_kind(name) == SegmentKind::ledger) found.emplace(segment_number(name), entry.path().string());
  }
  if (error) throw errno_error(error.value(), "read report", visible(directory));
  return found;
}

}  // namespace

struct LedgerReader::File {
  Part part;
  std::ifstream stream;
  std::uint64_t read = 0, line = 0;
  std::vector<char> buffer = std::vector<char>(kLedgerPiece);
  std::size_t from = 0, to = 0;  // what of the buffer is not taken yet
  std::string text;              // the line in hand

  std::string place() const { return fmt::format("{} line {}", visible(part.path), line); }

  bool fill() {
    const std::uint64_t left = part.bytes ? *part.bytes - read : kLedgerPiece;
    stream.read(buffer.data(), static_cast<std::streamsize>(std::min<std::uint64_t>(left, kLedgerPiece)));
    from = 0;
    to = static_cast<std::size_t>(stream.gcount());
    read += to;
    if (stream.bad()) throw errno_error(EIO, "read report", visible(part.path));
    return to != 0;
  }

  bool read_line() {
    text.clear();
    while (true) {
      if (from == to && !fill()) break;
      const char* begin = buffer.data() + from;
      const char* end = std::find(begin, const_cast<const char*>(buffer.data()) + to, '\n');
      text.append(begin, end);
      from = static_cast<std::size_t>(end - buffer.data());
      if (from != to) {
        ++from;
        ++line;
        return true;
      }
      if (text.size() > kLongestLine) {
        ++line;
        throw broken_ledger("a line does not end", place());
      }
    }
    if (part.bytes && read < *part.bytes) {
      const std::uint64_t expected = *std::exchange(part.bytes, read);  // said once
      throw broken_ledger(fmt::format("the segment has {} of {} bytes", read, expected), visible(part.path));
    }
    if (text.empty()) return false;
    ++line;
    throw broken_ledger("the last line is cut off", place());
  }
};

LedgerReader::LedgerReader(std::string directory, std::string_view position) {
  const auto path = [&directory](std::string_view name) {
    return (std::filesystem::path(directory) / name).string();
  };
  std::string manifest;
  if (read_pieces(path("manifest.json"), UINT64_MAX, [&](std::string_view piece) { manifest += piece; })) {
    try {
      for (const Segment& segment : parse_manifest(manifest).segments)
        if (segment_kind(segment.name) == SegmentKind::ledger)
          parts_.push_back({path(segment.name), segment.bytes});
    } catch (const Error& error) {
      throw error.during("read report").on(visible(path("manifest.json")));
    }
    return;
  }
  std::uint64_t open = UINT64_MAX, open_bytes = 0;
  if (!position.empty()) {
    const ReportPosition read = parse_position(position);
    open = read.open[0].number;
    open_bytes = read.open[0].bytes;
  }
  for (const auto& [number, file] : segments_in(directory)) {
    if (number < open) parts_.push_back({file, std::nullopt});
    if (number == open) parts_.push_back({file, open_bytes});
  }
}

LedgerReader::~LedgerReader() = default;

bool LedgerReader::open_next() {
  if (parts_.empty()) return false;
  file_ = std::make_unique<File>();
  file_->part = std::move(parts_.front());
  parts_.pop_front();
  errno = 0;
  file_->stream.open(file_->part.path, std::ios::binary);
  if (!file_->stream) throw errno_error(errno != 0 ? errno : EIO, "open report", visible(file_->part.path));
  return true;
}

std::optional<LedgerLine> LedgerReader::next() {
  while (file_ || open_next()) {
    if (!file_->read_line()) {
      file_.reset();
      continue;
    }
    try {
      return parse_ledger_line(file_->text);
    } catch (const Error& error) {
      throw error.during("read report").on(file_->place());
    }
  }
  return std::nullopt;
}

std::string LedgerReader::place() const {
  return file_ ? file_->place() : std::string();
}

}  // namespace haul::job
