#include "engine/embedded/held_ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::engine {
namespace {

constexpr std::size_t kPiece = 4 << 20;

// Before the lines of each step. In the machine's own order: it is read by the process that wrote it.
struct HeldHead {
  std::uint64_t lines, succeeded, failed, outcomes;
};

}  // namespace

HeldLedger::HeldLedger(std::string path) : path_(std::move(path)) {
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT)
    throw errno_error(errno, "remove held ledger", visible(path_));
}

HeldLedger::~HeldLedger() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(path_.c_str());
}

void HeldLedger::open() {
  if (file_ >= 0) return;
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file_ < 0) throw errno_error(errno, "open held ledger", visible(path_));
}

std::uint64_t HeldLedger::append(std::uint64_t size, const job::Ledger& ledger) {
  if (ledger.outcomes == 0) return size;
  open();
  const HeldHead head{ledger.lines.size(), ledger.succeeded.size(), ledger.failed.size(), ledger.outcomes};
  const auto put = [&](const void* bytes, std::size_t count) {
    for (std::size_t done = 0; done < count;) {
      const ssize_t written =
          ::pwrite(file_, static_cast<const char*>(bytes) + done, count - done, static_cast<off_t>(size));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw errno_error(errno, "write held ledger", visible(path_));
      done += static_cast<std::size_t>(written);
      size += static_cast<std::uint64_t>(written);
    }
  };
  put(&head, sizeof head);
  put(ledger.lines.data(), ledger.lines.size());
  put(ledger.succeeded.data(), ledger.succeeded.size());
  put(ledger.failed.data(), ledger.failed.size());
  return size;
}

void HeldLedger::read(std::uint64_t size, const std::function<void(const job::Ledger&)>& take) const {
  std::uint64_t at = 0;
  const auto get = [&](char* into, std::size_t count) {
    while (count != 0) {
      const ssize_t have = ::pread(file_, into, count, static_cast<off_t>(at));
      if (have < 0 && errno == EINTR) continue;
      if (have < 0) throw errno_error(errno, "read held ledger", visible(path_));
      if (have == 0)
        throw Error(ErrorClass::data_loss, "held outcomes are not there any more").on(visible(path_));
      into += have;
      count -= static_cast<std::size_t>(have);
      at += static_cast<std::uint64_t>(have);
    }
  };
  job::Ledger piece;
  const auto get_text = [&](std::string& text, std::uint64_t count) {
    const std::size_t before = text.size();
    text.resize(before + count);
    get(text.data() + before, count);
  };
  while (at < size) {
    HeldHead head{};
    get(reinterpret_cast<char*>(&head), sizeof head);
    get_text(piece.lines, head.lines);
    get_text(piece.succeeded, head.succeeded);
    get_text(piece.failed, head.failed);
    piece.outcomes += head.outcomes;
    if (piece.lines.size() + piece.succeeded.size() + piece.failed.size() >= kPiece)
      take(std::exchange(piece, {}));
  }
  if (piece.outcomes != 0) take(piece);
}

}  // namespace haul::engine
