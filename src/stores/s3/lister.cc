#include "stores/s3/lister.h"

#include <algorithm>

#include "base/utf8.h"
#include "stores/s3/list_xml.h"

namespace haul::s3 {
namespace {

using store::Entry;
using store::ListPage;
using store::ListRequest;

constexpr std::size_t kPageLimit = 64 << 20;
// Services may answer with empty pages while they pass over deleted keys; one that does so for ever lists
// nothing.
constexpr unsigned kEmptyPages = 10'000;
constexpr int kTriesOfABrokenPage = 3;
constexpr std::uint32_t kMostKeys = 1000;

class S3Lister final : public store::Lister {
 public:
  S3Lister(S3Bucket& bucket, ListRequest request)
      : bucket_(bucket),
        request_(std::move(request)),
        ordered_(has_ordered_keys(bucket.name())),
        last_key_(request_.after),
        last_prefix_(request_.after) {}

  Task<ListPage> next(OpContext& context) override {
    for (int tries = 1;; ++tries) {
      ListPage page;
      const ListTail tail = co_await with_retry(context, bucket_.retry_policy(), Replay::safe,
                                                [this, &page, &context] { return fetch(page, context); });
      const std::string_view fault = fault_of(page, tail);
      if (fault.empty()) {
        advance(page, tail);
        co_return page;
      }
      if (tries == kTriesOfABrokenPage) throw broken(fault);
    }
  }

 private:
  Task<ListTail> fetch(ListPage& page, OpContext& context) {
    const Operation operation =
        request_.all_versions ? Operation::list_object_versions : Operation::list_objects;
    Call call = bucket_.make_call(operation, "GET", {});
    Query& query = call.query;
    query.add("encoding-type", "url")
        .add("max-keys", std::to_string(std::min(request_.page_size, kMostKeys)));
    if (!request_.prefix.empty()) query.add("prefix", request_.prefix);
    if (request_.one_level) query.add("delimiter", "/");
    if (request_.all_versions) {
      query.add("versions");
      if (!key_marker_.empty())
        query.add("key-marker", key_marker_);
      else if (!request_.after.empty())
        query.add("key-marker", request_.after);
      if (!version_marker_.empty()) query.add("version-id-marker", version_marker_);
    } else {
      query.add("list-type", "2");
      if (!token_.empty())
        query.add("continuation-token", token_);
      else if (!request_.after.empty() && ordered_)
        query.add("start-after", request_.after);
    }
    Document document = co_await bucket_.send_for_document(call, kPageLimit, context);
    page.buffer = std::move(document.body);
    page.entries.reserve(std::min(request_.page_size, kMostKeys));
    try {
      co_return parse_list_page(page);
    } catch (const Error& error) {
      throw error.during(std::string(to_string(operation)))
          .on(bucket_.describe(request_.prefix))
          .with_request_id(document.answer.request_id);
    }
  }

  // What is wrong with the page, in words; empty if nothing.
  std::string_view fault_of(const ListPage& page, const ListTail& tail) const {
    std::string_view last = last_key_;
    std::string_view last_version = last_version_;
    for (const Entry& entry : page.entries) {
      if (!entry.key.starts_with(request_.prefix)) return "a key outside of the prefix";
      if (ordered_) {
        if (entry.key < last) return "keys go back";
        if (entry.key == last) {
          if (!request_.all_versions) return "a key is repeated";
          if (entry.version == last_version && !last_version.empty()) return "a version is repeated";
        }
      }
      last = entry.key;
      last_version = entry.version;
    }
    std::string_view last_prefix = last_prefix_;
    for (const std::string_view prefix : page.common_prefixes) {
      if (!prefix.starts_with(request_.prefix)) return "a common prefix outside of the prefix";
      if (ordered_ && !last_prefix.empty() && prefix <= last_prefix && !request_.after.starts_with(prefix))
        return "common prefixes go back";
      last_prefix = prefix;
    }
    if (!tail.truncated) return {};
    if (request_.all_versions) {
      if (tail.key_marker.empty()) return "it is not the last page, and none follows";
      if (tail.key_marker == key_marker_ && tail.version_marker == version_marker_)
        return "its end leads to itself";
    } else {
      if (tail.token.empty()) return "it is not the last page, and none follows";
      if (tail.token == token_) return "its token leads to itself";
    }
    if (page.entries.empty() && page.common_prefixes.empty() && empty_pages_ >= kEmptyPages)
      return "nothing but empty pages";
    return {};
  }

  void advance(ListPage& page, const ListTail& tail) {
    page.last = !tail.truncated;
    token_ = tail.token;
    key_marker_ = tail.key_marker;
    version_marker_ = tail.version_marker;
    empty_pages_ = page.entries.empty() && page.common_prefixes.empty() ? empty_pages_ + 1 : 0;
    if (!page.entries.empty()) {
      last_key_ = page.entries.back().key;
      last_version_ = page.entries.back().version;
    }
    if (!page.common_prefixes.empty()) last_prefix_ = page.common_prefixes.back();
    if (!ordered_ && !request_.after.empty())
      std::erase_if(page.entries, [this](const Entry& entry) { return entry.key <= request_.after; });
    if (!request_.until.empty()) apply_until(page);
  }

  void apply_until(ListPage& page) const {
    const auto beyond = [this](std::string_view key) { return key > request_.until; };
    const bool passed = (!page.entries.empty() && beyond(page.entries.back().key)) ||
                        (!page.common_prefixes.empty() && beyond(page.common_prefixes.back()));
    std::erase_if(page.entries, [beyond](const Entry& entry) { return beyond(entry.key); });
    std::erase_if(page.common_prefixes, beyond);
    if (passed && ordered_) page.last = true;
  }

  Error broken(std::string_view fault) const {
    return Error(ErrorClass::data_loss, "the service's listing is not consistent: " + std::string(fault) +
                                            (last_key_.empty() ? "" : " after " + visible(last_key_)))
        .during(std::string(
            to_string(request_.all_versions ? Operation::list_object_versions : Operation::list_objects)))
        .on(bucket_.describe(request_.prefix))
        .with_attempts(kTriesOfABrokenPage, {})
        .with_hint("nothing that depends on a complete listing is done; ask whoever runs the service");
  }

  S3Bucket& bucket_;
  const ListRequest request_;
  const bool ordered_;
  std::string token_, key_marker_, version_marker_;
  std::string last_key_, last_version_, last_prefix_;
  unsigned empty_pages_ = 0;
};

}  // namespace

bool has_ordered_keys(std::string_view bucket) {
  return !bucket.ends_with("--x-s3");
}

std::unique_ptr<store::Lister> make_lister(S3Bucket& bucket, ListRequest request) {
  return std::make_unique<S3Lister>(bucket, std::move(request));
}

}  // namespace haul::s3
