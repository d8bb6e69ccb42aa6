#include "auth/program.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace haul::auth {
namespace {

using namespace std::chrono_literals;

ErrorClass failure_of(const std::vector<std::string>& arguments, std::chrono::milliseconds timeout) {
  try {
    run_program(arguments, timeout);
  } catch (const Error& error) {
    return error.error_class();
  }
  return ErrorClass::internal;
}

TEST(Program, GivesOutputAndExitCode) {
  const ProgramResult result = run_program({"printf", "%s-%s", "a b", "$HOME;*"}, 30s);
  EXPECT_EQ(result.output, "a b-$HOME;*") << "no shell has seen it";
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(run_program({"sh", "-c", "exit 7"}, 30s).exit_code, 7);
  EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"}, 30s).exit_code, 137);
}

TEST(Program, HasAnEmptyStandardInput) {
  EXPECT_EQ(run_program({"cat"}, 30s).output, "");
}

TEST(Program, SaysWhyItCannotStart) {
  EXPECT_EQ(failure_of({"/no/such/program"}, 30s), ErrorClass::not_found);
  EXPECT_EQ(failure_of({"/etc/passwd"}, 30s), ErrorClass::permission_denied);
  EXPECT_EQ(failure_of({}, 30s), ErrorClass::invalid_argument);
}

TEST(Program, IsEndedWhenItTakesTooLong) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(failure_of({"sleep", "600"}, 20ms), ErrorClass::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 60s);
}

TEST(Program, MayNotWriteWithoutEnd) {
  EXPECT_EQ(failure_of({"yes"}, 30s), ErrorClass::exhausted);
}

}  // namespace
}  // namespace haul::auth
