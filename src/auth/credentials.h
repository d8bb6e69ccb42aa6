// AWS credentials as values, and whoever provides them.
//
// A request is signed with one immutable set from beginning to end; a refresh replaces the set for requests
// that start later and never changes one that is in use.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/env.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::auth {

// Text that must not reach a log, an error or a terminal. It cannot be streamed or formatted; reveal() is the
// only way to the text and is easy to search for. The memory is wiped when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  std::string_view reveal() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

  friend bool operator==(const Secret&, const Secret&) = default;
  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  void wipe() noexcept;
  std::string text_;
};

struct Credentials {
  std::string access_key;  // empty: requests go out unsigned
  Secret secret_key;
  Secret session_token;        // empty for long-term keys
  std::optional<Time> expiry;  // by this machine's clock; nothing: they do not expire
  std::string account_id;      // empty if not known
  std::string origin;          // where they came from, in words: "environment", "profile ingest", ...

  bool anonymous() const noexcept { return access_key.empty(); }
};

// Shared because a request in flight keeps the set it was signed with. Never null where one is returned by
// get().
using Snapshot = std::shared_ptr<const Credentials>;

// Thread safety: all methods may be called from any shard.
//
// What a shard does for each request, without waiting or counting references as a rule:
//   const Time now = context.env().wall_now();
//   if (!held || !provider.is_current(*held, now)) held = co_await provider.get(context);
//   signer.sign(held, request, skew.correct(now), head);
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;

  // The set to use now; waits only when there is none that still holds. Throws unauthenticated when no
  // credentials are to be had, with what was tried and the remedy, else what the source of them threw.
  virtual Task<Snapshot> get(OpContext& context) = 0;

  // Whether `held`, which an earlier get() returned, is what get() would return. Two loads from memory.
  // `now` is the machine's time, not corrected by ClockSkew.
  virtual bool is_current(const Credentials& held, Time now) const noexcept = 0;

  // The set if it needs no waiting, else null.
  virtual Snapshot current(Time now) const noexcept = 0;

  // The server refused this set (ExpiredToken, InvalidToken, TokenRefreshRequired): the next get() brings
  // another. False if there will never be another, so that sending again is useless.
  virtual bool rejected(const Credentials& refused) = 0;
};

// Always the same set: keys from the environment, a file or the command line.
std::shared_ptr<CredentialsProvider> make_static_provider(Credentials credentials);

// For public buckets (--no-sign-request).
std::shared_ptr<CredentialsProvider> make_anonymous_provider();

}  // namespace haul::auth
