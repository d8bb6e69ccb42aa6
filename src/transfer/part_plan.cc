#include "transfer/part_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace haul::transfer {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kGiB = 1ULL << 30;
constexpr std::uint64_t kUsualPart = 8 * kMiB;
constexpr std::uint64_t kLargeEnough = 64 * kMiB;  // larger parts save nothing more
constexpr std::uint64_t kComfortableCount = 1000;

constexpr std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) noexcept {
  return a / b + (a % b != 0 ? 1 : 0);
}

// In whole MiB, unless that would not fit under the limit.
constexpr std::uint64_t round_up(std::uint64_t size, std::uint64_t limit) noexcept {
  if (size > limit) return limit;
  const std::uint64_t rounded = divide_up(size, kMiB) * kMiB;
  return rounded < size || rounded > limit ? limit : rounded;
}

}  // namespace

Part PartPlan::part(std::uint32_t number) const noexcept {
  const std::uint64_t offset = (number - 1ULL) * part_size;
  return {number, offset, std::min(part_size, size - offset)};
}

PartPlan plan_parts(std::uint64_t size, const store::Capabilities& destination, std::uint64_t preferred) {
  const std::uint64_t most_parts = std::max<std::uint64_t>(1, destination.max_parts);
  const std::uint64_t least = divide_up(size, most_parts);  // or the parts do not suffice
  if (size > destination.max_object || least > destination.max_part) {
    throw Error(ErrorClass::unsupported, fmt::format("{} bytes are more than the destination takes", size));
  }
  if (preferred == 0) preferred = std::clamp(divide_up(size, kComfortableCount), kUsualPart, kLargeEnough);
  const std::uint64_t wanted = std::max({preferred, least, destination.min_part, std::uint64_t{1}});
  PartPlan plan;
  plan.size = size;
  plan.part_size = round_up(wanted, destination.max_part);
  plan.count = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, divide_up(size, plan.part_size)));
  return plan;
}

std::uint64_t stream_part_size(std::uint32_t number, const store::Capabilities& destination,
                               std::uint64_t preferred, std::uint64_t largest) noexcept {
  if (preferred == 0) preferred = kUsualPart;
  // Doubles each tenth of the parts: ten thousand of them reach terabytes without the first being large.
  const std::uint64_t step =
      std::max<std::uint64_t>(1, std::min<std::uint64_t>(10'000, destination.max_parts) / 10);
  const auto doublings = std::min<std::uint64_t>((number - 1) / step, 20);
  const std::uint64_t room = std::max(std::min(largest, destination.max_part), destination.min_part);
  const std::uint64_t grown = std::max(preferred, destination.min_part) << doublings;
  if (grown >= room) return room;
  return std::min(round_up(grown, destination.max_part), room);
}

unsigned parallel_parts(std::uint64_t size) noexcept {
  if (size < 64 * kMiB) return 4;
  return size < kGiB ? 8 : 16;
}

}  // namespace haul::transfer
