#include "stores/s3/s3_store.h"

#include "stores/s3/copy.h"
#include "stores/s3/lister.h"
#include "stores/s3/reader.h"
#include "stores/s3/remove.h"
#include "stores/s3/s3_admin.h"
#include "stores/s3/single_write.h"
#include "stores/s3/upload.h"

namespace haul::s3 {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kGiB = 1ULL << 30;
constexpr std::uint64_t kTB = 1'000'000'000'000;

}  // namespace

S3Store::S3Store(std::shared_ptr<S3Service> service, BucketOptions options)
    : service_(std::move(service)), bucket_(service_, std::move(options)) {
  capabilities_.ordered_listing = has_ordered_keys(bucket_.name());
  capabilities_.range_listing = capabilities_.ordered_listing;
  capabilities_.keeps_metadata = true;
  capabilities_.keeps_tags = true;
  capabilities_.keeps_posix = true;
  capabilities_.keeps_storage_class = true;
  capabilities_.versions = true;
  capabilities_.create_only = true;
  capabilities_.etag_in_listing = true;
  capabilities_.max_object = 50 * kTB;
  capabilities_.max_single_write = 5 * kGiB;
  capabilities_.min_part = 5 * kMiB;
  capabilities_.max_part = 5 * kGiB;
  capabilities_.max_parts = 10'000;
  capabilities_.max_remove = 1000;
}

// Without a key the request would be one to the bucket.
void S3Store::check_key(std::string_view key, Operation operation) const {
  if (!key.empty()) return;
  throw Error(ErrorClass::invalid_argument, "an empty key")
      .during(std::string(to_string(operation)))
      .on(bucket_.describe({}))
      .with_hint("name an object: s3://bucket/key");
}

std::unique_ptr<store::Lister> S3Store::list(store::ListRequest request) {
  return make_lister(bucket_, std::move(request));
}

Task<std::optional<store::Details>> S3Store::stat(std::string key, store::ReadOptions options,
                                                  OpContext& context) {
  check_key(key, Operation::head_object);
  return head_object(bucket_, std::move(key), std::move(options), context);
}

Task<std::unique_ptr<store::Reader>> S3Store::read(std::string key, store::ReadOptions options,
                                                   OpContext& context) {
  check_key(key, Operation::get_object);
  return open_reader(bucket_, std::move(key), std::move(options), context);
}

Task<store::Written> S3Store::write(std::string key, Body& body, store::WriteOptions options,
                                    OpContext& context) {
  check_key(key, Operation::put_object);
  return write_object(bucket_, std::move(key), body, std::move(options), context);
}

Task<std::unique_ptr<store::Upload>> S3Store::begin_upload(std::string key, store::WriteOptions options,
                                                           OpContext& context) {
  check_key(key, Operation::create_multipart_upload);
  return s3::begin_upload(bucket_, std::move(key), std::move(options), context);
}

bool S3Store::can_copy_from(const store::Store& source) const noexcept {
  const auto* other = dynamic_cast<const S3Store*>(&source);
  return other != nullptr && other->service_ == service_;
}

Task<store::Written> S3Store::copy_from(store::Store& source, std::string source_key, std::string key,
                                        store::CopyOptions options, OpContext& context) {
  check_key(key, Operation::copy_object);
  auto* other = dynamic_cast<S3Store*>(&source);
  if (other == nullptr || other->service_ != service_)
    throw Error(ErrorClass::unsupported, "the source is not of this service and identity")
        .during(std::string(to_string(Operation::copy_object)))
        .on(describe(key));
  other->check_key(source_key, Operation::copy_object);
  return copy_object(other->bucket_, std::move(source_key), bucket_, std::move(key), std::move(options),
                     context);
}

Task<std::uint64_t> S3Store::discard_remains(std::vector<std::string_view> keys, Time after, Time /*before*/,
                                             OpContext& context) {
  return abort_remains(bucket_, std::move(keys), after, context);
}

Task<std::vector<store::RemoveResult>> S3Store::remove(std::span<const store::RemoveItem> items,
                                                       OpContext& context) {
  return remove_objects(bucket_, items, context);
}

Task<> S3Store::set_tags(std::string key, store::Tags tags, OpContext& context) {
  check_key(key, Operation::put_object_tagging);
  return write_tags(bucket_, std::move(key), std::move(tags), context);
}

Task<store::Tags> S3Store::get_tags(std::string key, std::string version, OpContext& context) {
  check_key(key, Operation::get_object_tagging);
  return read_tags(bucket_, std::move(key), std::move(version), context);
}

}  // namespace haul::s3
