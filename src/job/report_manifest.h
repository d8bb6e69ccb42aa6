// manifest.json of a report: its segments, their chain, and what consumers of S3 Batch completion reports
// look for (docs/report.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env.h"
#include "job/report.h"

namespace haul::job {

// Values of the chain are 64 hexadecimal digits, lower case.
extern const std::string_view kChainBegin;  // before the first segment

// One file of a report as it was closed.
struct Segment {
  std::string name;
  std::uint64_t bytes = 0, lines = 0;
  std::string sha256, md5;  // hexadecimal; md5 of CSV alone
  std::string chain;        // the chain's value behind this segment
  bool operator==(const Segment&) const = default;
};

// SHA-256 of `before` followed by `sha256`, all as hexadecimal text.
std::string chain_after(std::string_view before, std::string_view sha256);

// One line of segments.jsonl, without its end. parse_segment throws data_loss without place.
std::string segment_json(const Segment& segment);
Segment parse_segment(std::string_view json);

struct ReportManifest {
  ReportScope scope = ReportScope::all;
  bool csv = true;
  Time created{};
  std::vector<Segment> segments;  // in the order of the chain; the last is summary.json
  // Read from Results, for comparing; written from the segments. File name and MD5.
  std::vector<std::pair<std::string, std::string>> results;
};

// `bucket` and `prefix`: where the files lie, if that is in a bucket.
std::string manifest_json(const ReportManifest& manifest, std::string_view bucket, std::string_view prefix);
// Throws data_loss without place for what is no manifest of ours.
ReportManifest parse_manifest(std::string_view json);

enum class SegmentKind : std::uint8_t { ledger, succeeded, failed, summary };
// Nothing for a name that no file of a report has.
std::optional<SegmentKind> segment_kind(std::string_view name) noexcept;
// The number in the name of a segment; 0 if it has none.
std::uint64_t segment_number(std::string_view name) noexcept;

}  // namespace haul::job
