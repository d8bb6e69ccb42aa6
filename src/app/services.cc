#include "app/services.h"

#include <algorithm>

#include "auth/partition.h"
#include "auth/refreshing.h"
#include "auth/role_sources.h"
#include "store/location.h"

namespace haul::app {
namespace {

// The region is left out: a bucket finds its own, and two sides that differ in nothing else may copy to each
// other within the service.
bool same_identity(const SideSettings& a, const SideSettings& b) {
  return a.profile == b.profile && a.endpoint_url == b.endpoint_url && a.role_arn == b.role_arn &&
         a.external_id == b.external_id && a.no_sign_request == b.no_sign_request;
}

s3::Addressing addressing_of(auth::AddressingStyle style) {
  switch (style) {
    case auth::AddressingStyle::automatic: return s3::Addressing::automatic;
    case auth::AddressingStyle::path: return s3::Addressing::path;
    case auth::AddressingStyle::virtual_hosted: return s3::Addressing::virtual_host;
  }
  return s3::Addressing::automatic;
}

s3::Encryption encryption_of(const ObjectSettings& object) {
  s3::Encryption encryption;
  if (object.sse == "AES256") encryption.kind = s3::EncryptionKind::s3;
  if (object.sse == "aws:kms") encryption.kind = s3::EncryptionKind::kms;
  if (object.sse == "aws:kms:dsse") encryption.kind = s3::EncryptionKind::kms_dsse;
  encryption.kms_key_id = object.sse_kms_key_id;
  return encryption;
}

}  // namespace

Services::Services(const Settings& settings, http::Client& client, auth::Fetch& fetch, unsigned shard_count)
    : settings_(settings), client_(client), fetch_(fetch), shard_count_(shard_count) {}

Services::Entry& Services::entry(const SideSettings& side) {
  for (const auto& known : entries_)
    if (same_identity(known->side, side)) {
      if (known->side.region.empty() && !known->service) known->side.region = side.region;
      return *known;
    }
  entries_.push_back(std::make_unique<Entry>());
  entries_.back()->side = side;
  return *entries_.back();
}

Services::Entry& Services::entry(const Settings& settings, const SideSettings& side) {
  Entry& found = entry(side);
  if (settings.concurrency)
    found.concurrency = std::min(found.concurrency.value_or(*settings.concurrency), *settings.concurrency);
  return found;
}

void Services::need(const SideSettings& side, auth::PolicyScope scope) {
  need(settings_, side, std::move(scope));
}

void Services::need(const Settings& settings, const SideSettings& side, auth::PolicyScope scope) {
  Entry& found = entry(settings, side);
  if (settings.scope_down) found.scopes.push_back(std::move(scope));
}

void Services::resolve(Entry& entry) {
  if (entry.identity.credentials) return;
  auth::IdentityOptions options;
  options.profile = entry.side.profile;
  options.region = entry.side.region;
  options.endpoint_url = entry.side.endpoint_url;
  options.ca_file = settings_.network.ca_file;
  options.sign_requests = !entry.side.no_sign_request;
  // With --role-arn the profile's own role only assumes it, and needs all its rights for that.
  if (entry.side.role_arn.empty()) options.scope_down = entry.scopes;
  entry.identity = auth::resolve_identity(options, auth::system_world(fetch_));
  if (!entry.side.role_arn.empty()) entry.identity.credentials = with_role(entry);

  const auth::AwsSettings& aws = entry.identity.settings;
  s3::ServiceOptions service;
  service.endpoint = aws.s3_endpoint_url;
  service.region = aws.region;
  service.addressing = addressing_of(aws.addressing_style);
  service.dual_stack = aws.use_dualstack;
  service.fips = aws.use_fips;
  service.concurrency = entry.concurrency;
  entry.service = std::make_shared<s3::S3Service>(client_, service, entry.identity.credentials, shard_count_);
}

std::shared_ptr<auth::CredentialsProvider> Services::with_role(const Entry& entry) {
  const auth::AwsSettings& aws = entry.identity.settings;
  auth::RoleRequest role;
  role.role_arn = entry.side.role_arn;
  role.external_id = entry.side.external_id;
  role.session_name = "haul-" + make_id(system_env());
  role.origin = "role " + role.role_arn;
  if (!entry.scopes.empty()) {
    std::string_view partition = auth::partition_of(aws.region).name;
    if (role.role_arn.starts_with("arn:"))
      partition = std::string_view(role.role_arn).substr(4, role.role_arn.find(':', 4) - 4);
    const bool amazon = auth::talks_to_aws(aws);
    role.session_policy = auth::scope_down_policy(entry.scopes, partition,
                                                  amazon ? auth::KmsUse::through_s3 : auth::KmsUse::none);
  }
  std::shared_ptr<auth::Sts> sts = auth::make_sts(aws, fetch_);
  return auth::make_refreshing_provider(
      auth::make_role_source(role, entry.identity.credentials, std::move(sts)));
}

s3::BucketOptions Services::bucket_options(const Settings& settings, const std::string& name, Use use,
                                           const auth::AwsSettings& aws) {
  s3::BucketOptions options;
  options.bucket = name;
  options.requester_pays = settings.request_payer;
  if (aws.request_checksums == auth::ChecksumUse::when_required)
    options.checksum_when = s3::ChecksumWhen::required;
  const ObjectSettings& object = settings.object;
  // A customer's key is for what is written, or for what is read where nothing is written to S3.
  const bool copies = settings.command == Command::cp || settings.command == Command::mv ||
                      settings.command == Command::sync || settings.command == Command::plan;
  const bool writes_s3 =
      copies && settings.locations.size() > 1 && settings.locations.back().starts_with("s3://");
  const bool with_key = !object.sse_c_key_file.empty() && (use == Use::write || !writes_s3);
  if (use == Use::write) {
    options.storage_class = object.storage_class;
    options.acl = object.acl;
    options.encryption = encryption_of(object);
  }
  if (with_key) {
    options.encryption.kind = s3::EncryptionKind::customer;
    options.encryption.customer_key = s3::read_customer_key(object.sse_c_key_file);
  }
  return options;
}

std::shared_ptr<s3::S3Store> Services::bucket(const SideSettings& side, const std::string& name, Use use) {
  return bucket(settings_, side, name, use);
}

std::shared_ptr<s3::S3Store> Services::bucket(const Settings& settings, const SideSettings& side,
                                              const std::string& name, Use use) {
  Entry& found = entry(settings, side);
  resolve(found);
  return std::make_shared<s3::S3Store>(found.service,
                                       bucket_options(settings, name, use, found.identity.settings));
}

std::string Services::endpoint(const SideSettings& side) {
  Entry& found = entry(settings_, side);
  resolve(found);
  return found.service->options().endpoint;
}

const auth::Identity& Services::identity(const SideSettings& side) {
  Entry& found = entry(settings_, side);
  resolve(found);
  return found.identity;
}

s3::RequestCounts Services::requests() const {
  s3::RequestCounts sum{};
  for (const auto& each : entries_) {
    if (!each->service) continue;
    const s3::RequestCounts counts = each->service->requests();
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i] += counts[i];
  }
  return sum;
}

std::uint64_t Services::throttle_count() const {
  std::uint64_t sum = 0;
  for (const auto& each : entries_)
    if (each->service) sum += each->service->throttle_count();
  return sum;
}

}  // namespace haul::app
