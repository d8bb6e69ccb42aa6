#include "engine/embedded/chunk_codec.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "base/error.h"

namespace haul::engine {
namespace {

constexpr char kVersion = 1;

// First byte of an item: the action in three bits, the kind in two, and
constexpr unsigned kKindShift = 3;
constexpr unsigned kFactsKnown = 1U << 5;
constexpr unsigned kDestination = 1U << 6;
constexpr unsigned kMilliseconds = 1U << 7;  // the time differs from the one before by whole milliseconds
// Second byte: the form of the etag in two bits, and
constexpr unsigned kVersionId = 1U << 2;
constexpr unsigned kRow = 1U << 3;
constexpr unsigned kChanged = 1U << 4;  // another time than `modified`
constexpr unsigned kDestinationSize = 1U << 5;
constexpr unsigned kSource = 1U << 6;
constexpr unsigned kWords = 1U << 7;  // storage class or reason differ from those of the item before

enum EtagForm : unsigned { kNoEtag, kText, kHash, kHashOfParts };
constexpr std::size_t kHashBytes = 16;
constexpr std::size_t kHashDigits = 2 * kHashBytes;
constexpr std::uint64_t kMilli = 1'000'000;

void put_number(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

std::uint64_t zigzag(std::uint64_t difference) noexcept {
  return (difference << 1) ^ (0 - (difference >> 63));
}
std::uint64_t unzigzag(std::uint64_t value) noexcept {
  return (value >> 1) ^ (0 - (value & 1));
}

std::size_t common_prefix(std::string_view a, std::string_view b) noexcept {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t length = 0;
  while (length < most && a[length] == b[length])
    ++length;
  return length;
}

std::size_t common_suffix(std::string_view a, std::string_view b) noexcept {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t length = 0;
  while (length < most && a[a.size() - 1 - length] == b[b.size() - 1 - length])
    ++length;
  return length;
}

int lower_hex(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

// Etags of most servers are an MD5 in lower case, with "-" and a number of parts for multipart uploads.
struct Etag {
  EtagForm form = kNoEtag;
  std::array<char, kHashBytes> hash;
  std::uint64_t parts = 0;

  explicit Etag(std::string_view text) noexcept {
    if (text.empty()) return;
    form = kText;
    if (text.size() < kHashDigits) return;
    for (std::size_t i = 0; i < kHashBytes; ++i) {
      const int high = lower_hex(text[2 * i]);
      const int low = lower_hex(text[2 * i + 1]);
      if ((high | low) < 0) return;
      hash[i] = static_cast<char>(high << 4 | low);
    }
    if (text.size() == kHashDigits) {
      form = kHash;
    } else if (const std::string_view rest = text.substr(kHashDigits);
               rest[0] == '-' && rest.size() > 1 && rest.size() < 8 && rest[1] != '0' &&
               rest.find_first_not_of("0123456789", 1) == rest.npos) {
      form = kHashOfParts;
      for (const char digit : rest.substr(1))
        parts = 10 * parts + static_cast<unsigned>(digit - '0');
    }
  }
};

// Storage classes and reasons: few words, many times. Numbers count from 1, 0 is the empty word.
class Words {
 public:
  void put(std::string& out, std::string_view word) {
    if (word.empty()) return put_number(out, 0);
    const auto found = std::ranges::find(words_, word);
    put_number(out, static_cast<std::uint64_t>(found - words_.begin()) + 1);
    if (found != words_.end()) return;
    put_text(out, word);
    words_.push_back(word);
  }
  std::vector<std::string_view> words_;
};

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) noexcept
      : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool at_end() const noexcept { return next_ == end_; }
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - next_); }
  unsigned byte() {
    if (next_ == end_) fail();
    return static_cast<unsigned char>(*next_++);
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const unsigned part = byte();
      value |= std::uint64_t{part & 0x7f} << shift;
      if (part < 0x80) return value;
    }
    fail();
  }
  std::string_view bytes(std::uint64_t size) {
    if (size > left()) fail();
    const std::string_view found(next_, size);
    next_ += size;
    return found;
  }
  std::string_view text() { return bytes(number()); }
  // A length that must lie within something that is there.
  std::size_t length_within(std::size_t most) {
    const std::uint64_t length = number();
    if (length > most) fail();
    return length;
  }
  [[noreturn]] static void fail() {
    throw Error(ErrorClass::data_loss, "a chunk of the manifest cannot be read").during("read manifest");
  }

 private:
  const char* next_;
  const char* end_;
};

