#include "app/job_setup.h"

#include <fmt/format.h>

#include "app/error_stream.h"
#include "app/job_builder.h"
#include "app/job_catalogs.h"
#include "app/job_settings.h"
#include "app/plan_file.h"
#include "base/log.h"
#include "base/utf8.h"
#include "engine/embedded/runs.h"
#include "job/catalogue_step.h"
#include "job/catalogue_stream.h"
#include "job/kept_objects.h"
#include "listing/manifest.h"

namespace haul::app {
namespace {

// Rights beside those of the operation itself.
void announce_more(const job::JobSpec& spec, const RunSelection& selection, const Settings& settings,
                   Services& services) {
  using auth::Access;
  const auto need = [&](const std::string& text, const SideSettings& side, Access access) {
    if (text.empty()) return;
    const store::Location location = parse_place(text);
    if (location.scheme == store::Scheme::s3)
      services.need(settings, side, {location.bucket, as_directory(location.path), access});
  };
  need(spec.report.location, settings.destination_side(), Access::list | Access::read | Access::write);
  if (selection.kind == RunSelection::Kind::revert)
    need(spec.destination, settings.destination_side(), Access::list | Access::read | Access::remove);
}

// What a plan removes from the destination is a job of its own, once all else is done.
job::JobSpec planned_part(job::JobSpec spec, const RunSelection& selection) {
  if (selection.kind != RunSelection::Kind::plan || selection.part == PlanPart::objects) return spec;
  spec.operation = job::Operation::remove;
  spec.sources = {spec.destination};
  spec.source_side = spec.destination_side;
  spec.destination.clear();
  spec.destination_side = {};
  spec.select = {};
  spec.catalog.reset();
  spec.options.remove.reset();
  return spec;
}

}  // namespace

JobSetup::JobSetup(Session& session, job::JobSpec spec, RunSelection selection, engine::StateDirectory* state)
    : session_(session),
      spec_(planned_part(std::move(spec), selection)),
      selection_(std::move(selection)),
      state_(state),
      settings_(job_settings(spec_, session.settings())),
      stores_(settings_, session.services()),
      bandwidth_(settings_.bandwidth) {
  announce_needs(settings_, session.services());
  announce_more(spec_, selection_, settings_, session.services());
}

Task<> JobSetup::make(std::string run, OpContext& context) {
  Settings settings = settings_;
  settings.source_may_be_gone = co_await context.blocking([this, &run] { return has_found_all(run); });
  job_ = co_await build_job(settings, stores_, session_.runtime().shard_count(),
                            settings_.bandwidth != 0 ? &bandwidth_ : nullptr, context);
  extend_options(job_.options, spec_);
  job_.run = std::move(run);
  co_await take_catalogues(context);
  take_selection();
}

// A run that has found its one object, and goes on: if it is not there, the run has moved it.
bool JobSetup::has_found_all(const std::string& run) const {
  if (state_ == nullptr || run.empty()) return false;
  const engine::RunInfo info = engine::Runs(*state_).get(run);
  return info.discovery_ended && info.accounts.listed == 1;
}

void JobSetup::take_selection() {
  using Kind = RunSelection::Kind;
  switch (selection_.kind) {
    case Kind::job: return;
    case Kind::plan: take_plan(); return;
    case Kind::errors: take_errors(); return;
    case Kind::kept:
    case Kind::revert: break;
  }
  job_.operation = selection_.kind == Kind::kept ? job::Operation::remove_kept : job::Operation::revert;
  job_.options.filters = {};
  job_.options.keep_source.reset();
  const std::string directory = engine::Runs(*state_).get(selection_.of).report;
  for (std::size_t i = 0; i < job_.sources.size(); ++i) {
    job_.sources[i].object.reset();
    job_.sources[i].glob.reset();
    job::KeptListing listing;
    listing.directory = directory;
    listing.source = static_cast<std::uint16_t>(i);
    listing.moved_before = selection_.moved_before;
    if (!selection_.again.empty()) {
      auto failed = std::make_shared<engine::FailedKeys>(*state_, selection_.again, listing.source);
      listing.chosen = [failed](std::string_view key) { return failed->contains(key); };
    }
    job_.sources[i].keys = std::make_shared<job::KeptStream>(std::move(listing));
  }
}

void JobSetup::take_plan() {
  if (check_plan(selection_.plan).sha256 != selection_.plan_sha256)
    throw Error(ErrorClass::precondition_failed, "the plan is not the one that the run began with")
        .on(selection_.plan);
  if (job_.operation == job::Operation::sync) job_.operation = job::Operation::copy;
  job_.options.delete_extra = false;
  job_.options.filters = {};
  job_.options.exactly_as_listed = true;
  for (std::size_t i = 0; i < job_.sources.size(); ++i) {
    job::Source& source = job_.sources[i];
    source.keys =
        std::make_shared<PlanStream>(selection_.plan, selection_.part, static_cast<std::uint16_t>(i),
                                     source.store->capabilities().directories);
    source.object.reset();
    source.glob.reset();
  }
}

void JobSetup::take_errors() {
  // What failed to be copied is copied; what failed to be deleted there is found by the next sync.
  if (job_.operation == job::Operation::sync) {
    job_.operation = job::Operation::copy;
    job_.options.delete_extra = false;
  }
  // They took part once; a list of them knows no sizes and times.
  job_.options.filters = {};
  for (std::size_t i = 0; i < job_.sources.size(); ++i)
    job_.sources[i].keys = std::make_shared<ErrorStream>(*state_, selection_.of, selection_.errors,
                                                         static_cast<std::uint16_t>(i));
  for (job::Source& source : job_.sources) {
    source.object.reset();
    source.glob.reset();
  }
}

Task<> JobSetup::take_catalogues(OpContext& context) {
  std::shared_ptr<catalog::Catalog> selected;
  catalog::Selection selection;
  std::vector<std::string> columns;
  if (spec_.select.from_catalog()) {
    selected = co_await context.blocking(
        [this] { return open_job_catalog(spec_, spec_.select.catalog, session_.env()); });
    job::CatalogueListing listing;
    listing.catalog = selected;
    listing.selection = {.query = spec_.select.query,
                         .cursor = spec_.select.cursor,
                         .page_rows = spec_.select.page,
                         .key = spec_.select.key};
    selection = listing.selection;
    listing.prefix = job_.sources.at(0).prefix;
    columns = co_await selected->check(&listing.selection, nullptr, context);
    job_.sources[0].keys = std::make_shared<job::CatalogueStream>(std::move(listing));
  }
  if (!spec_.catalog) co_return;
  job::CatalogueUpdate& update = job_.catalogue.emplace();
  const std::string name = updated_catalog(spec_);
  const bool same = spec_.select.from_catalog() && name == spec_.select.catalog;
  update.catalog = same ? selected : co_await context.blocking([this, &name] {
    return open_job_catalog(spec_, name, session_.env());
  });
  update.statement = catalog::Statement::parse(spec_.catalog->update);
  update.columns = std::move(columns);
  if (spec_.select.from_catalog()) update.key_column = spec_.select.key;
  update.batch = spec_.catalog->batch;
  update.unmatched_fails = spec_.catalog->unmatched_fails;
  job::check_parameters(update.statement, update.columns);
  co_await update.catalog->check(nullptr, &update.statement, context);
  if (same && removes_sources()) co_await take_names(selection, context);
}

// Whether sources go that a row of the selection may still name. Nothing goes in a dry run, nor where there
// is no state for a run.
bool JobSetup::removes_sources() const {
  using Kind = RunSelection::Kind;
  if (job_.operation != job::Operation::move || state_ == nullptr) return false;
  return selection_.kind == Kind::kept || (selection_.kind != Kind::revert && !spec_.keep_source);
}

// Asking is a matter of course where it is cheap. Where each time would take a look at the whole table, the
// user is told what is not looked after.
Task<> JobSetup::take_names(const catalog::Selection& selection, OpContext& context) {
  catalog::Catalog& catalog = *job_.catalogue->catalog;
  if (co_await catalog.finds_by_key(selection, context)) {
    job_.catalogue->naming = selection;
    co_return;
  }
  const std::string notice = fmt::format(
      "{}: no index finds rows of {} by {}, so it is not asked before an object is removed at the "
      "source: of two rows that name one object, one may do so for a while after it is gone",
      spec_.name, catalog.description(), visible(selection.key));
  context.log().log(LogLevel::warning, notice);
  const Settings& settings = session_.settings();
  const bool is_on_the_screen = settings.log_file.empty() && context.log().enabled(LogLevel::warning);
  if (!settings.quiet && !is_on_the_screen) session_.screen().say(notice);
}

}  // namespace haul::app
