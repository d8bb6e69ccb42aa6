"""Lists that others have made: S3 Batch Operations' CSV with versions, S3 Inventory, JSON lines, DataSync; broken lines, and going on."""
import gzip
import hashlib
import json
import time
import urllib.parse

import harness

ROWS = 4000


def encoded(key):
    return urllib.parse.quote(key, safe="/-._~*")


class ManifestTest(harness.FakeTest):
    def setUp(self):
        super().setUp()
        self.environment["HAUL_STATE"] = str(self.folder / "state")

    def file(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def job(self, manifest, **more):
        select = {"manifest": str(manifest), **more.pop("select", {})}
        return self.file("job.json", json.dumps({"name": "listed", "operation": "copy", "source": "s3://media-src/images/",
                                                 "destination": "s3://there/copy/", "select": select, **more}))

    def accounts(self, job, *arguments, code=0):
        document = self.haul("run", job, "--json", *arguments, code=code).json
        self.assertTrue(document["closed"], document)
        return document["accounts"]

    def errors(self):
        return self.haul("errors", "listed", "--json").out


class BatchOperations(ManifestTest):
    OPTIONS = ()

    def test_broken_lines_are_error_records_with_their_number(self):
        keys = [f"images/{i:03} caf\u00e9+&.jpg" for i in range(30)]
        self.make_bucket("media-src", {key: key.encode() for key in keys})
        self.make_bucket("there")
        lines = [f"media-src,{encoded(key)}" for key in keys]
        lines[5:5] = ["no second column", "media-src,images/%zz", "another,images/a.jpg", "media-src,elsewhere/a.jpg"]
        job = self.job(self.file("list.csv", "\n".join(lines) + "\n"))
        accounts = self.accounts(job, code=1)
        self.assertEqual((accounts["listed"], accounts["copied"], accounts["failed"]), (34, 30, 4))
        self.assertEqual(set(self.contents("there")), {key.replace("images/", "copy/") for key in keys})
        errors = self.errors()
        for number in (6, 7, 8, 9):
            self.assertIn(f"list.csv line {number}", errors)

    def test_without_a_job_a_broken_line_stops(self):
        self.make_bucket("media-src", {"images/a": b"a"})
        self.make_bucket("there")
        path = self.file("list.csv", "media-src,images/a\nbroken\n")
        result = self.haul("cp", "-r", "s3://media-src/images/", "s3://there/", "--manifest", path, code=3)
        self.assertIn("list.csv line 2", result.err)
        self.assertEqual(self.contents("there"), {})

    def test_keys_datasync_and_json_lines(self):
        self.make_bucket("media-src", {"images/a, \"b\".jpg": b"1", "images/c.jpg": b"2", "images/d.jpg": b"3"})
        self.make_bucket("there")
        for form, text, copied in (("datasync", "\"a, \"\"b\"\".jpg\"\r\nc.jpg\n", 2), ("keys", "a, \"b\".jpg\nd.jpg\n", 2),
                                   ("auto", "{\"key\": \"images/c.jpg\"}\n{\"key\": \"images/d.jpg\", \"bucket\": \"media-src\"}\n", 2)):
            with self.subTest(form):
                job = self.job(self.file("list", gzip.compress(text.encode())), select={"format": form})
                self.assertEqual(self.accounts(job)["copied"], copied)

    def test_columns_by_name(self):
        self.make_bucket("media-src", {"images/a.jpg": b"1"})
        self.make_bucket("there")
        job = self.job(self.file("list.csv", "x,images/a.jpg,y\n"), select={"fields": ["Ignore", "Key", "Ignore"]})
        self.assertEqual(self.accounts(job)["copied"], 1)
        bad = self.job(self.file("list.csv", ""), select={"fields": ["Bucket"]})
        self.assertIn("Key", self.haul("run", bad, code=2).err)

    def test_a_killed_run_goes_on_behind_the_lines_it_has_taken(self):
        keys = [f"images/{i:05}" for i in range(ROWS)]
        tree = harness.write_tree(self.folder / "tree", {key: b"x" for key in keys})
        self.make_bucket("media-src")
        self.make_bucket("there")
        self.haul("cp", "-r", tree, "s3://media-src/", "-q")
        text = "".join(f"media-src,{key}\n" for key in keys)
        for name, manifest in (("plain", text.encode()), ("packed", gzip.compress(text.encode()))):
            with self.subTest(name):
                self.s3.put_object(Bucket="there", Key=f"lists/{name}", Body=manifest)
                job = self.job(f"s3://there/lists/{name}", chunks={"objects": 50}, options={"concurrency": 4})
                self.fake.control("PUT", "settings", {"latency-us": 3000})
                for wait in (1.0, 1.5):
                    process = self.start_haul("run", job, "--resume")
                    time.sleep(wait)
                    self.assertIsNone(process.poll(), "it ended before it could be killed")
                    process.kill()
                    process.wait()
                self.fake.control("PUT", "settings", {"latency-us": 0})
                accounts = self.accounts(job, "--resume")
                self.assertEqual((accounts["listed"], accounts["copied"] + accounts["skipped"]), (ROWS, ROWS))

    def test_another_list_is_no_list_to_go_on_in(self):
        keys = [f"images/{i:05}" for i in range(ROWS)]
        tree = harness.write_tree(self.folder / "tree", {key: b"x" for key in keys})
        self.make_bucket("media-src")
        self.make_bucket("there")
        self.haul("cp", "-r", tree, "s3://media-src/", "-q")
        text = "".join(f"media-src,{key}\n" for key in keys)
        job = self.job(self.file("list.csv", text), chunks={"objects": 20}, options={"concurrency": 2})
        self.fake.control("PUT", "settings", {"latency-us": 20000})
        process = self.start_haul("run", job)
        while not harness.list_bucket(self.s3, "there"):  # so that some of its lines were taken for good
            self.assertIsNone(process.poll(), str(process.poll()))
            time.sleep(0.05)
        process.kill()
        process.wait()
        self.fake.control("PUT", "settings", {"latency-us": 0})
        self.file("list.csv", text + "media-src,images/more\n")
        result = self.haul("run", job, "--resume", code=None)
        # Had all lines been taken before it was killed, the list is not needed any more.
        if result.code != 0:
            self.assertIn("is not the one that was begun with", result.err)


class Versions(harness.HaulTest):
    """On a real server."""

    def test_the_versions_that_are_named_are_copied(self):
        account = harness.radosgw()[0]
        self.use(account)
        s3, source, there = account.client(), self.bucket(account), self.bucket(account)
        s3.put_object(Bucket=source, Key="old.jpg", Body=b"before versions")
        s3.put_bucket_versioning(Bucket=source, VersioningConfiguration={"Status": "Enabled"})
        first = {key: s3.put_object(Bucket=source, Key=key, Body=b"first " + key.encode())["VersionId"] for key in ("a.jpg", "b c.jpg")}
        for key in (*first, "old.jpg"):
            s3.put_object(Bucket=source, Key=key, Body=b"second")
        lines = [f"{source},{encoded(key)},{version}" for key, version in first.items()]
        lines += [f"{source},old.jpg,null", f"{source},a.jpg,"]
        manifest = self.folder / "list.csv"
        manifest.write_text("\r\n".join(lines), encoding="utf-8")
        job = self.folder / "job.json"
        job.write_text(json.dumps({"name": "listed", "operation": "copy", "source": f"s3://{source}/",
                                   "destination": f"s3://{there}/", "select": {"manifest": str(manifest)}}), encoding="utf-8")
        document = self.haul("run", job, "--state", self.folder / "state", "--json", code=1).json
        self.assertEqual((document["accounts"]["copied"], document["accounts"]["failed"]), (3, 1))
        bodies = {key: s3.get_object(Bucket=there, Key=key)["Body"].read() for key in harness.list_bucket(s3, there)}
        self.assertEqual(bodies, {"a.jpg": b"first a.jpg", "b c.jpg": b"first b c.jpg", "old.jpg": b"before versions"})
        self.assertIn("list.csv line 4", self.haul("errors", "listed", "--state", self.folder / "state", "--json").out)


class Inventory(ManifestTest):
    FOLDER = "inv/media-src/all"

    def publish(self, form="CSV"):
        """An inventory as S3 writes it into a bucket of reports; its two files, and the keys that are the latest."""
        bodies = {f"images/{i:03} caf\u00e9.jpg": b"body %d" % i for i in range(40)}
        self.make_bucket("media-src", bodies)
        self.make_bucket("there")
        rows = []
        for number, (key, body) in enumerate(bodies.items()):
            etag = hashlib.md5(body).hexdigest()
            facts = (len(body), "2026-03-01T12:00:00.000Z", etag, "STANDARD")
            rows.append(("media-src", encoded(key), f"v{number}", "true", "false", *facts))
            rows.append(("media-src", encoded(key), f"u{number}", "false", "false", *facts))
        rows.append(("media-src", "images/gone.jpg", "v", "true", "true", "", "2026-03-01T12:00:00.000Z", "", ""))
        rows.append(("media-src", "elsewhere/x.jpg", "v", "true", "false", 1, "2026-03-01T12:00:00.000Z", "e", "STANDARD"))
        self.make_bucket("reports")
        files = []
        for number, part in enumerate((rows[::2], rows[1::2])):
            text = "".join(",".join(f'"{value}"' for value in row) + "\n" for row in part)
            key, body = f"{self.FOLDER}/data/{number}.csv.gz", gzip.compress(text.encode())
            self.s3.put_object(Bucket="reports", Key=key, Body=body)
            files.append({"key": key, "size": len(body), "MD5checksum": hashlib.md5(body).hexdigest()})
        manifest = json.dumps({"sourceBucket": "media-src", "destinationBucket": "arn:aws:s3:::reports", "version": "2016-11-30",
                               "creationTimestamp": "1772366400000", "fileFormat": form,
                               "fileSchema": "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass",
                               "files": files}, indent=2).encode()
        self.s3.put_object(Bucket="reports", Key=f"{self.FOLDER}/2026-03-01T01-00Z/manifest.json", Body=manifest)
        self.s3.put_object(Bucket="reports", Key=f"{self.FOLDER}/2026-03-01T01-00Z/manifest.checksum",
                           Body=hashlib.md5(manifest).hexdigest().encode())
        return f"s3://reports/{self.FOLDER}/2026-03-01T01-00Z/manifest.json", bodies

    def test_a_job_takes_it_from_its_bucket(self):
        manifest, bodies = self.publish()
        accounts = self.accounts(self.job(manifest), code=1)
        self.assertEqual((accounts["listed"], accounts["copied"], accounts["failed"]), (41, 40, 1))  # one is not below
        self.assertEqual(self.contents("there"), {key.replace("images/", "copy/"): body for key, body in bodies.items()})
        self.assertIn("csv.gz line 41", self.errors())

    def test_what_it_knows_is_not_asked_again(self):
        manifest, bodies = self.publish()
        self.fake.control("POST", "reset-stats")
        self.accounts(self.job(manifest), code=1)
        self.assertLess(self.fake.operations().get("HeadObject", 0), len(bodies))

    def test_an_ad_hoc_copy_takes_it_too(self):
        manifest, bodies = self.publish()
        result = self.haul("cp", "-r", "s3://media-src/", "s3://there/", "--manifest", manifest, "--json", code=1)
        self.assertEqual((result.accounts["copied"], result.accounts["failed"]), (len(bodies), 1))  # one is not there

    def test_a_file_that_was_altered_is_refused(self):
        manifest, _ = self.publish()
        self.s3.put_object(Bucket="reports", Key=f"{self.FOLDER}/data/1.csv.gz", Body=gzip.compress(b'"media-src","images/x"\n'))
        result = self.haul("run", self.job(manifest), code=None)
        self.assertNotEqual(result.code, 0)
        self.assertIn("data/1.csv.gz", result.err)

    def test_parquet_is_refused_with_advice(self):
        manifest, _ = self.publish("Parquet")
        result = self.haul("cp", "-r", "s3://media-src/", "s3://there/", "--manifest", manifest, code=3)
        self.assertIn("Parquet", result.err)
        self.assertIn("CSV", result.err)


if __name__ == "__main__":
    harness.main()
