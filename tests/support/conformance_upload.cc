// Large objects that arrive in parts.
#include "runtime/task_group.h"
#include "support/conformance.h"

namespace haul::testing_support {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kPart = 6'000'000;

Checksum sum_of(const store::Upload& upload, std::string_view content) {
  return checksum_of(upload.checksum_algorithm(), as_bytes(content));
}

Task<> send_part(store::Upload& upload, std::uint32_t number, std::string_view content, OpContext& context) {
  PiecewiseBody body(std::string(content.substr((number - 1) * kPart, kPart)), 300'007);
  const Checksum sum = co_await upload.write_part(number, (number - 1) * kPart, body, context);
  EXPECT_EQ(sum, sum_of(upload, content.substr((number - 1) * kPart, kPart)));
}

Task<> send_backwards_and_at_once(store::Upload& upload, std::string_view content, OpContext& context) {
  TaskGroup group(context.executor());
  for (std::size_t number = (content.size() + kPart - 1) / kPart; number > 0; --number)
    group.spawn(send_part(upload, static_cast<std::uint32_t>(number), content, context));
  co_await group.join();
}

TEST_P(Conformance, AnUploadAppearsWholeAndOnlyWhenItIsComplete) {
  const std::string content = some_content(20 << 20);
  store::WriteOptions options;
  options.size = content.size();
  const auto upload = runtime().run_for(store().begin_upload(full("dir/large"), options, context()));
  runtime().run(send_backwards_and_at_once(*upload, content, context()));
  EXPECT_FALSE(stat("dir/large"));
  EXPECT_THAT(list().keys, IsEmpty());
  const auto written = runtime().run_for(upload->complete(sum_of(*upload, content), context()));
  EXPECT_EQ(written.size, content.size());
  EXPECT_TRUE(read("dir/large") == content);
  EXPECT_THAT(list().keys, ElementsAre("dir/large"));
  EXPECT_EQ(stat("dir/large")->size, content.size());
}

TEST_P(Conformance, APartSentAgainCounts) {
  const std::string content = some_content(kPart + 1000);
  const auto upload = runtime().run_for(store().begin_upload(full("large"), {}, context()));
  MemoryBody wrong(as_bytes(std::string_view(content).substr(1, kPart)));
  runtime().run_for(upload->write_part(1, 0, wrong, context()));
  runtime().run(send_backwards_and_at_once(*upload, content, context()));
  runtime().run_for(upload->complete(sum_of(*upload, content), context()));
  EXPECT_TRUE(read("large") == content);
}

TEST_P(Conformance, AnUploadThatDiffersFromItsSourceIsNotCompleted) {
  write("large", "before");
  const std::string content = some_content(kPart + 5);
  const auto upload = runtime().run_for(store().begin_upload(full("large"), {}, context()));
  runtime().run(send_backwards_and_at_once(*upload, content, context()));
  const Checksum other = sum_of(*upload, "other");
  EXPECT_EQ(error_of([&] { runtime().run_for(upload->complete(other, context())); }), ErrorClass::data_loss);
  runtime().run(upload->abort(context()));
  EXPECT_EQ(read("large"), "before");
}

TEST_P(Conformance, AnAbortedUploadLeavesNothing) {
  const std::string content = some_content(kPart);
  const auto upload = runtime().run_for(store().begin_upload(full("dir/large"), {}, context()));
  runtime().run(send_backwards_and_at_once(*upload, content, context()));
  runtime().run(upload->abort(context()));
  EXPECT_FALSE(stat("dir/large"));
  EXPECT_THAT(list().keys, IsEmpty());
}

TEST_P(Conformance, AnUploadCarriesProperties) {
  const std::string content = some_content(kPart);
  store::WriteOptions options;
  {
    store::Properties properties;
    properties.metadata = {{"color", "blue"}};
    properties.posix =
        store::PosixAttributes{.mode = 0100600, .uid = {}, .gid = {}, .mtime = {}, .atime = {}};
    options.properties = &properties;
    options.size = content.size();
    const auto upload = runtime().run_for(store().begin_upload(full("large"), options, context()));
    runtime().run(send_backwards_and_at_once(*upload, content, context()));
    runtime().run_for(upload->complete(sum_of(*upload, content), context()));
  }
  const auto details = stat("large");
  ASSERT_TRUE(details);
  if (can().keeps_metadata)
    EXPECT_THAT(details->properties.metadata,
                testing::Contains(std::pair<std::string, std::string>("color", "blue")));
  if (can().keeps_posix) EXPECT_EQ(details->properties.posix.value().mode.value() & 07777, 0600U);
}

TEST_P(Conformance, AnUploadThatMayOnlyCreateYieldsToWhatIsThere) {
  if (!GetParam().conditional_uploads) return;  // the server ignores the condition
  const std::string content = some_content(kPart);
  store::WriteOptions options;
  options.mode = store::WriteMode::create_only;
  options.size = content.size();
  for (const bool expected : {false, true}) {
    const auto upload = runtime().run_for(store().begin_upload(full("large"), options, context()));
    runtime().run(send_backwards_and_at_once(*upload, content, context()));
    EXPECT_EQ(runtime().run_for(upload->complete(sum_of(*upload, content), context())).condition_failed,
              expected);
  }
  EXPECT_THAT(list().keys, ElementsAre("large"));
}

}  // namespace
}  // namespace haul::testing_support
