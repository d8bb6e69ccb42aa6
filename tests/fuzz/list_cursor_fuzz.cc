// A stored place in a listing: read or refused, and the same after it was written again.
#include "fuzz_input.h"
#include "listing/list_cursor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace haul;
  fuzz::accepts({ErrorClass::invalid_argument}, [=] {
    const listing::ListCursor cursor = listing::ListCursor::parse(fuzz::text_of(data, size));
    const listing::ListCursor again = listing::ListCursor::parse(cursor.to_json());
    fuzz::check(again.remaining == cursor.remaining && again.facts.listed == cursor.facts.listed &&
                again.facts.failures == cursor.facts.failures && again.facts.skipped == cursor.facts.skipped);
  });
  return 0;
}
