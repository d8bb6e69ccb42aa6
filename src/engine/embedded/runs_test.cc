#include "engine/embedded/runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/embedded/state_fixture_for_tests.h"
#include "job/report_summary.h"

namespace haul::engine {
namespace {

using job::RunStatus;
using testing::ElementsAre;
using testing::HasSubstr;

ErrorClass class_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.error_class();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorClass::internal;
}

class RunsTest : public ScriptedRun {
 protected:
  std::string create(std::string job) { return runs->create({.job = std::move(job), .operation = "copy"}); }
  // In another process, as from another terminal.
  void elsewhere(const std::function<void(Runs&)>& call) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        StateDirectory same(directory.path(), system_env());
        Runs others(same);
        call(others);
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  void record_failures() {
    begin_run();
    discover(step_of(0, 5, true));
    const auto chunk = lease();
    job::ChunkReport report;
    report.chunk = chunk->id;
    report.accounts.failed = 5;
    const auto fail = [&report](std::string key, ErrorClass error_class, std::string code) {
      job::Outcome& outcome = report.ledger.failures.emplace_back();
      outcome.key = std::move(key);
      outcome.error = Error(error_class, "x").with_code(std::move(code), 500);
    };
    fail("a/1", ErrorClass::unavailable, "SlowDown");
    fail("a/\xff\xff", ErrorClass::unavailable, "InternalError");
    fail("b/1", ErrorClass::permission_denied, "AccessDenied");
    fail("b/2", ErrorClass::unavailable, "SlowDown");
    fail("a\xff", ErrorClass::unavailable, "SlowDown");
    record(std::move(report));
  }
  std::vector<std::string> failed_keys(const ErrorFilter& filter) {
    std::vector<std::string> keys;
    runs->errors(run, filter, [&keys](const ErrorRecord& record) {
      keys.push_back(record.key);
      return true;
    });
    return keys;
  }
};

TEST_F(RunsTest, a_run_is_found_by_id_by_its_beginning_and_by_its_job) {
  EXPECT_EQ(runs->find(run).id, run);
  EXPECT_EQ(runs->find("images").id, run);
  std::string lower = run;
  std::ranges::transform(lower, lower.begin(), ::tolower);
  EXPECT_EQ(runs->find(lower.substr(0, 20)).id, run);
  const std::string second = create("images");
  EXPECT_EQ(runs->find("images").id, second);
  EXPECT_EQ(class_of([&] { runs->find("nothing"); }), ErrorClass::not_found);
  EXPECT_EQ(class_of([&] { runs->find(""); }), ErrorClass::not_found);
  try {
    runs->find(run.substr(0, 4));
    ADD_FAILURE() << "found";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
    EXPECT_THAT(error.what(), HasSubstr(run));
    EXPECT_THAT(error.what(), HasSubstr(second));
  }
}

TEST_F(RunsTest, runs_are_listed_the_latest_first_by_job_and_status) {
  const std::string other = create("other");
  const std::string third = create("images");
  begin_run();
  const auto ids = [&](const RunFilter& filter) {
    std::vector<std::string> found;
    for (const RunInfo& info : runs->list(filter))
      found.push_back(info.id);
    return found;
  };
  EXPECT_THAT(ids({}), ElementsAre(third, other, run));
  EXPECT_THAT(ids({.job = "images", .statuses = {}, .limit = 1}), ElementsAre(third));
  EXPECT_THAT(ids({.job = "", .statuses = {RunStatus::discovering, RunStatus::paused}, .limit = 5}),
              ElementsAre(run));
  EXPECT_EQ(runs->unfinished("images")->id, third);
  EXPECT_FALSE(runs->unfinished("nothing"));
}

TEST_F(RunsTest, what_was_told_of_a_run_is_told_again) {
  const std::string id = runs->create({.job = "images",
                                       .operation = "move",
                                       .spec = "{\"name\":\"images\"}",
                                       .parent = run,
                                       .report = "/elsewhere",
                                       .arguments = "--x"});
  const RunInfo info = runs->get(id);
  EXPECT_EQ(info.operation, "move");
  EXPECT_EQ(info.spec, "{\"name\":\"images\"}");
  EXPECT_EQ(info.parent, run);
  EXPECT_EQ(info.report, "/elsewhere");
  EXPECT_EQ(info.arguments, "--x");
  EXPECT_EQ(info.status, RunStatus::initializing);
  EXPECT_FALSE(info.alive);
}

TEST_F(RunsTest, another_process_sees_who_works_on_what) {
  begin_run();
  discover(step_of(0, 10));
  discover(step_of(10, 10));
  lease();
  progress.done_objects = 7;
  engine->beat();
  elsewhere([&](Runs& others) {
    const RunInfo info = others.get(run);
    if (!info.alive || info.pid != ::getppid() || info.stuck) throw 1;
    if (info.chunks_queued != 1 || info.chunks_leased != 1 || info.objects_queued != 20) throw 2;
    if (info.figures.find("\"done_objects\":7") == std::string::npos) throw 3;
    if (!info.oldest_lease || !info.heartbeat_age || *info.heartbeat_age > std::chrono::minutes(1)) throw 4;
    const auto chunks = others.chunks_in_flight(run);
    if (chunks.size() != 1 || chunks[0].objects != 10 || !chunks[0].leased) throw 5;
  });
  engine.reset();
  EXPECT_FALSE(runs->get(run).alive);
}

TEST_F(RunsTest, wishes_and_approval_are_heard_from_another_process) {
  begin_run();
  EXPECT_FALSE(engine->approved());
  elsewhere([&](Runs& others) {
    if (!others.ask(run, job::Wish::pause)) throw 1;
    others.approve(run, "ada");
  });
  EXPECT_EQ(engine->wish(), job::Wish::none);
  engine->beat();
  EXPECT_EQ(engine->wish(), job::Wish::pause);
  EXPECT_TRUE(engine->approved());
  EXPECT_EQ(runs->get(run).approved_by, "ada");
  elsewhere([&](Runs& others) { others.ask(run, job::Wish::cancel); });
  engine->beat();
  EXPECT_EQ(engine->wish(), job::Wish::cancel);
  again();
  EXPECT_EQ(engine->wish(), job::Wish::none);
  EXPECT_TRUE(engine->approved());
}

TEST_F(RunsTest, nobody_hears_a_wish_for_a_run_that_nobody_works_on) {
  engine.reset();
  EXPECT_FALSE(runs->ask(run, job::Wish::cancel));
  EXPECT_EQ(runs->get(run).wish, job::Wish::none);
}

TEST_F(RunsTest, a_run_that_has_ended_hears_nothing) {
  begin_run();
  become(RunStatus::failed);
  EXPECT_EQ(class_of([&] { runs->ask(run, job::Wish::pause); }), ErrorClass::precondition_failed);
  EXPECT_EQ(class_of([&] { runs->approve(run, "ada"); }), ErrorClass::precondition_failed);
}

TEST_F(RunsTest, errors_are_filtered_by_class_code_and_prefix) {
  record_failures();
  EXPECT_EQ(failed_keys({}).size(), 5U);
  EXPECT_THAT(failed_keys({.error_class = ErrorClass::permission_denied}), ElementsAre("b/1"));
  EXPECT_THAT(failed_keys({.code = "SlowDown"}), ElementsAre("a/1", "b/2", "a\xff"));
  EXPECT_THAT(failed_keys({.key_prefix = "a/"}), ElementsAre("a/1", "a/\xff\xff"));
  EXPECT_THAT(failed_keys({.key_prefix = "a/\xff"}), ElementsAre("a/\xff\xff"));
  EXPECT_THAT(failed_keys({.after = 3, .limit = 1}), ElementsAre("b/2"));
  EXPECT_THAT(failed_keys({.code = "SlowDown", .key_prefix = "b"}), ElementsAre("b/2"));
}

TEST_F(RunsTest, errors_are_counted_by_class_and_code) {
  record_failures();
  const auto counts = runs->error_counts(run);
  ASSERT_EQ(counts.size(), 3U);
  EXPECT_EQ(counts[0].code, "SlowDown");
  EXPECT_EQ(counts[0].count, 3U);
  EXPECT_EQ(counts[1].error_class, ErrorClass::permission_denied);
}

TEST_F(RunsTest, a_run_without_progress_for_ten_minutes_is_stuck) {
  end();
  ManualEnv world;
  StateDirectory slow_state(directory.path() + "/slow", world);
  slow_state.lock();
  Runs slow_runs(slow_state);
  const std::string id = slow_runs.create({.job = "x", .operation = "copy"});
  EmbeddedRunEngine slow(slow_state, id, options, progress);
  wait(slow.set_status(RunStatus::discovering, context));
  slow.beat();
  world.advance(std::chrono::minutes(11));
  slow.beat();
  EXPECT_TRUE(slow_runs.get(id).stuck);
  EXPECT_LT(*slow_runs.get(id).heartbeat_age, std::chrono::seconds(1));
  ++progress.done_objects;
  slow.beat();
  EXPECT_FALSE(slow_runs.get(id).stuck);
}

class RetentionTest : public RunsTest {
 protected:
  std::string old_run(job::Accounts accounts = {}) {
    const std::string id = create("old");
    EmbeddedRunEngine old(*state, id, options, progress);
    job::DiscoveryStep step;
    step.accounts = accounts;
    step.last = true;
    wait(old.discovered(std::move(step), context));
    wait(old.set_status(RunStatus::discovering, context));
    wait(old.set_status(RunStatus::finalizing, context));
    wait(old.set_status(RunStatus::completed, context));
    return id;
  }
  bool known(const std::string& id) {
    return !runs->list().empty() &&
           std::ranges::any_of(runs->list(), [&](const RunInfo& info) { return info.id == id; });
  }
  const Retention everything{.age = Duration(0), .least = 0};
};

TEST_F(RetentionTest, old_runs_are_forgotten_with_their_files) {
  const std::string id = old_run();
  EXPECT_EQ(runs->forget_old({}), 0U);
  EXPECT_EQ(runs->forget_old({.age = Duration(0), .least = 2}), 0U);
  EXPECT_EQ(runs->forget_old(everything), 1U);
  EXPECT_FALSE(known(id));
  EXPECT_FALSE(std::filesystem::exists(state->run_path(id)));
  EXPECT_TRUE(known(run));
}

TEST_F(RetentionTest, runs_that_have_not_ended_stay) {
  EXPECT_EQ(runs->forget_old(everything), 0U);
  EXPECT_EQ(class_of([&] { runs->forget(run); }), ErrorClass::precondition_failed);
  EXPECT_TRUE(known(run));
}

class KeptSourcesTest : public RetentionTest {
 protected:
  // A move whose sources are all kept.
  void move(std::uint64_t sources) {
    job::Accounts accounts;
    accounts.listed = accounts.moved = accounts.sources_kept = sources;
    moved_ = old_run(accounts);
  }
  // A run after it that is of the same sources.
  void follow(std::string_view operation, RunStatus status, std::string_view accounts) {
    const std::string id =
        runs->create({.job = "old", .operation = std::string(operation), .parent = moved_});
    sqlite::Database database = state->connect();
    database
        .prepare(
            "UPDATE run_states SET status = ?2, accounts = ?3 WHERE run = (SELECT number FROM runs "
            "WHERE id = ?1)")
        .bind(1, id)
        .bind(2, to_string(status))
        .bind(3, accounts)
        .run();
  }
  void remove(RunStatus status, std::string_view accounts) {
    follow(to_string(job::Operation::remove_kept), status, accounts);
  }
  void undo(RunStatus status, std::string_view accounts) {
    follow(to_string(job::Operation::revert), status, accounts);
  }
  bool stays() {
    const bool refused = class_of([&] {
                           runs->forget_old(everything);
                           runs->forget(moved_);
                         }) == ErrorClass::precondition_failed;
    EXPECT_EQ(known(moved_), refused);
    return refused;
  }

