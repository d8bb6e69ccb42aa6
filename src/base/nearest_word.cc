#include "base/nearest_word.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace haul {
namespace {

// Letters changed, left out, added or swapped with their neighbour (Damerau and Levenshtein's distance).
std::size_t slips_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, last, row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_word(std::string_view word, std::span<const std::string> known) {
  std::string best;
  std::size_t best_distance = SIZE_MAX;
  for (const std::string& candidate : known) {
    const std::size_t slips = slips_between(word, candidate);
    // What was only begun (--incl) is as near as one slip.
    const bool begun = word.size() > 3 && candidate.starts_with(word);
    const std::size_t distance = begun ? 1 : slips;
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  const std::size_t letters = word.size() - std::min(word.find_first_not_of('-'), word.size());
  return best_distance <= std::max<std::size_t>(1, letters / 3) ? best : std::string{};
}

}  // namespace haul
