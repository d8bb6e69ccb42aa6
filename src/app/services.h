// S3 services by endpoint and identity, each made once: buckets that share one can copy to each other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/settings.h"
#include "auth/chain.h"
#include "auth/fetch.h"
#include "auth/session_policy.h"
#include "http/client.h"
#include "stores/s3/s3_service.h"
#include "stores/s3/s3_store.h"

namespace haul::app {

// What a bucket is wanted for.
enum class Use : std::uint8_t { read, write };

// Not thread-safe; used while a command is set up. What it is given outlives it.
class Services {
 public:
  Services(const Settings& settings, http::Client& client, auth::Fetch& fetch, unsigned shard_count);

  // Says what the command needs, before the first bucket of that side is made: sessions of assumed roles are
  // limited to that.
  void need(const SideSettings& side, auth::PolicyScope scope);
  void need(const Settings& settings, const SideSettings& side, auth::PolicyScope scope);

  // `name` may be empty, for requests to the service itself.
  std::shared_ptr<s3::S3Store> bucket(const SideSettings& side, const std::string& name, Use use);
  // The same under the settings of one job of several; identities and limits are shared by all.
  std::shared_ptr<s3::S3Store> bucket(const Settings& settings, const SideSettings& side,
                                      const std::string& name, Use use);

  // Where the side's service is, for messages and to tell whether two are the same.
  std::string endpoint(const SideSettings& side);
  // Who the side is, for doctor.
  const auth::Identity& identity(const SideSettings& side);
  auth::Fetch& fetch() noexcept { return fetch_; }

  // Requests sent so far, of all services.
  s3::RequestCounts requests() const;
  std::uint64_t throttle_count() const;

 private:
  struct Entry {
    SideSettings side;
    std::vector<auth::PolicyScope> scopes;
    std::optional<unsigned> concurrency;  // the least that a job has said
    auth::Identity identity;
    std::shared_ptr<s3::S3Service> service;
  };
  Entry& entry(const SideSettings& side);
  Entry& entry(const Settings& settings, const SideSettings& side);
  void resolve(Entry& entry);
  std::shared_ptr<auth::CredentialsProvider> with_role(const Entry& entry);
  static s3::BucketOptions bucket_options(const Settings& settings, const std::string& name, Use use,
                                          const auth::AwsSettings& aws);

  const Settings& settings_;
  http::Client& client_;
  auth::Fetch& fetch_;
  const unsigned shard_count_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace haul::app
