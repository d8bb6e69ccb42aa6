#include "job/report_position.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "job/report_manifest.h"

namespace haul::job {
namespace {

constexpr std::string_view kPositionMark = "report-1";

// Words from the front.
class PositionReader {
 public:
  explicit PositionReader(std::string_view text) : rest_(text) {}

  std::string_view word(char end) {
    const std::size_t at = std::min(rest_.find(end), rest_.size());
    const std::string_view word = rest_.substr(0, at);
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
    return word;
  }
  template <class Number>
  Number number(char end) {
    const std::string_view text = word(end);
    Number value{};
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || at != text.data() + text.size()) fail();
    return value;
  }
  std::string digest(char end) {
    const std::string_view text = word(end);
    if (text.size() != kChainBegin.size()) fail();
    return std::string(text);
  }
  void need(bool holds) const {
    if (!holds) fail();
  }
  bool at_end() const noexcept { return rest_.empty(); }

 private:
  [[noreturn]] static void fail() {
    throw Error(ErrorClass::data_loss, "the place in the report that the state has kept is none")
        .during("continue report");
  }
  std::string_view rest_;
};

}  // namespace

std::string format_position(const ReportPosition& position) {
  std::string text = fmt::format("{} {}:{}", kPositionMark, position.closed, position.chain);
  for (const ReportPosition::Open& open : position.open)
    text += fmt::format(" {}:{}:{}", open.number, open.bytes, open.sha256);
  return text;
}

ReportPosition parse_position(std::string_view text) {
  PositionReader reader(text);
  ReportPosition position;
  reader.need(reader.word(' ') == kPositionMark);
  position.closed = reader.number<std::size_t>(':');
  position.chain = reader.digest(' ');
  for (ReportPosition::Open& open : position.open) {
    open.number = reader.number<std::uint32_t>(':');
    open.bytes = reader.number<std::uint64_t>(':');
    open.sha256 = reader.digest(' ');
  }
  reader.need(reader.at_end());
  return position;
}

}  // namespace haul::job
