#include "stores/local/sorted_names.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace haul::local {
namespace {

constexpr std::uint64_t kLeastMemory = 64 * 1024;
constexpr std::uint64_t kMostMemory = UINT32_MAX;  // offsets are 32 bits
constexpr std::size_t kLeastRun = 256;             // names

Descriptor unnamed_file(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) return Descriptor(fd);
  std::string name = directory + "/haul-names-XXXXXX";
  Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) throw errno_error(errno, "create file for sorting", directory);
  ::unlink(name.c_str());
  return file;
}

struct SpilledHead {
  std::uint16_t size;
  NameKind kind;
  bool escaped;
};

}  // namespace

// Runs in one file, read side by side.
class SortedNames::Merge {
 public:
  explicit Merge(const std::string& directory) : directory_(directory), file_(unnamed_file(directory)) {}

  void write_run(const SortedNames& names) {
    Run run;
    run.at = end_;
    std::string block;
    for (const Record& record : names.records_) {
      const SpilledHead head{record.size, record.kind, record.escaped};
      block.append(reinterpret_cast<const char*>(&head), sizeof head);
      block.append(names.text_, record.offset, record.size + 1U);
      if (block.size() >= kWriteBlock) write_block(block);
    }
    write_block(block);
    run.end = end_;
    runs_.push_back(std::move(run));
  }

  void start(std::uint64_t memory) {
    buffer_size_ = std::clamp<std::uint64_t>(memory / runs_.size(), 4096, 256 * 1024);
    for (Run& run : runs_) {
      advance(run);
      heap_.push_back(&run);
    }
    std::ranges::make_heap(heap_, later);
  }

  const DirectoryName* front() const noexcept { return heap_.empty() ? nullptr : &heap_.front()->name; }

  void pop() {
    std::ranges::pop_heap(heap_, later);
    if (advance(*heap_.back()))
      std::ranges::push_heap(heap_, later);
    else
      heap_.pop_back();
  }

 private:
  static constexpr std::size_t kWriteBlock = 256 * 1024;

  struct Run {
    std::uint64_t at = 0, end = 0;  // what is not in the buffer yet
    std::string buffer;
    std::size_t used = 0;
    DirectoryName name;
  };

  static bool later(const Run* a, const Run* b) noexcept { return a->name.key > b->name.key; }

  void write_block(std::string& block) {
    for (std::string_view rest = block; !rest.empty();) {
      const ssize_t count = uninterrupted(
          [&] { return ::pwrite(file_.get(), rest.data(), rest.size(), static_cast<off_t>(end_)); });
      if (count < 0) throw errno_error(errno, "write file for sorting", directory_);
      rest.remove_prefix(static_cast<std::size_t>(count));
      end_ += static_cast<std::uint64_t>(count);
    }
    block.clear();
  }

  // Makes at least `size` bytes available behind run.used. False at the end of the run.
  bool ensure(Run& run, std::size_t size) {
    if (run.buffer.size() - run.used >= size) return true;
    run.buffer.erase(0, run.used);
    run.used = 0;
    while (run.buffer.size() < size) {
      const std::size_t before = run.buffer.size();
      const std::size_t want =
          std::min<std::uint64_t>(std::max<std::uint64_t>(buffer_size_, size) - before, run.end - run.at);
      if (want == 0) return false;
      run.buffer.resize(before + want);
      const ssize_t count = uninterrupted(
          [&] { return ::pread(file_.get(), run.buffer.data() + before, want, static_cast<off_t>(run.at)); });
      if (count <= 0) throw errno_error(count < 0 ? errno : EIO, "read file for sorting", directory_);
      run.buffer.resize(before + static_cast<std::size_t>(count));
      run.at += static_cast<std::uint64_t>(count);
    }
    return true;
  }

  bool advance(Run& run) {
    SpilledHead head;
    if (!ensure(run, sizeof head)) return false;
    std::memcpy(&head, run.buffer.data() + run.used, sizeof head);
    if (!ensure(run, sizeof head + head.size + 1U)) return false;
    run.name = {std::string_view(run.buffer.data() + run.used + sizeof head, head.size), head.kind,
                head.escaped};
    run.used += sizeof head + head.size + 1U;
    return true;
  }

  std::string directory_;
  Descriptor file_;
  std::uint64_t end_ = 0;
  std::uint64_t buffer_size_ = 0;
  std::vector<Run> runs_;
  std::vector<Run*> heap_;
};

SortedNames::SortedNames(std::uint64_t memory, const std::string& spill_directory)
    : limit_(std::clamp(memory, kLeastMemory, kMostMemory)), spill_directory_(spill_directory) {
  // On the heap from the start, so that views stay valid when this is moved.
  text_.reserve(1024);
}
SortedNames::SortedNames(SortedNames&&) noexcept = default;
SortedNames& SortedNames::operator=(SortedNames&&) noexcept = default;
SortedNames::~SortedNames() = default;

DirectoryName SortedNames::name_of(const Record& record) const noexcept {
  return {std::string_view(text_.data() + record.offset, record.size), record.kind, record.escaped};
}

void SortedNames::add(std::string_view key, NameKind kind, bool escaped) {
  const bool grows =
      text_.size() + key.size() + 1 > text_.capacity() || records_.size() == records_.capacity();
  // Growing doubles, so half of the bound is where to stop.
  if (grows && records_.size() >= kLeastRun && 2 * memory() > limit_) spill();
  if (records_.empty()) common_ = key.size();
  const std::string_view first(text_.data(), records_.empty() ? 0 : records_.front().size);
  if (!records_.empty()) {
    const std::size_t most = std::min(common_, key.size());
    common_ = static_cast<std::size_t>(
        std::mismatch(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(most), first.begin()).first -
        key.begin());
  }
  records_.push_back(
      {0, static_cast<std::uint32_t>(text_.size()), static_cast<std::uint16_t>(key.size()), kind, escaped});
  text_.append(key);
  text_ += '\0';
}

void SortedNames::sort_records() {
  for (Record& record : records_) {
    std::uint64_t head = 0;
    const std::string_view rest = name_of(record).key.substr(std::min<std::size_t>(common_, record.size));
    std::memcpy(&head, rest.data(), std::min<std::size_t>(rest.size(), sizeof head));
    record.head = __builtin_bswap64(head);
  }
  std::ranges::sort(records_, [this](const Record& a, const Record& b) {
    if (a.head != b.head) return a.head < b.head;
    return name_of(a).key < name_of(b).key;
  });
}

void SortedNames::spill() {
  if (!merge_) merge_ = std::make_unique<Merge>(spill_directory_);
  sort_records();
  merge_->write_run(*this);
  records_.clear();
  text_.clear();
}

void SortedNames::sort() {
  if (merge_) {
    if (!records_.empty()) spill();
    records_ = {};
    text_ = {};
    merge_->start(limit_);
  } else {
    sort_records();
  }
  settle();
}

void SortedNames::settle() {
  if (merge_) {
    at_end_ = merge_->front() == nullptr;
    if (!at_end_) front_ = *merge_->front();
  } else {
    at_end_ = next_ == records_.size();
    if (!at_end_) front_ = name_of(records_[next_]);
  }
}

void SortedNames::pop() {
  if (merge_)
    merge_->pop();
  else
    ++next_;
  settle();
}

bool SortedNames::peek(std::size_t n, DirectoryName& name) const noexcept {
  if (merge_ || next_ + n >= records_.size()) return false;
  name = name_of(records_[next_ + n]);
  return true;
}

}  // namespace haul::local
