// A pattern and a key, one line each: both dialects agree with what they promise about prefixes and trees.
#include <string>

#include "base/glob.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace haul;
  std::string_view key = fuzz::text_of(data, size);
  const std::string_view pattern = fuzz::take_until(key, '\n');
  (void)has_wildcards(pattern);
  for (const GlobDialect dialect : {GlobDialect::location, GlobDialect::filter}) {
    fuzz::accepts({ErrorClass::invalid_argument}, [&] {
      const Glob glob(pattern, dialect);
      if (glob.matches(key)) fuzz::check(key.starts_with(glob.literal_prefix()));
      if (glob.is_literal()) fuzz::check(glob.matches(key) == (key == glob.literal_prefix()));
      std::string below(key);
      below += '/';
      if (glob.covers_tree(below)) fuzz::check(glob.matches(below + "x") && glob.matches(below + "x/y\xff"));
    });
  }
  return 0;
}
