// One job of a file or of a state, made ready to run: its stores, its catalogues, its list of objects.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/run_selection.h"
#include "app/session.h"
#include "app/settings.h"
#include "app/store_factory.h"
#include "engine/embedded/state_directory.h"
#include "job/job.h"
#include "job/spec.h"
#include "runtime/bandwidth.h"

namespace haul::app {

// Refers to the session, and to the state where one is given; both outlive it.
class JobSetup {
 public:
  // Says what the job needs of services. To be done for all jobs of a process before any of them is made.
  JobSetup(Session& session, job::JobSpec spec, RunSelection selection = {},
           engine::StateDirectory* state = nullptr);
  JobSetup(const JobSetup&) = delete;
  JobSetup& operator=(const JobSetup&) = delete;

  // Looks at the places and at the catalogues, and makes the job. `run`: its id, or empty. Throws UsageError
  // and Error before anything is changed.
  Task<> make(std::string run, OpContext& context);

  const job::JobSpec& spec() const noexcept { return spec_; }
  const Settings& settings() const noexcept { return settings_; }
  // Once made.
  job::Job& job() noexcept { return job_; }

 private:
  bool has_found_all(const std::string& run) const;
  void take_selection();
  void take_errors();
  void take_plan();
  Task<> take_catalogues(OpContext& context);
  bool removes_sources() const;
  Task<> take_names(const catalog::Selection& selection, OpContext& context);

  Session& session_;
  const job::JobSpec spec_;
  const RunSelection selection_;
  engine::StateDirectory* const state_;
  const Settings settings_;
  RealStores stores_;
  Bandwidth bandwidth_;
  job::Job job_;
};

}  // namespace haul::app
