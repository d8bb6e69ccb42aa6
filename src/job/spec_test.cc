#include "job/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "job/spec_keys.h"
#include "job/spec_schema.h"

namespace haul::job {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr Time kNow{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1}};

class SpecTest : public testing::Test {
 protected:
  SpecContext context_{.file = "job.yaml", .env = &env_, .now = kNow, .directory = "/data"};
  ManualEnv env_;

  JobSpec parse(std::string_view text) { return parse_job_spec(text, context_); }

  // What is wrong with a text, "line:column message (hint)".
  std::vector<std::string> problems(std::string_view text) {
    try {
      parse(text);
    } catch (const SpecError& error) {
      std::vector<std::string> lines = error.lines();
      for (std::string& line : lines)
        line.erase(0, std::string("job.yaml:").size());
      return lines;
    }
    return {};
  }
};

constexpr std::string_view kCopy =
    "name: a\noperation: copy\nsource: s3://aaa/x/\ndestination: s3://bbb/y/\n";

std::string with(std::string_view more) {
  return std::string(kCopy) + std::string(more) + "\n";
}

TEST_F(SpecTest, ReadsTheJobOfTheMediaCompany) {
  const JobSpec spec = parse(R"(name: legacy-images
operation: move
source: s3://media-old/image/
destination: s3://media-new/avatar/
select:
  catalog: production
  query: SELECT id, path FROM files WHERE path LIKE 'image/%'
  key: path
  cursor: id
filters: {exclude: ["*.tmp"], min-size: 1}
catalog:
  update: UPDATE files SET path = :destination_key WHERE id = :id
  batch: 1000
options:
  verify: copied
  overwrite: always
  preserve: [mtime, mode, owner, metadata, tags]
  bandwidth: 200MB/s
  max-failures: 1%
chunks: {objects: 5000, bytes: 4GiB, attempts: 5}
keep-source: 7d
catalogs:
  production: {url: "mariadb://app@db.internal/media", password-file: /run/secrets/db, connections: 2}
)");
  EXPECT_EQ(spec.operation, Operation::move);
  EXPECT_THAT(spec.sources, ElementsAre("s3://media-old/image/"));
  EXPECT_EQ(spec.select.cursor, "id");
  EXPECT_THAT(spec.filters.exclude, ElementsAre("*.tmp"));
  EXPECT_EQ(spec.filters.min_size, 1);
  EXPECT_EQ(spec.catalog->update, "UPDATE files SET path = :destination_key WHERE id = :id");
  EXPECT_EQ(spec.options.bandwidth, 200ULL << 20);
  EXPECT_EQ(spec.options.max_failures.share, 0.01);
  EXPECT_EQ(spec.chunks.bytes, 4ULL << 30);
  EXPECT_EQ(spec.keep_source, Duration(7 * 24h));
  EXPECT_EQ(spec.catalogs.at("production").password.file, "/run/secrets/db");
}

TEST_F(SpecTest, ReadsJsonAsWell) {
  const JobSpec spec = parse(R"({
	"name": "a", "operation": "sync", "source": "./site", "destination": "s3://bbb/site/",
	"options": {"delete": {"max-share": "60%"}, "compare": "contents"}
})");
  EXPECT_THAT(spec.sources, ElementsAre("/data/site"));
  EXPECT_EQ(spec.options.remove->max_share, 0.6);
  EXPECT_TRUE(spec.options.remove->enabled);
}

TEST_F(SpecTest, PutsVariablesIntoValuesAlone) {
  env_.set_variable("BUCKET", "from-environment");
  env_.set_variable("COUNT", "12");
  context_.variables = {{"BUCKET", "given"}, {"EVIL", "x\nfilters: {min-size: 1}"}};
  const JobSpec spec = parse(
      "name: a\noperation: copy\nsource: s3://${BUCKET}/x/\ndestination: s3://bbb/$${y}/$z/\n"
      "chunks: {objects: \"${COUNT}\"}\ndescription: ${EVIL}\n"
      "catalogs: {c: {url: sqlite:/a}}\n");
  EXPECT_THAT(spec.sources, ElementsAre("s3://given/x/"));
  EXPECT_EQ(spec.destination, "s3://bbb/${y}/$z/");
  EXPECT_EQ(spec.description, "x\nfilters: {min-size: 1}");
  EXPECT_FALSE(spec.filters.min_size);
}

TEST_F(SpecTest, TellsOfVariablesThatAreNotThere) {
  EXPECT_THAT(
      problems("name: a\noperation: copy\nsource: s3://${NOWHERE}/\ndestination: s3://bbb/${b\n"),
      ElementsAre("3:9: the variable NOWHERE has no value (give it with --set NOWHERE=VALUE, or in the "
                  "environment)",
                  "4:14: '${' begins no variable (write ${NAME}; $${ is a literal ${)"));
}

