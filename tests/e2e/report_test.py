"""Reports of runs: published, proven by haul and by a program that is not haul, and no longer once tampered with."""
import csv
import hashlib
import json
import subprocess
import sys
import urllib.parse

import harness

KEYS = ["plain.jpg", "with space.jpg", "comma,quote\".jpg", "caf\u00e9/\u20ac.jpg", "percent%41.jpg", "plus+.jpg",
        "new\nline.jpg", "\U0001f600.jpg"]
OBJECTS = 60


class ReportTest(harness.FakeTest):
    def setUp(self):
        super().setUp()
        self.environment["HAUL_STATE"] = str(self.folder / "state")
        self.objects = {f"in/{key}": key.encode() for key in KEYS}
        self.objects |= {f"in/many/{i:04}": b"x" * (i + 1) for i in range(OBJECTS)}
        self.make_bucket("from", self.objects)
        self.make_bucket("dest")
        self.make_bucket("admin")

    def run_job(self, operation="copy", location="s3://admin/reports/", code=0, more=""):
        """The report's place."""
        path = self.folder / "job.yaml"
        path.write_text(f"name: report\noperation: {operation}\nsource: s3://from/in/\ndestination: s3://dest/out/\n"
                        f"chunks: {{objects: 20}}\nreport: {{location: {location}}}\n{more}", encoding="utf-8")
        self.haul("run", path, code=code)
        if not location.startswith("s3://"):
            return max((self.folder / "reports").iterdir(), key=lambda each: each.stat().st_mtime)
        runs = self.s3.list_objects_v2(Bucket="admin", Prefix="reports/", Delimiter="/")["CommonPrefixes"]
        return "s3://admin/" + max(run["Prefix"] for run in runs)

    def local(self, **how):
        return self.run_job(location=f"{self.folder}/reports/", **how)

    def proof(self, place, *options, code=0):
        return self.haul("verify-report", place, "--json", *options, code=code).json

    def python_says(self, folder):
        return subprocess.run([sys.executable, harness.ROOT / "scripts/verify-report.py", folder], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT).returncode


class Proof(ReportTest):
    def test_in_a_bucket_with_all_objects(self):
        place = self.run_job("move")
        proof = self.proof(place, "--check", "all")
        self.assertTrue(proof["proven"] and proof["closed"], proof)
        self.assertEqual(proof["counted"]["moved"], len(self.objects))
        self.assertEqual(proof["looked_up"], len(self.objects))

    def test_objects_that_changed_since(self):
        place = self.run_job("move")
        self.s3.delete_object(Bucket="dest", Key="out/plus+.jpg")
        self.s3.put_object(Bucket="dest", Key="out/many/0003", Body=b"???")
        self.s3.put_object(Bucket="from", Key="in/many/0004", Body=b"back")
        self.assertTrue(self.proof(place)["proven"])
        proof = self.proof(place, "--check", "all", code=1)
        messages = " ".join(each["message"] for each in proof["discrepancies"])
        for expected in ("out/plus+.jpg is not there", "out/many/0003 has size 3, and 4 was written",
                         "in/many/0004 is there again"):
            self.assertIn(expected, messages)
        self.assertEqual(len({each["place"] for each in proof["discrepancies"]}), 3, proof)
        for each in proof["discrepancies"]:
            self.assertRegex(each["place"], r"^ledger-\d{5}\.jsonl line \d+$")

    def test_by_a_program_that_is_not_haul(self):
        folder = self.local()
        self.assertEqual(self.python_says(folder), 0)
        self.assertTrue(self.proof(folder)["proven"])

    def test_of_every_file_that_was_tampered_with(self):
        folder = self.local()
        for path in sorted(folder.iterdir()):
            whole = path.read_bytes()
            middle = len(whole) // 2
            for tampered in (whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:], whole[:-1], b""):
                path.write_bytes(tampered)
                found = self.haul("verify-report", folder, code=None)
                if path.name != "manifest.json":  # where a byte may mean nothing
                    self.assertEqual(found.code, 1, (path.name, found))
                    self.assertIn(path.name, found.out)
                    self.assertEqual(self.python_says(folder), 1, path.name)
            path.write_bytes(whole)
        self.assertEqual(self.python_says(folder), 0)
        self.haul("verify-report", folder)

    def test_against_the_chain_that_was_kept(self):
        folder = self.local()
        chain = self.proof(folder)["chain"]
        self.haul("verify-report", "--chain", chain, folder)
        self.haul("verify-report", "--chain", "0" * 64, folder, code=1)
        self.haul("verify-report", "--chain", "short", folder, code=2)

    def test_of_what_is_no_report(self):
        self.haul("verify-report", self.folder, code=3)
        self.haul("verify-report", "s3://admin/nothing/", code=3)
        self.haul("verify-report", code=2)

    def test_by_hand_with_sha256sum(self):
        folder = self.local()
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))["haul"]
        chain = "0" * 64
        for segment in manifest["segments"]:
            digest = hashlib.sha256((folder / segment["name"]).read_bytes()).hexdigest()
            chain = hashlib.sha256((chain + digest).encode()).hexdigest()
        self.assertEqual(chain, manifest["chain"])


