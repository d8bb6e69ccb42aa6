// The S3 store against a server that fails in the ways that servers and networks do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/shard.h"
#include "s3/fake_server.h"
#include "stores/s3/outgoing_body.h"

namespace haul::testing_support {
namespace {

using s3::Operation;
using store::ByteRange;

// Bytes that differ from place to place.
std::string some_content(std::size_t size) {
  std::string content(size, '\0');
  std::uint64_t state = 88172645463325252ULL;
  for (char& c : content) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state);
  }
  return content;
}

class S3Faults : public testing::Test {
 protected:
  S3Faults()
      : runtime_(system_env(), null_logger(), {.shards = 1, .blocking_threads = 2}),
        context_(runtime_.context()),
        store_(make_s3_store(fake().server(), {}, quick())) {
    fake().heal();
  }
  ~S3Faults() override { fake().heal(); }

  static FakeServer& fake() {
    static FakeServer server;
    return server;
  }
  static s3::ServiceOptions quick() {
    s3::ServiceOptions options;
    options.retry.max_attempts = 4;
    options.retry.base = options.retry.throttled_base = std::chrono::milliseconds(1);
    return options;
  }

  template <class T>
  T run(Task<T> task) {
    return runtime_.run_for(std::move(task));
  }
  void run(Task<> task) { runtime_.run(std::move(task)); }

  store::Written write(std::string key, std::string_view content, store::WriteOptions options = {}) {
    MemoryBody body(as_bytes(content));
    return run(store_->write(std::move(key), body, std::move(options), context_));
  }

  static Task<std::string> read_whole(s3::S3Store& from, std::string key, store::ReadOptions options,
                                      OpContext& context) {
    const auto reader = co_await from.read(std::move(key), std::move(options), context);
    std::string content(reader->size(), '\0');
    std::size_t at = 0;
    while (at < content.size()) {
      const std::size_t count =
          co_await reader->read_some(std::as_writable_bytes(std::span(content)).subspan(at), context);
      if (count == 0) break;
      at += count;
    }
    co_return content;
  }
  std::string read(std::string key, store::ReadOptions options = {}) {
    return run(read_whole(*store_, std::move(key), std::move(options), context_));
  }

  static Task<std::vector<std::string>> list_whole(s3::S3Store& from, store::ListRequest request,
                                                   OpContext& context) {
    std::vector<std::string> keys;
    const auto lister = from.list(std::move(request));
    for (bool last = false; !last;) {
      const store::ListPage page = co_await lister->next(context);
      for (const auto& entry : page.entries)
        keys.emplace_back(entry.key);
      last = page.last;
    }
    co_return keys;
  }
  std::vector<std::string> list(std::uint32_t page_size = 1000) {
    store::ListRequest request;
    request.page_size = page_size;
    return run(list_whole(*store_, request, context_));
  }

  store::Written copy(std::string from, std::string to, store::CopyOptions options = {}) {
    return run(store_->copy_from(*store_, std::move(from), std::move(to), std::move(options), context_));
  }

  std::uint64_t requests(Operation operation) {
    return store_->bucket().service().requests()[static_cast<std::size_t>(operation)];
  }

