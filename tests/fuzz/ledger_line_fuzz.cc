// A line of a ledger: what is taken can be written again, and is then taken for the same.
#include <memory>
#include <string>

#include "fuzz_input.h"
#include "job/ledger_line.h"
#include "job/report.h"
#include "job/report_manifest.h"
#include "job/report_position.h"
#include "stores/memory/memory_store.h"

namespace {

using namespace haul;

const job::Job& any_job() {
  static const job::Job made = [] {
    job::Job job;
    const auto store = std::make_shared<memory::MemoryStore>();
    job.sources.push_back({.store = store});
    job.destination = job::Destination{.store = store};
    return job;
  }();
  return made;
}

std::string line_of(const job::Outcome& outcome) {
  job::LedgerWriter writer(any_job(), {});
  writer.add(outcome);
  std::string line = writer.take().lines;
  line.pop_back();
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  job::LedgerLine line;
  if (fuzz::accepts({ErrorClass::data_loss}, [&] { line = job::parse_ledger_line(text); })) {
    line.outcome.source = 0;
    const std::string written = line_of(line.outcome);
    fuzz::check(line_of(job::parse_ledger_line(written).outcome) == written);
  }
  // Any bytes as every name of an outcome.
  const job::Outcome outcome{.kind = job::OutcomeKind::copied,
                             .key = std::string(text),
                             .destination_key = std::string(text),
                             .reason = std::string(text),
                             .losses = {std::string(text)},
                             .etag = std::string(text)};
  const std::string written = line_of(outcome);
  fuzz::check(written.find('\n') == std::string::npos);
  const job::Outcome read = job::parse_ledger_line(written).outcome;
  fuzz::check(read.key == text && read.destination_key == text && read.reason == text && read.etag == text &&
              read.losses == outcome.losses);
  fuzz::accepts({ErrorClass::data_loss}, [&] { job::parse_position(text); });
  fuzz::accepts({ErrorClass::data_loss}, [&] { job::parse_manifest(text); });
  fuzz::accepts({ErrorClass::data_loss}, [&] { job::parse_segment(text); });
  return 0;
}
