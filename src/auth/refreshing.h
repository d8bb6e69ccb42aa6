// Keeps temporary credentials fresh.
//
// With sessions of half an hour or more a refresh is due 15 minutes before the end; one caller makes it while
// all others go on with the set they have. From 10 minutes before the end everybody waits for it. Shorter
// sessions scale both: half and a third of what the set had left when it came, so that a session of seconds
// is not refreshed on every use either. The moments are scattered, so that many workers do not refresh at
// once.
//
// A refresh that fails is only logged while the set still holds, and tried again after a pause; it throws
// when there is no set that holds.
#pragma once

#include <cstdint>
#include <memory>

#include "auth/credentials.h"

namespace haul::auth {

// Where new sets come from. fetch() is called by one coroutine at a time, from changing shards.
class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;
  virtual Task<Credentials> fetch(OpContext& context) = 0;
};

enum class WhenUnavailable : std::uint8_t {
  fail,
  // An instance whose metadata service fails or lags goes on with the old set past its end, and asks again
  // after 10 to 15 minutes: servers may accept it still, and there is nothing better.
  keep_expired,
};

std::shared_ptr<CredentialsProvider> make_refreshing_provider(
    std::unique_ptr<CredentialsSource> source, WhenUnavailable when_unavailable = WhenUnavailable::fail);

}  // namespace haul::auth