TEST_F(SpecTest, KeepsWhatItHasReadForAnotherDay) {
  context_.variables = {{"N", "007"}};
  const JobSpec spec = parse(
      with("filters: {older-than: 7d, exclude: [\"12\"]}\nreport: {location: reports/}\n"
           "description: \"${N}\"\nmapping: {template: \"{year}/{name}\"}\noptions: {max-failures: 3}"));
  const JobSpec again = parse_resolved_spec(spec.resolved);
  EXPECT_EQ(again.filters.older_than, kNow - Duration(7 * 24h));
  EXPECT_EQ(again.report.location, "/data/reports/");
  EXPECT_EQ(again.description, "007");
  EXPECT_EQ(again.options.max_failures.count, 3);
  EXPECT_THAT(again.filters.exclude, ElementsAre("12"));
  EXPECT_EQ(again.resolved, spec.resolved);
}

struct Mistake {
  const char* name;
  std::string text;
  std::string problem;
};
std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
  return out << mistake.name;
}

class SpecMistakeTest : public SpecTest, public testing::WithParamInterface<Mistake> {};

TEST_P(SpecMistakeTest, IsRefusedWithItsPlace) {
  const std::vector<std::string> found = problems(GetParam().text);
  EXPECT_THAT(found, ElementsAre(GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    All, SpecMistakeTest,
    testing::Values(
        Mistake{"UnknownKey", with("sorce: x"), "5:1: unknown key 'sorce' (did you mean 'source'?)"},
        Mistake{"KeyOfAnotherSection", with("bandwidth: 1MB"),
                "5:1: unknown key 'bandwidth' (it belongs at options.bandwidth)"},
        Mistake{"UnknownInnerKey", with("options: {verifi: all}"),
                "5:11: unknown key 'verifi' (did you mean 'verify'?)"},
        Mistake{"WrongType", with("chunks: {objects: many}"),
                "5:19: objects: is text; a whole number is expected"},
        Mistake{"NumberForText", "name: 12\noperation: copy\nsource: a\ndestination: b\n",
                "1:7: name: is a whole number; text is expected (put it in quotes)"},
        Mistake{"ListForText", with("description: [a]"), "5:14: description: is a list; text is expected"},
        Mistake{"TextForSection", with("filters: all"), "5:10: filters is text; a section is expected"},
        Mistake{"NothingForSection", with("filters:\n"),
                "5:1: filters is nothing; a section is expected (give it keys, or leave it out)"},
        Mistake{
            "YesForTrue", with("options: {server-side: yes}"),
            "5:24: server-side: is text; true or false is expected (write true or false, without quotes)"},
        Mistake{"OutOfRange", with("priority: 1000"), "5:11: priority: '1000' is not between 1 and 100"},
        Mistake{"UnknownWord", with("options: {verify: copid}"),
                "5:19: verify: 'copid' is none of copied, all, none (did you mean copied?)"},
        Mistake{"BadSize", with("chunks: {bytes: 4 quarts}"),
                "5:17: bytes: '4 quarts' is no size: nothing, or B, K, KB, KiB, M, ..., E is expected as the "
                "unit at "
                "position 2"},
        Mistake{"BadShare", with("options: {max-failures: 101%}"),
                "5:25: max-failures: '101%' is no share (write 25% or 0.25; 100% is all)"},
        Mistake{"KeyTwice", with("name: b"),
                "5:1: the key 'name' is there twice (leave one out: nobody knows which is meant)"},
        Mistake{"Missing", "name: a\noperation: delete\n", "1:1: 'source' is missing"},
        Mistake{"NoDestination", "name: a\noperation: copy\nsource: s3://aaa/\n",
                "1:1: 'destination' is missing: copy needs one"},
        Mistake{"Empty", "", "1:1: the document is empty (a job has a name, an operation and a source)"},
        Mistake{"OnlyAComment", "# nothing\n",
                "1:1: the document is empty (a job has a name, an operation and a source)"},
        Mistake{"ScalarDocument", "hello", "1:1: the document is text; a section is expected"},
        Mistake{"TwoDocuments", with("---\nname: b"), "6:1: a second document begins (write one job a file)"},
        Mistake{"Anchor", with("description: &x hello"),
                "5:14: anchors are not supported (write the value out where it is needed)"},
        Mistake{"UnquotedStar", with("filters: {exclude: [*.tmp]}"),
                "5:21: aliases are not supported (write the value out; a pattern that begins with * needs "
                "quotes)"},
        Mistake{"TypeTag", with("description: !!binary aGk="),
                "5:14: tags of types are not supported (leave out what begins with !)"},
        Mistake{"Tab", with("filters:\n\tmin-size: 1"), "6:1: a tab in the indentation (indent by spaces)"},
        Mistake{"NotUtf8", with("description: \xff"), "5:14: is no UTF-8 (save the file as UTF-8)"},
        Mistake{
            "Processing", "name: a\noperation: process\nsource: a\n",
            "2:12: operation: 'process' is not in this version of haul (it knows copy, move, sync, delete, "
            "tag, verify)"},
        Mistake{
            "PasswordKey", with("catalogs: {p: {url: \"mariadb://a@h/d\", password: s3cr3t}}"),
            "5:40: 'password': a secret has no place in a job file (name a password-file, password-env or "
            "password-command)"},
        Mistake{"PasswordInUrl", with("catalogs: {p: {url: \"mariadb://app:s3cr3t@h/d\"}}"),
                "5:21: url: a password in a URL (take it out, and name a password-file, password-env or "
                "password-command)"},
        Mistake{"DeleteOfACopy", with("options: {delete: {max-share: 1%}}"),
                "5:19: options.delete has no meaning with the operation copy (it is for: sync)"},
        Mistake{"FieldsWithoutKey", with("select: {manifest: a.csv, fields: [Bucket, VersionId]}"),
                "5:35: fields: no column of the manifest is the Key (for example: Bucket, Key, "
                "VersionId)"},
        Mistake{"FieldsOfNoCsv", with("select: {manifest: a, format: jsonl, fields: [Key]}"),
                "5:46: select.fields are of a manifest in CSV (leave them out)"},
        Mistake{"TwoLists", with("select: {manifest: a.csv, keys: b.txt}"),
                "5:33: select.manifest and select.keys exclude each other (leave one out)"},
        Mistake{
            "UnknownCatalog",
            with("select: {catalog: p, query: SELECT 1, key: k, cursor: c}\ncatalogs: {q: {url: sqlite:a}}"),
            "5:19: there is no catalog 'p' (describe it under catalogs)"},
        Mistake{"NoCursor",
                with("select: {catalog: q, query: SELECT 1, key: k}\ncatalogs: {q: {url: sqlite:a}}"),
                "5:9: select.cursor is missing"},
        Mistake{
            "SizeOfAKeyAlone",
            "name: a\noperation: delete\nsource: s3://aaa/\nselect: {keys: list.txt}\nfilters: {min-size: 2}",
            "5:21: filters.min-size cannot judge what a list names by its key alone (choose when the list "
            "is made)"},
        Mistake{"ImpossibleSizes", with("filters: {min-size: 2, max-size: 1}"),
                "5:21: filters.min-size is larger than max-size (no object can be both)"},
        Mistake{"ExternalIdAlone", with("source-options: {external-id: x}"),
                "5:31: an external id belongs to a role (give its role-arn beside it)"},
        Mistake{"UnknownScheme", with("report: {location: \"gs://x/\"}"),
                "5:20: location: the scheme 'gs' is not known at character 1 of 'gs://x/' (known are "
                "s3://bucket/prefix "
                "and plain paths; a path that looks like a URL is written ./gs://...)"},
        Mistake{"BadPattern", with("filters: {include: [\"a[\"]}"),
                "5:20: include: the pattern 'a[' opens a bracket that is never closed at position 2"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(SpecTest, ShowsAllProblemsInTheirOrder) {
  EXPECT_THAT(
      problems("name: a b\noperation: coppy\nsource: \"\"\ndestination: s3://bbb/\nchunks: {objects: 0}\n"),
      ElementsAre(HasSubstr("1:7: name: 'a b' is no name"), HasSubstr("did you mean copy?"),
                  "3:9: source: is empty", HasSubstr("5:19: objects: '0' is not between")));
}

TEST_F(SpecTest, NamesTheSecretInNoMessage) {
  for (const std::string& line : problems(with("catalogs: {p: {url: \"postgresql://u:hunter2@h/d\"}}")))
    EXPECT_THAT(line, testing::Not(HasSubstr("hunter2")));
}

TEST_F(SpecTest, RefusesWhatIsDeeplyNested) {
  EXPECT_THAT(problems(std::string(100'000, '[')), ElementsAre(HasSubstr("nested too deeply")));
  EXPECT_THAT(problems(std::string(100'000, '{')), ElementsAre(HasSubstr("nested too deeply")));
}

TEST(JobSchema, IsTheOneInTheDocs) {
  const std::filesystem::path docs =
      std::filesystem::path(__FILE__).parent_path() / "../../docs/job-schema.json";
  std::ifstream file(docs);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_TRUE(text == job_schema()) << "write it anew: haul help job-schema > docs/job-schema.json";
}

TEST(JobKeys, AreAllInTheDocs) {
  const std::filesystem::path docs = std::filesystem::path(__FILE__).parent_path() / "../../docs/job-file.md";
  std::ifstream file(docs);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  for (const std::string& path : job_key_paths())
    EXPECT_THAT(text, HasSubstr("`" + path.substr(path.rfind('.') + 1) + "`")) << path;
}

}  // namespace
}  // namespace haul::job
