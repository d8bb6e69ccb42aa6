#include "job/report_manifest.h"

#include <charconv>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/time_format.h"

namespace haul::job {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "Report_CSV_20180820";
constexpr std::string_view kSchema =
    "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage";
constexpr int kVersion = 1;

Json json_of(const Segment& segment) {
  Json json{
      {"name", segment.name}, {"bytes", segment.bytes}, {"lines", segment.lines}, {"sha256", segment.sha256}};
  if (!segment.md5.empty()) json["md5"] = segment.md5;
  json["chain"] = segment.chain;
  return json;
}

Segment segment_of(const Json& json) {
  Segment segment;
  segment.name = json.at("name").get<std::string>();
  segment.bytes = json.at("bytes").get<std::uint64_t>();
  segment.lines = json.at("lines").get<std::uint64_t>();
  segment.sha256 = json.at("sha256").get<std::string>();
  segment.md5 = json.value("md5", std::string());
  segment.chain = json.at("chain").get<std::string>();
  if (!segment_kind(segment.name))
    throw Error(ErrorClass::data_loss, "names a file that is none of a report's");
  return segment;
}

template <class Read>
auto read_json(std::string_view text, std::string_view what, Read read) {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& error) {
    throw Error(ErrorClass::data_loss, "is no " + std::string(what) + ": " + error.what());
  }
}

bool is_number(std::string_view text) noexcept {
  return text.size() >= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

constinit const std::string_view kChainBegin =
    "0000000000000000000000000000000000000000000000000000000000000000";

std::string chain_after(std::string_view before, std::string_view sha256) {
  Sha256 hash;
  hash.update(before);
  hash.update(sha256);
  return to_hex(std::move(hash).finish());
}

std::string segment_json(const Segment& segment) {
  return json_of(segment).dump();
}

Segment parse_segment(std::string_view json) {
  return read_json(json, "segment of a report", [](const Json& document) { return segment_of(document); });
}

std::string manifest_json(const ReportManifest& manifest, std::string_view bucket, std::string_view prefix) {
  Json results = Json::array();
  Json segments = Json::array();
  for (const Segment& segment : manifest.segments) {
    segments.push_back(json_of(segment));
    const auto kind = segment_kind(segment.name);
    if (kind != SegmentKind::succeeded && kind != SegmentKind::failed) continue;
    results.push_back({{"TaskExecutionStatus", kind == SegmentKind::succeeded ? "succeeded" : "failed"},
                       {"Bucket", bucket},
                       {"MD5Checksum", segment.md5},
                       {"Key", std::string(prefix) + segment.name}});
  }
  const Json document{
      {"Format", kFormat},
      {"ReportCreationDate", format_iso8601(manifest.created)},
      {"Results", std::move(results)},
      {"ReportSchema", kSchema},
      {"haul",
       {{"version", kVersion},
        {"scope", manifest.scope == ReportScope::all ? "all" : "failed"},
        {"csv", manifest.csv},
        {"segments", std::move(segments)},
        {"chain", manifest.segments.empty() ? kChainBegin : manifest.segments.back().chain}}}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

ReportManifest parse_manifest(std::string_view json) {
  return read_json(json, "manifest of a report", [](const Json& document) {
    const Json& ours = document.at("haul");
    if (ours.at("version") != kVersion)
      throw Error(ErrorClass::data_loss, "is the manifest of another version of reports");
    ReportManifest manifest;
    manifest.scope = ours.at("scope") == "all" ? ReportScope::all : ReportScope::failed;
    manifest.csv = ours.at("csv").get<bool>();
    const auto created = parse_iso8601(document.at("ReportCreationDate").get<std::string>());
    if (!created) throw Error(ErrorClass::data_loss, "has a creation date that is none");
    manifest.created = *created;
    for (const Json& segment : ours.at("segments"))
      manifest.segments.push_back(segment_of(segment));
    for (const Json& result : document.at("Results")) {
      const auto key = result.at("Key").get<std::string>();
      manifest.results.emplace_back(key.substr(key.rfind('/') + 1),
                                    result.at("MD5Checksum").get<std::string>());
    }
    const auto& chain = manifest.segments.empty() ? std::string(kChainBegin) : manifest.segments.back().chain;
    if (ours.at("chain") != chain)
      throw Error(ErrorClass::data_loss, "ends in another value of the chain than its last segment");
    return manifest;
  });
}

std::optional<SegmentKind> segment_kind(std::string_view name) noexcept {
  if (name == "summary.json") return SegmentKind::summary;
  const auto numbered = [name](std::string_view begin, std::string_view end) {
    return name.size() > begin.size() + end.size() && name.starts_with(begin) && name.ends_with(end) &&
           is_number(name.substr(begin.size(), name.size() - begin.size() - end.size()));
  };
  if (numbered("ledger-", ".jsonl")) return SegmentKind::ledger;
  if (numbered("succeeded-", ".csv")) return SegmentKind::succeeded;
  if (numbered("failed-", ".csv")) return SegmentKind::failed;
  return std::nullopt;
}

std::uint64_t segment_number(std::string_view name) noexcept {
  const std::size_t at = name.find('-') + 1;  // npos + 1 is the beginning
  std::uint64_t number = 0;
  std::from_chars(name.data() + at, name.data() + name.size(), number);
  return number;
}

}  // namespace haul::job
