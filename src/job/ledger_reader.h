// The ledger of a report in a local directory, outcome by outcome: for undoing, retrying and counting.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "job/ledger_line.h"

namespace haul::job {

// Reads as it is used: memory does not grow with the ledger. Blocks. Not thread-safe.
class LedgerReader {
 public:
  // The segments that manifest.json names; of a report that is not finished, those up to `position` (as
  // ReportFiles::append gave it), or all that is there if there is none. Throws not_found if there is no
  // report, data_loss for a manifest or position that is none.
  explicit LedgerReader(std::string directory, std::string_view position = {});
  ~LedgerReader();
  LedgerReader(const LedgerReader&) = delete;
  LedgerReader& operator=(const LedgerReader&) = delete;

  // The next outcome; nothing at the end. Throws data_loss, on "FILE line N", for a line that is none; the
  // next call then goes on behind it. A segment that is shorter than it should be is data_loss too.
  std::optional<LedgerLine> next();

  // "FILE line N" of the outcome that next() has given.
  std::string place() const;

 private:
  struct Part {
    std::string path;
    std::optional<std::uint64_t> bytes;  // that it must have
  };
  struct File;
  bool open_next();

  std::deque<Part> parts_;
  std::unique_ptr<File> file_;
};

}  // namespace haul::job
