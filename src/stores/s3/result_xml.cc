#include "stores/s3/result_xml.h"

#include "base/encoding.h"
#include "base/error.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "stores/s3/object_headers.h"
#include "stores/s3/wire.h"
#include "stores/s3/xml_reader.h"

namespace haul::s3 {
namespace {

constexpr std::string_view kNamespace = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

[[noreturn]] void unexpected_root(std::string_view root) {
  throw Error(ErrorClass::unavailable, "the answer is an unexpected document <" + visible(root) + ">");
}

// The rest of an error document whose root has been opened.
ErrorDocument read_error(XmlReader& xml) {
  ErrorDocument error;
  while (const auto child = xml.child()) {
    if (*child == "Code")
      error.code = xml.text();
    else if (*child == "Message")
      error.message = xml.text();
    else if (*child == "RequestId")
      error.request_id = xml.text();
    else if (*child == "HostId")
      error.host_id = xml.text();
    else
      xml.skip();
  }
  return error;
}

// Checks the root, and reads each child of it by `visit`, which must consume it.
template <class T, class Visit>
Result<T> read_document(std::string& body, std::string_view expected_root, T result, Visit visit) {
  XmlReader xml({body.data(), body.size()});
  const std::string_view root = xml.root();
  if (root == "Error") return std::unexpected(read_error(xml));
  if (root != expected_root) unexpected_root(root);
  while (const auto child = xml.child())
    visit(xml, *child, result);
  xml.expect_end();
  return result;
}

std::string decoded(std::string_view text, bool encoded) {
  if (!encoded) return std::string(text);
  auto plain = form_decode(text);
  if (!plain) throw Error(ErrorClass::unavailable, "a key in the answer is not URL-encoded as announced");
  return std::move(*plain);
}

void element(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">");
  append_xml_text(out, text);
  out.append("</").append(name).append(">");
}

}  // namespace

Result<ObjectResult> parse_object_result(std::string& body) {
  XmlReader xml({body.data(), body.size()});
  const std::string_view root = xml.root();
  if (root == "Error") return std::unexpected(read_error(xml));
  if (root != "CompleteMultipartUploadResult" && root != "CopyObjectResult" && root != "CopyPartResult")
    unexpected_root(root);
  constexpr std::string_view kChecksum = "Checksum";
  ObjectResult result;
  std::vector<std::pair<ChecksumAlgorithm, std::string>> found;
  ChecksumType type = ChecksumType::full_object;
  while (const auto child = xml.child()) {
    if (*child == "ETag") {
      result.etag = unquoted_etag(xml.text());
    } else if (*child == "ChecksumType") {
      type = xml.text() == "COMPOSITE" ? ChecksumType::composite : ChecksumType::full_object;
    } else if (const auto algorithm = child->starts_with(kChecksum)
                                          ? parse_checksum_algorithm(child->substr(kChecksum.size()))
                                          : std::nullopt) {
      found.emplace_back(*algorithm, xml.text());
    } else {
      xml.skip();
    }
  }
  xml.expect_end();
  for (const auto& [algorithm, text] : found)
    if (const auto checksum = Checksum::parse(algorithm, text, type)) result.checksums.put(*checksum);
  return result;
}

Result<std::string> parse_upload_id(std::string& body) {
  auto id = read_document(body, "InitiateMultipartUploadResult", std::string{},
                          [](XmlReader& xml, std::string_view name, std::string& result) {
                            if (name == "UploadId")
                              result = xml.text();
                            else
                              xml.skip();
                          });
  if (id && id->empty()) throw Error(ErrorClass::unavailable, "the answer has no upload id");
  return id;
}

Result<std::vector<DeleteFailure>> parse_delete_result(std::string& body) {
  return read_document(body, "DeleteResult", std::vector<DeleteFailure>{},
                       [](XmlReader& xml, std::string_view name, std::vector<DeleteFailure>& result) {
                         if (name != "Error") return xml.skip();
                         DeleteFailure& failure = result.emplace_back();
                         while (const auto child = xml.child()) {
                           if (*child == "Key")
                             failure.key = xml.text();
                           else if (*child == "VersionId")
                             failure.version = xml.text();
                           else if (*child == "Code")
                             failure.code = xml.text();
                           else if (*child == "Message")
                             failure.message = xml.text();
                           else
                             xml.skip();
                         }
                       });
}

Result<store::Tags> parse_tagging(std::string& body) {
  return read_document(body, "Tagging", store::Tags{},
                       [](XmlReader& xml, std::string_view name, store::Tags& tags) {
                         if (name != "TagSet") return xml.skip();
                         while (const auto tag = xml.child()) {
                           if (*tag != "Tag") {
                             xml.skip();
                             continue;
                           }
                           auto& [key, value] = tags.emplace_back();
                           while (const auto child = xml.child()) {
                             if (*child == "Key")
                               key = xml.text();
                             else if (*child == "Value")
                               value = xml.text();
                             else
                               xml.skip();
                           }
                         }
                       });
}

