"""A move that a catalogue follows, disturbed by all that happens: kill -9, servers that go and come, a full disk; it ends as if undisturbed."""
import os
import pathlib
import random
import subprocess
import time

import catalogues
import harness

ROWS = int(os.environ.get("HAUL_TEST_CRASH_OBJECTS", "2000"))
KILLS = int(os.environ.get("HAUL_TEST_MOVE_KILLS", "15"))
OUTAGES = int(os.environ.get("HAUL_TEST_OUTAGES", "3"))  # of the database, and of the S3 server
SEED = int(os.environ.get("HAUL_TEST_SEED", "20260101"))
STATE_BYTES = 96 << 20


class FakeService:
    """haul-fakes3, which answers nobody while it is away: what it holds would not survive its end."""

    latency = 8000  # so that there is something to disturb

    def __init__(self, test):
        self.fake = harness.Fake()
        test.addCleanup(self.fake.stop)
        self.account = self.fake.account()

    def away(self):
        self.fake.faults({"match": {}, "count": 0, "action": {"type": "close"}})

    def back(self):
        self.fake.control("DELETE", "faults")

    def slow_down(self):
        self.fake.control("PUT", "settings", {"latency-us": self.latency})

    def full_speed(self):
        self.back()
        self.fake.control("PUT", "settings", {"latency-us": 0})


class RealService:
    """radosgw, whose gateway is killed and started."""

    def __init__(self, _):
        self.account = harness.radosgw()[0]

    def away(self):
        harness.service("radosgw", "kill")

    def back(self):
        harness.service("radosgw", "up")

    def slow_down(self):
        """It is slow enough."""

    def full_speed(self):
        self.back()


class DurableMove(harness.HaulTest):
    def begin(self, service, kind, count=ROWS):
        self.pick = random.Random(SEED)
        self.service = service(self)
        self.use(self.service.account)
        s3 = self.service.account.client()
        self.addCleanup(s3.close)
        source, destination = self.bucket(self.service.account), self.bucket(self.service.account)
        catalogue = catalogues.KINDS[kind](self.folder)
        self.addCleanup(catalogue.drop)
        self.scene = catalogues.Scene(count, s3, source, destination, catalogue)
        self.scene.fill(self.haul, self.folder / "tree")
        self.scene.judge_before(self)
        self.state = self.folder / "state"
        self.state.mkdir(exist_ok=True)
        # Few at once and small chunks: every stage of some chunk is under way at any moment.
        self.job = self.scene.write_job(self.folder, options={"concurrency": 8}, chunks={"objects": 100})
        self.service.slow_down()

    def disk_of_state(self):
        """The state on a small disk of its own."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STATE_BYTES}", "haul-test-state", self.state], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.state], check=False)

    def start(self):
        return self.start_haul("run", self.job, "--state", self.state, "--resume", "--json")

    def ended(self, process):
        return process.poll() is not None and process.returncode in (0, 1)

    # Each disturbance gives the process that goes on afterwards.
    def kill(self, process):
        if process.poll() is None:
            process.kill()
            process.wait()
            self.struck["kill"] += 1
        return process if self.ended(process) else self.start()

    def outage(self, what, away, back, process):
        away()
        self.struck[what] += 1
        time.sleep(self.pick.uniform(0.05, 0.8))
        back()
        return process

    def database(self, process):
        return self.outage("database", self.scene.catalogue.kill, self.scene.catalogue.start, process)

    def storage(self, process):
        return self.outage("storage", self.service.away, self.service.back, process)

    def disk(self, process):
        """Full until the process has noticed."""
        filler = self.state / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65536))
            except OSError:
                pass
        try:
            result = process.result(120)
        finally:
            filler.unlink()
        self.assertNotIn(result.code, (0, 1), f"it took no notice of a full disk: {result}")
        self.assertRegex(result.out + result.err, "(?i)full|space|exhausted")
        self.struck["disk"] += 1
        return self.start()

    def disturb(self, *disturbances):
        """Runs the job under these, in an order that chance chooses; gives the result of the process that ended it."""
        self.struck = dict.fromkeys(("kill", "database", "storage", "disk"), 0)
        disturbances = list(disturbances)
        self.pick.shuffle(disturbances)
        sampler = catalogues.Sampler(self.scene)
        self.addCleanup(sampler.end)
        sampler.start()
        process = self.start()
        for disturbance in disturbances:
            deadline = time.monotonic() + self.pick.uniform(0.05, 0.7)
            while time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.005)
            if self.ended(process):
                break
            if process.poll() is not None:  # ended of itself, with a server or the disk away
                self.restarts.append(str(process.result()))
                process = self.start()
            process = disturbance(process)
        self.service.full_speed()
        for _ in range(5):
            result = process.result(900)
            if self.ended(process):
                break
            self.restarts.append(str(result))
            process = self.start()
        self.assertEqual(sampler.end(), [], "a row named an object that was not there")
        self.assertEqual(result.code, 1, str(result))  # rows without object have failed, and nothing else
        print(f"seed {SEED}: struck {self.struck}, went away by itself {len(self.restarts)} times, "
              f"{sampler.looked} rows looked at meanwhile", flush=True)
        self.assertGreater(sampler.looked, 0)
        return result

    def setUp(self):
        super().setUp()
        self.restarts = []

    def judge(self, result):
        try:
            self.scene.judge(self)
            self.scene.judge_accounts(self, result.accounts)
        except AssertionError:
            print("\n".join(self.restarts), result, sep="\n", flush=True)
            raise

    def killed(self, service, kind, count=ROWS):
        self.begin(service, kind, count)
        result = self.disturb(*[self.kill] * KILLS)
        self.assertGreater(self.struck["kill"], KILLS // 2, "hardly a run was killed: nothing is proved")
        self.judge(result)

    def test_it_is_killed_with_sqlite(self):
        self.killed(FakeService, "sqlite")

    def test_it_is_killed_with_mariadb(self):
        self.killed(FakeService, "mariadb")

    def test_it_is_killed_with_postgresql(self):
        self.killed(FakeService, "postgres")

    def test_the_database_goes_and_comes(self):
        for kind in ("mariadb", "postgres"):
            with self.subTest(kind):
                self.begin(FakeService, kind)
                result = self.disturb(*[self.database] * OUTAGES)
                self.assertGreater(self.struck["database"], 0)
                self.judge(result)

    def test_the_storage_goes_and_comes(self):
        self.begin(FakeService, "sqlite")
        result = self.disturb(*[self.storage] * OUTAGES)
        self.assertGreater(self.struck["storage"], 0)
        self.judge(result)

    def test_the_disk_of_the_state_is_full(self):
        self.begin(FakeService, "sqlite")
        self.disk_of_state()
        result = self.disturb(self.disk)
        self.assertEqual(self.struck["disk"], 1)
        self.judge(result)

    def everything(self, service):
        self.begin(service, "mariadb", 2 * ROWS)
        self.disk_of_state()
        result = self.disturb(self.disk, *[self.kill] * KILLS, *[self.database] * OUTAGES, *[self.storage] * OUTAGES)
        self.assertGreater(sum(self.struck.values()), KILLS // 2, self.struck)
        self.judge(result)

    def test_everything_happens_to_it(self):
        self.everything(FakeService)

    def test_everything_happens_to_it_with_a_real_service(self):
        self.everything(RealService)


if __name__ == "__main__":
    harness.main()
