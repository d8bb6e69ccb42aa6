#include "job/outcome.h"

#include <array>

namespace haul::job {

std::string_view to_string(OutcomeKind kind) noexcept {
  switch (kind) {
    case OutcomeKind::copied: return "copied";
    case OutcomeKind::moved: return "moved";
    case OutcomeKind::deleted: return "deleted";
    case OutcomeKind::skipped: return "skipped";
    case OutcomeKind::same: return "same";
    case OutcomeKind::different: return "different";
    case OutcomeKind::failed: return "failed";
    case OutcomeKind::tagged: return "tagged";
    case OutcomeKind::reverted: return "reverted";
  }
  return "failed";
}

void Accounts::add(const Accounts& other) noexcept {
  std::array<std::uint64_t, 64> theirs{};
  std::size_t count = 0;
  each(other, [&](const char*, std::uint64_t value) { theirs.at(count++) = value; });
  count = 0;
  each(*this, [&](const char*, std::uint64_t& value) { value += theirs[count++]; });
}

}  // namespace haul::job
