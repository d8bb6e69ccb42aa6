"""Job files run by the durable engine: each operation, interruptions, variables, lists, reports."""
import json
import signal
import sqlite3
import time

import harness


class JobTest(harness.FakeTest):
    def setUp(self):
        super().setUp()
        self.environment["HAUL_STATE"] = str(self.folder / "state")

    def job(self, text, name="job.yaml"):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def run_job(self, text, *options, **how):
        return self.haul("run", self.job(text), *options, **how)

    def done(self, text, *options, code=0, **how):
        """Runs a job, whose accounts must close."""
        document = self.run_job(text, "--json", *options, code=code, **how).json
        self.assertTrue(document["closed"], document)
        return document["accounts"]

    def outcomes(self, folder):
        """All lines of the ledgers below a directory."""
        return [json.loads(line) for path in sorted(folder.rglob("ledger-*.jsonl"))
                for line in path.read_text("utf-8").splitlines()]


class Operations(JobTest):
    def test_copy_with_filters_and_report(self):
        self.make_bucket("from", {f"in/{i}.jpg": b"x" * i for i in range(40)} | {"in/a.tmp": b"t", "other": b"o"})
        self.make_bucket("dest")
        accounts = self.done("name: copy\noperation: copy\nsource: s3://from/in/\ndestination: s3://dest/out/\n"
                             "filters: {exclude: ['*.tmp'], min-size: 1}\n"
                             f"report: {{location: {self.folder}/reports}}\n")
        self.assertEqual((accounts["listed"], accounts["copied"], accounts["filtered"]), (41, 39, 2))
        self.assertEqual(set(self.contents("dest")), {f"out/{i}.jpg" for i in range(1, 40)})
        self.assertEqual(sum(line.get("outcome") == "copied" for line in self.outcomes(self.folder / "reports")), 39)
        self.assertTrue(list((self.folder / "reports").glob("*/summary.json")))

    def test_move_takes_sources_away(self):
        objects = {f"image/{i:03}": str(i).encode() for i in range(300)}
        self.make_bucket("old", objects)
        self.make_bucket("new")
        accounts = self.done("name: move\noperation: move\nsource: s3://old/image/\ndestination: s3://new/avatar/\n"
                             "chunks: {objects: 20}\n")
        self.assertEqual(accounts["moved"], 300)
        self.assertEqual(self.contents("old"), {})
        self.assertEqual(self.contents("new"), {key.replace("image", "avatar"): body for key, body in objects.items()})

    def test_sync_removes_only_with_delete(self):
        tree = harness.write_tree(self.folder / "site", {"a": b"1", "b/c": b"2"})
        self.make_bucket("web", {"site/old": b"0", "site/a": b"9", "site/b/c": b"8", "else": b"7"})
        text = f"name: site\noperation: sync\nsource: {tree}\ndestination: s3://web/site/\n"
        self.assertEqual(self.done(text)["extra_kept"], 1)
        refused = self.run_job(text + "options: {delete: {max-share: 1%}}\n", code=3)
        self.assertIn("more than 1 %", refused.err)
        accounts = self.done(text + "options: {delete: {max-share: 50%}}\n")
        self.assertEqual((accounts["skipped"], accounts["extra_deleted"]), (2, 1))
        self.assertEqual(self.contents("web"), {"site/a": b"1", "site/b/c": b"2", "else": b"7"})

    def test_delete_what_is_named(self):
        self.make_bucket("bin", {f"tmp/{i}": b"x" for i in range(30)})
        keys = self.folder / "keys.txt"
        keys.write_text("3\n4\n5\n", encoding="utf-8")
        accounts = self.done(f"name: d\noperation: delete\nsource: s3://bin/tmp/\nselect: {{keys: {keys}}}\n")
        self.assertEqual(accounts["deleted"], 3)
        self.assertEqual(len(self.contents("bin")), 27)

    def test_tag(self):
        self.make_bucket("shelf", {"a": b"1", "b": b"2"})
        accounts = self.done("name: t\noperation: tag\nsource: s3://shelf/\ntags: {stage: archive, year: \"2026\"}\n")
        self.assertEqual(accounts["tagged"], 2)
        for key in "ab":
            tags = self.s3.get_object_tagging(Bucket="shelf", Key=key)["TagSet"]
            self.assertEqual({tag["Key"]: tag["Value"] for tag in tags}, {"stage": "archive", "year": "2026"})

    def test_verify_finds_differences(self):
        self.make_bucket("one", {"a": b"1", "b": b"2", "c": b"3"})
        self.make_bucket("two", {"a": b"1", "b": b"X"})
        accounts = self.done("name: v\noperation: verify\nsource: s3://one/\ndestination: s3://two/\n"
                             "options: {compare: bytes}\n", code=1)
        self.assertEqual((accounts["same"], accounts["different"], accounts["missing"]), (1, 1, 1))

    def test_list_of_a_manifest_in_a_bucket(self):
        self.make_bucket("from", {f"x/{i}": b"%d" % i for i in range(10)})
        self.make_bucket("dest")
        self.s3.put_object(Bucket="from", Key="lists/m.csv", Body=b"from,x/1\nfrom,x/2\nfrom,x/none\n")
        accounts = self.done("name: m\noperation: copy\nsource: s3://from/x/\ndestination: s3://dest/\n"
                             "select: {manifest: s3://from/lists/m.csv, format: csv}\n", code=1)
        self.assertEqual((accounts["copied"], accounts["failed"]), (2, 1))
        self.assertEqual(self.contents("dest"), {"1": b"1", "2": b"2"})