 private:
  std::string moved_;
};

TEST_F(KeptSourcesTest, keep_their_run_until_they_are_gone) {
  move(2);
  EXPECT_TRUE(stays());
  follow("move", RunStatus::completed, R"({"skipped":2})");  // a retry of its failures says nothing of them
  EXPECT_TRUE(stays());
  remove(RunStatus::completed, R"({"deleted":2})");
  EXPECT_FALSE(stays());
}

TEST_F(KeptSourcesTest, that_could_not_be_removed_at_first_are_counted_with_the_others) {
  move(4);
  remove(RunStatus::completed_with_failures, R"({"deleted":1,"skipped":1,"failed":2})");
  EXPECT_TRUE(stays());
  remove(RunStatus::completed, R"({"deleted":1,"skipped":1})");
  EXPECT_FALSE(stays());
}

TEST_F(KeptSourcesTest, that_two_removals_have_met_count_once) {
  move(4);
  remove(RunStatus::cancelled, R"({"deleted":2,"skipped":1,"not_attempted":1})");
  remove(RunStatus::completed_with_failures, R"({"deleted":2,"skipped":1,"failed":1})");
  EXPECT_TRUE(stays());
  remove(RunStatus::completed, R"({"deleted":1})");
  EXPECT_FALSE(stays());
}

TEST_F(KeptSourcesTest, that_were_skipped_and_then_moved_back_count_once) {
  move(3);
  remove(RunStatus::completed_with_failures, R"({"deleted":1,"skipped":1,"failed":1})");
  undo(RunStatus::completed_with_failures, R"({"reverted":1,"failed":2})");
  EXPECT_TRUE(stays());
  undo(RunStatus::completed_with_failures, R"({"reverted":2,"failed":1})");
  EXPECT_FALSE(stays());
}

TEST_F(RetentionTest, creating_a_run_forgets_old_ones) {
  const std::string id = old_run();
  runs->create({.job = "new", .operation = "copy"}, everything);
  EXPECT_FALSE(known(id));
}

}  // namespace
}  // namespace haul::engine
