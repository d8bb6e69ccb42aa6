// Headers of an object, one a line, as properties and as headers again; among them the attributes of files.
#include <string>
#include <vector>

#include "fuzz_input.h"
#include "store/posix_metadata.h"
#include "stores/s3/object_headers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace haul;
  std::string_view rest = fuzz::text_of(data, size);
  s3::DetailsBuilder builder("key");
  while (!rest.empty()) {
    std::string_view value = fuzz::take_until(rest, '\n');
    const std::string_view name = fuzz::take_until(value, ':');
    fuzz::accepts({ErrorClass::unavailable}, [&] { builder.add(name, value); });
  }
  store::Details details;
  if (!fuzz::accepts({ErrorClass::unavailable}, [&] { details = builder.finish(); })) return 0;

  if (const auto attributes = store::get_posix(details.properties.metadata)) {
    store::Metadata written;
    store::put_posix(*attributes, written);
    fuzz::check(store::get_posix(written) == attributes);
  }
  fuzz::accepts({ErrorClass::invalid_argument}, [&] {
    s3::HeaderList headers;
    std::vector<std::string> losses;
    s3::add_properties(headers, details.properties, losses);
    std::string lines;
    headers.append_lines(lines);
    // No value has begun a line of its own.
    std::size_t count = 0;
    for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; ++at)
      ++count;
    fuzz::check(count == headers.all().size());
  });
  return 0;
}
