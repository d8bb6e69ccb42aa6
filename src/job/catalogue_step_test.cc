#include "job/catalogue_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "job/recorded_world_test.h"

namespace haul::job {
namespace {

using catalog::Row;
using catalog::Statement;
using catalog::Value;
using testing::HasSubstr;

struct CatalogueStepTest : testing::Test, RecordedWorld {
  CatalogueStepTest() {
    item.key = "in/a";
    item.destination_key = "out/a";
    item.version = "v-source";
    item.row = "[7,\"in/a\"]";
    result.step = ItemStep::arrived;
    result.bytes = 12;
    result.etag = "etag-source";
    result.written_etag = "etag-copy";
    result.written_version = "v-copy";
  }
  catalog::RowUpdate update_by(const std::string& statement) {
    follow_by(statement);
    return CatalogueStep(job).update_of(item, result);
  }

  Item item;
  ItemResult result;
};

TEST_F(CatalogueStepTest, gives_facts_of_the_object_and_columns_of_the_selection) {
  result.checksum = checksum_of(ChecksumAlgorithm::crc32c, as_bytes(std::string_view("123456789")));
  const auto update = update_by(
      "UPDATE f SET p = :destination_key, s = :size, e = :etag, v = :version, c = :checksum, r = :run "
      "WHERE id = :id");
  EXPECT_EQ(update.values, (Row{"out/a", std::int64_t{12}, "etag-copy", "v-copy", "crc32c:4waSgw==", "run-1",
                                std::int64_t{7}}));
  EXPECT_TRUE(update.if_done.empty()) << "found by its id, it is found again when it is done";
}

TEST_F(CatalogueStepTest, gives_nothing_for_what_is_not_known) {
  result.written_etag.clear();
  result.written_version.clear();
  const auto update = update_by("UPDATE f SET e = :etag, v = :version, c = :checksum WHERE p = :source_key");
  EXPECT_EQ(update.values, (Row{Value(), Value(), Value(), "in/a"}));
}

TEST_F(CatalogueStepTest, looks_for_the_new_key_where_the_old_one_matches_nothing) {
  const auto update = update_by("UPDATE f SET p = :destination_key WHERE p = :source_key");
  EXPECT_EQ(update.values, (Row{"out/a", "in/a"}));
  EXPECT_EQ(update.if_done, (Row{"out/a", "out/a"}));
}

TEST_F(CatalogueStepTest, takes_the_key_column_of_the_selection_for_the_key) {
  const auto update = update_by("UPDATE f SET p = :destination_key WHERE p = :path AND id = :id");
  EXPECT_EQ(update.values, (Row{"out/a", "in/a", std::int64_t{7}}));
  EXPECT_EQ(update.if_done, (Row{"out/a", "out/a", std::int64_t{7}}));
}

TEST_F(CatalogueStepTest, names_the_source_again_when_a_move_is_undone) {
  job.operation = Operation::revert;
  const auto update = update_by(
      "UPDATE f SET p = :destination_key, e = :etag, v = :version WHERE p = :source_key AND q = :path");
  EXPECT_EQ(update.values, (Row{"in/a", "etag-source", "v-source", "out/a", "out/a"}));
  EXPECT_EQ(update.if_done, (Row{"in/a", "etag-source", "v-source", "in/a", "in/a"}));
}

TEST_F(CatalogueStepTest, takes_keys_as_they_are_whatever_they_look_like) {
  item.key = "in/'; DROP TABLE f; --";
  const auto update = update_by("UPDATE f SET p = :destination_key WHERE p = :source_key");
  EXPECT_EQ(update.values[1], Value("in/'; DROP TABLE f; --"));
}

TEST_F(CatalogueStepTest, refuses_parameters_that_nothing_gives_and_says_what_there_is) {
  const Statement statement = Statement::parse("UPDATE f SET p = :destination_ky WHERE id = :id");
  const std::vector<std::string> columns = {"id"};
  try {
    check_parameters(statement, columns);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
    EXPECT_THAT(error.what(), HasSubstr(":destination_ky"));
    EXPECT_THAT(error.what(), HasSubstr(":destination_key"));
    EXPECT_THAT(error.what(), HasSubstr(":id"));
  }
  EXPECT_NO_THROW(
      check_parameters(Statement::parse("UPDATE f SET p = :destination_key WHERE id = :id"), columns));
  EXPECT_THROW(check_parameters(Statement::parse("UPDATE f SET p = :destination_key WHERE id = :id"), {}),
               Error);
}

TEST_F(CatalogueStepTest, refuses_a_row_under_columns_that_it_was_not_selected_with) {
  follow_by("UPDATE f SET p = :destination_key WHERE id = :id");
  for (const std::vector<std::string>& now :
       {std::vector<std::string>{"path", "id"}, {"id", "size", "path"}}) {
    job.catalogue->columns = now;
    try {
      CatalogueStep(job).update_of(item, result);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
      EXPECT_THAT(error.hint(), HasSubstr("put select.query and select.key back"));
    }
  }
}

TEST_F(CatalogueStepTest, fails_only_the_object_whose_row_is_not_as_it_was_selected) {
  catalog->paths = {{7, "in/a"}};
  follow_by("UPDATE f SET path = :destination_key WHERE id = :id");
  Item broken = item;
  broken.row = "[1,2,3]";
  ItemResult broken_result = result;
  const std::vector<CatalogueItem> objects = {{&broken, &broken_result}, {&item, &result}};
  const CatalogueStep step(job);
  world.run(step.update(objects, context));
  ASSERT_TRUE(broken_result.error);
  EXPECT_EQ(broken_result.error->error_class(), ErrorClass::invalid_argument);
  EXPECT_EQ(broken_result.step, ItemStep::arrived);
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.step, ItemStep::catalogued);
  EXPECT_EQ(catalog->paths[7], "out/a");
}

}  // namespace
}  // namespace haul::job