class ItemWriter {
 public:
  explicit ItemWriter(std::string& out) noexcept : out_(out) {}

  void put(const job::Item& item) {
    const Etag etag(item.etag);
    const auto modified = static_cast<std::uint64_t>(item.modified.time_since_epoch().count());
    const auto changed = static_cast<std::uint64_t>(item.changed.time_since_epoch().count());
    const std::uint64_t later = zigzag(modified - before_modified_);
    const auto difference = static_cast<std::int64_t>(modified - before_modified_);
    const bool whole = difference % static_cast<std::int64_t>(kMilli) == 0;
    const bool words = item.storage_class != before_.storage_class || item.reason != before_.reason;
    const bool destination = !item.destination_key.empty();

    out_ += static_cast<char>(static_cast<unsigned>(item.action) |
                              static_cast<unsigned>(item.kind) << kKindShift |
                              (item.facts_known ? kFactsKnown : 0) | (destination ? kDestination : 0) |
                              (whole ? kMilliseconds : 0));
    out_ += static_cast<char>(static_cast<unsigned>(etag.form) | (item.version.empty() ? 0 : kVersionId) |
                              (item.row.empty() ? 0 : kRow) | (changed != modified ? kChanged : 0) |
                              (item.destination_size != 0 ? kDestinationSize : 0) |
                              (item.source != 0 ? kSource : 0) | (words ? kWords : 0));

    const std::size_t shared = common_prefix(before_.key, item.key);
    put_number(out_, shared);
    put_text(out_, item.key.substr(shared));
    if (destination) put_destination(item);
    put_number(out_, item.size);
    if (item.destination_size != 0) put_number(out_, item.destination_size);
    if (item.source != 0) put_number(out_, item.source);
    put_number(out_, whole
                         ? zigzag(static_cast<std::uint64_t>(difference / static_cast<std::int64_t>(kMilli)))
                         : later);
    if (changed != modified) put_number(out_, zigzag(changed - modified));
    put_etag(etag, item.etag);
    if (!item.version.empty()) put_text(out_, item.version);
    if (!item.row.empty()) put_text(out_, item.row);
    if (words) {
      words_.put(out_, item.storage_class);
      words_.put(out_, item.reason);
    }
    before_ = item;
    before_modified_ = modified;
    if (destination) before_destination_ = item.destination_key;
  }

 private:
  void put_destination(const job::Item& item) {
    const std::size_t prefix = common_prefix(before_destination_, item.destination_key);
    const std::string_view rest = item.destination_key.substr(prefix);
    const std::size_t suffix = common_suffix(item.key, rest);
    put_number(out_, prefix);
    put_number(out_, suffix);
    put_text(out_, rest.substr(0, rest.size() - suffix));
  }

  void put_etag(const Etag& etag, std::string_view text) {
    switch (etag.form) {
      case kNoEtag: return;
      case kText: return put_text(out_, text);
      case kHash: out_.append(etag.hash.data(), kHashBytes); return;
      case kHashOfParts:
        out_.append(etag.hash.data(), kHashBytes);
        put_number(out_, etag.parts);
        return;
    }
  }

  std::string& out_;
  job::Item before_;
  std::uint64_t before_modified_ = 0;
  std::string_view before_destination_;
  Words words_;
};

class ItemReader {
 public:
  ItemReader(Decoder& in, TextArena& text) noexcept : in_(in), text_(text) {}

