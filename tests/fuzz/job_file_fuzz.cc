// A job file: refused with places, or read and kept as text that is read again as the same job.
#include <string>

#include "fuzz_input.h"
#include "job/spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace haul;
  static const ManualEnv env;
  const std::string_view text = fuzz::text_of(data, size);
  const job::SpecContext context{.file = "job",
                                 .variables = {{"A", "1"}, {"B", "x: [y]\n- z"}, {"C", ""}},
                                 .env = &env,
                                 .now = env.wall_now(),
                                 .directory = "/"};
  try {
    const job::JobSpec spec = job::parse_job_spec(text, context);
    const job::JobSpec again = job::parse_resolved_spec(spec.resolved);
    fuzz::check(again.resolved == spec.resolved && again.name == spec.name && again.sources == spec.sources);
  } catch (const job::SpecError& error) {
    fuzz::check(!error.problems().empty());
    for (const job::SpecProblem& problem : error.problems())
      fuzz::check(problem.line >= 1 && problem.column >= 1 && !problem.message.empty());
  }
  return 0;
}
