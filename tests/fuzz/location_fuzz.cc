// Locations: any text is a location that says what was written, or is refused with a remedy.
#include "fuzz_input.h"
#include "store/location.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace haul;
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::accepts({ErrorClass::invalid_argument}, [text] {
    const store::Location location = store::parse_location(text);
    fuzz::check(location.text == text && text.ends_with(location.path));
    fuzz::check(location.scheme != store::Scheme::s3 || location.bucket.size() >= 3);
    (void)location.has_glob();
    (void)location.ends_in_slash();
  });
  return 0;
}
