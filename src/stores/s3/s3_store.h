// A bucket as a Store.
#pragma once

#include <memory>
#include <string>

#include "store/store.h"
#include "stores/s3/s3_bucket.h"

namespace haul::s3 {

class S3Store final : public store::Store {
 public:
  S3Store(std::shared_ptr<S3Service> service, BucketOptions options);

  // What the interface does not know: requests, regions, presigned URLs, bucket operations (s3_admin.h).
  S3Bucket& bucket() noexcept { return bucket_; }

  const store::Capabilities& capabilities() const noexcept override { return capabilities_; }
  std::size_t places(const OpContext& context) const noexcept override { return service_->places(context); }
  std::string describe(std::string_view key) const override { return bucket_.describe(key); }
  std::unique_ptr<store::Lister> list(store::ListRequest request) override;
  Task<std::optional<store::Details>> stat(std::string key, store::ReadOptions options,
                                           OpContext& context) override;
  Task<std::unique_ptr<store::Reader>> read(std::string key, store::ReadOptions options,
                                            OpContext& context) override;
  Task<store::Written> write(std::string key, Body& body, store::WriteOptions options,
                             OpContext& context) override;
  Task<std::unique_ptr<store::Upload>> begin_upload(std::string key, store::WriteOptions options,
                                                    OpContext& context) override;
  bool can_copy_from(const store::Store& source) const noexcept override;
  Task<store::Written> copy_from(store::Store& source, std::string source_key, std::string key,
                                 store::CopyOptions options, OpContext& context) override;
  Task<std::uint64_t> discard_remains(std::vector<std::string_view> keys, Time after, Time before,
                                      OpContext& context) override;
  Task<std::vector<store::RemoveResult>> remove(std::span<const store::RemoveItem> items,
                                                OpContext& context) override;
  Task<> set_tags(std::string key, store::Tags tags, OpContext& context) override;
  Task<store::Tags> get_tags(std::string key, std::string version, OpContext& context) override;

 private:
  void check_key(std::string_view key, Operation operation) const;

  const std::shared_ptr<S3Service> service_;
  S3Bucket bucket_;
  store::Capabilities capabilities_;
};

}  // namespace haul::s3
