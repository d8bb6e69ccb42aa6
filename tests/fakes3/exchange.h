// One request with its body, on its way to an answer; and the operations that answer it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "checksum.h"
#include "content.h"
#include "faults.h"
#include "request.h"
#include "response.h"
#include "server.h"
#include "synthetic.h"

namespace haul::fakes3 {

/// A received body: an object's bytes in `content` (none with Keep::nothing), a document in `text`.
struct Body {
  Content content;
  std::uint64_t size = 0;
  std::string text, trailers;
  Digests digests;
  std::optional<Algorithm> algorithm;  // of the checksum that was announced
};

struct Exchange {
  Server& server;
  const Request& request;
  Operation operation;
  Response& response;
  Body& body;
  const Fault* fault = nullptr;  // for the operations that bend their own answer
  std::int64_t now = 0;
  Sender sender = {};

  bool keeps() const { return server.options.keep == Keep::everything; }
};

/// Answers the request: authenticates, checks the body's checksums, performs. Never throws.
void perform(Exchange& exchange);

/// Which checksum the head announces; the digests of the body are prepared for it.
void prepare_digests(Server& server, const Request& request, Operation operation, Body& body);

// Operations by group; each throws Refusal.
void bucket_operation(Exchange& exchange);
void read_operation(Exchange& exchange);
void write_operation(Exchange& exchange);
void copy_operation(Exchange& exchange);
void delete_operation(Exchange& exchange);
void tagging_operation(Exchange& exchange);
void multipart_operation(Exchange& exchange);
void sts_operation(Exchange& exchange);
void control_operation(Exchange& exchange);

// What several groups need.

/// Throws NoSuchBucket; with --check-region PermanentRedirect for a sender who signs for another region.
Bucket& bucket_of(Exchange& exchange);
/// The object with the version that was asked for (the query of a read or of a copy source). Throws
/// NoSuchKey, NoSuchVersion, or MethodNotAllowed for a delete marker. The mutex must be held.
Object object_of(Exchange& exchange, std::string_view bucket, std::string_view key,
                 const std::optional<std::string>& version);
/// If-Match and If-None-Match of a write to the request's key. The mutex must be held.
void check_write_conditions(Exchange& exchange);

/// The same four conditions, of a read and of the source of a copy.
struct ConditionNames {
  std::string_view match, none_match, modified_since, unmodified_since;
};
constexpr ConditionNames kReadConditions = {"if-match", "if-none-match", "if-modified-since",
                                            "if-unmodified-since"};
constexpr ConditionNames kCopyConditions = {"x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match",
                                            "x-amz-copy-source-if-modified-since",
                                            "x-amz-copy-source-if-unmodified-since"};
/// Throws 412, or for what has not changed 304 or 412.
enum class Unchanged : std::uint8_t { not_modified, precondition_failed };
void check_read_conditions(const Request& request, ConditionNames names, const Object& object,
                           Unchanged answer);

std::shared_ptr<const Attributes> attributes_of(const Request& request);
Pairs tags_of_header(const Request& request);
Pairs tags_of_document(std::string_view document);

/// `"..."` of a body or content whose digests are known.
std::string etag_of(const Options& options, const std::string& md5, std::uint64_t crc64nvme,
                    std::uint64_t size);
void describe_checksum(Response& response, const Object& object);

/// Element texts of a document in the order they come: `elements(text, "Key")`, unescaped.
std::vector<std::string_view> elements(std::string_view document, std::string_view name);
std::optional<std::string> element(std::string_view document, std::string_view name);

constexpr std::string_view kXmlHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
constexpr std::string_view kNamespace = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";

}  // namespace haul::fakes3
