"""The command line as its users meet it: what each command does, and what is said and left alone when it cannot."""
import csv
import gzip
import io
import json
import os
import re
import subprocess
import time

import harness

FILES = {"a.txt": b"a", "b.log": b"bb" * 50, "sub/c.txt": b"ccc", "sub/deep/d.txt": b"dddd"}


class Commands(harness.HaulTest):
    """Each command at its work, against a real server."""

    def setUp(self):
        super().setUp()
        self.account, self.other = harness.radosgw()
        self.use(self.account)
        self.s3 = self.account.client()

    def filled(self, prefix="in/"):
        bucket = self.bucket(self.account)
        for path, body in FILES.items():
            self.s3.put_object(Bucket=bucket, Key=prefix + path, Body=body)
        return bucket

    def keys(self, bucket, prefix=""):
        return set(harness.list_bucket(self.s3, bucket, prefix))

    def tree(self):
        return harness.write_tree(self.folder / "tree", FILES)

    def test_ls_shows_one_level_or_everything_or_what_a_pattern_matches(self):
        bucket = self.filled()
        one = self.haul("ls", f"s3://{bucket}/in/").out
        self.assertEqual([line.split()[-1] for line in one.splitlines()], ["sub/", "a.txt", "b.log"])
        everything = self.haul("ls", "-r", f"s3://{bucket}/in/").out
        self.assertEqual(len(everything.splitlines()), len(FILES))
        matched = self.haul("ls", f"s3://{bucket}/in/*.txt").out
        self.assertEqual(len(matched.splitlines()), 3)
        self.assertIn(bucket, self.haul("ls").out)
        for line in self.haul("ls", "-r", f"s3://{bucket}/", "--json").out.splitlines():
            self.assertLessEqual({"key", "size"}, set(json.loads(line)))
        self.assertIn("a.txt", self.haul("ls", self.tree()).out)

    def test_du_adds_up(self):
        bucket = self.filled()
        total = sum(map(len, FILES.values()))
        self.assertEqual(harness.du_total(self.haul("du", f"s3://{bucket}/in/", "--json")), (len(FILES), total))
        self.assertIn(str(total), self.haul("du", f"s3://{bucket}/in/").out)
        self.assertEqual(harness.du_total(self.haul("du", self.tree(), "--json")), (len(FILES), total))

    def test_stat_tells_all_that_is_known(self):
        bucket = self.bucket(self.account)
        self.s3.put_object(Bucket=bucket, Key="k", Body=b"12345", ContentType="text/x-a", Metadata={"colour": "blue"},
                           Tagging="tag=value")
        for text in (self.haul("stat", f"s3://{bucket}/k").out, self.haul("stat", f"s3://{bucket}/k", "--json").out):
            for word in ("5", "text/x-a", "colour", "blue", "tag", "value", "827ccb0eea8a706c4c34a16891f84e7b"):
                self.assertIn(word, text)

    def test_cat_and_standard_input_and_output(self):
        bucket = self.bucket(self.account)
        large = os.urandom(20 << 20)
        self.haul("cp", "-", f"s3://{bucket}/piped", stdin=large, text=False)
        self.assertEqual(self.haul("cat", f"s3://{bucket}/piped", text=False).out, large)
        self.assertEqual(self.haul("cp", f"s3://{bucket}/piped", "-", text=False).out, large)
        self.haul("cp", "-", f"s3://{bucket}/empty", stdin=b"", text=False)
        self.assertEqual(harness.list_bucket(self.s3, bucket), {"piped": len(large), "empty": 0})
        self.haul("cp", "-", self.folder / "file", stdin=b"to a file", text=False)
        self.assertEqual((self.folder / "file").read_bytes(), b"to a file")
        reader = subprocess.run(["bash", "-c", f"'{harness.HAUL}' cat s3://{bucket}/piped | head -c 10 | wc -c; "
                                               "exit ${PIPESTATUS[1]}"], env=self.environment, text=True,
                                stdout=subprocess.PIPE, check=True, timeout=60)
        self.assertEqual(reader.stdout.strip(), "10")

    def test_where_a_copy_goes(self):
        """A slash, a directory, or several sources make a destination a place; otherwise it is the new name."""
        bucket, tree = self.bucket(self.account), self.tree()
        there = f"s3://{bucket}"
        self.haul("cp", tree / "a.txt", f"{there}/1/new-name")
        self.haul("cp", tree / "a.txt", f"{there}/2/")
        self.haul("cp", tree / "a.txt", tree / "b.log", f"{there}/3")
        self.haul("cp", "-r", tree, f"{there}/4")
        self.haul("cp", "-r", f"{tree}/", f"{there}/5/")
        self.haul("cp", f"{tree}/*.txt", f"{there}/6/")
        self.haul("cp", "-r", tree, f"{there}/7/", "--flatten")
        self.haul("cp", "-r", tree, f"{there}/8/", "--template", "{ext}/{stem}-x")
        self.haul("cp", "-r", tree, f"{there}/9/", "--exclude", "sub/", "--include", "**")
        self.haul("cp", tree / "a.txt", there)
        whole = [f"{number}/{path}" for number in (4, 5) for path in FILES]
        self.assertEqual(self.keys(bucket), {
            "1/new-name", "2/a.txt", "3/a.txt", "3/b.log", *whole, "6/a.txt", "6/sub/c.txt", "6/sub/deep/d.txt",
            "7/a.txt", "7/b.log", "7/c.txt", "7/d.txt", "8/txt/a-x", "8/log/b-x", "8/txt/c-x", "8/txt/d-x", "9/a.txt",
            "9/b.log", "a.txt"})
        self.haul("cp", f"{there}/1/new-name", self.folder)
        self.assertEqual((self.folder / "new-name").read_bytes(), b"a")
        self.haul("cp", tree / "a.txt", tree / "local-copy")
        self.assertEqual((tree / "local-copy").read_bytes(), b"a")

    def test_mv_and_rm(self):
        bucket, tree = self.filled(), self.tree()
        self.haul("mv", f"s3://{bucket}/in/*.log", f"s3://{bucket}/logs/")
        self.assertEqual(self.keys(bucket), {"logs/b.log", "in/a.txt", "in/sub/c.txt", "in/sub/deep/d.txt"})
        self.haul("mv", f"s3://{bucket}/logs/b.log", self.folder / "b.log")
        self.assertEqual((self.folder / "b.log").read_bytes(), FILES["b.log"])
        self.haul("mv", "-r", tree, f"s3://{bucket}/up/")
        self.assertEqual(harness.facts_of_tree(tree), {})
        self.haul("rm", f"s3://{bucket}/in/a.txt")
        self.haul("rm", "-r", f"s3://{bucket}/in/")
        self.assertEqual(self.keys(bucket), {f"up/{path}" for path in FILES})
        self.haul("rm", f"s3://{bucket}/up/*.txt")
        self.assertEqual(self.keys(bucket), {"up/b.log"})

    def test_versions_are_listed_copied_and_removed(self):
        bucket = self.bucket(self.account)
        self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        ids = [self.s3.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in (b"one", b"second")]
        self.s3.delete_object(Bucket=bucket, Key="k")
        lines = self.haul("ls", "--all-versions", "-r", f"s3://{bucket}/").out
        for version in ids:
            self.assertIn(version, lines)
        self.assertEqual(len(lines.splitlines()), 3)
        self.assertEqual(self.haul("ls", "-r", f"s3://{bucket}/").out, "")
        self.haul("cp", f"s3://{bucket}/k", self.folder / "one", "--version-id", ids[0])
        self.assertEqual((self.folder / "one").read_bytes(), b"one")
        self.assertEqual(self.haul("cat", "--version-id", ids[1], f"s3://{bucket}/k").out, "second")
        self.haul("cp", f"s3://{bucket}/k", f"s3://{bucket}/again", "--version-id", ids[0])
        self.assertEqual(self.s3.get_object(Bucket=bucket, Key="again")["Body"].read(), b"one")
        self.haul("rm", "-r", "--all-versions", f"s3://{bucket}/")
        left = self.s3.list_object_versions(Bucket=bucket)
        self.assertEqual((left.get("Versions", []), left.get("DeleteMarkers", [])), ([], []))

    def test_presign_makes_a_link_for_anybody(self):
        bucket = self.filled("")
        link = self.haul("presign", f"s3://{bucket}/sub/c.txt").out.strip()
        self.assertEqual(subprocess.run(["curl", "-fsS", link], check=True, stdout=subprocess.PIPE).stdout, b"ccc")
        link = self.haul("presign", "--method", "PUT", "--expires", "60", f"s3://{bucket}/by link+%2F").out.strip()
        subprocess.run(["curl", "-fsS", "-X", "PUT", "--data-binary", "@-", link], check=True, input=b"written by link")
        self.assertEqual(self.s3.get_object(Bucket=bucket, Key="by link+%2F")["Body"].read(), b"written by link")
        short = self.haul("presign", "--expires", "1s", f"s3://{bucket}/a.txt").out.strip()
        time.sleep(2.5)
        self.assertNotEqual(subprocess.run(["curl", "-fsS", short], check=False, capture_output=True).returncode, 0)

    def test_a_manifest_is_read_by_others(self):
        bucket = self.filled("")
        keys = [*FILES, "comma,quote\"new\nline", "\u00e4 +%2F"]
        for key in keys[-2:]:
            self.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        facts = harness.list_bucket(self.s3, bucket)

        def read_csv(text):
            rows = list(csv.reader(io.StringIO(text, newline="")))
            return {harness.unquote(row[1]): int(row[2]) for row in rows if row[0] == bucket}

        self.haul("manifest", f"s3://{bucket}/", "-o", self.folder / "list.csv")
        self.assertEqual(read_csv((self.folder / "list.csv").read_text("utf-8")), facts)
        self.haul("manifest", f"s3://{bucket}/", "-o", self.folder / "list.csv.gz")
        self.assertEqual(read_csv(gzip.open(self.folder / "list.csv.gz", "rt", encoding="utf-8").read()), facts)
        self.haul("manifest", f"s3://{bucket}/", "-o", self.folder / "list.jsonl")
        lines = [json.loads(line) for line in (self.folder / "list.jsonl").read_text("utf-8").splitlines()]
        self.assertEqual({line["key"]: line["size"] for line in lines}, facts)
        self.assertEqual(read_csv(self.haul("manifest", f"s3://{bucket}/", "-o", "-").out), facts)
        self.haul("manifest", f"s3://{bucket}/", "-o", f"s3://{bucket}/lists/list.csv.gz")
        stored = self.s3.get_object(Bucket=bucket, Key="lists/list.csv.gz")["Body"].read()
        self.assertEqual(read_csv(gzip.decompress(stored).decode()), facts)
        for name in ("list.csv", "list.csv.gz", "list.jsonl"):
            into = self.bucket(self.account)
            self.haul("cp", "-r", f"s3://{bucket}/", f"s3://{into}/", "--manifest", self.folder / name)
            self.assertEqual(harness.list_bucket(self.s3, into), facts)

    def test_check_tells_missing_extra_and_different(self):
        bucket, tree = self.filled(""), self.tree()
        result = self.haul("check", tree, f"s3://{bucket}/", "--checksum", "--json")
        self.assertEqual(result.accounts["same"], len(FILES))
        self.s3.delete_object(Bucket=bucket, Key="a.txt")
        self.s3.put_object(Bucket=bucket, Key="b.log", Body=b"BB" * 50)
        self.s3.put_object(Bucket=bucket, Key="extra", Body=b"x")
        for how in ("--checksum", "--bytes"):
            with self.subTest(how=how):
                result = self.haul("check", tree, f"s3://{bucket}/", how, "--json", code=1)
                accounts = result.accounts
                self.assertEqual([accounts[name] for name in ("missing", "extra", "different", "same")], [1, 1, 1, 2])
                text = self.haul("check", tree, f"s3://{bucket}/", how, code=1)
                for word in ("missing", "extra", "different", "a.txt", "b.log"):
                    self.assertIn(word, text.out + text.err)
        one_way = self.haul("check", tree, f"s3://{bucket}/", "--one-way", "--checksum", "--json", code=1).accounts
        self.assertEqual((one_way["missing"], one_way["different"]), (1, 1))
        self.assertEqual(self.keys(bucket), {"b.log", "extra", "sub/c.txt", "sub/deep/d.txt"})

    def test_plan_and_dry_run_change_nothing(self):
        bucket, tree = self.filled("extra/"), self.tree()
        before, here = self.keys(bucket), harness.read_tree(tree)
        plan = self.haul("plan", tree, f"s3://{bucket}/", "--json").json
        self.assertIn(str(len(FILES)), json.dumps(plan))
        self.assertIn("4", self.haul("plan", tree, f"s3://{bucket}/").out)
        for command in (("cp", "-r", tree, f"s3://{bucket}/"), ("mv", "-r", tree, f"s3://{bucket}/"),
                        ("sync", "--delete", "--max-delete", "100%", tree, f"s3://{bucket}/"),
                        ("rm", "-r", f"s3://{bucket}/"), ("mv", "-r", f"s3://{bucket}/", self.folder / "no")):
            with self.subTest(command=command[0]):
                self.haul(*command, "--dry-run")
                self.assertEqual((self.keys(bucket), harness.read_tree(tree)), (before, here))
                self.assertFalse((self.folder / "no").exists())

    def test_buckets_are_made_and_removed(self):
        name = f"made-{os.getpid()}-{time.time_ns()}"
        self.haul("mb", f"s3://{name}")
        self.haul("mb", f"s3://{name}")
        self.s3.put_object(Bucket=name, Key="k", Body=b"x")
        self.assertIn("BucketNotEmpty", self.haul("rb", f"s3://{name}", code=3).err)
        self.assertEqual(self.keys(name), {"k"})
        self.haul("rb", "--force", f"s3://{name}")
        self.assertNotIn(name, [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]])

    def test_doctor_finds_what_is_wrong_and_says_the_remedy(self):
        bucket = self.bucket(self.account)
        well = self.haul("doctor", f"s3://{bucket}/").out
        for word in ("credentials", "clock", "endpoint"):
            self.assertIn(word, well.lower())
        self.assertEqual(self.keys(bucket), set())
        self.s3.create_multipart_upload(Bucket=bucket, Key="abandoned")
        self.haul("doctor", "--abort-uploads", "--older-than", "0s", f"s3://{bucket}/")
        self.assertEqual(self.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []), [])
        ill = self.haul("doctor", f"s3://{bucket}/", env={"AWS_SECRET_ACCESS_KEY": "wrong"}, code=None)
        self.assertIn(ill.code, (1, 3))
        self.assertRegex(ill.out + ill.err, "SignatureDoesNotMatch|secret")

    def test_sync_deletes_only_within_its_guards(self):
        bucket, tree = self.filled("t/"), self.tree()
        for number in range(4):
            self.s3.put_object(Bucket=bucket, Key=f"t/extra-{number}", Body=b"x")
        before = self.keys(bucket)
        refused = self.haul("sync", "--delete", tree, f"s3://{bucket}/t/", code=3)
        self.assertIn("--max-delete", refused.err)
        self.assertEqual(self.keys(bucket), before)
        (self.folder / "empty").mkdir()
        refused = self.haul("sync", "--delete", "--max-delete", "100%", self.folder / "empty", f"s3://{bucket}/t/",
                            code=3)
        self.assertIn("--allow-empty-source", refused.err)
        self.assertEqual(self.keys(bucket), before)
        gone = self.haul("sync", "--delete", self.folder / "not there", f"s3://{bucket}/t/", code=3)
        self.assertIn("not there", gone.err)
        self.assertEqual(self.keys(bucket), before)
        self.haul("sync", "--delete", "--max-delete", "50%", tree, f"s3://{bucket}/t/")
        self.assertEqual(self.keys(bucket), {f"t/{path}" for path in FILES})
        self.haul("sync", "--delete", "--max-delete", "100%", "--allow-empty-source", self.folder / "empty",
                  f"s3://{bucket}/t/")
        self.assertEqual(self.keys(bucket), set())

    def test_verify_all_reads_back(self):
        bucket = self.bucket(self.account)
        self.haul("cp", "-r", self.tree(), f"s3://{bucket}/", "--verify", "all")
        self.haul("cp", "-r", f"s3://{bucket}/", self.folder / "down", "--verify", "all")
        self.assertEqual(harness.read_tree(self.folder / "down"), FILES)

    def test_links_and_empty_directories_and_special_files(self):
        bucket, tree = self.bucket(self.account), self.tree()
        (tree / "link").symlink_to("a.txt")
        (tree / "loop").symlink_to(".")
        (tree / "nothing").mkdir()
        os.mkfifo(tree / "pipe")
        accounts = self.haul("cp", "-r", tree, f"s3://{bucket}/skip/", "--json").accounts
        self.assertEqual((accounts["copied"], accounts["skipped"], accounts["failed"]), (len(FILES), 3, 0))
        self.haul("cp", "-r", tree, f"s3://{bucket}/follow/", "--links", "follow", "--empty-dirs", code=None)
        self.assertEqual({key for key in self.keys(bucket, "follow/") if not key.endswith("/")},
                         {f"follow/{path}" for path in (*FILES, "link")})
        self.assertIn("follow/nothing/", self.keys(bucket))
        self.haul("cp", "-r", tree, f"s3://{bucket}/keep/", "--links", "preserve")
        self.haul("cp", "-r", f"s3://{bucket}/keep/", self.folder / "back", "--links", "preserve")
        self.assertEqual(os.readlink(self.folder / "back/link"), "a.txt")
        self.assertEqual(os.readlink(self.folder / "back/loop"), ".")


