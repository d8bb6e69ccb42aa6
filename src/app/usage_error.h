// What is wrong with the command itself: exit code 2, and nothing has been touched.
#pragma once

#include <string>
#include <utility>

#include "base/error.h"

namespace haul::app {

// How haul ends.
enum ExitCode : int { kDone = 0, kSomeFailed = 1, kUsage = 2, kCouldNotRun = 3, kInterrupted = 130 };

class UsageError : public Error {
 public:
  explicit UsageError(Error error) : Error(std::move(error)) {}
  explicit UsageError(std::string message) : Error(ErrorClass::invalid_argument, std::move(message)) {}
  UsageError(std::string message, std::string hint)
      : Error(Error(ErrorClass::invalid_argument, std::move(message)).with_hint(std::move(hint))) {}
};

}  // namespace haul::app
