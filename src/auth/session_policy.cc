#include "auth/session_policy.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::auth {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestPolicy = 2048;

// Wildcards and variables of policies taken literally.
std::string literal(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '*' || c == '?' || (c == '$' && text.substr(i + 1).starts_with('{'))) {
      result.append("${").append(1, c).append("}");
    } else {
      result.push_back(c);
    }
  }
  return result;
}

// The longest valid beginning of at most `size` bytes.
std::string_view cut(std::string_view text, std::size_t size) {
  std::string_view rest = text.substr(0, size);
  const std::size_t total = rest.size();
  while (!rest.empty() && take_code_point(rest)) {
  }
  return text.substr(0, total - rest.size());
}

Json statement(Json actions, Json resource) {
  return {{"Effect", "Allow"}, {"Action", std::move(actions)}, {"Resource", std::move(resource)}};
}

void add_scope(Json& statements, const PolicyScope& scope, std::string_view partition,
               std::size_t longest_prefix) {
  const std::string bucket = "arn:" + std::string(partition) + ":s3:::" + scope.bucket;
  const std::string begin = literal(cut(scope.prefix, longest_prefix));
  const bool single = scope.single && scope.prefix.size() <= longest_prefix;
  const std::string keys = single ? begin : begin + "*";

  Json actions = Json::array();
  const auto allow = [&actions](std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (std::ranges::find(actions, Json(name)) == actions.end()) actions.push_back(name);
  };
  if (includes(scope.access, Access::read))
    allow({"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"});
  if (includes(scope.access, Access::write))
    allow({"s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"});
  if (includes(scope.access, Access::remove)) allow({"s3:DeleteObject", "s3:DeleteObjectVersion"});
  if (includes(scope.access, Access::tag))
    allow({"s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObjectTagging"});
  if (includes(scope.access, Access::acl)) allow({"s3:PutObjectAcl"});
  if (!actions.empty()) statements.push_back(statement(std::move(actions), bucket + "/" + keys));

  if (includes(scope.access, Access::list)) {
    Json list = statement(Json::array({"s3:ListBucket", "s3:ListBucketVersions"}), bucket);
    const Json prefixes = single ? Json::array({begin, begin + "/*"}) : Json(keys);
    // IfExists: HEAD of a missing key has no prefix, and should say 404 as without this policy.
    if (!scope.prefix.empty()) list["Condition"] = {{"StringLikeIfExists", {{"s3:prefix", prefixes}}}};
    statements.push_back(std::move(list));
  }
  if (includes(scope.access, Access::bucket))
    statements.push_back(
        statement(Json::array({"s3:CreateBucket", "s3:DeleteBucket", "s3:GetBucketVersioning"}), bucket));
  if (includes(scope.access, Access::write))
    statements.push_back(statement("s3:ListBucketMultipartUploads", bucket));
}

std::string compose_policy(std::span<const PolicyScope> scopes, std::string_view partition, KmsUse kms,
                           std::size_t longest_prefix) {
  Json statements = Json::array();
  for (const PolicyScope& scope : scopes)
    add_scope(statements, scope, partition, longest_prefix);
  if (kms == KmsUse::through_s3) {
    Json keys = statement(Json::array({"kms:Decrypt", "kms:GenerateDataKey"}), "*");
    keys["Condition"] = {{"StringLike", {{"kms:ViaService", "s3.*"}}}};
    statements.push_back(std::move(keys));
  }
  const Json policy = {{"Version", "2012-10-17"}, {"Statement", std::move(statements)}};
  return policy.dump(-1, ' ', /*ensure_ascii=*/true);
}

}  // namespace

std::string scope_down_policy(std::span<const PolicyScope> scopes, std::string_view partition, KmsUse kms) {
  std::size_t longest_prefix = 0;
  for (const PolicyScope& scope : scopes)
    longest_prefix = std::max(longest_prefix, scope.prefix.size());
  while (true) {
    std::string policy = compose_policy(scopes, partition, kms, longest_prefix);
    if (policy.size() <= kLongestPolicy) return policy;
    if (longest_prefix == 0)
      throw Error(ErrorClass::invalid_argument,
                  "the session policy is longer than the 2048 characters allowed")
          .during("AssumeRole")
          .with_hint("use --no-scope-down to assume the role with all its rights");
    longest_prefix = longest_prefix * 7 / 8;
  }
}

}  // namespace haul::auth