class Files(JobTest):
    def test_mistakes_are_shown_with_their_places_and_nothing_runs(self):
        self.make_bucket("dest")
        text = "name: x\noperation: copy\nsorce: /etc\ndestination: s3://dest/\noptions: {verify: al}\n"
        result = self.run_job(text, code=2)
        path = self.folder / "job.yaml"
        self.assertIn(f"{path}:3:1: unknown key 'sorce' (did you mean 'source'?)", result.err)
        self.assertIn(f"{path}:5:19: verify: 'al' is none of", result.err)
        self.assertEqual(self.contents("dest"), {})
        self.assertFalse((self.folder / "state").exists())

    def test_variables(self):
        self.make_bucket("dest")
        tree = harness.write_tree(self.folder / "tree", {"a": b"1"})
        text = "name: v\noperation: copy\nsource: ${TREE}\ndestination: s3://${BUCKET}/\n"
        self.run_job(text, code=2)
        self.run_job(text, "--set", "BUCKET=dest", env={"TREE": str(tree), "BUCKET": "nowhere"})
        self.assertEqual(self.contents("dest"), {"a": b"1"})

    def test_dry_run_keeps_nothing(self):
        self.make_bucket("dest")
        tree = harness.write_tree(self.folder / "tree", {"a": b"1"})
        result = self.run_job(f"name: v\noperation: copy\nsource: {tree}\ndestination: s3://dest/\n", "--dry-run")
        self.assertIn("would copy", result.out)
        self.assertEqual(self.contents("dest"), {})
        self.assertFalse((self.folder / "state").exists())

    def test_a_job_has_no_more_requests_under_way_than_it_says_and_as_many(self):
        self.fake.control("PUT", "settings", {"latency-us": 20_000})
        self.make_bucket("old", {f"image/{i}": b"1" for i in range(200)})
        self.make_bucket("new")
        self.run_job("name: few\noperation: move\nsource: s3://old/image/\ndestination: s3://new/\noptions: {concurrency: 5}\n")
        self.assertEqual(self.fake.stats()["most_in_progress"], 5)

    def test_several_jobs_at_once(self):
        self.make_bucket("dest")
        jobs = []
        for name in ("one", "two", "three"):
            tree = harness.write_tree(self.folder / name, {f"{i}": name.encode() for i in range(50)})
            jobs.append(self.job(f"name: {name}\noperation: copy\nsource: {tree}\ndestination: s3://dest/{name}/\n"
                                 f"priority: {len(name)}\n", f"{name}.yaml"))
        result = self.haul("run", *jobs, "--json")
        documents = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual([(each["job"], each["accounts"]["copied"]) for each in documents],
                         [("one", 50), ("two", 50), ("three", 50)])
        self.assertEqual(len(self.contents("dest")), 150)

    def test_a_second_process_is_refused(self):
        self.fake.control("PUT", "settings", {"latency-us": 200_000})
        self.make_bucket("dest")
        tree = harness.write_tree(self.folder / "tree", {f"{i}": b"1" for i in range(2000)})
        job = self.job(f"name: s\noperation: copy\nsource: {tree}\ndestination: s3://dest/\noptions: {{concurrency: 8}}\n")
        first = self.start_haul("run", job)
        self.wait_for(lambda: (self.folder / "state/state.db").exists())
        time.sleep(1)
        second = self.haul("run", job, code=3)
        self.assertIn(str(first.pid), second.err)
        first.send_signal(signal.SIGINT)
        self.assertEqual(first.result().code, 130)

    def wait_for(self, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, "in vain")
            time.sleep(0.05)


