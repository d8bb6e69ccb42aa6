// A template and a key, one line each: the key at the destination is made or refused with a reason, and a
// mapping that says it keeps the order does.
#include <string>

#include "fuzz_input.h"
#include "listing/key_mapping.h"

namespace {

using namespace haul;
using listing::KeyMapping;

std::optional<std::string> map(const KeyMapping& mapping, std::string_view key) {
  store::Entry entry;
  entry.key = key;
  std::string out;
  if (mapping.map(entry, out)) return std::nullopt;
  fuzz::check(!out.empty());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  const std::string_view pattern = fuzz::take_until(rest, '\n');
  const std::string_view one = fuzz::take_until(rest, '\n');
  const std::string a = "p/" + std::string(one);
  const std::string b = "p/" + std::string(rest);
  fuzz::accepts({ErrorClass::invalid_argument}, [&] {
    const KeyMapping mapping = KeyMapping::from_template("p/", "q/", pattern);
    const auto x = map(mapping, a);
    const auto y = map(mapping, b);
    if (mapping.keeps_order() && x && y) fuzz::check((a < b) == (*x < *y));
  });
  const auto flat = map(KeyMapping::flatten("p/", "q/"), a);
  if (flat) fuzz::check(flat->starts_with("q/") && flat->find('/', 2) == std::string::npos);
  const auto moved = map(KeyMapping::prefix("p/", "q/"), a);
  if (moved) fuzz::check(*moved == "q/" + std::string(one));
  return 0;
}