  void read(job::Item& item) {
    const unsigned first = in_.byte();
    const unsigned second = in_.byte();
    item.action = static_cast<job::Action>(first & 7);
    if (item.action > job::Action::revert) Decoder::fail();
    item.kind = static_cast<store::EntryKind>(first >> kKindShift & 3);
    item.facts_known = (first & kFactsKnown) != 0;

    const std::size_t shared = in_.length_within(before_.key.size());
    item.key = join(before_.key.substr(0, shared), in_.text(), {});
    if ((first & kDestination) != 0) {
      const std::size_t prefix = in_.length_within(before_destination_.size());
      const std::size_t suffix = in_.length_within(item.key.size());
      item.destination_key =
          join(before_destination_.substr(0, prefix), in_.text(), item.key.substr(item.key.size() - suffix));
      before_destination_ = item.destination_key;
    }
    item.size = in_.number();
    if ((second & kDestinationSize) != 0) item.destination_size = in_.number();
    if ((second & kSource) != 0) item.source = static_cast<std::uint16_t>(in_.length_within(UINT16_MAX));
    const std::uint64_t later = unzigzag(in_.number());
    const std::uint64_t modified = before_modified_ + ((first & kMilliseconds) != 0 ? later * kMilli : later);
    const std::uint64_t changed = (second & kChanged) != 0 ? modified + unzigzag(in_.number()) : modified;
    item.modified = Time(Duration(static_cast<std::int64_t>(modified)));
    item.changed = Time(Duration(static_cast<std::int64_t>(changed)));
    before_modified_ = modified;
    item.etag = read_etag(second & 3);
    if ((second & kVersionId) != 0) item.version = text_.store(in_.text());
    if ((second & kRow) != 0) item.row = text_.store(in_.text());
    item.storage_class = (second & kWords) != 0 ? read_word() : before_.storage_class;
    item.reason = (second & kWords) != 0 ? read_word() : before_.reason;
    before_ = item;
  }

 private:
  std::string_view join(std::string_view head, std::string_view middle, std::string_view tail) {
    const std::span<char> room = text_.reserve(head.size() + middle.size() + tail.size());
    char* to = std::ranges::copy(head, room.data()).out;
    to = std::ranges::copy(middle, to).out;
    std::ranges::copy(tail, to);
    return {room.data(), room.size()};
  }

  std::string_view read_etag(unsigned form) {
    if (form == kNoEtag) return {};
    if (form == kText) return text_.store(in_.text());
    constexpr char kDigits[] = "0123456789abcdef";
    std::array<char, kHashDigits + 8> etag;
    char* to = etag.data();
    for (const char byte : in_.bytes(kHashBytes)) {
      *to++ = kDigits[static_cast<unsigned char>(byte) >> 4];
      *to++ = kDigits[static_cast<unsigned char>(byte) & 15];
    }
    if (form == kHashOfParts) {
      std::array<char, 8> digits;
      std::size_t count = 0;
      for (std::uint64_t parts = in_.length_within(9'999'999); parts != 0; parts /= 10)
        digits[count++] = static_cast<char>('0' + parts % 10);
      *to++ = '-';
      to = std::reverse_copy(digits.data(), digits.data() + count, to);
    }
    return text_.store({etag.data(), static_cast<std::size_t>(to - etag.data())});
  }

  std::string_view read_word() {
    const std::size_t number = in_.length_within(words_.size() + 1);
    if (number == 0) return {};
    if (number == words_.size() + 1) words_.push_back(text_.store(in_.text()));
    return words_[number - 1];
  }

  Decoder& in_;
  TextArena& text_;
  job::Item before_;
  std::uint64_t before_modified_ = 0;
  std::string_view before_destination_;
  std::vector<std::string_view> words_;
};

}  // namespace

void append_items(std::string& out, const std::vector<job::Item>& items) {
  static_assert(static_cast<unsigned>(job::Action::revert) < 8, "an action has three bits");
  static_assert(static_cast<unsigned>(store::EntryKind::delete_marker) < 4, "a kind has two bits");
  out += kVersion;
  put_number(out, items.size());
  ItemWriter writer(out);
  for (const job::Item& item : items)
    writer.put(item);
}

void read_items(std::string_view bytes, job::Chunk& chunk) {
  Decoder in(bytes);
  if (in.byte() != kVersion) Decoder::fail();
  constexpr std::size_t kLeastItem = 5;  // bytes; so that a broken number asks for no absurd memory
  chunk.items.resize(in.length_within(in.left() / kLeastItem + 1));
  ItemReader reader(in, chunk.text);
  for (job::Item& item : chunk.items)
    reader.read(item);
  if (!in.at_end()) Decoder::fail();
}

}  // namespace haul::engine