  template <class Action>
  Error failure(Action action) {
    try {
      action();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return {ErrorClass::internal, "none"};
  }

  Runtime runtime_;
  OpContext context_;
  std::shared_ptr<s3::S3Store> store_;
};

std::string rule(std::string_view operation, std::string_view action, int count = 1) {
  return R"({"rules": [{"match": {"operation": [")" + std::string(operation) + R"("]}, "count": )" +
         std::to_string(count) + R"(, "action": )" + std::string(action) + "}]}";
}

TEST_F(S3Faults, SlowDownIsWaitedOutAndLowersTheLimit) {
  fake().fail(rule("PutObject", R"({"type": "slow-down"})", 2));
  EXPECT_FALSE(write("k", "content").etag.empty());
  EXPECT_EQ(requests(Operation::put_object), 3U);
  EXPECT_GE(store_->bucket().service().throttle_count(), 1U);
}

TEST_F(S3Faults, AFailureThatStaysSaysWhatCameBackAndHowOftenItWasTried) {
  fake().fail(rule("PutObject", R"({"type": "error", "status": 500, "code": "InternalError"})", 0));
  const Error error = failure([&] { write("k", "content"); });
  EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
  EXPECT_EQ(error.code(), "InternalError");
  EXPECT_EQ(error.http_status(), 500);
  EXPECT_EQ(error.attempts(), 4);
  EXPECT_EQ(error.operation(), "PutObject");
  EXPECT_THAT(error.subject(), testing::EndsWith("/k"));
  EXPECT_FALSE(error.request_id().empty());
}

TEST_F(S3Faults, AClosedConnectionIsTriedAgain) {
  fake().fail(rule("GetObject", R"({"type": "close"})", 2));
  write("k", "content");
  EXPECT_EQ(read("k"), "content");
}

TEST_F(S3Faults, AReadGoesOnWhereItsConnectionBroke) {
  const std::string content = some_content(3 << 20);
  write("k", content);
  for (const char* action :
       {R"({"type": "reset", "bytes": 1000000})", R"({"type": "short", "bytes": 777777})"}) {
    fake().fail(rule("GetObject", action, 2));
    EXPECT_TRUE(read("k") == content) << action;
    fake().fail(rule("GetObject", action, 2));
    EXPECT_TRUE(read("k", {.range = ByteRange{100, 2'900'000}}) == content.substr(100, 2'900'000)) << action;
  }
}

TEST_F(S3Faults, BytesThatChangedOnTheirWayAreNoticed) {
  write("k", some_content(100'000));
  fake().fail(rule("GetObject", R"({"type": "corrupt", "at": 5000})"));
  EXPECT_EQ(failure([&] { read("k"); }).error_class(), ErrorClass::data_loss);
}

TEST_F(S3Faults, AnObjectThatChangesUnderTheReaderIsNotMixed) {
  const std::string content = some_content(3 << 20);
  write("k", content);
  fake().fail(rule("GetObject", R"({"type": "short", "bytes": 1000000})"));
  const auto reader = run(store_->read("k", {}, context_));
  std::string buffer(1 << 20, '\0');
  run(reader->read_some(std::as_writable_bytes(std::span(buffer)), context_));
  write("k", "other");
  const Error error = failure([&] {
    while (run(reader->read_some(std::as_writable_bytes(std::span(buffer)), context_)) > 0) {
    }
  });
  EXPECT_EQ(error.error_class(), ErrorClass::source_changed);
}

TEST_F(S3Faults, AnErrorUnderStatus200IsAnError) {
  write("a", "content");
  fake().fail(rule("CopyObject", R"({"type": "error-in-200", "code": "InternalError"})"));
  copy("a", "b");
  EXPECT_EQ(read("b"), "content");
  fake().fail(rule("CopyObject", R"({"type": "error-in-200", "code": "AccessDenied"})", 0));
  EXPECT_EQ(failure([&] { copy("a", "c"); }).error_class(), ErrorClass::permission_denied);
}

TEST_F(S3Faults, AnotherRegionIsFoundAndRemembered) {
  write("k", "content");
  fake().fail(rule("*", R"({"type": "redirect", "region": "eu-west-1"})"));
  EXPECT_EQ(read("k"), "content");
  EXPECT_EQ(store_->bucket().region(context_), "eu-west-1");
  EXPECT_EQ(requests(Operation::get_object), 2U);
}

TEST_F(S3Faults, AWrongClockIsCorrectedByTheServers) {
  const FakeServer ahead({"--skew", "3600"});
  const auto store = make_s3_store(ahead.server(), {}, quick());
  MemoryBody body(as_bytes("content"));
  for (int i = 0; i < 2; ++i)
    run(store->write("k", body, {}, context_));
  EXPECT_EQ(run(read_whole(*store, "k", {}, context_)), "content");
  EXPECT_EQ(store->bucket().service().requests()[static_cast<std::size_t>(Operation::put_object)], 3U);
}

TEST_F(S3Faults, AWrongClockIsCorrectedAlsoWhereNoDocumentSaysSo) {
  const FakeServer behind({"--skew", "-3600"});
  const auto store = make_s3_store(behind.server(), {}, quick());
  EXPECT_FALSE(run(store->stat("missing", {}, context_)));
}

TEST_F(S3Faults, ALostAnswerToACreateIsNoConflict) {
  fake().fail(rule("PutObject", R"({"type": "error", "status": 500, "apply": true})"));
  store::WriteOptions create;
  create.mode = store::WriteMode::create_only;
  const auto written = write("k", "content", create);
  EXPECT_FALSE(written.condition_failed);
  EXPECT_FALSE(written.etag.empty());
  fake().heal();
  write("other", "theirs");
  fake().fail(rule("PutObject", R"({"type": "close"})"));
  EXPECT_TRUE(write("other", "mine", create).condition_failed);
}

TEST_F(S3Faults, ACutListingIsAskedForAgain) {
  for (int i = 0; i < 9; ++i)
    write("k" + std::to_string(i), "");
  fake().fail(rule("ListObjectsV2", R"({"type": "cut-xml"})", 2));
  EXPECT_EQ(list(3).size(), 9U);
}

TEST_F(S3Faults, AListingThatContradictsItselfEndsInDataLoss) {
  for (int i = 0; i < 9; ++i)
    write("k" + std::to_string(i), "");
  for (const char* action : {R"({"type": "repeat-key"})", R"({"type": "endless-token"})"}) {
    fake().fail(rule("ListObjectsV2", action, 0));
    EXPECT_EQ(failure([&] { list(3); }).error_class(), ErrorClass::data_loss) << action;
    // Once only, and the page is asked for again.
    fake().fail(R"({"rules": [{"match": {"operation": ["ListObjectsV2"]}, "skip": 1, "action": )" +
                std::string(action) + "}]}");
    EXPECT_EQ(list(3).size(), 9U) << action;
  }
}

TEST_F(S3Faults, ACompletionWhoseAnswerIsLostHasSucceeded) {
  const std::string content = some_content(6 << 20);
  for (const char* action :
       {R"({"type": "error", "status": 500, "apply": true})", R"({"type": "cut-xml"})"}) {
    const auto upload = run(store_->begin_upload("large", {}, context_));
    MemoryBody body(as_bytes(content));
    const Checksum sum = run(upload->write_part(1, 0, body, context_));
    fake().fail(rule("CompleteMultipartUpload", action));
    const auto written = run(upload->complete(sum, context_));
    EXPECT_EQ(written.size, content.size());
    EXPECT_FALSE(written.etag.empty());
    fake().heal();
    EXPECT_TRUE(read("large") == content) << action;
  }
}

TEST_F(S3Faults, APartThatIsDamagedOnItsWayIsSentAgain) {
  const std::string content = some_content(6 << 20);
  const auto upload = run(store_->begin_upload("large", {}, context_));
  MemoryBody body(as_bytes(content));
  fake().fail(rule("UploadPart", R"({"type": "error", "status": 400, "code": "BadDigest"})"));
  const Checksum sum = run(upload->write_part(1, 0, body, context_));
  EXPECT_TRUE(run(upload->complete(sum, context_)).server_verified);
}

// A part whose bytes have changed in memory since they were read and hashed.
struct DamagedPart {
  std::string content = some_content(6 << 20);
  Checksum as_read = checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes(content));
  std::string damaged = [this] {
    std::string bytes = content;
    bytes[5'000'000] ^= 1;
    return bytes;
  }();
};

TEST_F(S3Faults, APartThatIsNoLongerWhatWasReadIsRefusedByTheServer) {
  const DamagedPart part;
  const auto upload = run(store_->begin_upload("large", {}, context_));
  MemoryBody wrong(as_bytes(part.damaged), part.as_read);
  EXPECT_EQ(failure([&] { run(upload->write_part(1, 0, wrong, context_)); }).error_class(),
            ErrorClass::data_loss);
  MemoryBody right(as_bytes(part.content), part.as_read);
  EXPECT_EQ(run(upload->write_part(1, 0, right, context_)), part.as_read);
  EXPECT_TRUE(run(upload->complete(part.as_read, context_)).server_verified);
}

TEST_F(S3Faults, APartIsHashedAsItIsSentWhereTheServerIsToldNoChecksum) {
  const DamagedPart part;
  const auto store = make_s3_store(fake().server(), {.checksum_when = s3::ChecksumWhen::required}, quick());
  const auto upload = run(store->begin_upload("large", {}, context_));
  MemoryBody wrong(as_bytes(part.damaged), part.as_read);
  EXPECT_NE(run(upload->write_part(1, 0, wrong, context_)), part.as_read);
}

// A service that is not Amazon's is asked once whether it takes checksums behind the bytes.
class S3Pieces : public S3Faults {
 protected:
  bool takes_pieces(bool rereads = true) {
    upload_ = run(store_->begin_upload("large", {}, context_));
    return run(upload_->takes_pieces(rereads, context_));
  }
  std::uint64_t parts_sent() const {
    return store_->bucket().service().requests()[static_cast<std::size_t>(Operation::upload_part)];
  }
  // Not in memory as far as the writer can see.
  Checksum write_in_pieces(std::string_view content) {
    MemoryBody memory(as_bytes(content));
    s3::HashingBody pieces(memory, upload_->checksum_algorithm());
    return run(upload_->write_part(1, 0, pieces, context_));
  }

  std::unique_ptr<store::Upload> upload_;
};

TEST_F(S3Pieces, ArriveVerifiedWhereTheServiceTakesTrailers) {
  const std::string content = some_content(6 << 20);
  EXPECT_TRUE(takes_pieces());
  EXPECT_EQ(parts_sent(), 1U);
  EXPECT_TRUE(takes_pieces());
  EXPECT_EQ(parts_sent(), 1U) << "it is known by now";
  const Checksum sum = write_in_pieces(content);
  EXPECT_EQ(sum, checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes(content)));
  EXPECT_TRUE(run(upload_->complete(sum, context_)).server_verified);
  EXPECT_TRUE(read("large") == content) << "nothing is left of what was sent to find out";
}

TEST_F(S3Pieces, AreSentAgainFromTheFirstWhereOneWasDamaged) {
  const std::string content = some_content(6 << 20);
  for (const char* action : {R"({"type": "error", "status": 400, "code": "BadDigest"})",
                             R"({"type": "reset", "request-bytes": 3000000})"}) {
    ASSERT_TRUE(takes_pieces());
    fake().fail(rule("UploadPart", action));
    const Checksum sum = write_in_pieces(content);
    EXPECT_EQ(sum, checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes(content))) << action;
    EXPECT_TRUE(run(upload_->complete(sum, context_)).server_verified) << action;
    EXPECT_TRUE(read("large") == content) << action;
  }
}

