// A page of a listing, as a server or a cut connection may send it.
#include <string>

#include "fuzz_input.h"
#include "stores/s3/list_xml.h"

namespace {

using namespace haul;

// Entries are views of the page's own memory, or empty.
void inside(const store::ListPage& page, std::string_view view) {
  if (view.empty()) return;
  fuzz::check(view.data() >= page.buffer.data() &&
              view.data() + view.size() <= page.buffer.data() + page.buffer.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  store::ListPage page;
  page.buffer = fuzz::text_of(data, size);
  fuzz::accepts({ErrorClass::unavailable}, [&page] {
    const s3::ListTail tail = s3::parse_list_page(page);
    for (const store::Entry& entry : page.entries)
      for (const std::string_view view : {entry.key, entry.etag, entry.version, entry.storage_class})
        inside(page, view);
    for (const std::string_view prefix : page.common_prefixes)
      inside(page, prefix);
    for (const std::string_view view : {tail.token, tail.key_marker, tail.version_marker})
      inside(page, view);
  });
  return 0;
}
