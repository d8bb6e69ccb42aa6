// What the connections to servers have in common: transactions end in the same way, and what was sent is
// counted by the session.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "catalog/address.h"
#include "catalog/connection.h"

namespace haul::catalog {

// `Session` has try_execute(text), alive() and statements().
template <class Session>
class ServerConnection : public Connection {
 public:
  std::optional<Error> commit() override {
    return counted([&]() -> std::optional<Error> {
      std::optional<Error> error = session_.try_execute("COMMIT");
      if (error && error->error_class() != ErrorClass::invalid_argument) throw *std::move(error);
      return error;
    });
  }

  void roll_back() noexcept override {
    try {
      if (session_.alive() && session_.try_execute("ROLLBACK")) broken_ = true;
    } catch (...) {
      broken_ = true;
    }
  }

  bool alive() const noexcept override { return !broken_ && session_.alive(); }

 protected:
  ServerConnection(const Address& address, const CatalogOptions& options) : session_(address, options) {}

  template <class Work>
  std::invoke_result_t<Work&> counted(Work work) {
    struct Counted {
      ServerConnection& self;
      ~Counted() { self.statements_ = self.session_.statements(); }
    } const counted{*this};
    return work();
  }

  // What `judge` makes of the server's plan. False where the server does not tell it: it is too old, the plan
  // takes too long, or the account may not look behind a view. What may pass is thrown, and the connection
  // ends with it, with all that was prepared.
  template <class Judge>
  bool by_plan(Judge judge) {
    try {
      return judge();
    } catch (const Error& error) {
      if (!error.retryable()) return false;
      broken_ = true;
      throw;
    }
  }

  Session session_;

 private:
  bool broken_ = false;
};

}  // namespace haul::catalog