class Interruptions(JobTest):
    OBJECTS = 1200

    def prepare(self):
        self.objects = {f"image/{i:05}": b"%d" % i for i in range(self.OBJECTS)}
        self.make_bucket("old", self.objects)
        self.make_bucket("new")
        self.text = ("name: move\noperation: move\nsource: s3://old/image/\ndestination: s3://new/avatar/\n"
                     "chunks: {objects: 50}\noptions: {concurrency: 8}\n"
                     f"report: {{location: {self.folder}/reports}}\n")
        return self.job(self.text)

    def all_is_moved(self):
        self.assertEqual(self.contents("old"), {})
        self.assertEqual(self.contents("new"),
                         {key.replace("image", "avatar"): body for key, body in self.objects.items()})

    def test_killed_again_and_again(self):
        job = self.prepare()
        self.fake.control("PUT", "settings", {"latency-us": 40_000})  # six seconds of copies, and the kills come sooner
        for _ in range(6):
            process = self.start_haul("run", "--resume", job)
            time.sleep(0.7)
            process.kill()
            process.wait()
        self.fake.control("PUT", "settings", {"latency-us": 0})
        document = self.haul("run", "--resume", job, "--json").json
        self.assertEqual(document["accounts"]["moved"], self.OBJECTS, document)
        self.assertTrue(document["closed"])
        self.all_is_moved()
        keys = [line["key"] for line in self.outcomes(self.folder / "reports")]
        self.assertEqual(sorted(keys), sorted(self.objects))

    def test_interrupted_it_is_paused_and_says_how_to_go_on(self):
        job = self.prepare()
        self.fake.control("PUT", "settings", {"latency-us": 20000})
        process = self.start_haul("run", job)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        result = process.result()
        self.assertEqual(result.code, 130, str(result))
        self.assertIn("go on with: haul resume", result.err)
        self.fake.control("PUT", "settings", {"latency-us": 0})
        self.assertEqual(self.haul("run", "--resume", job, "--json").accounts["moved"], self.OBJECTS)
        self.all_is_moved()

    def test_what_failed_is_retried_alone(self):
        job = self.prepare()
        self.fake.faults({"match": {"operation": "CopyObject", "key": "avatar/0001*"}, "count": 0,
                          "action": {"type": "access-denied"}})
        first = self.haul("run", job, "--json", code=1)
        self.assertEqual(first.json["accounts"]["failed"], 10)
        self.fake.control("DELETE", "faults")
        retried = self.haul("retry", "move", "--json").json
        self.assertEqual(retried["accounts"]["moved"], first.json["accounts"]["failed"])
        self.all_is_moved()


class Catalogue(JobTest):
    """The example of the media company, on SQLite: objects move, their rows follow."""

    def prepare(self, more=""):
        self.objects = {f"image/{i:04}.jpg": b"%d" % i for i in range(200)}
        self.make_bucket("media-old", self.objects)
        self.make_bucket("media-new")
        self.make_bucket("media-new-reports")
        self.database = sqlite3.connect(self.folder / "media.db")
        self.addCleanup(self.database.close)
        self.database.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT)")
        self.database.executemany("INSERT INTO files (path) VALUES (?)",
                                  [(key,) for key in self.objects] + [("image/gone.jpg",)])
        self.database.commit()
        text = (harness.ROOT / "examples/rename-images.yaml").read_text("utf-8")
        text = text.replace("    password-env: MEDIA_DATABASE_PASSWORD\n", "").replace("keep-source: 7d", more + "#")
        return self.haul("run", self.job(text), "--json", "--set", "MEDIA_OLD=media-old", "--set", "MEDIA_NEW=media-new",
                         "--set", f"DATABASE=sqlite:{self.folder}/media.db", code=1).json

    def rows(self):
        return {row for row, in self.database.execute("SELECT path FROM files")}

    def test_rows_follow_objects(self):
        accounts = self.prepare()["accounts"]
        self.assertEqual((accounts["moved"], accounts["rows_updated"], accounts["failed"]), (200, 200, 1), accounts)
        new = {key.replace("image/", "avatar/") for key in self.objects}
        self.assertEqual(set(self.contents("media-new")), new)
        self.assertEqual(self.contents("media-old"), {})
        self.assertEqual(self.rows(), new | {"image/gone.jpg"})
        self.assertTrue(any(key.endswith("summary.json") for key in self.contents("media-new-reports")))

    def test_kept_sources_go_later_or_the_move_is_taken_back(self):
        accounts = self.prepare("keep-source: 1h ")["accounts"]
        self.assertEqual((accounts["moved"], accounts["sources_kept"]), (200, 200))
        self.assertEqual(self.contents("media-old"), self.objects)
        undone = self.haul("undo", "rename-images", "--json").json
        self.assertEqual(undone["accounts"]["reverted"], 200)
        self.assertEqual(self.contents("media-old"), self.objects)
        self.assertEqual(self.contents("media-new"), {})
        self.assertEqual(self.rows(), set(self.objects) | {"image/gone.jpg"})

    def test_sources_are_removed_once_they_were_kept_long_enough(self):
        self.prepare("keep-source: 1s ")
        time.sleep(1.5)
        text = (self.folder / "job.yaml").read_text("utf-8")
        result = self.haul("run", self.job(text), "--json", "--set", "MEDIA_OLD=media-old", "--set",
                           "MEDIA_NEW=media-new", "--set", f"DATABASE=sqlite:{self.folder}/media.db", code=1)
        self.assertEqual(self.contents("media-old"), {}, str(result))
        self.assertEqual(json.loads(result.out.splitlines()[0])["operation"], "remove-kept")