TEST_F(S3Pieces, AreNotGivenToAServiceThatRefusesTrailers) {
  for (const char* action : {R"({"type": "error", "status": 501, "code": "NotImplemented"})",
                             R"({"type": "error", "status": 400, "code": "XAmzContentSHA256Mismatch"})",
                             R"({"type": "error", "status": 400, "code": "BadDigest"})",
                             R"({"type": "error", "status": 500, "code": "InternalError"})",
                             R"({"type": "error-in-200", "code": "InternalError"})"}) {
    store_ = make_s3_store(fake().server(), {}, quick());
    fake().fail(rule("UploadPart", action));
    EXPECT_FALSE(takes_pieces()) << action;
    EXPECT_FALSE(takes_pieces()) << action;
    EXPECT_EQ(parts_sent(), 1U) << "it is not asked again: " << action;
    fake().heal();
  }
}

TEST_F(S3Pieces, AreAskedAboutAgainWhereTheServiceWasBusy) {
  fake().fail(rule("UploadPart", R"({"type": "error", "status": 503, "code": "SlowDown"})"));
  EXPECT_FALSE(takes_pieces());
  EXPECT_TRUE(takes_pieces());
}

TEST_F(S3Pieces, SayThatTheUploadHasVanished) {
  fake().fail(rule("UploadPart", R"({"type": "error", "status": 404, "code": "NoSuchUpload"})"));
  EXPECT_EQ(failure([&] { takes_pieces(); }).error_class(), ErrorClass::data_loss);
}