class Mistakes(harness.HaulTest):
    """A message with the place and the remedy, nothing changed, and the exit code of the contract."""

    def setUp(self):
        super().setUp()
        self.account, self.other = harness.radosgw()
        self.use(self.account)
        self.s3 = self.account.client()

    def refused(self, *arguments, code, says, **named):
        result = self.haul(*arguments, code=code, **named)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, result.err, str(result))
        self.assertNotIn("terminate called", result.err)
        return result

    def as_nobody(self, *arguments):
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", harness.HAUL,
                               *map(str, arguments)], env={**self.environment, "HOME": "/nonexistent"}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
        return harness.Result(done)

    def test_usage(self):
        for arguments, word in (((), "haul help"), (("synk", "a", "b"), "sync"), (("sync", "a"), "DST"),
                                (("sync", "a", "b", "c"), "c"), (("cp", "a", "b", "--recursiv"), "--recursive"),
                                (("cp", "a", "s3://some-bucket/", "--part-size", "1"), "--part-size"),
                                (("cp", "a", "s3://some-bucket/", "--bandwidth"), "--bandwidth"),
                                (("ls", "s3:///key"), "s3:///key"),
                                (("ls", "s3://UPPER_case!/x"), "UPPER_case!"), (("ls", "gopher://x/y"), "gopher"),
                                (("sync", "a", "s3://some-bucket/", "--max-delete", "200%"), "200%"),
                                (("presign", "s3://some-bucket/k", "--expires", "8d"), "8d"),
                                (("cp", "-r", "a", "b", "--include", "[z"), "[z"),
                                (("cp", "-", "-"), "standard input to standard output")):
            with self.subTest(arguments=arguments):
                result = self.refused(*arguments, code=2, says=word)
                self.assertEqual(result.out, "")

    def test_what_is_not_there(self):
        tree = harness.write_tree(self.folder / "tree", FILES)
        self.refused("ls", "s3://haul-no-such-bucket-here/", code=3, says=["bucket", "haul-no-such-bucket-here"])
        for command in (("cp", "-r", tree, "s3://haul-no-such-bucket-here/"),
                        ("sync", tree, "s3://haul-no-such-bucket-here/")):
            result = self.refused(*command, code=None, says=["bucket", "haul-no-such-bucket-here"])
            self.assertIn(result.code, (1, 3))
        self.refused("cp", self.folder / "missing", "s3://haul-no-such-bucket-here/", code=3, says="missing")
        bucket = self.bucket(self.account)
        self.refused("cp", f"s3://{bucket}/no-such-key", self.folder, code=3, says="no-such-key")
        self.refused("cat", f"s3://{bucket}/no-such-key", code=None, says="no-such-key")
        self.refused("stat", f"s3://{bucket}/no-such-key", code=None, says="no-such-key")
        self.assertEqual(harness.facts_of_tree(self.folder).keys(), {f"tree/{path}" for path in FILES})

    def test_a_directory_needs_r(self):
        tree = harness.write_tree(self.folder / "tree", FILES)
        bucket = self.bucket(self.account)
        self.s3.put_object(Bucket=bucket, Key="p/k", Body=b"x")
        self.refused("cp", tree, f"s3://{bucket}/", code=2, says="-r")
        self.refused("cp", f"s3://{bucket}/p/", self.folder / "x", code=2, says="-r")
        self.refused("rm", f"s3://{bucket}/p/", code=2, says="-r")
        self.assertEqual(harness.list_bucket(self.s3, bucket), {"p/k": 1})

    def test_somebody_elses_bucket(self):
        bucket = self.bucket(self.other)
        tree = harness.write_tree(self.folder / "tree", FILES)
        self.refused("ls", f"s3://{bucket}/", code=3, says=["AccessDenied", bucket])
        result = self.refused("cp", "-r", tree, f"s3://{bucket}/", code=None, says=["AccessDenied", bucket])
        self.assertIn(result.code, (1, 3))
        self.refused("sync", "--delete", tree, f"s3://{bucket}/", code=3, says=["AccessDenied", bucket])
        self.refused("rb", f"s3://{bucket}", code=3, says="AccessDenied")
        self.assertEqual(harness.list_bucket(self.other.client(), bucket), {})

    def test_an_endpoint_that_is_no_url(self):
        self.refused("ls", "s3://some-bucket/", "--endpoint-url", "htp:/x", code=3, says=["htp:/x", "https://"])

    def test_nobody_listens(self):
        self.refused("ls", "s3://some-bucket/", "--endpoint-url", "http://127.0.0.1:9", "--connect-timeout", "200ms", code=3,
                     says=["127.0.0.1", "9"])

    def test_source_equals_destination_or_one_holds_the_other(self):
        bucket = self.bucket(self.account)
        self.s3.put_object(Bucket=bucket, Key="p/k", Body=b"x")
        tree = harness.write_tree(self.folder / "tree", FILES)
        (self.folder / "other-name").symlink_to(tree)
        for command in (("sync", tree, tree), ("sync", tree, tree / "sub"), ("cp", "-r", tree, tree / "new"),
                        ("mv", "-r", tree, tree / "sub/deep"), ("sync", "--delete", tree / "sub", tree),
                        ("sync", tree, self.folder / "other-name"), ("cp", tree / "a.txt", tree / "a.txt"),
                        ("mv", tree / "a.txt", tree / "a.txt"), ("sync", f"s3://{bucket}/p/", f"s3://{bucket}/p/"),
                        ("cp", "-r", f"s3://{bucket}/", f"s3://{bucket}/p/"),
                        ("mv", "-r", f"s3://{bucket}/p/", f"s3://{bucket}/p/q/"),
                        ("mv", f"s3://{bucket}/p/k", f"s3://{bucket}/p/k")):
            with self.subTest(command=command):
                result = self.haul(*command, code=None)
                self.assertIn(result.code, (2, 3), str(result))
                self.assertEqual(harness.read_tree(tree), FILES)
                self.assertEqual(harness.list_bucket(self.s3, bucket), {"p/k": 1})

    def test_a_configuration_that_is_broken(self):
        self.aws_files("[profile one\nregion = x\n")
        self.refused("ls", "s3://some-bucket/", code=3, says=[".aws/config", "1"])
        self.aws_files("[profile one]\nregion = x\n")
        self.refused("ls", "s3://some-bucket/", "--profile", "two", code=3, says=["two", "one"])
        self.aws_files(f"[profile one]\nendpoint_url = {self.account.endpoint}\ns3 =\n  addressing_style = sideways\n")
        self.refused("ls", "s3://some-bucket/", "--profile", "one", code=3, says=["addressing_style", ".aws/config"])
        self.aws_files("[profile a]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = b\n"
                       "[profile b]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = a\n")
        self.refused("ls", "s3://some-bucket/", "--profile", "a", code=3, says="source_profile")

    def test_a_disk_that_is_full(self):
        """What fits is there whole, what does not has no file, and the run says which."""
        disk = self.folder / "small"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        bucket = self.bucket(self.account)
        bodies = {f"{number:02}": os.urandom(300_000) for number in range(30)}
        for key, body in bodies.items():
            self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        result = self.haul("cp", "-r", f"s3://{bucket}/", disk / "x", "--json", code=1)
        there = harness.read_tree(disk / "x")
        self.assertGreater(len(there), 3)
        self.assertEqual(there, {key: bodies[key] for key in there})
        self.assertEqual((result.accounts["copied"], result.accounts["failed"]), (len(there), 30 - len(there)))
        self.assertIn("No space left", result.out + result.err)
        moved = self.haul("mv", "-r", f"s3://{bucket}/", disk / "y", "--json", code=1)
        self.assertEqual(len(harness.list_bucket(self.s3, bucket)), 30 - moved.accounts["moved"])

    def test_a_destination_that_may_not_be_written(self):
        bucket = self.bucket(self.account)
        self.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        disk = self.folder / "read-only"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        result = self.refused("cp", "-r", f"s3://{bucket}/", disk / "x", code=None, says=["Read-only", "read-only"])
        self.assertIn(result.code, (1, 3))
        result = self.refused("mv", f"s3://{bucket}/k", f"{disk}/", code=None, says="Read-only")
        self.assertIn(result.code, (1, 3))
        self.assertEqual(harness.list_bucket(self.s3, bucket), {"k": 1})

    def test_files_that_may_not_be_read_fail_by_name(self):
        bucket = self.bucket(self.account)
        tree = harness.write_tree(self.folder / "tree", FILES)
        self.folder.chmod(0o755)
        (tree / "a.txt").chmod(0)
        result = self.as_nobody("cp", "-r", tree, f"s3://{bucket}/", "--json")
        self.assertEqual(result.code, 1, str(result))
        self.assertEqual((result.accounts["copied"], result.accounts["failed"]), (len(FILES) - 1, 1))
        self.assertIn("a.txt", result.err + result.out)
        self.assertIn("Permission denied", result.err + result.out)
        self.assertEqual(set(harness.list_bucket(self.s3, bucket)), set(FILES) - {"a.txt"})

        (tree / "sub").chmod(0)
        for number in range(8):
            self.s3.put_object(Bucket=bucket, Key=f"a/{number}", Body=b"x")
        before = harness.list_bucket(self.s3, bucket)
        result = self.as_nobody("sync", "--delete", "--max-delete", "100%", tree, f"s3://{bucket}/", "--json")
        self.assertIn(result.code, (1, 3), str(result))
        self.assertIn("sub", result.err + result.out)
        self.assertLessEqual(set(before), set(harness.list_bucket(self.s3, bucket)), "deleted after half a listing")

    def test_a_directory_that_may_not_be_written_fails_by_name(self):
        bucket = self.bucket(self.account)
        self.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        self.folder.chmod(0o755)
        (self.folder / "locked").mkdir(mode=0o555)
        result = self.as_nobody("cp", "-r", f"s3://{bucket}/", self.folder / "locked/x")
        self.assertIn(result.code, (1, 3), str(result))
        self.assertIn("Permission denied", result.err)