class Contents(ReportTest):
    def test_every_key_in_both_forms(self):
        self.fake.faults({"match": {"operation": "CopyObject", "key": "out/many/0007"}, "count": 0,
                          "action": {"type": "access-denied"}})
        folder = self.local(code=1)
        lines = [json.loads(line) for path in sorted(folder.glob("ledger-*.jsonl"))
                 for line in path.read_text("utf-8").splitlines()]
        self.assertEqual({line["key"] for line in lines}, set(self.objects))
        rows = [row for path in sorted(folder.glob("*.csv"))
                for row in csv.reader(path.read_text("utf-8").splitlines())]
        self.assertEqual({urllib.parse.unquote(row[1]) for row in rows}, set(self.objects))
        self.assertTrue(all(len(row) == 7 and row[0] == "from" for row in rows))
        failed = [row for row in rows if row[3] == "failed"]
        self.assertEqual([(row[1], row[4], row[5]) for row in failed], [("in/many/0007", "AccessDenied", "403")])
        self.assertTrue(self.proof(folder)["proven"])

    def test_manifest_for_consumers_of_completion_reports(self):
        place = self.run_job()
        prefix = place.removeprefix("s3://admin/")
        manifest = json.loads(self.contents("admin")[prefix + "manifest.json"])
        self.assertEqual(manifest["Format"], "Report_CSV_20180820")
        for result in manifest["Results"]:
            body = self.s3.get_object(Bucket=result["Bucket"], Key=result["Key"])["Body"].read()
            self.assertEqual(hashlib.md5(body).hexdigest(), result["MD5Checksum"])

    def test_summary_by_the_counters_of_datasync(self):
        summary = json.loads((self.local() / "summary.json").read_text("utf-8"))
        self.assertEqual(summary["counters"]["FilesTransferred"], len(self.objects))
        self.assertEqual(summary["counters"]["FilesListed"]["AtSource"], len(self.objects))
        self.assertEqual(summary["status"], "COMPLETED")
        self.assertTrue(all(equation["closed"] for equation in summary["equations"]))


class Interrupted(ReportTest):
    def test_report_of_a_run_that_was_killed_again_and_again(self):
        self.fake.control("PUT", "settings", {"latency-us": 60_000})
        job = self.folder / "job.yaml"
        job.write_text(f"name: report\noperation: move\nsource: s3://from/in/\ndestination: s3://dest/out/\n"
                       f"chunks: {{objects: 10}}\noptions: {{concurrency: 4}}\n"
                       f"report: {{location: {self.folder}/reports/}}\n", encoding="utf-8")
        for _ in range(5):
            process = self.start_haul("run", "--resume", job)
            try:
                process.wait(0.7)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.fake.control("PUT", "settings", {"latency-us": 0})
        self.haul("run", "--resume", job)
        (folder,) = (self.folder / "reports").iterdir()
        proof = self.proof(folder, "--check", "all")
        self.assertTrue(proof["proven"], proof)
        self.assertEqual(proof["counted"]["moved"], len(self.objects))
        self.assertEqual(self.python_says(folder), 0)


if __name__ == "__main__":
    harness.main()
