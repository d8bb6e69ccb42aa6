// Requests to one bucket: built, limited, signed, sent, and led to the region where the bucket lives.
//
// One attempt is: a place under the limiter, the credentials of this moment, a signature, the exchange. What
// can be mended at once is mended within the attempt, once each: another region, the server's clock, refused
// credentials. Everything else is an answer or an Error for the retry loop of the operation.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/sigv4.h"
#include "http/client.h"
#include "runtime/retry.h"
#include "stores/s3/address.h"
#include "stores/s3/errors.h"
#include "stores/s3/operation.h"
#include "stores/s3/s3_service.h"
#include "stores/s3/wire.h"

namespace haul::s3 {

// One request, independent of the attempt. `key` must outlive it; empty for requests to the bucket.
struct Call {
  Operation operation;
  std::string_view method;
  std::string_view key;
  Query query;
  HeaderList headers;
  Body* body = nullptr;
  std::string_view payload_hash = auth::kEmptyPayload;
  bool expect_continue = false;
  bool prompt = false;       // its latency tells how busy the service is
  bool nested = false;       // its caller is waited for by one that holds a place: takes one only if free
  bool body_sent = false;    // the next attempt has to rewind
  std::uint16_t accept = 0;  // beside 2xx, a status that is an answer and no failure
  std::uint16_t accept_too = 0;
};

// An answer with its body, for operations whose answers are documents.
struct Document {
  int status = 0;
  std::string body;
  std::string etag, version;
  std::vector<std::pair<ChecksumAlgorithm, std::string>> checksums;  // as headers
  Answer answer;                                                     // what an error within the body needs
};

// Thread safety: may be used from any shard.
class S3Bucket {
 public:
  // `options.bucket` may be empty, for requests to the service.
  S3Bucket(std::shared_ptr<S3Service> service, BucketOptions options);

  const BucketOptions& options() const noexcept { return options_; }
  S3Service& service() const noexcept { return *service_; }
  const std::shared_ptr<S3Service>& shared_service() const noexcept {
    return service_;
  }  // for another bucket
  const std::string& name() const noexcept { return options_.bucket; }
  std::string describe(std::string_view key) const;

  // With the headers that every request of this bucket carries.
  Call make_call(Operation operation, std::string_view method, std::string_view key) const;
  // With a body in memory of the protocol's own, hashed into the signature and with a checksum.
  Call make_document_call(Operation operation, std::string_view method, std::string_view key,
                          Body& document) const;

  // One attempt. The body of the answer is still to be read; the place under the limiter is given back.
  Task<http::Response> send(Call& call, OpContext& context);
  // One attempt, with the whole answer; holds its place until then. A call that may answer with an error
  // under status 200 is checked by who parses the document.
  Task<Document> send_for_document(Call& call, std::size_t limit, OpContext& context);
  // As that, repeated as long as it may help.
  Task<Document> request(Call call, Replay replay, std::size_t limit, OpContext& context);

  // The failure that an error document within an answer of status 200 stands for.
  Error error_of(const Call& call, const Document& document, const ErrorDocument& error) const;

  const RetryPolicy& retry_policy() const noexcept { return service_->options().retry; }

  // A URL that gives `method` on `key` to whoever has it. Throws invalid_argument for a span out of range.
  Task<std::string> presign(std::string method, std::string key, std::string version,
                            std::chrono::seconds expires, OpContext& context);

  // Where the bucket was last found, or is thought to be.
  std::string region(const OpContext& context) const;

 private:
  // Each shard finds the bucket's region for itself, which costs one refusal and saves a lock.
  struct alignas(64) Place {
    Address address;
    std::unique_ptr<auth::Signer> signer;
  };

  Place& place(const OpContext& context);
  void locate(Place& place, const std::string& region) const;
  Task<http::Response> exchange(Call& call, Permit& permit, OpContext& context);
  Task<http::Response> exchange_with_subject(Call& call, Permit& permit, OpContext& context);
  Task<http::Response> sign_and_send(Call& call, auth::Snapshot credentials, OpContext& context);
  Task<ErrorDocument> read_error(http::Response& response, OpContext& context);
  Task<std::string> find_region(const Answer& answer, const ErrorDocument& document, OpContext& context);
  bool accepts(const Call& call, int status) const noexcept;

  const std::shared_ptr<S3Service> service_;
  const BucketOptions options_;
  std::vector<std::unique_ptr<Place>> places_;
};

// What the headers of an answer say of it.
Answer answer_of(const http::Response& response);

}  // namespace haul::s3
