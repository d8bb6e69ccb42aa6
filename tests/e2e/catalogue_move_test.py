"""Ten thousand images under another prefix in another bucket, and the database follows: on each kind of database."""
import csv
import io
import json
import os

import catalogues
import harness

ROWS = int(os.environ.get("HAUL_TEST_ROWS", "3000"))


class Move(harness.HaulTest):
    """With radosgw and a catalogue of one kind."""

    def scene(self, kind, count=ROWS):
        account = harness.radosgw()[0]
        self.use(account)
        catalogue = catalogues.KINDS[kind](self.folder)
        self.addCleanup(catalogue.drop)
        scene = catalogues.Scene(count, account.client(), self.bucket(account), self.bucket(account), catalogue)
        scene.fill(self.haul, self.folder / "tree")
        scene.judge_before(self)
        return scene

    def run_job(self, scene, *arguments, code=0, **more):
        job = scene.write_job(self.folder, **more)
        return self.haul("run", job, "--state", self.folder / "state", "--json", *arguments, code=code, timeout=1800)

    def move(self, kind):
        scene = self.scene(kind)
        report = self.folder / "report"
        sampler = catalogues.Sampler(scene)
        self.addCleanup(sampler.end)
        sampler.start()
        result = self.run_job(scene, code=1, report={"location": str(report)})  # rows without object have failed
        self.assertEqual(sampler.end(), [], "a row named an object that was not there")
        scene.judge(self)
        scene.judge_accounts(self, result.accounts)
        print(f"{kind}: {scene.count} rows, {sampler.looked} looked at meanwhile", flush=True)
        self.judge_report(scene, next(path for path in report.iterdir() if path.is_dir()))
        self.again(scene)

    def judge_report(self, scene, report):
        """The completion report names every listed object once."""
        rows = [row for path in sorted(report.rglob("*.csv")) for row in csv.reader(io.StringIO(path.read_text("utf-8"), newline=""))]
        keys = [harness.unquote(row[1]) for row in rows]
        self.assertEqual(len(keys), len(set(keys)), "a key is there twice")
        expected = {scene.path_before(number)
                    for number in [*scene.plain(), *scene.numbers(scene.NO_OBJECT, scene.OBJECT_MOVED)]}
        self.assertEqual(set(keys) ^ expected, set())
        failed = {harness.unquote(row[1]) for row in rows if row[3] == "failed"}
        self.assertEqual(failed, {scene.path_before(number) for number in scene.numbers(scene.NO_OBJECT)})
        summary = json.loads(next(report.rglob("summary.json")).read_text("utf-8"))
        self.assertTrue(summary, summary)

    def again(self, scene):
        """A second run finds only what cannot be moved, and changes nothing."""
        accounts = self.run_job(scene, code=1).accounts
        self.assertEqual(accounts["listed"], len(scene.numbers(scene.NO_OBJECT)))
        self.assertEqual(accounts["failed"], accounts["listed"])
        scene.judge(self)

    def test_the_example_is_what_it_says(self):
        """examples/rename-images.yaml as it stands, with its table and its variables."""
        account = harness.radosgw()[0]
        self.use(account)
        catalogue = catalogues.MariaDb(self.folder)
        catalogue.table = "files"
        catalogue.drop()  # other suites may have left one of that name
        self.addCleanup(catalogue.drop)
        source, destination = self.bucket(account), self.bucket(account)
        self.bucket(account, destination + "-reports")
        scene = catalogues.Scene(ROWS, account.client(), source, destination, catalogue, every=200)  # it stands 1 % of failures
        scene.fill(self.haul, self.folder / "tree")
        scene.judge_before(self)
        self.environment["MEDIA_DATABASE_PASSWORD"] = catalogue.account["password"]
        variables = {"MEDIA_OLD": source, "MEDIA_NEW": destination, "DATABASE": catalogue.spec["url"]}
        result = self.haul("run", harness.ROOT / "examples/rename-images.yaml", "--state", self.folder / "state", "--json",
                           *[word for name, value in variables.items() for word in ("--set", f"{name}={value}")], code=1)
        scene.judge(self, kept=True, says_who=False)  # its sources stay for seven days
        scene.judge_accounts(self, result.accounts)
        self.assertEqual(result.accounts["sources_kept"], len(scene.plain()))
        reports = harness.list_bucket(account.client(), destination + "-reports", "rename-images/")
        self.assertTrue(any(key.endswith("/manifest.json") for key in reports), reports)

    def move_shared(self, kind):
        """Objects that two rows name each, in chunks far apart: the source goes with the second."""
        scene = self.scene(kind, count=400)
        shared = scene.plain()[:30]
        scene.catalogue.insert([(100_000 + number, scene.path_before(number)) for number in shared])
        result = self.run_job(scene, code=1, chunks={"objects": 40})
        rows = scene.rows()
        twins = {number: rows.pop(100_000 - 1 + number) for number in shared}
        self.assertEqual({number: path for number, (path, _) in twins.items()},
                         {number: scene.path_after(number) for number in shared})
        connection = scene.catalogue.connect()
        connection.cursor().execute(f"DELETE FROM {scene.catalogue.table} WHERE id >= 100000")
        connection.close()
        scene.judge(self)
        copied, moved = result.accounts["copied"], result.accounts["moved"]
        self.assertEqual(copied + moved, len(scene.plain()) + len(shared))
        self.assertTrue(0 < copied <= len(shared), "the first of two rows leaves the source")
        self.assertNotIn("no index finds rows", result.err)

    def test_shared_objects_with_sqlite(self):
        self.move_shared("sqlite")

    def test_shared_objects_with_mariadb(self):
        self.move_shared("mariadb")

    def test_shared_objects_with_postgresql(self):
        self.move_shared("postgres")

    def test_what_is_not_looked_after_is_said(self):
        """A large table whose keys no index finds."""
        catalogue = catalogues.Sqlite(self.folder)
        catalogue.create()
        catalogue.insert([(number, f"image/{number}") for number in range(1, 10_100)])
        (self.folder / "image").mkdir()
        (self.folder / "image/7").write_text("seven")
        job = {"name": "no-index", "operation": "move", "source": f"{self.folder}/image/",
               "destination": f"{self.folder}/avatar/",
               "select": {"catalog": "production", "query": "SELECT id, substr(path, 7) AS path FROM files",
                          "key": "path", "cursor": "id"},
               "catalog": {"update": "UPDATE files SET path = 'avatar/' || :destination_key WHERE id = :id"},
               "catalogs": {"production": catalogue.spec}}
        path = self.folder / "job.json"
        path.write_text(json.dumps(job), encoding="utf-8")
        notice, log = "no index finds rows", self.folder / "haul.log"
        for more in ([], ["--quiet"], ["--log-level", "off"]):
            result = self.haul("run", path, "--state", self.folder / "state", *more, code=1)
            self.assertEqual(result.err.count(notice), 1, more)
        for more, said, logged in ([], 1, 1), (["--quiet"], 0, 2):
            result = self.haul("run", path, "--state", self.folder / "state", "--log-file", log, *more, code=1)
            self.assertEqual(result.err.count(notice), said, more)
            self.assertEqual(log.read_text("utf-8").count(f" warning no-index: {notice}"), logged, more)
        catalogue.connect().execute("DELETE FROM files WHERE id > 9000")
        result = self.haul("run", path, "--state", self.folder / "state", code=1)
        self.assertNotIn("no index finds rows", result.err)

    def test_with_sqlite(self):
        self.move("sqlite")

    def test_with_mariadb(self):
        self.move("mariadb")

    def test_with_postgresql(self):
        self.move("postgres")


if __name__ == "__main__":
    harness.main()
