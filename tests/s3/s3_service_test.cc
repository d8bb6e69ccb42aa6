// What a service offers beside objects, on the fake S3 server and on a real one if the environment names it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/shard.h"
#include "s3/fake_server.h"
#include "stores/s3/s3_admin.h"

namespace haul::testing_support {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;

class S3ServiceTest : public testing::TestWithParam<Server> {
 protected:
  S3ServiceTest()
      : runtime_(system_env(), null_logger(), {.shards = 1, .blocking_threads = 2}),
        context_(runtime_.context()),
        store_(make_s3_store(GetParam())) {}

  template <class T>
  T run(Task<T> task) {
    return runtime_.run_for(std::move(task));
  }
  void run(Task<> task) { runtime_.run(std::move(task)); }
  s3::S3Bucket& bucket() { return store_->bucket(); }

  store::Written write(std::string key, std::string_view content) {
    MemoryBody body(as_bytes(content));
    return run(store_->write(std::move(key), body, {}, context_));
  }

  void enable_versioning() {
    const std::string text =
        "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled"
        "</Status></VersioningConfiguration>";
    MemoryBody body(as_bytes(text));
    s3::Call call = bucket().make_document_call(s3::Operation::create_bucket, "PUT", {}, body);
    call.query.add("versioning");
    run(bucket().request(std::move(call), Replay::safe, 1 << 20, context_));
  }

  std::string read(std::string key, store::ReadOptions options) {
    const auto reader = run(store_->read(std::move(key), std::move(options), context_));
    std::string content(reader->size(), '\0');
    for (std::size_t at = 0; at < content.size();)
      at += run(reader->read_some(std::as_writable_bytes(std::span(content)).subspan(at), context_));
    return content;
  }

  struct Version {
    std::string key, id;
    store::EntryKind kind;
    bool latest;
  };
  std::vector<Version> versions(std::uint32_t page_size) {
    store::ListRequest request;
    request.all_versions = true;
    request.page_size = page_size;
    const auto lister = store_->list(request);
    std::vector<Version> all;
    for (bool last = false; !last;) {
      const store::ListPage page = run(lister->next(context_));
      for (const auto& entry : page.entries)
        all.push_back({std::string(entry.key), std::string(entry.version), entry.kind, entry.latest});
      last = page.last;
    }
    return all;
  }

  Runtime runtime_;
  OpContext context_;
  std::shared_ptr<s3::S3Store> store_;
};

TEST_P(S3ServiceTest, BucketsAreMadeFoundAndRemoved) {
  const std::string name = bucket().name();
  EXPECT_TRUE(run(s3::head_bucket(bucket(), context_)).has_value());
  EXPECT_NO_THROW(run(s3::create_bucket(bucket(), {}, context_)));
  s3::BucketOptions other;
  other.bucket = name + "-missing";
  const auto missing = make_s3_store(GetParam(), other);
  EXPECT_FALSE(run(s3::head_bucket(missing->bucket(), context_)).has_value());
  EXPECT_FALSE(run(s3::delete_bucket(missing->bucket(), context_)));
  EXPECT_EQ(run(s3::versioning_status(bucket(), context_)), "");
  EXPECT_FALSE(run(s3::bucket_location(bucket(), context_)).empty());
  write("k", "x");
  EXPECT_THROW(run(s3::delete_bucket(bucket(), context_)), Error);
  const store::RemoveItem item{.key = "k"};
  run(store_->remove({&item, 1}, context_));
  EXPECT_TRUE(run(s3::delete_bucket(bucket(), context_)));
  EXPECT_FALSE(run(s3::head_bucket(bucket(), context_)).has_value());
}

TEST_P(S3ServiceTest, VersionsAreListedReadAndRemoved) {
  enable_versioning();
  EXPECT_EQ(run(s3::versioning_status(bucket(), context_)), "Enabled");
  const auto first = write("a b", "first");
  const auto second = write("a b", "second");
  write("c", "other");
  EXPECT_NE(first.version, second.version);
  const store::RemoveItem latest{.key = "a b"};
  run(store_->remove({&latest, 1}, context_));
  EXPECT_FALSE(run(store_->stat("a b", {}, context_)));

  for (const std::uint32_t page_size : {1000U, 1U}) {
    const auto all = versions(page_size);
    ASSERT_EQ(all.size(), 4U) << page_size;
    EXPECT_EQ(all[0].kind, store::EntryKind::delete_marker);
    EXPECT_TRUE(all[0].latest);
    EXPECT_EQ(all[1].id, second.version);
    EXPECT_EQ(all[2].id, first.version);
    EXPECT_EQ(all[3].key, "c");
  }
  EXPECT_EQ(read("a b", {.pin = {.version = first.version}}), "first");
  EXPECT_EQ(run(store_->stat("a b", {.pin = {.version = second.version}}, context_))->size, 6U);

  const auto all = versions(1000);
  std::vector<store::RemoveItem> items;
  for (const Version& version : all)
    items.push_back({.key = version.key, .version = version.id});
  for (const auto& result : run(store_->remove(items, context_)))
    EXPECT_FALSE(result.error);
  EXPECT_TRUE(versions(1000).empty());
}

TEST_P(S3ServiceTest, AnUploadThatWasLeftIsFoundAndAborted) {
  const auto upload = run(store_->begin_upload("dir/left behind+", {}, context_));
  const auto pending = run(s3::list_uploads(bucket(), "dir/", {}, {}, context_));
  ASSERT_EQ(pending.uploads.size(), 1U);
  EXPECT_EQ(pending.uploads[0].key, "dir/left behind+");
  EXPECT_FALSE(pending.truncated);
  run(upload->abort(context_));
  EXPECT_TRUE(run(s3::list_uploads(bucket(), "dir/", {}, {}, context_)).uploads.empty());
  EXPECT_NO_THROW(run(upload->abort(context_)));
}

TEST_P(S3ServiceTest, APresignedUrlNeedsNoKeys) {
  write("a b+c/\xc3\xa9", "content");
  const std::string url =
      run(bucket().presign("GET", "a b+c/\xc3\xa9", {}, std::chrono::minutes(5), context_));
  http::Client client({}, 1);
  const http::Url parsed = http::parse_url(url);
  http::Request request{.method = "GET", .target = parsed.path, .headers = {}};
  http::Response response = run(client.send(parsed.endpoint, request, context_));
  EXPECT_EQ(response.status(), 200);
  std::string body;
  runtime_.run(response.read_all(body, 1000, context_));
  EXPECT_EQ(body, "content");
}

TEST_P(S3ServiceTest, BucketsOfTheIdentityAreListed) {
  s3::S3Bucket root(bucket().shared_service(), {});
  const auto buckets = run(s3::list_buckets(root, context_));
  EXPECT_THAT(buckets, Contains(Field(&s3::BucketEntry::name, bucket().name())));
}

std::vector<Server> servers() {
  static FakeServer fake;
  std::vector<Server> all{fake.server()};
  if (const char* endpoint = std::getenv("HAUL_TEST_S3_ENDPOINT"); endpoint != nullptr && *endpoint != 0)
    all.push_back({endpoint, std::getenv("HAUL_TEST_S3_ACCESS_KEY"), std::getenv("HAUL_TEST_S3_SECRET_KEY")});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Servers, S3ServiceTest, testing::ValuesIn(servers()),
                         [](const auto& info) { return info.index == 0 ? "Fake" : "Real"; });

}  // namespace
}  // namespace haul::testing_support
