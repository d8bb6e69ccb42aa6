#include "app/plan_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_text.h"
#include "base/time_format.h"
#include "base/utf8.h"

namespace haul::app {
namespace {

constexpr int kPlanVersion = 1;
constexpr std::size_t kFlushAt = 1 << 20;
constexpr std::size_t kPageSteps = 1000;

std::string_view step_of(const job::Outcome& outcome) {
  switch (outcome.kind) {
    case job::OutcomeKind::copied: return "copy";
    case job::OutcomeKind::moved: return "move";
    case job::OutcomeKind::deleted: return outcome.extra ? "delete-extra" : "delete";
    case job::OutcomeKind::tagged: return "tag";
    default: return {};
  }
}

Error damaged(const std::string& path, std::string why) {
  return Error(ErrorClass::data_loss, "the plan is damaged: " + std::move(why))
      .on(visible(path))
      .with_hint("make it anew with haul plan");
}

nlohmann::json parse_line(const std::string& path, const std::string& line) {
  auto document = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) throw damaged(path, "a line is no JSON object");
  return document;
}

// Text, or bytes as {"hex":...}; empty if it is not there.
std::string bytes_of(const std::string& path, const nlohmann::json& line, const char* name) {
  const auto found = line.find(name);
  if (found == line.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (found->is_object() && found->contains("hex") && (*found)["hex"].is_string())
    if (auto bytes = decode_hex((*found)["hex"].get<std::string>())) return *bytes;
  throw damaged(path, fmt::format("\"{}\" is no text", name));
}

std::uint64_t number_of(const nlohmann::json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::ifstream open_plan(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw errno_error(errno != 0 ? errno : EIO, "read plan", visible(path));
  return file;
}

std::string hex_of(Sha256 digest) {
  return to_hex(std::move(digest).finish());
}

void add_bytes(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += fmt::format(",\"{}\":", name);
  append_json_bytes(out, value);
}

}  // namespace

PlanWriter::PlanWriter(std::string path, std::string_view job, Time created)
    : path_(std::move(path)), temporary_(fmt::format("{}.{}.tmp", path_, ::getpid())) {
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) throw errno_error(errno, "write plan", visible(temporary_));
  buffer_ = fmt::format("{{\"haul-plan\":{},\"created\":\"{}\",\"job\":{}}}\n", kPlanVersion,
                        format_iso8601(created), job);
  digest_.update(buffer_);
}

PlanWriter::~PlanWriter() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void PlanWriter::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw errno_error(errno, "write plan", visible(temporary_));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PlanWriter::accept(const job::Outcome& outcome) {
  const std::string_view step = step_of(outcome);
  std::string line;
  if (!step.empty()) {
    line = fmt::format("{{\"do\":\"{}\"", step);
    add_bytes(line, "key", outcome.key);
    add_bytes(line, "to", outcome.destination_key);
    line += fmt::format(",\"size\":{}", outcome.size);
    if (outcome.modified != Time{})
      line += fmt::format(",\"modified\":\"{}\"", format_iso8601(outcome.modified, Fraction::nanoseconds));
    add_bytes(line, "etag", outcome.etag);
    add_bytes(line, "version", outcome.version);
    if (outcome.source != 0) line += fmt::format(",\"source\":{}", outcome.source);
    add_bytes(line, "row", outcome.row);
    line += "}\n";
  }
  const std::lock_guard lock(mutex_);
  failures_ += outcome.kind == job::OutcomeKind::failed ? 1 : 0;
  if (line.empty()) return;
  digest_.update(line);
  buffer_ += line;
  ++steps_;
  bytes_ += outcome.size;
  if (buffer_.size() < kFlushAt) return;
  write(buffer_);
  buffer_.clear();
}

void PlanWriter::finish() {
  buffer_ +=
      fmt::format("{{\"steps\":{},\"bytes\":{},\"sha256\":\"{}\"}}\n", steps_, bytes_, hex_of(digest_));
  write(buffer_);
  if (::fsync(file_) != 0) throw errno_error(errno, "write plan", visible(temporary_));
  ::close(std::exchange(file_, -1));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    throw errno_error(errno, "write plan", visible(path_));
}

PlanFacts check_plan(const std::string& path) {
  std::ifstream file = open_plan(path);
  PlanFacts facts;
  Sha256 digest;
  std::string line, after;
  std::uint64_t steps = 0;
  if (!std::getline(file, line)) throw damaged(path, "it is empty");
  const auto header = nlohmann::ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object() || !header.contains("haul-plan") || !header.contains("job"))
    throw Error(ErrorClass::invalid_argument, "is no plan")
        .on(visible(path))
        .with_hint("haul plan -o makes one");
  if (header["haul-plan"] != kPlanVersion)
    throw Error(ErrorClass::unsupported, "the plan is of another version of haul").on(visible(path));
  facts.job = header["job"].dump();
  digest.update(line + "\n");
  bool more = static_cast<bool>(std::getline(file, line));
  while (more) {
    more = static_cast<bool>(std::getline(file, after));
    if (!more) break;
    if (line.starts_with("{\"do\":\"delete-extra\"")) facts.deletes_extras = true;
    line += '\n';
    digest.update(line);
    ++steps;
    std::swap(line, after);
  }
  const auto footer = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!footer.is_object() || !footer.contains("sha256")) throw damaged(path, "its last line is missing");
  facts.sha256 = hex_of(digest);
  facts.steps = number_of(footer, "steps");
  if (footer["sha256"] != facts.sha256 || facts.steps != steps)
    throw damaged(path, "its checksum is not that of its lines");
  return facts;
}

