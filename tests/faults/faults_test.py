"""Faults on the wire, each by itself: a run ends right or in a clear failure, loses nothing, and never hangs."""
import datetime
import hashlib
import os
import time
import types
import unittest.mock

import harness  # first: it says how botocore signs

import botocore.auth

SMALL = {f"in/{number:02}.txt": f"body of {number}".encode() * (1 + number * 7) for number in range(40)}
LARGE = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range((12 << 20) // 32))
PARTS = ("--part-size", "5MiB")
READS = ["GetObject"]
WRITES = ["PutObject"]
COPIES = ["CopyObject"]
DELETES = ["DeleteObject*"]
LISTS = ["ListObjectsV2"]


def rule(action, operation=None, **named):
    """One rule for the fake: strikes these operations with this action (a name, or a document)."""
    action = {"type": action} if isinstance(action, str) else action
    match = named.pop("match", {})
    if operation:
        match["operation"] = operation
    return {"match": match, "action": action, **named}


class Faults(harness.FakeTest):
    """Ways to move things: each sets the scene, brings the fault in, runs, and looks at what is there."""

    def begin(self, *rules):
        self.fake.control("POST", "reset-stats")
        self.fake.faults(*rules)

    def run_haul(self, *arguments, code=0):
        return self.haul(*arguments, "--json", code=code, timeout=120)

    def struck(self):
        """How often each rule has struck; a test whose fault never came proves nothing."""
        return [entry["struck"] for entry in self.fake.stats()["rules"]]

    def expect_struck(self):
        self.assertTrue(all(self.struck()), f"a fault never struck: {self.struck()}")
        self.fake.control("DELETE", "faults")

    def scene(self, files=None):
        """A tree and a bucket with the same files, and an empty bucket; everything before is forgotten."""
        self.fake.control("DELETE", "faults")
        self.fake.control("POST", "reset")
        self.number = getattr(self, "number", 0) + 1
        self.files = SMALL if files is None else files
        self.tree = harness.write_tree(self.folder / f"tree-{self.number}", self.files)
        self.make_bucket("here", self.files)
        self.make_bucket("there")
        self.back = self.folder / f"back-{self.number}"

    def up(self, *rules, options=(), files=None):
        self.scene(files)
        self.begin(*rules)
        result = self.run_haul("cp", "-r", self.tree, "s3://there/x/", *options)
        self.expect_struck()
        self.assertEqual(self.contents("there"), {f"x/{key}": body for key, body in self.files.items()})
        self.assertEqual(result.accounts["copied"], len(self.files))
        self.assertEqual(result.accounts["failed"], 0)

    def down(self, *rules, options=(), files=None):
        self.scene(files)
        self.begin(*rules)
        result = self.run_haul("cp", "-r", "s3://here/", self.back, *options)
        self.expect_struck()
        self.assertEqual(harness.read_tree(self.back), self.files)
        self.assertEqual(result.accounts["copied"], len(self.files))
        self.assertEqual(result.accounts["failed"], 0)

    def copy(self, *rules, options=(), files=None):
        self.scene(files)
        self.begin(*rules)
        result = self.run_haul("cp", "-r", "s3://here/", "s3://there/x/", *options)
        self.expect_struck()
        self.assertEqual(self.contents("there"), {f"x/{key}": body for key, body in self.files.items()})
        self.assertEqual(self.contents("here"), self.files)
        self.assertEqual(result.accounts["copied"], len(self.files))

    def mv(self, *rules, options=(), files=None):
        self.scene(files)
        self.begin(*rules)
        result = self.run_haul("mv", "-r", "s3://here/", "s3://there/x/", *options)
        self.expect_struck()
        self.assertEqual(self.contents("there"), {f"x/{key}": body for key, body in self.files.items()})
        self.assertEqual(self.contents("here"), {})
        self.assertEqual(result.accounts["moved"], len(self.files))

    def rm(self, *rules, options=()):
        self.scene()
        self.begin(*rules)
        result = self.run_haul("rm", "-r", "s3://here/in/", *options)
        self.expect_struck()
        self.assertEqual(self.contents("here"), {})
        self.assertEqual(result.accounts["deleted"], len(self.files))

    def sync(self, *rules, options=()):
        """Up, with something to copy, something unchanged, and two extra objects to delete."""
        self.scene()
        self.haul("sync", self.tree, "s3://there/x/")
        for number in range(2):
            self.s3.put_object(Bucket="there", Key=f"x/extra-{number}", Body=b"extra")
        for path in sorted(self.files)[:5]:
            (self.tree / path).write_bytes(b"changed " + path.encode())
        self.begin(*rules)
        result = self.run_haul("sync", "--delete", self.tree, "s3://there/x/", *options)
        self.expect_struck()
        self.assertEqual(self.contents("there"),
                         {f"x/{key}": body for key, body in harness.read_tree(self.tree).items()})
        self.assertEqual((result.accounts["copied"], result.accounts["extra_deleted"]), (5, 2))

    def everywhere(self, action, **named):
        """The same fault on the main operation of each way."""
        for way, operation in ((self.up, WRITES), (self.down, READS), (self.copy, COPIES), (self.mv, COPIES),
                               (self.mv, DELETES), (self.rm, DELETES), (self.sync, LISTS), (self.sync, WRITES),
                               (self.sync, DELETES)):
            with self.subTest(way=way.__name__, operation=operation):
                # Few deletions are needed for many objects: the first has to be struck.
                some = {**named, **({"count": 1, "every": 1} if operation in (DELETES, LISTS) else {})}
                way(rule(action, operation, **some))


class TheServerRefuses(Faults):
    def test_bursts_of_slow_down_are_waited_out(self):
        self.everywhere("slow-down", every=2, count=12)

    def test_internal_errors_are_tried_again(self):
        self.everywhere("error", every=3, count=12)

    def test_what_retry_after_asks_for_is_waited(self):
        for way, operation in ((self.up, WRITES), (self.down, READS), (self.copy, COPIES), (self.sync, LISTS)):
            with self.subTest(way=way.__name__):
                began = time.monotonic()
                way(rule({"type": "slow-down", "headers": {"Retry-After": "1"}}, operation))
                self.assertGreaterEqual(time.monotonic() - began, 1.0)

    def test_an_error_inside_200_is_an_error(self):
        self.copy(rule("error-in-200", COPIES, count=3))
        self.mv(rule("error-in-200", COPIES, count=3))
        self.up(rule("error-in-200", ["CompleteMultipartUpload"]), files={"large": LARGE}, options=PARTS)

    def test_an_error_inside_200_that_lasts_is_a_failure_and_moves_nothing(self):
        self.scene()
        self.begin(rule({"type": "error-in-200", "code": "AccessDenied"}, COPIES, count=0,
                        match={"key": "x/in/0*"}))
        result = self.run_haul("mv", "-r", "s3://here/", "s3://there/x/", code=1)
        self.expect_struck()
        refused = {key: body for key, body in SMALL.items() if key.startswith("in/0")}
        self.assertEqual(self.contents("here"), refused)
        self.assertEqual(self.contents("there"), {f"x/{key}": SMALL[key] for key in SMALL if key not in refused})
        self.assertEqual(result.accounts["failed"], len(refused))
        self.assertIn("AccessDenied", result.out + result.err)

    def test_what_may_not_be_read_fails_by_name_and_the_rest_goes_on(self):
        self.scene()
        self.begin(rule("access-denied", READS, count=0, match={"key": "in/07.txt"}))
        result = self.run_haul("cp", "-r", "s3://here/", self.back, code=1)
        self.expect_struck()
        self.assertEqual(harness.read_tree(self.back), {key: SMALL[key] for key in SMALL if key != "in/07.txt"})
        self.assertEqual((result.accounts["copied"], result.accounts["failed"]), (39, 1))
        self.assertIn("in/07.txt", result.out + result.err)
        self.assertIn("AccessDenied", result.out + result.err)

    def test_a_source_stays_when_it_cannot_be_deleted(self):
        self.scene()
        self.begin(rule("access-denied", DELETES, count=0))
        result = self.run_haul("mv", "-r", "s3://here/", "s3://there/x/", code=1)
        self.expect_struck()
        self.assertEqual(self.contents("here"), SMALL)
        self.assertEqual(self.contents("there"), {f"x/{key}": body for key, body in SMALL.items()})
        self.assertEqual((result.accounts["moved"], result.accounts["failed"]), (0, len(SMALL)))

    def test_who_may_not_delete_many_at_once_deletes_one_by_one(self):
        self.rm(rule("access-denied", ["DeleteObjects"], count=0))
        self.mv(rule("access-denied", ["DeleteObjects"], count=0))

    def test_another_region_is_found(self):
        for way, operation in ((self.up, WRITES), (self.down, READS), (self.copy, COPIES), (self.rm, DELETES),
                               (self.sync, LISTS)):
            with self.subTest(way=way.__name__):
                way(rule("redirect", operation))

    def test_a_clock_that_is_said_to_be_off_is_corrected(self):
        for way, operation in ((self.up, WRITES), (self.down, READS), (self.copy, COPIES), (self.sync, LISTS)):
            with self.subTest(way=way.__name__):
                way(rule("skewed", operation))

    def test_create_only_leaves_what_somebody_else_wrote(self):
        self.scene()
        for key in ("x/in/03.txt", "x/in/04.txt"):
            self.s3.put_object(Bucket="there", Key=key, Body=b"theirs")
        result = self.run_haul("cp", "-r", "--overwrite", "never", self.tree, "s3://there/x/")
        there = self.contents("there")
        self.assertEqual({there[key] for key in ("x/in/03.txt", "x/in/04.txt")}, {b"theirs"})
        self.assertEqual((result.accounts["copied"], result.accounts["skipped"]), (38, 2))

    def test_create_only_that_loses_the_race_is_skipped(self):
        self.scene()
        self.begin(rule("precondition-failed", WRITES, match={"header": "if-none-match: *"}, count=3))
        result = self.run_haul("cp", "-r", "--overwrite", "never", self.tree, "s3://there/x/")
        self.expect_struck()
        self.assertEqual((result.accounts["copied"], result.accounts["skipped"]), (37, 3))


class TheConnectionBreaks(Faults):
    def test_a_reset_within_an_answer(self):
        self.down(rule({"type": "reset", "bytes": 5}, READS, every=4, count=8))
        self.down(rule({"type": "reset", "bytes": 100000}, READS, count=3), files={"large": LARGE}, options=PARTS)

    def test_a_reset_within_a_request(self):
        self.up(rule({"type": "reset", "request-bytes": 5}, WRITES, every=4, count=8))
        self.up(rule({"type": "reset", "request-bytes": 100000}, ["UploadPart"], count=3), files={"large": LARGE},
                options=PARTS)

    def test_a_body_that_ends_early(self):
        self.down(rule({"type": "short", "bytes": 5}, READS, every=4, count=8))
        self.down(rule({"type": "short", "bytes": 100000}, READS, count=3), files={"large": LARGE}, options=PARTS)

    def test_silence_before_an_answer(self):
        stall = {"type": "stall", "ms": 60000}
        for way, operation in ((self.up, WRITES), (self.down, READS), (self.copy, COPIES), (self.rm, DELETES)):
            with self.subTest(way=way.__name__):
                way(rule(stall, operation), options=("--timeout", "700ms"))

    def test_silence_within_a_body(self):
        stall = {"type": "stall", "ms": 60000, "bytes": 5}
        self.down(rule(stall, READS), options=("--timeout", "700ms"))
        self.sync(rule({**stall, "bytes": 100}, LISTS), options=("--timeout", "700ms"))

    def test_no_answer_at_all(self):
        self.everywhere("close", every=4, count=8)

    def test_an_answer_that_was_lost_after_the_work_was_done(self):
        self.everywhere({"type": "close", "apply": True}, every=4, count=8)

    def test_an_upload_that_was_completed_and_nobody_heard(self):
        self.up(rule({"type": "close", "apply": True}, ["CompleteMultipartUpload"]), files={"large": LARGE},
                options=PARTS)
        # The retry itself is answered with NoSuchUpload, whatever the server still knows.
        self.up(rule({"type": "close", "apply": True}, ["CompleteMultipartUpload"]),
                rule("no-such-upload", ["CompleteMultipartUpload"]), files={"large": LARGE}, options=PARTS)
        self.up(rule({"type": "error", "apply": True}, ["CompleteMultipartUpload"]), files={"large": LARGE},
                options=PARTS)

    def test_an_upload_that_vanished_is_begun_anew(self):
        for operation in ("UploadPart", "CompleteMultipartUpload"):
            self.up(rule("no-such-upload", [operation]), files={"large": LARGE}, options=PARTS)
            self.assertEqual(self.fake.operations()["CreateMultipartUpload"], 2, operation)

    def test_an_upload_that_vanished_is_no_success(self):
        self.scene({"large": LARGE})
        self.begin(rule("no-such-upload", ["CompleteMultipartUpload"], count=0))
        result = self.haul("cp", "-r", self.tree, "s3://there/x/", "--json", *PARTS, code=None, timeout=180)
        self.expect_struck()
        if result.code == 0:  # started over until it went through, or was found complete
            self.assertEqual(self.contents("there"), {"x/large": LARGE})
        else:
            self.assertEqual(result.code, 1, str(result))
            self.assertEqual(self.contents("there"), {})


class BytesAreNotWhatTheyWere(Faults):
    def test_a_body_that_was_altered_on_its_way_down_is_fetched_again(self):
        self.down(rule({"type": "corrupt", "at": 3}, READS, every=5, count=5))
        self.down(rule({"type": "corrupt", "at": 3 << 20}, READS), files={"large": LARGE}, options=PARTS)

    def test_a_body_that_is_always_altered_never_gets_its_name(self):
        self.scene()
        self.begin(rule({"type": "corrupt", "at": 3}, READS, count=0, match={"key": "in/11.txt"}))
        result = self.run_haul("cp", "-r", "s3://here/", self.back, code=1)
        self.expect_struck()
        self.assertEqual(harness.read_tree(self.back), {key: SMALL[key] for key in SMALL if key != "in/11.txt"})
        self.assertEqual(result.accounts["failed"], 1)

    def test_a_move_keeps_the_source_of_what_did_not_arrive_whole(self):
        self.scene()
        self.begin(rule({"type": "corrupt", "at": 3}, READS, count=0, match={"key": "in/11.txt"}))
        self.run_haul("mv", "-r", "s3://here/", self.back, code=1)
        self.expect_struck()
        self.assertEqual(self.contents("here"), {"in/11.txt": SMALL["in/11.txt"]})
        self.assertEqual(harness.read_tree(self.back), {key: SMALL[key] for key in SMALL if key != "in/11.txt"})

    def test_a_server_that_stored_something_else_is_found_out(self):
        self.scene()
        self.begin(rule("checksum", WRITES, count=0, match={"key": "x/in/11.txt"}))
        result = self.run_haul("mv", "-r", self.tree, "s3://there/x/", code=1)
        self.expect_struck()
        self.assertEqual(result.accounts["failed"], 1)
        self.assertEqual(harness.read_tree(self.tree), {"in/11.txt": SMALL["in/11.txt"]})
        self.assertEqual({key: body for key, body in self.contents("there").items() if key != "x/in/11.txt"},
                         {f"x/{key}": SMALL[key] for key in SMALL if key != "in/11.txt"})

    def test_a_large_object_whose_checksum_differs_is_found_out(self):
        self.scene({"large": LARGE})
        self.begin(rule("checksum", ["CompleteMultipartUpload"], count=0))
        self.run_haul("mv", "-r", self.tree, "s3://there/x/", *PARTS, code=1)
        self.expect_struck()
        self.assertEqual(harness.read_tree(self.tree), {"large": LARGE})


class ListingsGoWrong(Faults):
    """Of a bucket with three pages of keys, and their copy."""

    KEYS = 3000

    def numbered(self):
        self.scene({})
        self.s3.create_bucket(Bucket="many")

    def test_a_page_that_was_cut_off_is_asked_for_again(self):
        self.down(rule("cut-xml", LISTS))
        self.numbered()
        self.begin(rule("cut-xml", LISTS, skip=1))
        result = self.run_haul("cp", "-r", "s3://bench-n3000-s10/", "s3://there/")
        self.expect_struck()
        self.assertEqual(result.accounts["copied"], self.KEYS)

    def test_a_page_that_repeats_a_key_counts_it_once_or_says_so(self):
        self.numbered()
        self.begin(rule("repeat-key", LISTS, skip=1))
        result = self.haul("cp", "-r", "s3://bench-n3000-s10/", "s3://there/", "--json", code=None, timeout=120)
        self.expect_struck()
        if result.code == 0:
            self.assertEqual((result.accounts["listed"], result.accounts["copied"]), (self.KEYS, self.KEYS))
            self.assertEqual(len(harness.list_bucket(self.s3, "there")), self.KEYS)
        else:
            self.assertIn(result.code, (1, 3), str(result))

    def test_a_listing_without_end_is_a_failure(self):
        self.numbered()
        self.begin(rule("endless-token", LISTS, count=0))
        for command in (("cp", "-r", "s3://bench-n3000-s10/", "s3://there/"), ("du", "s3://bench-n3000-s10/")):
            with self.subTest(command=command[0]):
                result = self.haul(*command, "--json", code=None, timeout=120)
                self.assertIn(result.code, (1, 3), str(result))
                self.assertIn("list", (result.out + result.err).lower())
        self.expect_struck()

    def test_nothing_is_deleted_when_a_listing_fails(self):
        source_fails = rule("access-denied", LISTS, count=0, skip=1, match={"bucket": "bench-*"})
        destination_fails = rule("access-denied", LISTS, count=0, skip=1, match={"bucket": "there"})
        for name, fault in (("source", source_fails), ("destination", destination_fails)):
            with self.subTest(side=name):
                self.numbered()
                self.haul("sync", "s3://bench-n3000-s10/", "s3://there/")
                for number in range(10):
                    self.s3.put_object(Bucket="there", Key=f"extra-{number}", Body=b"extra")
                before = harness.list_bucket(self.s3, "there")
                self.begin(fault)
                result = self.haul("sync", "--delete", "s3://bench-n3000-s10/", "s3://there/", "--json", code=None,
                                   timeout=120)
                self.expect_struck()
                self.assertIn(result.code, (1, 3), str(result))
                self.assertEqual(harness.list_bucket(self.s3, "there"), before)

    def test_a_listing_that_seems_to_end_early_because_it_was_cut_deletes_nothing(self):
        self.numbered()
        self.haul("sync", "s3://bench-n3000-s10/", "s3://there/")
        before = harness.list_bucket(self.s3, "there")
        self.begin(rule("cut-xml", LISTS, count=0, match={"bucket": "bench-*"}, skip=1))
        result = self.haul("sync", "--delete", "s3://bench-n3000-s10/", "s3://there/", "--json", code=None,
                           timeout=180)
        self.expect_struck()
        self.assertIn(result.code, (1, 3), str(result))
        self.assertEqual(harness.list_bucket(self.s3, "there"), before)


class RequestsAreCounted(Faults):
    """What a run costs, in requests; the server counts."""

    def costs(self, *arguments):
        self.fake.control("POST", "reset-stats")
        self.run_haul(*arguments)
        counted = self.fake.operations()
        self.assertLessEqual(counted.pop("HeadBucket", 0), 1, "a run may look once whether its bucket is there")
        return counted

    def assert_copies(self, counted, objects, **others):
        """Of a service that is not Amazon's, one copy finds out which conditions it heeds: two requests more a run."""
        self.assertLessEqual(counted.pop("HeadObject", 0), 1)
        self.assertIn(counted.pop("CopyObject"), (objects, objects + 1))
        self.assertEqual(counted, others)

    def test_a_copy_is_one_request_an_object_and_one_a_page(self):
        self.s3.create_bucket(Bucket="there")
        self.assert_copies(self.costs("cp", "-r", "s3://bench-n2500-s10/", "s3://there/"), 2500, ListObjectsV2=3)

    def test_an_upload_is_one_request_an_object(self):
        self.scene()
        self.assertEqual(self.costs("cp", "-r", self.tree, "s3://there/x/"), {"PutObject": len(SMALL)})

    def test_a_download_is_one_request_an_object_and_one_a_page(self):
        self.assertEqual(self.costs("cp", "-r", "s3://bench-n2500-s10/", self.folder / "down"),
                         {"ListObjectsV2": 3, "GetObject": 2500})

    def test_a_large_object_is_one_request_a_part_and_few_around_them(self):
        self.make_bucket("there")
        tree = harness.write_tree(self.folder / "large", {"20-mib": bytes(range(256)) * (20 << 12)})
        self.assertEqual(self.costs("cp", "-r", tree, "s3://there/x/"),
                         {"CreateMultipartUpload": 1, "UploadPart": 3 + 1, "CompleteMultipartUpload": 1},
                         "three parts, and the one of a few bytes that shows whether the server takes trailers")
        self.assertEqual(self.costs("cp", "-r", "s3://there/x/", self.folder / "down"),
                         {"ListObjectsV2": 1, "HeadObject": 1, "GetObject": 3})

    def test_as_many_are_in_flight_as_are_allowed_and_no_more(self):
        self.make_bucket("there")
        tree = harness.write_tree(self.folder / "three-hundred", {f"f{i:03}": b"content" for i in range(300)})
        self.fake.control("PUT", "settings", {"latency-us": 20_000})
        for source, target in ((tree, "s3://there/up/"), ("s3://bench-n300-s10/", self.folder / "down"),
                               ("s3://bench-n300-s10/", "s3://there/copied/")):
            for most in (1, 8):
                with self.subTest(source=source, target=target, most=most):
                    self.costs("cp", "-r", source, target, "--concurrency", most)
                    self.assertEqual(self.fake.stats()["most_in_progress"], most)

    def test_a_sync_of_one_change_is_listings_and_that_one(self):
        self.make_bucket("there")
        tree = harness.write_tree(self.folder / "hundred", {f"f{i:03}": b"content %d" % i for i in range(100)})
        self.haul("sync", tree, "s3://there/x/")
        (tree / "f050").write_bytes(b"another content")
        self.assertEqual(self.costs("sync", tree, "s3://there/x/", "--size-only"), {"ListObjectsV2": 1, "PutObject": 1})

    def test_a_sync_of_what_is_unchanged_is_listings_alone(self):
        self.scene()
        for path in SMALL:  # what changed within the last seconds might change once more without a trace
            os.utime(self.tree / path, (1_600_000_000, 1_600_000_000))
        time.sleep(2.5)  # that itself was a change, and nobody can set its time back
        self.haul("sync", self.tree, "s3://there/x/")
        self.assertEqual(self.costs("sync", self.tree, "s3://there/x/"), {"ListObjectsV2": 1})
        time.sleep(2.5)  # the clocks of two machines may differ by as much
        self.haul("sync", "s3://there/x/", self.back)
        self.assertEqual(self.costs("sync", "s3://there/x/", self.back), {"ListObjectsV2": 1})
        self.haul("sync", "s3://there/x/", "s3://there/y/")
        self.assertEqual(self.costs("sync", "s3://there/x/", "s3://there/y/"), {"ListObjectsV2": 2})

    def test_a_check_is_listings_alone(self):
        self.assertEqual(self.costs("check", "s3://bench-n2500-s10/", "s3://same-n2500-s10/"), {"ListObjectsV2": 6})

    def test_removing_is_one_request_a_thousand(self):
        self.s3.create_bucket(Bucket="there")
        self.haul("cp", "-r", "s3://bench-n2500-s10/", "s3://there/")
        self.assertEqual(self.costs("rm", "-r", "s3://there/"), {"ListObjectsV2": 3, "DeleteObjects": 3})

    def test_a_move_is_one_copy_an_object_and_one_deletion_a_thousand(self):
        self.make_bucket("here", SMALL)
        self.make_bucket("there")
        self.assert_copies(self.costs("mv", "-r", "s3://here/", "s3://there/"), len(SMALL), ListObjectsV2=1,
                           DeleteObjects=1)


class SignedAndStrict(harness.FakeTest):
    """A server that checks every signature, whose clock is an hour ahead, and that knows regions."""

    OPTIONS = ("--verify-signatures", "--skew", "3600", "--check-region")

    def setUp(self):
        super().setUp()
        # The judge knows what time it is there. botocore asks for the time in two ways, by its age.
        if hasattr(botocore.auth, "get_current_datetime"):
            now = botocore.auth.get_current_datetime
            ahead = unittest.mock.patch("botocore.auth.get_current_datetime",
                                        lambda *a, **k: now(*a, **k) + datetime.timedelta(hours=1))
        else:
            class Ahead(datetime.datetime):
                @classmethod
                def utcnow(cls):
                    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(hours=1)
            ahead = unittest.mock.patch("botocore.auth.datetime", types.SimpleNamespace(datetime=Ahead))
        ahead.start()
        self.addCleanup(ahead.stop)

    def test_an_hour_between_the_clocks_is_bridged(self):
        self.make_bucket("there")
        tree = harness.write_tree(self.folder / "tree", SMALL)
        self.haul("cp", "-r", tree, "s3://there/x/")
        self.assertEqual(self.contents("there", "x/"), {f"x/{key}": body for key, body in SMALL.items()})
        self.haul("cp", "-r", "s3://there/x/", self.folder / "back")
        self.assertEqual(harness.read_tree(self.folder / "back"), SMALL)

    def test_a_bucket_of_another_region_is_used_where_it_is(self):
        self.s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.make_bucket("near", SMALL)
        tree = harness.write_tree(self.folder / "tree", SMALL)
        self.haul("cp", "-r", tree, "s3://far/x/")
        self.haul("cp", "-r", "s3://far/x/", self.folder / "back")
        self.assertEqual(harness.read_tree(self.folder / "back"), SMALL)
        self.haul("cp", "-r", "s3://near/", "s3://far/y/")
        result = self.haul("check", "s3://near/", "s3://far/y/", "--json")
        self.assertEqual(result.accounts["same"], len(SMALL))


if __name__ == "__main__":
    harness.main()
