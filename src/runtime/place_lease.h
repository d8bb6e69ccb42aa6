// The places that one limiter has: leased from those that are shared, a few at a time, or all there are.
//
// Keeps what is used, and a few more as long as nobody lacks them. Who has less than an equal share says how
// many it waits for; who has more gives one back with each request that ends, until so many are free
// (shared_places.h). Without requests it has none, and does not count among those who share.
#pragma once

#include "runtime/shared_places.h"

namespace haul {

// Not thread-safe: belongs to one shard.
class PlaceLease {
 public:
  // What a limiter needs of it: `used` are its requests in flight, `limit` how many there may be, and
  // `waiting` those who wait for a place.
  struct Need {
    unsigned used = 0;
    unsigned limit = 0;
    unsigned waiting = 0;
  };

  // Places of its own, for good.
  explicit PlaceLease(unsigned count) noexcept : held_(count) {}
  // Of those that are shared. They must outlive it, and have all back once nothing is used and nobody waits.
  explicit PlaceLease(SharedPlaces& places) noexcept : places_(&places) {}
  PlaceLease(const PlaceLease&) = delete;
  PlaceLease& operator=(const PlaceLease&) = delete;

  unsigned held() const noexcept { return held_; }
  bool shared() const noexcept { return places_ != nullptr; }
  // Whether more were asked for in vain, the last time.
  bool is_short() const noexcept { return short_; }
  // Whether others are told that it waits for some.
  bool wants() const noexcept { return wanted_ != 0; }

  // Takes some more where all are used; false if there are none to be had. `needed`: another request cannot
  // end before one of these is sent, so it may be one beyond those there are.
  bool take_more(const Need& need, bool needed) noexcept;
  // A request has ended, or has not come to be: gives back what is not to be kept.
  void keep_what_is_used(const Need& need) noexcept;
  // Nobody waits any more.
  void want_none() noexcept { want(0); }
  // One who gave its last place up does not take it back at once, but may now.
  void may_take_again() noexcept { made_way_ = false; }

 private:
  void want(unsigned number) noexcept;
  void give_up(unsigned number) noexcept;
  void leave_if_idle(const Need& need) noexcept;

  SharedPlaces* places_ = nullptr;
  unsigned held_ = 0;
  unsigned wanted_ = 0;    // as places_ has been told
  bool joined_ = false;    // likewise
  bool short_ = false;     // asked for more in vain
  bool made_way_ = false;  // gave its last one up
};

}  // namespace haul
