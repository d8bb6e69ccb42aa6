"""kill -9 at moments left to chance, and Ctrl-C: the same command again ends as if undisturbed, and nothing is lost."""
import hashlib
import json
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
        cls.pick = random.Random(SEED)

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
            process.wait(self.pick.uniform(0.01, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True
        self.assertEqual(process.returncode, 0, process.stderr.read())
        return False

    def assert_whole(self, found, expected, place):
        """Nothing but whole objects: a part of what is expected is there, each exactly so."""
        for name, body in found.items():
            self.assertIn(name, expected, f"{place}: nobody asked for {name}")
            self.assertTrue(body == expected[name], f"{place}: {name} is not whole: {len(body)} bytes")

    def uploads(self, bucket):
        return self.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


class Kill(Disturbed):
    def test_a_sync_up(self):
        tree = harness.write_tree(self.folder / "tree", self.files)
        command = ("sync", tree, "s3://there/x/", *PARTS)
        expected = {f"x/{path}": body for path, body in self.files.items()}
        self.make_bucket("there")
        self.slow_down()
        whole_run = self.time_of(*command)
        kills = 0
        for round_ in range(KILLS // 3):
            with self.subTest(round=round_, seed=SEED):
                if round_ % 4 == 0:  # from nothing; the other rounds go on where the one before was killed
                    self.full_speed()
                    harness.empty_and_remove(self.s3, "there")
                    self.make_bucket("there")
                    self.slow_down()
                kills += self.kill_within(whole_run, *command)
                self.full_speed()
                self.assert_whole(self.contents("there"), expected, "bucket")
                self.slow_down()
        self.assertGreater(kills, KILLS // 6, "hardly a run was killed: nothing is proved")
        self.full_speed()
        self.haul(*command)
        self.assertEqual(self.contents("there"), expected)
        self.assertEqual(self.haul(*command, "--json").accounts["copied"], 0)

    def test_a_copy_down(self):
        self.make_bucket("here", self.files)
        self.slow_down()
        whole_run = self.time_of("cp", "-r", "s3://here/", self.folder / "timed", *PARTS)
        kills, into = 0, None
        for round_ in range(KILLS // 3):
            with self.subTest(round=round_, seed=SEED):
                if round_ % 4 == 0:
                    into = self.folder / f"down-{round_}"
                command = ("cp", "-r", "s3://here/", into, *PARTS)
                kills += self.kill_within(whole_run, *command)
                found = harness.read_tree(into) if into.exists() else {}
                self.assert_whole({path: body for path, body in found.items() if not TEMPORARY.search(path)},
                                  self.files, "disk")
        self.assertGreater(kills, KILLS // 6, "hardly a run was killed: nothing is proved")
        self.full_speed()
        self.haul(*command)
        self.assertEqual(harness.read_tree(into), self.files)  # and so without a temporary file left over

    def test_a_move_between_buckets(self):
        self.slow_down()
        whole_run, kills = None, 0
        for round_ in range(KILLS - 2 * (KILLS // 3)):
            with self.subTest(round=round_, seed=SEED):
                command = ("mv", "-r", "s3://here/", "s3://there/x/", "--no-server-side", *PARTS)
                if whole_run is None or round_ % 4 == 0:
                    self.full_speed()
                    self.fake.control("POST", "reset")
                    self.make_bucket("here", self.files)
                    self.make_bucket("there")
                    self.slow_down()
                if whole_run is None:
                    whole_run = self.time_of(*command)
                    self.full_speed()
                    self.fake.control("POST", "reset")
                    self.make_bucket("here", self.files)
                    self.make_bucket("there")
                    self.slow_down()
                kills += self.kill_within(whole_run, *command)
                self.full_speed()
                here = self.contents("here")
                there = {key.removeprefix("x/"): body for key, body in self.contents("there").items()}
                self.slow_down()
                self.assert_whole(here, self.files, "source")
                self.assert_whole(there, self.files, "destination")
                self.assertEqual(set(here) | set(there), set(self.files), "an object is nowhere")
        self.assertGreater(kills, KILLS // 6, "hardly a run was killed: nothing is proved")
        self.full_speed()
        self.haul(*command)
        self.assertEqual(self.contents("here"), {})
        self.assertEqual({key.removeprefix("x/"): body for key, body in self.contents("there").items()}, self.files)


class Interrupt(Disturbed):
    def started(self, *arguments, operations):
        """haul, with some of these operations done already."""
        process = self.start_haul(*arguments)
        for _ in range(2000):
            counted = self.fake.operations()
            if all(counted.get(name, 0) >= least for name, least in operations.items()):
                return process
            self.assertIsNone(process.poll(), process.stderr and process.returncode)
            time.sleep(0.005)
        self.fail(f"never came so far: {self.fake.operations()}")

    def ended(self, process, within):
        out, err = process.communicate(timeout=within)
        return process.returncode, out, err

    def test_once_it_shows_its_accounts_and_leaves_nothing_half_done(self):
        tree = harness.write_tree(self.folder / "tree", self.files)
        self.make_bucket("there")
        self.slow_down(20000)
        process = self.started("sync", tree, "s3://there/x/", "--json", *PARTS,
                               operations={"PutObject": 100, "UploadPart": 1})
        process.send_signal(signal.SIGINT)
        code, out, err = self.ended(process, 60)
        self.assertEqual(code, 130, err)
        accounts = json.loads(out)["accounts"]
        self.full_speed()
        there = self.contents("there")
        self.assert_whole(there, {f"x/{path}": body for path, body in self.files.items()}, "bucket")
        self.assertEqual(accounts["copied"], len(there))
        self.assertLess(len(there), len(self.files))
        self.assertEqual(self.uploads("there"), [])

    def test_once_on_the_way_down_no_half_file_is_left(self):
        self.make_bucket("here", self.files)
        self.slow_down(20000)
        process = self.started("cp", "-r", "s3://here/", self.folder / "down", *PARTS, operations={"GetObject": 100})
        process.send_signal(signal.SIGINT)
        code, out, err = self.ended(process, 60)
        self.assertEqual(code, 130, err)
        self.assertRegex(out + err, r"\bcopied\b")
        self.assert_whole(harness.read_tree(self.folder / "down"), self.files, "disk")

    def test_twice_it_stops_at_once(self):
        self.make_bucket("here", self.files)
        self.slow_down(5000000)  # whatever is in flight takes long
        process = self.start_haul("cp", "-r", "s3://here/", self.folder / "down")
        for _ in range(2000):
            if self.fake.stats()["open_connections"] > 1:
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, _, err = self.ended(process, 30)
        self.assertEqual(code, 130, err)
        self.assertLess(time.monotonic() - began, 2, "a second interrupt is to end it at once")


if __name__ == "__main__":
    harness.main()