TEST_F(S3Pieces, AreNotAskedAboutWhereReadingAgainIsDear) {
  EXPECT_FALSE(takes_pieces(false));
  EXPECT_EQ(parts_sent(), 0U);
}

TEST_F(S3Faults, KeysThatCouldNotBeRemovedAreTriedAgainOrNamed) {
  for (const char* key : {"a", "b", "c"})
    write(key, "x");
  const store::RemoveItem items[] = {{.key = "a"}, {.key = "b"}, {.key = "control\x01"}, {.key = "c"}};
  fake().fail(rule("DeleteObjects", R"({"type": "slow-down"})"));
  for (const auto& result : run(store_->remove(items, context_)))
    EXPECT_FALSE(result.error);
  EXPECT_EQ(requests(Operation::delete_objects), 2U);
  EXPECT_EQ(requests(Operation::delete_object), 1U);
  EXPECT_TRUE(list().empty());
}

TEST_F(S3Faults, ALargeCopyGoesInPartsWithAllItsProperties) {
  s3::BucketOptions options;
  options.bucket = store_->bucket().name();
  options.max_single_copy = 6 << 20;
  options.copy_part = 5 << 20;
  const auto small_parts = make_s3_store(fake().server(), options, quick());
  const std::string content = some_content(17 << 20);
  store::Properties properties;
  properties.content.type = "image/tiff";
  properties.metadata = {{"color", "blue"}};
  properties.tags = store::Tags{{"team", "a b"}};
  store::WriteOptions with;
  with.properties = &properties;
  const auto original = write("large", content, with);
  fake().fail(rule("UploadPartCopy", R"({"type": "error-in-200", "code": "SlowDown"})", 2));
  store::CopyOptions copy_options;
  copy_options.source = {.etag = original.etag};
  copy_options.source_size = content.size();
  const auto written = run(small_parts->copy_from(*small_parts, "large", "copy", copy_options, context_));
  EXPECT_TRUE(written.server_verified);
  EXPECT_EQ(small_parts->bucket().service().requests()[static_cast<std::size_t>(Operation::upload_part_copy)],
            6U);
  EXPECT_TRUE(read("copy") == content);
  const auto details = run(store_->stat("copy", {.tags = true}, context_));
  EXPECT_EQ(details->properties.content.type, "image/tiff");
  EXPECT_EQ(details->properties.metadata, properties.metadata);
  EXPECT_EQ(details->properties.tags, properties.tags);
}

