#include "job/discovery_place.h"

#include <charconv>

#include "base/encoding.h"
#include "base/error.h"

namespace haul::job {
namespace {

// `SOURCE`, `SOURCE list PLACE`, or `SOURCE pair KEY SKIPPED...` with keys percent-encoded.
constexpr std::string_view kListWord = " list ";
constexpr std::string_view kPairWord = " pair ";

[[noreturn]] void malformed_place() {
  throw Error(ErrorClass::invalid_argument, "this is no place that discovery can go on from")
      .during("go on with discovery");
}

std::string decoded_key(std::string_view text) {
  auto key = percent_decode(text);
  if (!key) malformed_place();
  return std::move(*key);
}

}  // namespace

std::string DiscoveryPlace::to_text() const {
  std::string text = std::to_string(source);
  if (stream) return text.append(kListWord).append(*stream);
  if (!pair) return text;
  text.append(kPairWord);
  append_percent_encoded(text, *pair);
  for (const std::string& key : skipped) {
    text += ' ';
    append_percent_encoded(text, key);
  }
  return text;
}

DiscoveryPlace DiscoveryPlace::parse(std::string_view text) {
  DiscoveryPlace place;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), place.source);
  if (error != std::errc()) malformed_place();
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty()) return place;
  if (text.starts_with(kListWord)) {
    place.stream = text.substr(kListWord.size());
    return place;
  }
  if (!text.starts_with(kPairWord)) malformed_place();
  text.remove_prefix(kPairWord.size());
  std::size_t space = text.find(' ');
  place.pair = decoded_key(text.substr(0, space));
  while (space != std::string_view::npos) {
    text.remove_prefix(space + 1);
    space = text.find(' ');
    place.skipped.push_back(decoded_key(text.substr(0, space)));
  }
  return place;
}

}  // namespace haul::job
