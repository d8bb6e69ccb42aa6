#include "app/texts.h"

#include <array>

namespace haul::app {
namespace {

constexpr std::size_t kMany = 100'000;

constexpr std::array<ExampleText, 4> kLs{{
    {"haul ls s3://bucket/logs/", "one level: objects and common prefixes"},
    {"haul ls -r --human s3://bucket/", "everything, with sizes as people read them"},
    {"haul ls 's3://bucket/logs/*.gz'", "what a pattern matches"},
    {"haul ls", "the buckets of the account"},
}};
constexpr std::array<ExampleText, 2> kDu{{
    {"haul du s3://bucket/", "bytes and objects below each prefix, one level"},
    {"haul du -d 2 ./data s3://bucket/data/", "two levels, of several places"},
}};
constexpr std::array<ExampleText, 1> kStat{
    {{"haul stat s3://bucket/report.pdf", "all that is known of an object"}}};
constexpr std::array<ExampleText, 1> kCat{{{"haul cat s3://bucket/a.gz | zcat", "an object into a pipe"}}};
constexpr std::array<ExampleText, 6> kCp{{
    {"haul cp report.pdf s3://bucket/reports/", "a file into a prefix"},
    {"haul cp -r ./data s3://bucket/data/", "the contents of a directory, up"},
    {"haul cp -r s3://bucket/data/ ./data", "and down, with times and modes restored"},
    {"haul cp 's3://bucket/logs/*.gz' ./logs/", "what a pattern matches"},
    {"tar -c . | haul cp - s3://bucket/all.tar", "standard input, of any length"},
    {"haul cp -r s3://a/x/ s3://b/x/ --src-profile one --dst-profile two", "between two accounts"},
}};
constexpr std::array<ExampleText, 2> kMv{{
    {"haul mv 's3://inbox/*.pdf' s3://done/2026/", "each source is removed after its copy is verified"},
    {"haul mv -r ./outgoing s3://bucket/incoming/", "a directory into a bucket"},
}};
constexpr std::array<ExampleText, 3> kRm{{
    {"haul rm s3://bucket/old.txt", "one object"},
    {"haul rm -r --dry-run s3://bucket/tmp/", "what would go"},
    {"haul rm -r --older-than 30d s3://bucket/tmp/", "what is old"},
}};
constexpr std::array<ExampleText, 3> kSync{{
    {"haul sync ./site s3://bucket/site/", "copies what is new or changed"},
    {"haul sync --delete s3://live/ s3://mirror/", "and removes what the source no longer has"},
    {"haul sync --checksum ./a ./b", "compares contents, not times"},
}};
constexpr std::array<ExampleText, 2> kCheck{{
    {"haul check ./data s3://bucket/data/", "missing, extra and different objects"},
    {"haul check --bytes s3://a/x/ s3://b/x/", "reads both sides"},
}};
constexpr std::array<ExampleText, 3> kPlan{{
    {"haul plan ./data s3://bucket/data/", "objects, bytes and requests of a sync, and what would be lost"},
    {"haul plan job.yaml -o job.plan", "of a job, written down"},
    {"haul run --plan job.plan", "and carried out exactly so"},
}};
constexpr std::array<ExampleText, 2> kManifest{{
    {"haul manifest s3://bucket/2025/ -o list.csv.gz", "as S3 Batch Operations reads it, compressed"},
    {"haul manifest s3://bucket/ -o s3://admin/list.jsonl", "JSON lines, into a bucket"},
}};
constexpr std::array<ExampleText, 1> kMb{{{"haul mb s3://new-bucket --region eu-west-2", ""}}};
constexpr std::array<ExampleText, 1> kRb{{{"haul rb --force s3://old-bucket", "with everything in it"}}};
constexpr std::array<ExampleText, 1> kPresign{
    {{"haul presign --expires 2h s3://bucket/a.zip", "a link for two hours"}}};
constexpr std::array<ExampleText, 2> kDoctor{{
    {"haul doctor s3://bucket/prefix/", "may I read, write, delete and list there?"},
    {"haul doctor --abort-uploads --older-than 7d s3://bucket", "remove abandoned uploads"},
}};
constexpr std::array<ExampleText, 4> kRun{{
    {"haul run nightly.yaml", "one job"},
    {"haul run --dry-run --set BUCKET=test nightly.yaml", "what it would do, with a variable"},
    {"haul run --resume nightly.yaml", "go on where it was interrupted, or begin"},
    {"haul run images.yaml logs.yaml", "two at once, sharing what services bear"},
}};
constexpr std::array<ExampleText, 3> kRuns{{
    {"haul runs", "the newest first"},
    {"haul runs --job legacy-images --limit 5", "of one job"},
    {"haul runs --status PAUSED", "what waits to be resumed"},
}};
constexpr std::array<ExampleText, 3> kStatus{{
    {"haul status legacy-images", "the latest run of a job"},
    {"haul status 01JD4", "any run, by the beginning of its id"},
    {"haul status legacy-images --json | jq .accounts", "for scripts"},
}};
constexpr std::array<ExampleText, 2> kWatch{{
    {"haul watch legacy-images", "until the run ends, or Ctrl-C"},
    {"haul watch legacy-images --json", "one line of JSON a second"},
}};
constexpr std::array<ExampleText, 3> kErrors{{
    {"haul errors legacy-images --summary", "how many of which kind, and what to do"},
    {"haul errors legacy-images --class permission_denied --limit 20", "the first of one kind"},
    {"haul errors legacy-images --prefix image/2019/ --json", "a line of JSON each"},
}};
constexpr std::array<ExampleText, 2> kRetry{{
    {"haul retry legacy-images", "all objects that failed"},
    {"haul retry legacy-images --class throttled", "those that failed for one reason"},
}};
constexpr std::array<ExampleText, 1> kPause{{{"haul pause legacy-images", "it goes on with haul resume"}}};
constexpr std::array<ExampleText, 2> kResume{{
    {"haul resume legacy-images", "from where it stood"},
    {"haul resume 01JD4", "a certain run"},
}};
constexpr std::array<ExampleText, 1> kCancel{{{"haul cancel legacy-images", "what is done stays done"}}};
constexpr std::array<ExampleText, 2> kApprove{{
    {"haul status legacy-images", "what the run would do"},
    {"haul approve legacy-images", "and let it"},
}};
constexpr std::array<ExampleText, 1> kUndo{
    {{"haul undo legacy-images", "rows and objects back where they were"}}};
constexpr std::array<ExampleText, 3> kVerifyReport{{
    {"haul verify-report s3://admin/reports/01JD4/", "hashes, chain, accounts"},
    {"haul verify-report --check 1000 ./report", "and a sample of the objects"},
    {"haul verify-report --check all --json ./report", "and all of them, for scripts"},
}};
constexpr std::array<ExampleText, 1> kVersion{{{"haul version --json", ""}}};
constexpr std::array<ExampleText, 2> kHelp{{
    {"haul help sync", "all about one command"},
    {"haul help --man | man -l -", "the manual page"},
}};
constexpr std::array<ExampleText, 1> kCompletion{
    {{"haul completion bash > /etc/bash_completion.d/haul", "for all users of bash"}}};

constexpr std::string_view kCopyDetails =
    "A directory or prefix needs -r; its contents go under the destination, with or without a trailing "
    "slash. "
    "A pattern (quoted: 's3://bucket/logs/*.gz') needs no -r; what stands before the last slash ahead of the "
    "first wildcard is left out of the new name. A destination that ends in a slash, is a directory, or has "
    "several sources is a place to put things into; otherwise it is the new name.\n\n"
    "- as a source is standard input, as a destination standard output.\n\n"
    "Each object is checksummed on its way. Within one service it is copied by the service where one "
    "identity "
    "may read the source and write the destination. ";

constexpr CommandTexts kCommands[] = {
    {Command::ls, "ls", "[LOCATION...]", 0, kMany, "list objects, files or buckets",
     "One level unless -r or a pattern is given. A line is time, size and name, as with aws s3 ls. Without a "
     "location, the buckets of the account.",
     kLs},
    {Command::du, "du", "LOCATION...", 1, kMany, "add up sizes, by prefix",
     "Bytes and objects below each location and below each prefix in it, down to --depth (1).", kDu},
    {Command::stat, "stat", "LOCATION...", 1, kMany, "show all that is known of an object",
     "Size, times, etag, version, checksums, content headers, metadata, tags, encryption.", kStat},
    {Command::cat, "cat", "LOCATION...", 1, kMany, "write objects to standard output", "", kCat},
    {Command::cp, "cp", "SRC... DST", 2, kMany, "copy objects and files", kCopyDetails, kCp},
    {Command::mv, "mv", "SRC... DST", 2, kMany, "copy, verify, then remove the source",
     "As cp; a source object is removed only after its copy is verified.", kMv},
    {Command::rm, "rm", "LOCATION...", 1, kMany, "remove objects and files",
     "A directory or prefix needs -r. Never asks. With --all-versions nothing is left to go back to.", kRm},
    {Command::sync, "sync", "SRC DST", 2, 2, "copy what is new or changed",
     "Both sides are listed and compared by size and time (or --checksum, --size-only). With --delete what "
     "the "
     "source does not have is removed from the destination, as the last step, only after both listings ended "
     "complete and nothing failed, and not if it is more than --max-delete of the destination or the source "
     "is "
     "empty.",
     kSync},
    {Command::check, "check", "SRC DST", 2, 2, "compare two places, change nothing",
     "By size and time, --checksum (etags and checksums where both sides have them, contents otherwise), "
     "--size-only or --bytes. Exit code 1 if there are differences.",
     kCheck},
    {Command::plan, "plan", "JOB.yaml | SRC DST", 1, 2, "what a job or a sync would do, and cost",
     "Objects, bytes, requests by kind, and what the destination cannot keep. Changes nothing. With -o the "
     "list "
     "is written down, each object with the state that it is in; haul run --plan carries out exactly that, "
     "and "
     "refuses objects that have changed since.",
     kPlan},
    {Command::run, "run", "JOB.yaml... | --plan PLAN", 0, kMany, "run jobs that are written down",
     "A job is YAML or JSON (docs/job-file.md; docs/job-schema.json for editors). What is wrong with it is "
     "said "
     "before anything runs, with line and column. The run is kept in the state directory: killed at any "
     "moment, it goes on with haul resume, or with run --resume. Several jobs run at once.",
     kRun},
    {Command::runs, "runs", "", 0, 0, "list the runs of jobs, newest first",
     "Runs are kept in the state directory with their accounts, their errors and where they stand.", kRuns},
    {Command::status, "status", "RUN", 1, 1, "show how a run stands",
     "Phase, accounts, rates, what failed and what to do about it, chunks, report. RUN is an id, the "
     "beginning of one, or the name of a job: its latest run. A run that no process works on any more, or "
     "that makes no progress, is said to be so.",
     kStatus},
    {Command::watch, "watch", "RUN", 1, 1, "follow a run from another terminal",
     "Ends when the run ends, with the run's exit code. Ctrl-C ends the watching, not the run.", kWatch},
    {Command::errors, "errors", "RUN", 1, 1, "show the objects of a run that failed", "One line an object.",
     kErrors},
    {Command::retry, "retry", "RUN", 1, 1, "run again what failed",
     "Makes a new run of just the objects of RUN that failed, all of them or those that the filters choose, "
     "linked to the first, and runs it here.",
     kRetry},
    {Command::pause, "pause", "RUN", 1, 1, "let a run stop after what is in hand",
     "Short transfers end, nothing new is begun, and its process waits. haul resume lets it go on; it may "
     "also be "
     "ended meanwhile.",
     kPause},
    {Command::resume, "resume", "RUN", 1, 1, "go on with a run that was paused or interrupted",
     "From where the run stood: nothing is listed or copied again beyond the chunks that were in hand. Where "
     "its "
     "process still waits, that one goes on; otherwise this one does.",
     kResume},
    {Command::cancel, "cancel", "RUN", 1, 1, "end a run for good",
     "What is done stays done; what is left is not attempted, and the accounts say so.", kCancel},
    {Command::approve, "approve", "RUN", 1, 1, "let a run do what it has found",
     "For jobs with approve: required. Shows what the run would do first; nothing was changed before.",
     kApprove},
    {Command::undo, "undo", "RUN", 1, 1, "take a move back while its sources are kept",
     "For moves with keep-source: the catalogue names the sources again, then the copies go. Makes a new "
     "run, linked to the first, and runs it here.",
     kUndo},
    {Command::verify_report, "verify-report", "LOCATION", 1, 1, "prove the report of a run",
     "Every hash and the chain over them is computed anew, the outcomes are counted from the ledger and "
     "compared with the accounts and their equation. With --check objects are looked up as well: what was "
     "written is there as recorded, what was moved or deleted is gone. Exit code 0 if all is proven, 1 if "
     "anything is otherwise, 3 if it could not be found out. docs/report.md says how to check without haul.",
     kVerifyReport},
    {Command::manifest, "manifest", "LOCATION -o FILE", 1, 1, "write a list of objects",
     "CSV as S3 Batch Operations and S3 Inventory have it: bucket, url-encoded key, size, time. JSON lines "
     "if "
     "the name ends in .json or .jsonl; compressed if it ends in .gz. The file appears under its name when "
     "it "
     "is complete.",
     kManifest},
    {Command::mb, "mb", "BUCKET", 1, 1, "make a bucket", "A bucket that is yours already is success.", kMb},
    {Command::rb, "rb", "BUCKET", 1, 1, "remove a bucket",
     "It must be empty, or --force removes all in it first.", kRb},
    {Command::presign, "presign", "LOCATION", 1, 1, "make a link that works without credentials",
     "Whoever has the link has the object until it expires, or until the credentials that signed it do.",
     kPresign},
    {Command::doctor, "doctor", "[LOCATION...]", 0, kMany, "find out why it does not work",
     "Credentials, clock, endpoint, permissions (with a small object of its own that it removes again), "
     "limits "
     "of this machine, abandoned uploads and temporary files; each with a remedy.",
     kDoctor},
    {Command::version, "version", "", 0, 0, "show the version, and what it was built with", "", kVersion},
    {Command::help, "help", "[COMMAND]", 0, 1, "show help", "", kHelp},
    {Command::completion, "completion", "bash|zsh|fish", 1, 1, "write a completion script for a shell", "",
     kCompletion},
};

constexpr std::array<SectionText, 5> kSections{{
    {"LOCATIONS",
     "s3://bucket, s3://bucket/prefix/, s3://bucket/key, a path, or - for standard input and output. In a "
     "location * matches any characters, also /, ? one, [a-z] one of these; quote it from the shell. A path "
     "that "
     "exists as it is written is no pattern."},
    {"FILTERS",
     "--include and --exclude are tried in the order given; the first that matches decides. What no pattern "
     "matches is left out if there is any --include, and taken otherwise. In a filter * does not match /, ** "
     "does; a pattern that begins with / is matched from the start of the key below the source, any other "
     "may "
     "begin after any /; dir/ means everything below it."},
    {"CREDENTIALS",
     "As the AWS command line finds them: environment (AWS_ACCESS_KEY_ID ...), --profile or AWS_PROFILE with "
     "~/.aws/config and ~/.aws/credentials, roles, credential_process, web identity, container and instance. "
     "--src-... and --dst-... set one side. Sessions of a role given by --role-arn or by the profile are "
     "limited "
     "to the bucket, prefix and actions of the command, unless --no-scope-down."},
    {"EXIT STATUS",
     "0 done; 1 some objects failed (check: differences found); 2 usage; 3 could not run; 130 "
     "interrupted.\n\n"
     "Interrupted once (Ctrl-C) a run takes nothing new, lets short transfers end and shows its accounts; "
     "twice, "
     "it stops at once."},
    {"ENVIRONMENT",
     "AWS_* as above. http_proxy, https_proxy, no_proxy. TMPDIR for what does not fit into memory."},
}};

}  // namespace

std::span<const CommandTexts> command_texts() {
  return kCommands;
}
std::span<const SectionText> section_texts() {
  return kSections;
}

}  // namespace haul::app
