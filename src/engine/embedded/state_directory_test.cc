#include "engine/embedded/state_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include "base/error.h"
#include "engine/embedded/schema.h"
#include "engine/embedded/state_fixture_for_tests.h"

namespace haul::engine {
namespace {

using testing::HasSubstr;

// Runs body() in a process of its own while another body runs in this one. body() gives the exit status.
template <class Body, class Meanwhile>
int beside(Body body, Meanwhile meanwhile) {
  std::array<int, 2> ready{}, finish{};
  EXPECT_EQ(::pipe(ready.data()), 0);
  EXPECT_EQ(::pipe(finish.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const int status = body();
    char byte = 0;
    (void)!::write(ready[1], &byte, 1);
    (void)!::read(finish[0], &byte, 1);
    ::_exit(status);
  }
  char byte = 0;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  meanwhile(child);
  EXPECT_EQ(::write(finish[1], &byte, 1), 1);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  for (const int file : {ready[0], ready[1], finish[0], finish[1]})
    ::close(file);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

ErrorClass class_thrown_by(const std::function<void()>& call, std::string* text = nullptr) {
  try {
    call();
  } catch (const Error& error) {
    if (text != nullptr) *text = error.what();
    return error.error_class();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorClass::internal;
}

struct StateDirectoryTest : testing::Test {
  TestDirectory directory;
  const Env& env = system_env();
};

TEST_F(StateDirectoryTest, is_created_for_its_owner_alone) {
  const std::string path = directory.path() + "/deep/state";
  const StateDirectory state(path, env);
  EXPECT_TRUE(std::filesystem::exists(path + "/state.db"));
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
}

TEST_F(StateDirectoryTest, a_second_process_is_refused_with_the_name_of_the_first) {
  std::optional<StateDirectory> first;
  const int status = beside(
      [&] {
        first.emplace(directory.path(), env);
        first->lock();
        return 0;
      },
      [&](pid_t child) {
        StateDirectory second(directory.path(), env);
        std::string text;
        EXPECT_EQ(class_thrown_by([&] { second.lock(); }, &text), ErrorClass::unavailable);
        EXPECT_THAT(text, HasSubstr("process " + std::to_string(child)));
        EXPECT_FALSE(second.locked());
        ASSERT_TRUE(second.holder());
        EXPECT_EQ(second.holder()->pid, child);
        Runs(second).list();
      });
  EXPECT_EQ(status, 0);
  StateDirectory later(directory.path(), env);
  EXPECT_FALSE(later.holder());
  later.lock();
  EXPECT_EQ(later.holder()->id, later.self().id);
}

TEST_F(StateDirectoryTest, a_state_of_a_newer_version_is_refused_and_left_alone) {
  {
    const StateDirectory state(directory.path(), env);
  }
  {
    sqlite::Database database(directory.path() + "/state.db", sqlite::OpenMode::read_write,
                              std::chrono::seconds(1));
    database.execute("UPDATE schema SET version = version + 1");
  }
  std::string text;
  EXPECT_EQ(class_thrown_by([&] { const StateDirectory state(directory.path(), env); }, &text),
            ErrorClass::unsupported);
  EXPECT_THAT(text, HasSubstr("version " + std::to_string(schema_version() + 1)));
  sqlite::Database database(directory.path() + "/state.db", sqlite::OpenMode::read_only,
                            std::chrono::seconds(1));
  EXPECT_EQ(read_schema_version(database), schema_version() + 1);
}

TEST_F(StateDirectoryTest, a_database_of_somebody_else_is_refused) {
  {
    sqlite::Database database(directory.path() + "/state.db", sqlite::OpenMode::create,
                              std::chrono::seconds(1));
    database.execute("CREATE TABLE theirs (id INTEGER)");
  }
  EXPECT_EQ(class_thrown_by([&] { const StateDirectory state(directory.path(), env); }),
            ErrorClass::data_loss);
}

TEST_F(StateDirectoryTest, is_kept_where_the_environment_says) {
  ManualEnv world;
  EXPECT_EQ(class_thrown_by([&] { StateDirectory::default_path(world); }), ErrorClass::invalid_argument);
  world.set_variable("HOME", "/home/ada");
  EXPECT_EQ(StateDirectory::default_path(world), "/home/ada/.local/state/haul");
  world.set_variable("XDG_STATE_HOME", "/var/state");
  EXPECT_EQ(StateDirectory::default_path(world), "/var/state/haul");
  world.set_variable("XDG_STATE_HOME", "relative");
  EXPECT_EQ(StateDirectory::default_path(world), "/home/ada/.local/state/haul");
}

// What each version looked like when it was published, with a run in it that was killed half way.
TEST_F(StateDirectoryTest, states_of_every_published_version_are_opened_and_gone_on_with) {
  const auto fixtures = std::filesystem::path(__FILE__).parent_path() / "fixtures";
  for (int version = 1; version <= schema_version(); ++version) {
    const std::string path = directory.path() + "/" + std::to_string(version);
    std::filesystem::create_directories(path);
    std::filesystem::copy(fixtures / ("state-" + std::to_string(version)), path,
                          std::filesystem::copy_options::recursive);
    std::ostringstream sql;
    sql << std::ifstream(path + "/state.sql").rdbuf();
    {
      sqlite::Database database(path + "/state.db", sqlite::OpenMode::create, std::chrono::seconds(1));
      database.execute(sql.str());
      ASSERT_EQ(read_schema_version(database), version);
    }
    StateDirectory state(path, env);
    state.lock();
    Runs runs(state);
    const RunInfo info = runs.find("images");
    EXPECT_EQ(info.status, job::RunStatus::discovering);
    EXPECT_EQ(info.accounts.listed, 20U);
    EXPECT_EQ(info.accounts.copied, 9U);
    EXPECT_EQ(info.chunks_leased, 1U);
    EXPECT_EQ(runs.error_counts(info.id).size(), 1U);

    Runtime runtime(env, null_logger(), {.shards = 1, .blocking_threads = 1});
    OpContext context = runtime.context();
    const job::Progress progress;
    EmbeddedRunEngine engine(state, info.id, {}, progress);
    EXPECT_EQ(engine.status(), job::RunStatus::paused);
    EXPECT_EQ(engine.discovery().place, "20");
    const auto chunk = runtime.run_for(engine.lease(context));
    ASSERT_TRUE(chunk);
    EXPECT_EQ(chunk->items.at(3).key, key_of(13));
    runtime.run(engine.record(all_copied(*chunk), context));
    EXPECT_EQ(engine.accounts().copied, 19U);
    EXPECT_EQ(ledger_lines(engine.report_path()).size(), 19U);
  }
}

TEST(Schema, an_older_state_is_brought_up_to_date_all_at_once) {
  const TestDirectory directory;
  sqlite::Database database(directory.path() + "/x.db", sqlite::OpenMode::create, std::chrono::seconds(1));
  const std::array old{
      "CREATE TABLE schema (version INTEGER); INSERT INTO schema VALUES (0);"
      "CREATE TABLE runs (id TEXT); INSERT INTO runs VALUES ('a')"};
  int warned = 0;
  const auto warn = [&warned] { ++warned; };
  migrate(database, old, warn);
  EXPECT_EQ(warned, 0);

  const std::array broken{old[0], "ALTER TABLE runs ADD COLUMN job TEXT DEFAULT 'x'", "NOT SQL"};
  EXPECT_THROW(migrate(database, broken, warn), Error);
  EXPECT_EQ(read_schema_version(database), 1);
  EXPECT_THROW(database.execute("SELECT job FROM runs"), Error);

  const std::array grown{old[0], broken[1], "UPDATE runs SET job = job || id"};
  migrate(database, grown, warn);
  EXPECT_EQ(read_schema_version(database), 3);
  EXPECT_EQ(warned, 2);
  sqlite::Statement rows = database.prepare("SELECT job FROM runs");
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.text(0), "xa");
}

TEST(Schema, a_state_that_somebody_works_with_is_not_migrated) {
  const TestDirectory directory;
  sqlite::Database database(directory.path() + "/x.db", sqlite::OpenMode::create, std::chrono::seconds(1));
  const std::array old{"CREATE TABLE schema (version INTEGER); INSERT INTO schema VALUES (0);"};
  migrate(database, old, [] {});
  const std::array grown{old[0], "CREATE TABLE later (id INTEGER)"};
  EXPECT_THROW(migrate(database, grown, [] { throw Error(ErrorClass::unavailable, "in use"); }), Error);
  EXPECT_EQ(read_schema_version(database), 1);
}

}  // namespace
}  // namespace haul::engine
