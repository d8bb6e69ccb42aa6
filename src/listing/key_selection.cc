#include "listing/key_selection.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.h"

namespace haul::listing {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kLongestLine = 1024 * 1024;

}  // namespace

KeyFileStream::KeyFileStream(std::string path, std::string prefix)
    : path_(std::move(path)), prefix_(std::move(prefix)) {}

KeyFileStream::~KeyFileStream() {
  if (file_ >= 0) ::close(file_);
}

Task<std::optional<store::ListPage>> KeyFileStream::next(OpContext& context) {
  store::ListPage page;
  while (page.entries.empty() && !at_end_)
    co_await context.blocking([this, &page] { read_page(page); });
  if (page.entries.empty()) {
    facts_.ended = true;
    co_return std::nullopt;
  }
  facts_.count(page);
  co_return page;
}

void KeyFileStream::read_page(store::ListPage& page) {
  if (file_ < 0) file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) throw errno_error(errno, "read list of keys", path_);
  const std::size_t before = rest_.size();
  rest_.resize(before + kReadSize);
  ssize_t got = -1;
  do {
    got = ::read(file_, rest_.data() + before, kReadSize);
  } while (got < 0 && errno == EINTR);
  if (got < 0) throw errno_error(errno, "read list of keys", path_);
  rest_.resize(before + static_cast<std::size_t>(got));
  at_end_ = got == 0;
  if (at_end_ && !rest_.empty()) rest_ += '\n';
  std::size_t from = 0;
  for (std::size_t end; (end = rest_.find('\n', from)) != std::string::npos; from = end + 1) {
    std::string_view line = std::string_view(rest_).substr(from, end - from);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    store::Entry entry;
    entry.key = page.text.store(prefix_, line);
    page.entries.push_back(entry);
  }
  rest_.erase(0, from);
  if (rest_.size() > kLongestLine)
    throw Error(ErrorClass::invalid_argument, "a line is longer than any key")
        .during("read list of keys")
        .on(path_);
}

Task<bool> KeySelection::have_keys(OpContext& context) {
  while (!keys_ended_ && (!key_page_ || next_key_ == key_page_->entries.size())) {
    key_page_ = co_await keys_.next(context);
    next_key_ = 0;
    next_key_found_ = false;
    keys_ended_ = !key_page_;
  }
  co_return !keys_ended_;
}

void KeySelection::pass_key() {
  const std::string_view key = key_page_->entries[next_key_++].key;
  next_key_found_ = false;
  if (asked_ != 0 && key == last_key_) return;
  ++asked_;
  last_key_ = key;
}

Task<std::optional<store::ListPage>> KeySelection::next(OpContext& context) {
  while (auto page = co_await listing_.next(context)) {
    std::vector<store::Entry>& entries = page->entries;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < entries.size();) {
      if (!co_await have_keys(context)) break;
      while (i < entries.size() && next_key_ < key_page_->entries.size()) {
        const int order = key_page_->entries[next_key_].key.compare(entries[i].key);
        if (order < 0) {
          pass_key();
          continue;
        }
        if (order == 0) {
          // Versions of one object share its key.
          if (!std::exchange(next_key_found_, true)) ++found_;
          entries[kept++] = entries[i];
        }
        ++i;
      }
    }
    not_selected_ += entries.size() - kept;
    entries.resize(kept);
    if (kept != 0 || !page->failures.empty() || !page->skipped.empty()) co_return page;
  }
  while (co_await have_keys(context))
    pass_key();
  co_return std::nullopt;
}

}  // namespace haul::listing