PlanStream::PlanStream(std::string path, PlanPart part, std::uint16_t source, bool directories)
    : path_(std::move(path)), part_(part), source_(source), directories_(directories) {}

bool PlanStream::take_line(const std::string& line, store::ListPage& page) const {
  const nlohmann::json step = parse_line(path_, line);
  if (!step.contains("do")) return step.contains("haul-plan");  // header; else the end
  const bool extra = step["do"] == "delete-extra";
  if (extra != (part_ == PlanPart::extras) || number_of(step, "source") != source_) return true;
  store::Entry& entry = page.entries.emplace_back();
  entry.key = page.text.store(bytes_of(path_, step, "key"));
  entry.size = number_of(step, "size");
  entry.etag = page.text.store(bytes_of(path_, step, "etag"));
  entry.version = page.text.store(bytes_of(path_, step, "version"));
  entry.row = page.text.store(bytes_of(path_, step, "row"));
  const auto modified = parse_iso8601(bytes_of(path_, step, "modified"));
  entry.modified = entry.changed = modified.value_or(Time{});
  entry.facts_known = modified.has_value();
  if (entry.key.empty()) throw damaged(path_, "a step has no key");
  if (directories_ && entry.key.ends_with('/')) entry.kind = store::EntryKind::directory;
  return true;
}

std::optional<store::ListPage> PlanStream::read_page() {
  if (!file_.is_open()) {
    file_ = open_plan(path_);
    file_.seekg(static_cast<std::streamoff>(offset_));
  }
  store::ListPage page;
  std::string line;
  while (page.entries.size() < kPageSteps && std::getline(file_, line)) {
    if (!take_line(line, page)) break;
    offset_ += line.size() + 1;
  }
  if (page.entries.empty()) return std::nullopt;
  return page;
}

Task<std::optional<store::ListPage>> PlanStream::next(OpContext& context) {
  std::optional<store::ListPage> page = co_await context.blocking([this] { return read_page(); });
  if (page)
    facts_.count(*page);
  else
    facts_.ended = true;
  co_return page;
}

void PlanStream::go_on_at(std::string_view place) {
  std::uint64_t offset = 0;
  const auto [end, error] = std::from_chars(place.data(), place.data() + place.size(), offset);
  if (!place.empty() && (error != std::errc() || end != place.data() + place.size()))
    throw Error(ErrorClass::invalid_argument, "is no place in a plan");
  offset_ = offset;
  file_ = {};
}

}  // namespace haul::app
