#include "app/output.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace haul::app {
namespace {

// The writing end of a pipe that nobody reads.
class ClosedPipe {
 public:
  ClosedPipe() {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(::pipe(ends_.data()), 0);
    ::close(ends_[0]);
  }
  ~ClosedPipe() { ::close(ends_[1]); }
  ClosedPipe(const ClosedPipe&) = delete;
  ClosedPipe& operator=(const ClosedPipe&) = delete;
  int descriptor() const { return ends_[1]; }

 private:
  std::array<int, 2> ends_{};
};

TEST(Output, EndsAListingThatNobodyReadsOn) {
  const ClosedPipe pipe;
  Output output(pipe.descriptor());
  output.write("a line\n");
  EXPECT_THROW(output.flush(), OutputClosed);
  output.flush();
}

TEST(Output, DoesNotStopARunWhoseReaderHasGone) {
  const ClosedPipe pipe;
  Output output(pipe.descriptor());
  output.when_closed(WhenClosed::go_on);
  const std::string much(1 << 20, 'x');
  output.write(much);
  output.write(much);
  output.flush();
  EXPECT_TRUE(output.buffer().empty());
}

}  // namespace
}  // namespace haul::app