class Plans(JobTest):
    def prepare(self):
        tree = harness.write_tree(self.folder / "site", {"a": b"1", "b/c": b"2", "d": b"3"})
        self.make_bucket("web", {"site/old": b"0", "site/d": b"9", "keep": b"7"})
        self.plan = self.folder / "job.plan"
        self.text = (f"name: site\noperation: sync\nsource: {tree}\ndestination: s3://web/site/\n"
                     "options: {delete: {max-share: 50%}}\n")
        self.haul("plan", self.job(self.text), "-o", self.plan)
        self.assertEqual(set(self.contents("web")), {"site/old", "site/d", "keep"})
        return tree

    def test_exactly_the_plan(self):
        tree = self.prepare()
        lines = [json.loads(line) for line in self.plan.read_text("utf-8").splitlines()]
        self.assertEqual(sorted((line["do"], line["key"]) for line in lines[1:-1]),
                         [("copy", "a"), ("copy", "b/c"), ("copy", "d"), ("delete-extra", "site/old")])
        (tree / "later").write_bytes(b"not in the plan")
        self.s3.put_object(Bucket="web", Key="site/later-too", Body=b"nor this")
        self.haul("run", "--plan", self.plan)
        self.assertEqual(self.contents("web"), {"site/a": b"1", "site/b/c": b"2", "site/d": b"3", "keep": b"7",
                                                "site/later-too": b"nor this"})

    def test_what_changed_since_fails(self):
        tree = self.prepare()
        (tree / "b/c").write_bytes(b"changed")
        result = self.haul("run", "--plan", self.plan, "--json", code=1)
        self.assertEqual(result.json["accounts"]["failed"], 1)
        self.assertEqual(result.json["failures"][0]["error"]["class"], "source_changed")
        self.assertEqual(self.contents("web"), {"site/a": b"1", "site/d": b"3", "site/old": b"0", "keep": b"7"})

    def test_an_extra_that_changed_since_stays(self):
        self.prepare()
        self.s3.put_object(Bucket="web", Key="site/old", Body=b"somebody needs it")
        self.haul("run", "--plan", self.plan, code=1)
        self.assertEqual(self.contents("web")["site/old"], b"somebody needs it")

    def test_a_damaged_plan_is_refused(self):
        self.prepare()
        before = self.contents("web")
        text = self.plan.read_text("utf-8")
        for damage in (text.replace('"key":"a"', '"key":"e"'), text[:len(text) // 2], "\n".join(text.splitlines()[:-1])):
            self.plan.write_text(damage, encoding="utf-8")
            self.assertIn("plan is damaged", self.haul("run", "--plan", self.plan, code=3).err)
        self.assertEqual(self.contents("web"), before)

    def test_of_two_places(self):
        tree = harness.write_tree(self.folder / "a tree", {"x": b"1", "y.tmp": b"2"})
        self.make_bucket("dest")
        self.haul("plan", "a tree", "s3://dest/", "--exclude", "*.tmp", "-o", "p", cwd=self.folder)
        self.haul("run", "--plan", self.folder / "p", cwd="/")
        self.assertEqual(self.contents("dest"), {"x": b"1"})


if __name__ == "__main__":
    harness.main()