TEST_F(S3Faults, UploadsOfADeadWriterAreAbortedByKeyAndAge) {
  const Time begin = system_env().wall_now();
  const auto mine = run(store_->begin_upload("left/mine", {}, context_));
  const auto theirs = run(store_->begin_upload("left/theirs", {}, context_));
  EXPECT_EQ(run(store_->discard_remains({"left/mine"}, begin + std::chrono::hours(1), begin, context_)), 0U);
  EXPECT_EQ(run(store_->discard_remains({"left/mine", "left/other"}, begin, begin, context_)), 1U);
  MemoryBody part(as_bytes("content"));
  EXPECT_THROW(run(mine->write_part(1, 0, part, context_)), Error);
  const auto sum = run(theirs->write_part(1, 0, part, context_));
  EXPECT_EQ(run(theirs->complete(sum, context_)).size, 7U);
}

TEST_F(S3Faults, ACopyOntoItselfThatChangesNothingIsRefused) {
  write("k", "x");
  EXPECT_EQ(failure([&] { copy("k", "k"); }).error_class(), ErrorClass::invalid_argument);
  EXPECT_EQ(requests(Operation::copy_object), 0U);
}

TEST_F(S3Faults, AWrongSecretIsSaidAndNotTriedAgain) {
  Server server = fake().server();
  server.secret_key = "another";
  s3::BucketOptions options;
  options.bucket = store_->bucket().name();
  const auto stranger = make_s3_store(server, options, quick());
  MemoryBody body(as_bytes("x"));
  const Error error = failure([&] { run(stranger->write("k", body, {}, context_)); });
  EXPECT_EQ(error.error_class(), ErrorClass::unauthenticated);
  EXPECT_EQ(error.code(), "SignatureDoesNotMatch");
  EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("another")));
  EXPECT_EQ(stranger->bucket().service().requests()[static_cast<std::size_t>(Operation::put_object)], 1U);
}

