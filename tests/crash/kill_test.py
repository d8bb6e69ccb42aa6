"""kill -9 at moments left to chance, and Ctrl-C: the same command again ends as if undisturbed, and nothing is lost."""
import hashlib
import os
import random
import re
import signal
import subprocess
import time

import harness

OBJECTS = int(os.environ.get("HAUL_TEST_CRASH_OBJECTS", "2000"))
KILLS = int(os.environ.get("HAUL_TEST_KILLS", "50"))
SEED = int(os.environ.get("HAUL_TEST_SEED", "20260101"))
TEMPORARY = re.compile(r"\.haul-[^/]*\.tmp$")
PARTS = ("--part-size", "5MiB")


def files_of_a_tree():
    """Mostly small, a few that travel in parts."""
    def body(name, size):
        block = hashlib.sha256(name.encode()).digest()
        return (block * (size // len(block) + 1))[:size]

    chance = random.Random(SEED)
    files = {f"d{number % 17:02}/{number:05}.bin": body(str(number), chance.randrange(1, 3000))
             for number in range(OBJECTS)}
    files.update({f"large/{number}": body(f"large {number}", (9 << 20) + number) for number in range(4)})
    return files


class Disturbed(harness.FakeTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = files_of_a_tree()
        cls.md5 = {name: hashlib.md5(body).hexdigest() for name, body in cls.files.items()}
        cls.pick = random.Random(SEED)

    def setUp(self):
        super().setUp()
        self.source = harness.write_tree(self.folder / "tree", self.files)
        self.haste = 1.0

    def slow_down(self, microseconds=4000):
        """So that there is something to interrupt."""
        self.fake.control("PUT", "settings", {"latency-us": microseconds})

    def full_speed(self):
        self.fake.control("PUT", "settings", {"latency-us": 0})

    def time_of(self, *arguments):
        began = time.monotonic()
        self.haul(*arguments, "-q")
        return time.monotonic() - began

    def kill_within(self, seconds, *arguments):
        """Runs for a part of the time that chance chooses; whether it had to be killed."""
        process = self.start_haul(*arguments, "-q")
        try:
            process.wait(self.pick.uniform(0.01, seconds * self.haste))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True
        self.assertEqual(process.returncode, 0, str(process.result()))
        self.haste *= 0.8  # it is quicker than the run that was timed
        return False

    def whole(self, bucket, prefix=""):
        """The names in a bucket; fails unless every object is exactly what it is to be."""
        names = set()
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                name = entry["Key"].removeprefix(prefix)
                body = self.files[name]
                self.assertEqual(entry["Size"], len(body), f"{bucket}: {name} is not whole")
                if "-" in entry["ETag"]:  # came in parts
                    theirs = self.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                    self.assertTrue(theirs == body, f"{bucket}: {name} is not whole")
                else:
                    self.assertEqual(entry["ETag"].strip('"'), self.md5[name], f"{bucket}: {name} is not whole")
                names.add(name)
        return names

    def whole_on_disk(self, root):
        """The same for a directory; what is still being written has a temporary name."""
        names = set()
        for name, body in (harness.read_tree(root) if root.exists() else {}).items():
            if not TEMPORARY.search(name):
                self.assertTrue(body == self.files[name], f"{name} is not whole: {len(body)} bytes")
                names.add(name)
        return names

    def begin(self, empty, here=False):
        """Everything as before the first run."""
        self.full_speed()
        self.fake.control("POST", "reset")
        self.make_bucket(empty)
        if here:
            self.fill("here")
        self.slow_down()

    def fill(self, bucket):
        """By haul, which is quicker at it than the judge; the judge looks."""
        self.make_bucket(bucket)
        self.haul("cp", "-r", self.source, f"s3://{bucket}/", "--preserve", "none")
        self.assertEqual(self.whole(bucket), set(self.files))

    def uploads(self, bucket):
        return self.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


class Kill(Disturbed):
    def test_a_sync_up(self):
        tree = self.source
        command = ("sync", tree, "s3://there/x/", *PARTS)
        self.begin("there")
        whole_run = self.time_of(*command)
        kills, killed = 0, False
        for round_ in range(KILLS // 3):
            with self.subTest(round=round_, seed=SEED):
                if not killed or round_ % 4 == 0:  # from nothing; else on from where the last one was killed
                    self.begin("there")
                kills += (killed := self.kill_within(whole_run, *command))
                self.full_speed()
                self.whole("there", "x/")
                self.slow_down()
        self.assertGreater(kills, KILLS // 6, "hardly a run was killed: nothing is proved")
        self.full_speed()
        self.haul(*command)
        self.assertEqual(self.whole("there", "x/"), set(self.files))
        self.assertEqual(self.haul(*command, "--json").accounts["copied"], 0)

    def test_a_copy_down(self):
        self.fill("here")
        self.slow_down()
        whole_run = self.time_of("cp", "-r", "s3://here/", self.folder / "timed", *PARTS)
        kills, killed, into = 0, False, None
        for round_ in range(KILLS // 3):
            with self.subTest(round=round_, seed=SEED):
                if not killed or round_ % 4 == 0:
                    into = self.folder / f"down-{round_}"
                command = ("cp", "-r", "s3://here/", into, *PARTS)
                kills += (killed := self.kill_within(whole_run, *command))
                self.whole_on_disk(into)
        self.assertGreater(kills, KILLS // 6, "hardly a run was killed: nothing is proved")
        self.full_speed()
        self.haul(*command)
        self.assertEqual(self.whole_on_disk(into), set(self.files))
        # What killed runs left behind has temporary names, which nothing takes for objects.
        again = self.haul("sync", into, "s3://here/", "--size-only", "--json").accounts
        self.assertEqual((again["listed"], again["copied"]), (len(self.files), 0))

    def test_a_move_between_buckets(self):
        command = ("mv", "-r", "s3://here/", "s3://there/x/", "--no-server-side", *PARTS)
        self.begin("there", here=True)
        whole_run, kills, killed = self.time_of(*command), 0, False
        for round_ in range(KILLS - 2 * (KILLS // 3)):
            with self.subTest(round=round_, seed=SEED):
                if not killed or round_ % 4 == 0:
                    self.begin("there", here=True)
                kills += (killed := self.kill_within(whole_run, *command))
                self.full_speed()
                self.assertEqual(self.whole("here") | self.whole("there", "x/"), set(self.files), "an object is nowhere")
                self.slow_down()
        self.assertGreater(kills, KILLS // 6, "hardly a run was killed: nothing is proved")
        self.full_speed()
        self.haul(*command)
        self.assertEqual((self.whole("here"), self.whole("there", "x/")), (set(), set(self.files)))


class Interrupt(Disturbed):
    def started(self, *arguments, operations):
        """haul, with some of these operations done already."""
        process = self.start_haul(*arguments)
        for _ in range(2000):
            counted = self.fake.operations()
            if all(counted.get(name, 0) >= least for name, least in operations.items()):
                return process
            self.assertIsNone(process.poll(), "it ended before it could be interrupted")
            time.sleep(0.005)
        self.fail(f"never came so far: {self.fake.operations()}")

    def test_once_it_shows_its_accounts_and_leaves_nothing_half_done(self):
        tree = self.source
        self.make_bucket("there")
        self.slow_down(20000)
        process = self.started("sync", tree, "s3://there/x/", "--json", *PARTS,
                               operations={"PutObject": 100, "UploadPart": 1})
        process.send_signal(signal.SIGINT)
        result = process.result(60)
        self.assertEqual(result.code, 130, str(result))
        accounts = result.accounts
        self.full_speed()
        there = self.whole("there", "x/")
        self.assertEqual(accounts["copied"], len(there))
        self.assertLess(len(there), len(self.files))
        self.assertEqual(self.uploads("there"), [])

    def test_once_on_the_way_down_no_half_file_is_left(self):
        self.fill("here")
        self.slow_down(20000)
        process = self.started("cp", "-r", "s3://here/", self.folder / "down", *PARTS, operations={"GetObject": 100})
        process.send_signal(signal.SIGINT)
        result = process.result(60)
        self.assertEqual(result.code, 130, str(result))
        self.assertRegex(result.out + result.err, r"\bcopied\b")
        self.assertEqual(self.whole_on_disk(self.folder / "down"), set(harness.facts_of_tree(self.folder / "down")))

    def test_twice_it_stops_at_once(self):
        self.fill("here")
        self.slow_down(20000)
        self.fake.control("POST", "reset-stats")
        process = self.started("cp", "-r", "s3://here/", self.folder / "down", operations={"GetObject": 100})
        self.slow_down(10_000_000)  # whatever comes now takes long
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        result = process.result(30)
        self.assertEqual(result.code, 130, str(result))
        self.assertLess(time.monotonic() - began, 2, "a second interrupt is to end it at once")


if __name__ == "__main__":
    harness.main()