class Presentation(harness.FakeTest):
    """What programs and people read."""

    def test_the_json_of_a_run_keeps_its_form(self):
        self.make_bucket("here", FILES)
        self.make_bucket("there")
        document = self.haul("cp", "-r", "s3://here/", "s3://there/", "--json").json
        self.assertLessEqual({"accounts", "status"}, set(document))
        self.assertLessEqual({"listed", "copied", "moved", "deleted", "skipped", "filtered", "failed", "extra", "same",
                              "different", "missing", "listed_bytes", "copied_bytes", "server_side", "losses"},
                             set(document["accounts"]))
        self.assertEqual(document["status"], "COMPLETED")
        accounts = document["accounts"]
        self.assertEqual(accounts["listed"], sum(accounts[name] for name in (
            "copied", "moved", "deleted", "skipped", "filtered", "failed", "same", "different", "missing",
            "not_attempted")))

    def test_removing_a_bucket_with_its_contents_is_told_when_it_is_gone(self):
        self.make_bucket("doomed", FILES)
        document = self.haul("rb", "--force", "--json", "s3://doomed").json
        self.assertEqual((document["status"], document["accounts"]["deleted"]), ("COMPLETED", len(FILES)))
        self.make_bucket("stays", FILES)
        self.fake.faults({"match": {"operation": "DeleteBucket"}, "count": 0, "action": {"type": "access-denied"}})
        document = self.haul("rb", "--force", "--json", "s3://stays", code=3).json
        self.assertEqual((document["status"], document["error"]["code"]), ("FAILED", "AccessDenied"))

    def test_a_run_that_is_watched_writes_plain_lines_and_quiet_is_quiet(self):
        self.make_bucket("here", FILES)
        self.make_bucket("there")
        shown = self.haul("cp", "-r", "s3://here/", "s3://there/")
        self.assertNotIn("\x1b", shown.out + shown.err)
        self.assertRegex(shown.out + shown.err, r"\b4\b.*copied|copied.*\b4\b")
        quiet = self.haul("cp", "-r", "s3://here/", "s3://there/", "-q")
        self.assertEqual(quiet.out + quiet.err, "")

    def test_a_log_in_json_has_an_object_a_line(self):
        self.make_bucket("here", FILES)
        log = self.folder / "log"
        self.haul("cp", "-r", "s3://here/", self.folder / "x", "--log-level", "debug", "--log-format", "json",
                  "--log-file", log)
        lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
        self.assertGreater(len(lines), 0)
        for line in lines:
            self.assertLessEqual({"time", "level"}, set(line))

    def test_bytes_a_second_are_kept_below_a_limit(self):
        self.make_bucket("there")
        tree = harness.write_tree(self.folder / "tree", {f"{n}": b"x" * harness.MIB for n in range(8)})
        began = time.monotonic()
        self.haul("cp", "-r", tree, "s3://there/", "--bandwidth", "4MiB/s")
        self.assertGreater(time.monotonic() - began, 8 / 4 * 0.95 - 0.5)  # half a second's worth may go at once

    def test_terminal_controls_in_keys_never_reach_the_terminal(self):
        self.make_bucket("here", {"a\x1b[31mred\nnew line": b"x"})
        for command in (("ls", "-r", "s3://here/"), ("cp", "-r", "-v", "s3://here/", self.folder / "x"),
                        ("rm", "-r", "-n", "s3://here/")):
            result = self.haul(*command)
            self.assertNotIn("\x1b", result.out + result.err, command)

    def test_help_manual_and_completion(self):
        self.assertIn("sync", self.haul("help").out)
        self.assertEqual(self.haul("--help").out, self.haul("help").out)
        for command in ("ls", "cp", "sync", "check", "doctor"):
            self.assertIn("--json", self.haul("help", command).out)
            self.assertEqual(self.haul(command, "--help").out, self.haul("help", command).out)
        roff = self.haul("help", "--man").out
        page = subprocess.run(["man", "--warnings", "-l", "-"], input=roff, text=True, capture_output=True, check=True,
                              env={**self.environment, "MANPAGER": "cat", "MANWIDTH": "100", "TERM": "dumb"})
        self.assertEqual(page.stderr, "")
        self.assertIn("EXIT STATUS", page.stdout)
        script = self.haul("completion", "bash").out
        offered = subprocess.run(
            ["bash", "-c", 'eval "$1"; complete -p haul; COMP_WORDS=(haul sy); COMP_CWORD=1; COMP_LINE="haul sy"; '
                           'COMP_POINT=7; f=$(complete -p haul | sed "s/.*-F \\([^ ]*\\).*/\\1/"); $f haul sy haul; '
                           'echo "${COMPREPLY[@]}"', "_", script], text=True, capture_output=True, check=True)
        self.assertIn("sync", offered.stdout.splitlines()[-1])
        self.assertRegex(self.haul("version").out, r"\d+\.\d+\.\d+")
        self.assertTrue(re.match(r"\d+\.\d+", self.haul("version", "--json").json["version"]))


if __name__ == "__main__":
    harness.main()
