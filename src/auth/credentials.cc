#include "auth/credentials.h"

#include <openssl/crypto.h>

namespace haul::auth {
namespace {

class StaticProvider final : public CredentialsProvider {
 public:
  explicit StaticProvider(Credentials credentials)
      : credentials_(std::make_shared<const Credentials>(std::move(credentials))) {}

  Task<Snapshot> get(OpContext&) override { co_return credentials_; }
  bool is_current(const Credentials& held, Time) const noexcept override {
    return &held == credentials_.get();
  }
  Snapshot current(Time) const noexcept override { return credentials_; }
  bool rejected(const Credentials&) override { return false; }

 private:
  const Snapshot credentials_;
};

}  // namespace

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) *this = Secret(other);
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    text_.swap(other.text_);
  }
  return *this;
}

void Secret::wipe() noexcept {
  OPENSSL_cleanse(text_.data(), text_.size());
  text_.clear();
}

std::shared_ptr<CredentialsProvider> make_static_provider(Credentials credentials) {
  return std::make_shared<StaticProvider>(std::move(credentials));
}

std::shared_ptr<CredentialsProvider> make_anonymous_provider() {
  Credentials none;
  none.origin = "unsigned requests";
  return std::make_shared<StaticProvider>(std::move(none));
}

}  // namespace haul::auth
