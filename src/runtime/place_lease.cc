#include "runtime/place_lease.h"

#include <algorithm>
#include <utility>

namespace haul {

bool PlaceLease::take_more(const Need& need, bool needed) noexcept {
  if (places_ == nullptr) return false;
  if (!std::exchange(joined_, true)) places_->join();
  const unsigned share = places_->share();
  const bool poor = held_ < share || (held_ == 0 && !made_way_);
  const unsigned most = std::min(need.limit - held_, std::max(need.waiting, places_->batch()));
  unsigned more = places_->take(most, poor ? 0 : places_->wanted() - wanted_);
  if (more == 0 && needed) {
    places_->take_beyond();
    more = 1;
  }
  held_ += more;
  short_ = more == 0;
  const unsigned fair = std::max(share, 1U);
  want(std::min({need.waiting, need.limit - held_, fair - std::min(held_, fair)}));
  leave_if_idle(need);
  return more != 0;
}

void PlaceLease::keep_what_is_used(const Need& need) noexcept {
  if (places_ == nullptr) return;
  const bool lacking = places_->lacking();
  const unsigned unused = held_ - need.used;
  if (need.waiting == 0) {
    short_ = false;
    const unsigned kept = need.used == 0 || lacking ? 0 : places_->batch();
    if (unused > 2 * kept) give_up(unused - kept);
    leave_if_idle(need);
  } else if (lacking && unused != 0 && held_ > places_->share()) {
    give_up(1);
    made_way_ = held_ == 0;
  }
}

void PlaceLease::want(unsigned number) noexcept {
  if (number == wanted_) return;
  places_->want(static_cast<int>(number) - static_cast<int>(wanted_));
  wanted_ = number;
}

void PlaceLease::give_up(unsigned number) noexcept {
  held_ -= number;
  places_->give_back(number);
}

void PlaceLease::leave_if_idle(const Need& need) noexcept {
  if (!joined_ || held_ != 0 || need.waiting != 0) return;
  want(0);
  joined_ = false;
  places_->leave();
}

}  // namespace haul