// Gives the first set until it is refused, then the second.
class TwoSets final : public auth::CredentialsProvider {
 public:
  TwoSets(auth::Snapshot first, auth::Snapshot second) : now_(std::move(first)), next_(std::move(second)) {}
  Task<auth::Snapshot> get(OpContext&) override { co_return now_; }
  bool is_current(const auth::Credentials& held, Time) const noexcept override { return &held == now_.get(); }
  auth::Snapshot current(Time) const noexcept override { return now_; }
  bool rejected(const auth::Credentials& refused) override {
    if (!next_ || &refused != now_.get()) return false;
    now_ = std::exchange(next_, nullptr);
    return true;
  }

 private:
  auth::Snapshot now_, next_;
};

TEST_F(S3Faults, RefusedCredentialsAreReplacedWithinTheAttempt) {
  auth::Credentials set;
  set.access_key = fake().server().access_key;
  set.secret_key = auth::Secret(fake().server().secret_key);
  http::Client client({}, 1);
  s3::ServiceOptions options = quick();
  options.endpoint = fake().server().endpoint;
  const auto service =
      std::make_shared<s3::S3Service>(client, options,
                                      std::make_shared<TwoSets>(std::make_shared<auth::Credentials>(set),
                                                                std::make_shared<auth::Credentials>(set)),
                                      1);
  s3::BucketOptions bucket;
  bucket.bucket = store_->bucket().name();
  s3::S3Store refreshed(service, bucket);
  const auto put = [&](std::string key) {
    MemoryBody body(as_bytes("content"));
    return run(refreshed.write(std::move(key), body, {}, context_));
  };
  fake().fail(rule("PutObject", R"({"type": "expired-token"})"));
  EXPECT_FALSE(put("k").etag.empty());
  fake().fail(rule("PutObject", R"({"type": "expired-token"})", 0));
  const Error error = failure([&] { put("k"); });
  EXPECT_EQ(error.error_class(), ErrorClass::unauthenticated);
  EXPECT_EQ(error.code(), "ExpiredToken");
}

TEST_F(S3Faults, EachShardUsesTheStoreOnItsOwn) {
  fake().heal();
  write("k", "content");
  Runtime two(system_env(), null_logger(), {.shards = 2, .blocking_threads = 2});
  s3::BucketOptions options;
  options.bucket = store_->bucket().name();
  const auto shared = make_s3_store(fake().server(), options, quick());
  for (unsigned shard = 0; shard < 2; ++shard) {
    OpContext there = two.context(shard);
    EXPECT_EQ(two.run_for(on_shard(two.shard(shard), read_whole(*shared, "k", {}, there))), "content");
  }
  EXPECT_EQ(shared->bucket().service().requests()[static_cast<std::size_t>(Operation::get_object)], 2U);
}

TEST_F(S3Faults, AMissingBucketIsNamedWithARemedy) {
  s3::BucketOptions options;
  options.bucket = "no-such-bucket-here";
  const auto nowhere = make_s3_store(fake().server(), options, quick());
  const Error error = failure([&] { run(list_whole(*nowhere, {}, context_)); });
  EXPECT_EQ(error.error_class(), ErrorClass::not_found);
  EXPECT_THAT(error.what(), testing::HasSubstr("s3://no-such-bucket-here"));
  EXPECT_THAT(error.what(), testing::HasSubstr("haul mb"));
}

}  // namespace
}  // namespace haul::testing_support