Result<PendingUploads> parse_uploads(std::string& body) {
  bool encoded = false;
  auto result = read_document(body, "ListMultipartUploadsResult", PendingUploads{},
                              [&encoded](XmlReader& xml, std::string_view name, PendingUploads& uploads) {
                                if (name == "Upload") {
                                  PendingUpload& upload = uploads.uploads.emplace_back();
                                  while (const auto child = xml.child()) {
                                    if (*child == "Key")
                                      upload.key = xml.text();
                                    else if (*child == "UploadId")
                                      upload.upload_id = xml.text();
                                    else if (*child == "Initiated")
                                      upload.initiated = parse_iso8601(xml.text()).value_or(Time{});
                                    else
                                      xml.skip();
                                  }
                                } else if (name == "IsTruncated") {
                                  uploads.truncated = xml.text() == "true";
                                } else if (name == "NextKeyMarker") {
                                  uploads.key_marker = xml.text();
                                } else if (name == "NextUploadIdMarker") {
                                  uploads.upload_id_marker = xml.text();
                                } else if (name == "EncodingType") {
                                  encoded = xml.text() == "url";
                                } else {
                                  xml.skip();
                                }
                              });
  if (!result) return result;
  result->key_marker = decoded(result->key_marker, encoded);
  for (PendingUpload& upload : result->uploads)
    upload.key = decoded(upload.key, encoded);
  return result;
}

Result<BucketPage> parse_buckets(std::string& body) {
  return read_document(body, "ListAllMyBucketsResult", BucketPage{},
                       [](XmlReader& xml, std::string_view name, BucketPage& page) {
                         if (name == "ContinuationToken") {
                           page.token = xml.text();
                           return;
                         }
                         if (name != "Buckets") return xml.skip();
                         while (const auto bucket = xml.child()) {
                           if (*bucket != "Bucket") {
                             xml.skip();
                             continue;
                           }
                           BucketEntry& entry = page.buckets.emplace_back();
                           while (const auto child = xml.child()) {
                             if (*child == "Name")
                               entry.name = xml.text();
                             else if (*child == "CreationDate")
                               entry.created = parse_iso8601(xml.text()).value_or(Time{});
                             else
                               xml.skip();
                           }
                         }
                       });
}

Result<std::string> parse_location_constraint(std::string& body) {
  XmlReader xml({body.data(), body.size()});
  const std::string_view root = xml.root();
  if (root == "Error") return std::unexpected(read_error(xml));
  if (root != "LocationConstraint") unexpected_root(root);
  std::string region(xml.text());
  // Two names from before there were regions.
  if (region.empty()) return "us-east-1";
  if (region == "EU") return "eu-west-1";
  return region;
}

Result<std::string> parse_versioning_status(std::string& body) {
  return read_document(body, "VersioningConfiguration", std::string{},
                       [](XmlReader& xml, std::string_view name, std::string& status) {
                         if (name == "Status")
                           status = xml.text();
                         else
                           xml.skip();
                       });
}

std::string complete_document(std::span<const UploadedPart> parts) {
  std::string out = "<CompleteMultipartUpload";
  out.append(kNamespace).append(">");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out += "<Part>";
    element(out, "PartNumber", std::to_string(i + 1));
    element(out, "ETag", quoted_etag(parts[i].etag));
    for (const Checksum& checksum : parts[i].checksum) {
      constexpr std::array<std::string_view, 5> kNames{"ChecksumCRC64NVME", "ChecksumCRC32C", "ChecksumCRC32",
                                                       "ChecksumSHA1", "ChecksumSHA256"};
      const auto index = static_cast<std::size_t>(checksum.algorithm());
      if (index < kNames.size()) element(out, kNames[index], checksum.base64());
    }
    out += "</Part>";
  }
  return out += "</CompleteMultipartUpload>";
}

std::string delete_document(std::span<const store::RemoveItem* const> items) {
  std::string out = "<Delete";
  out.append(kNamespace).append("><Quiet>true</Quiet>");
  for (const store::RemoveItem* item : items) {
    out += "<Object>";
    element(out, "Key", item->key);
    if (!item->version.empty()) element(out, "VersionId", item->version);
    if (!item->etag.empty()) element(out, "ETag", quoted_etag(item->etag));
    out += "</Object>";
  }
  return out += "</Delete>";
}

std::string tagging_document(const store::Tags& tags) {
  std::string out = "<Tagging";
  out.append(kNamespace).append("><TagSet>");
  for (const auto& [key, value] : tags) {
    out += "<Tag>";
    element(out, "Key", key);
    element(out, "Value", value);
    out += "</Tag>";
  }
  return out += "</TagSet></Tagging>";
}

std::string create_bucket_document(std::string_view region) {
  std::string out = "<CreateBucketConfiguration";
  out.append(kNamespace).append(">");
  element(out, "LocationConstraint", region);
  return out += "</CreateBucketConfiguration>";
}

std::string restore_document(unsigned days, std::string_view tier) {
  std::string out = "<RestoreRequest";
  out.append(kNamespace).append(">");
  if (days > 0) element(out, "Days", std::to_string(days));
  out += "<GlacierJobParameters>";
  element(out, "Tier", tier);
  return out += "</GlacierJobParameters></RestoreRequest>";
}

}  // namespace haul::s3
