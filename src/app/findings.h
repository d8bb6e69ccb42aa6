// What doctor found: one line a check, with a remedy where one is needed.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace haul::app {

enum class Health : std::uint8_t { good, note, bad };

struct Finding {
  Health health = Health::good;
  std::string check;    // "credentials", "clock", "write"
  std::string subject;  // location; empty for the machine
  std::string message;
  std::string remedy;
};

class Findings {
 public:
  void good(std::string check, std::string subject, std::string message) {
    all_.push_back({Health::good, std::move(check), std::move(subject), std::move(message), {}});
  }
  void note(std::string check, std::string subject, std::string message, std::string remedy) {
    all_.push_back(
        {Health::note, std::move(check), std::move(subject), std::move(message), std::move(remedy)});
  }
  void bad(std::string check, std::string subject, std::string message, std::string remedy) {
    all_.push_back(
        {Health::bad, std::move(check), std::move(subject), std::move(message), std::move(remedy)});
  }
  // An error, with its own remedy or else the one given.
  void bad(std::string check, std::string subject, const Error& error, std::string remedy);

  bool any_bad() const;
  std::string text() const;
  std::string json() const;

 private:
  std::vector<Finding> all_;
};

}  // namespace haul::app
