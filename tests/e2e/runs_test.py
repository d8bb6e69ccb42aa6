"""Durable runs from a second terminal: looked at, watched, paused, gone on with, ended, approved, retried, undone."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import harness

COUNT = 300
SLOW_US = 400_000
QUESTION = 1  # copy that cannot succeed, by which each process learns whether the service heeds conditions


class RunsTest(harness.FakeTest):
    def setUp(self):
        super().setUp()
        self.environment["HAUL_STATE"] = str(self.folder / "state")

    def job(self, operation="move", more="", name="images"):
        path = self.folder / f"{name}.yaml"
        path.write_text(f"name: {name}\noperation: {operation}\nsource: s3://here/image/\n"
                        f"destination: s3://there/avatar/\nchunks: {{objects: 20}}\n"
                        f"options: {{concurrency: 8}}\n{more}", encoding="utf-8")
        return path

    def fill(self, count=COUNT):
        self.make_bucket("here", {f"image/{n:03}.jpg": b"%03d" % n for n in range(count)})
        self.make_bucket("there")

    def slow(self, microseconds=SLOW_US):
        self.fake.control("PUT", "settings", {"latency-us": microseconds})

    def status(self, run="images"):
        return self.haul("status", run, "--json").json

    def wait_for(self, condition, run="images"):
        """The first status that meets the condition."""
        for _ in range(600):
            found = self.haul("status", run, "--json", code=None)
            if found.code == 0 and condition(found.json):
                return found.json
            time.sleep(0.1)
        raise AssertionError(f"never came: {found}")

    def start_run(self, job=None):
        """A slow run that has moved some objects, and the process that works on it."""
        self.fill()
        self.slow()
        process = self.start_haul("run", job or self.job())
        self.wait_for(lambda status: status["accounts"]["moved"] + status["accounts"]["copied"] > 0)
        return process

    def moved(self, count=COUNT):
        """Everything has come to where it belongs, and nothing is left or lost."""
        self.assertEqual(set(harness.list_bucket(self.s3, "here")), set())
        self.assertEqual(self.contents("there"), {f"avatar/{n:03}.jpg": b"%03d" % n for n in range(count)})


class FromASecondTerminal(RunsTest):
    def test_status_and_runs_tell_of_a_run_that_goes_on(self):
        self.start_run()
        status = self.status()
        self.assertIn(status["status"], ("DISCOVERING", "PROCESSING"))
        self.assertTrue(status["alive"])
        self.assertEqual(status["accounts"]["listed"], sum(
            status["accounts"][name] for name in ("moved", "failed", "skipped", "filtered")) + status["to_do"])
        self.assertGreater(status["rate"]["objects_per_second"], 0)
        self.assertGreater(status["chunks"]["leased"], 0)
        text = self.haul("status", status["run"][:13]).out
        for words in ("images, move", " listed = ", "to do", "chunks", "in work", f"process   {status['process']['pid']} on"):
            self.assertIn(words, text)
        table = self.haul("runs").out.splitlines()
        self.assertEqual(len(table), 2)
        self.assertRegex(table[1], rf"^{status['run'][:13]}\s+(PROCESSING|DISCOVERING)\s.*\simages$")
        self.assertTrue(all(len(line) <= 80 for line in table))
        self.assertEqual(self.haul("runs", "--job", "others").out, "no runs\n")
        self.assertEqual(self.haul("runs", "--status", "paused", "--json").out, "")

    def test_pause_and_resume(self):
        process = self.start_run()
        paused = self.haul("pause", "images", "--json").json
        self.assertEqual((paused["status"], paused["obeyed"]), ("PAUSED", True))
        self.assertGreater(paused["to_do"], 0)
        refused = self.haul("pause", "images", code=3).err
        self.assertIn("it is PAUSED", refused)
        self.assertIn("haul resume " + paused["run"][:13], refused)
        self.assertIn("haul resume", self.haul("status", "images").out)
        time.sleep(1)
        self.assertEqual(self.status()["to_do"], paused["to_do"])
        self.slow(0)
        resumed = self.haul("resume", "images", "--json").json
        self.assertEqual((resumed["obeyed"], resumed["run"]), (True, paused["run"]))
        self.assertEqual(process.result(60).code, 0)
        self.moved()
        self.assertEqual(self.fake.operations()["CopyObject"], COUNT + QUESTION)
        self.assertIn("it has ended", self.haul("resume", "images", code=3).err)

    def test_a_paused_run_whose_process_ended_is_resumed_here(self):
        process = self.start_run()
        self.haul("pause", "images")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.result(60).code, 130)
        self.slow(0)
        resumed = self.haul("resume", "images", "--json").json
        self.assertEqual((resumed["status"], resumed["closed"], resumed["accounts"]["moved"]), ("COMPLETED", True, COUNT))
        self.moved()
        self.assertEqual(self.fake.operations()["CopyObject"], COUNT + 2 * QUESTION)

    def test_a_paused_run_is_cancelled(self):
        process = self.start_run()
        self.haul("pause", "images")
        self.assertEqual(self.haul("cancel", "images", "--json").json["status"], "CANCELLED")
        self.assertEqual(process.result(60).code, 130)

    def test_cancel_of_a_run_that_goes_on(self):
        process = self.start_run()
        ended = self.haul("cancel", "images", "--json").json
        self.assertEqual((ended["status"], ended["obeyed"], ended["closed"]), ("CANCELLED", True, True))
        self.assertEqual(process.result(30).code, 130)
        accounts = ended["accounts"]
        self.assertEqual(accounts["moved"] + accounts["not_attempted"], accounts["listed"])
        self.assertGreater(accounts["not_attempted"], 0)
        for command in ("pause", "cancel", "resume", "approve"):
            self.assertIn("it is CANCELLED: it has ended", self.haul(command, "images", code=3).err)

    def test_cancel_of_a_run_that_nobody_works_on(self):
        process = self.start_run()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.result(60).code, 130)
        self.assertEqual(self.status()["status"], "PAUSED")
        out = self.haul("cancel", "images").out
        self.assertIn("CANCELLED", out)
        self.assertIn("not attempted", out)
        ended = self.status()
        self.assertEqual((ended["status"], ended["closed"], ended["exit_code"]), ("CANCELLED", True, 130))

    def test_a_run_that_was_killed_is_said_to_be_so_and_resumed(self):
        process = self.start_run()
        process.send_signal(signal.SIGKILL)
        process.wait()
        text = self.haul("status", "images").out
        self.assertIn("gone: haul resume", text)
        self.assertRegex(self.haul("runs").out, r"\(no process\)")
        self.assertFalse(self.status()["alive"])
        self.slow(0)
        self.haul("resume", "images")
        self.moved()

    def test_a_run_that_is_worked_on_is_not_resumed_twice(self):
        self.start_run()
        refused = self.haul("resume", "images", code=3).err
        self.assertIn("works on it; haul watch", refused)

    def test_approve_shows_what_would_be_done_and_lets_it(self):
        self.fill(50)
        process = self.start_haul("run", self.job(more="approve: required\n"))
        waiting = self.wait_for(lambda status: status["status"] == "AWAITING_APPROVAL")
        self.assertEqual(waiting["to_do"], 50)
        self.assertEqual(len(harness.list_bucket(self.s3, "here")), 50)
        self.assertIn("move 50 objects, 150 B; remove 50 at the source", self.haul("status", "images").out)
        shown = self.haul("approve", "images").out
        self.assertIn("would move 50 objects, 150 B; remove 50 at the source", shown)
        self.assertEqual(process.result(60).code, 0)
        self.moved(50)
        self.assertIn("it has ended", self.haul("approve", "images", code=3).err)
        self.assertTrue(self.status()["approved_by"])

    def test_approval_waits_for_a_process(self):
        self.fill(50)
        process = self.start_haul("run", self.job(more="approve: required\n"))
        self.wait_for(lambda status: status["status"] == "AWAITING_APPROVAL")
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertIn("haul resume", self.haul("approve", "images").out)
        self.assertEqual(len(harness.list_bucket(self.s3, "here")), 50)
        self.haul("resume", "images")
        self.moved(50)

    def test_what_is_not_approved_can_be_cancelled(self):
        self.fill(50)
        process = self.start_haul("run", self.job(more="approve: required\n"))
        self.wait_for(lambda status: status["status"] == "AWAITING_APPROVAL")
        self.haul("cancel", "images")
        self.assertEqual(process.result(60).code, 130)
        self.assertEqual(self.status()["accounts"]["not_attempted"], 50)
        self.assertEqual(len(harness.list_bucket(self.s3, "here")), 50)

    def test_only_what_waits_is_approved(self):
        self.start_run()
        self.assertIn("it does not wait for approval", self.haul("approve", "images", code=3).err)


class Watching(RunsTest):
    def test_watch_gives_lines_of_json_and_the_runs_exit_code(self):
        self.fill()
        self.fake.faults({"match": {"operation": "CopyObject", "key": "avatar/00?.jpg"}, "count": 0,
                          "action": {"type": "access-denied"}})
        self.slow(100_000)
        process = self.start_haul("run", self.job())
        self.wait_for(lambda status: True)
        watched = self.haul("watch", "images", "--json", code=1)
        lines = [json.loads(line) for line in watched.out.splitlines()]
        self.assertGreaterEqual(len(lines), 2)
        self.assertEqual(lines[-1]["status"], "COMPLETED_WITH_FAILURES")
        self.assertEqual([line["progress"]["done_objects"] for line in lines],
                         sorted(line["progress"]["done_objects"] for line in lines))
        self.assertEqual([(kind["class"], kind["count"]) for kind in lines[-1]["failures"]], [("permission_denied", 10)])
        self.assertEqual(process.result(30).code, 1)
        text = self.haul("watch", "images", code=1)
        self.assertNotIn("\x1b", text.out + text.err)
        self.assertIn("290 moved + 10 failed", text.out)

    def test_ctrl_c_ends_the_watching_and_not_the_run(self):
        process = self.start_run()
        watch = subprocess.Popen([harness.HAUL, "watch", "images", "--json"], env=self.environment, text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: watch.poll() is None and watch.kill())
        self.assertTrue(json.loads(watch.stdout.readline())["alive"])
        watch.send_signal(signal.SIGINT)
        _, said = watch.communicate(timeout=60)
        self.assertEqual(watch.returncode, 130)
        self.assertIn("the run goes on", said)
        self.assertIsNone(process.poll())
        self.assertTrue(self.status()["alive"])

    def test_on_a_terminal_it_redraws_in_place(self):
        process = self.start_run()
        ours, theirs = pty.openpty()
        watch = subprocess.Popen([harness.HAUL, "watch", "images"], env={**self.environment, "TERM": "xterm"},
                                 stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, start_new_session=True)
        self.addCleanup(lambda: watch.poll() is None and watch.kill())
        os.close(theirs)
        seen = b""
        until = time.monotonic() + 4
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.2)[0]:
                seen += os.read(ours, 65536)
        watch.send_signal(signal.SIGINT)
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            seen += more
        os.close(ours)
        self.assertEqual(watch.wait(20), 130)
        text = seen.decode()
        frames = text.split("images (move) ")
        self.assertGreaterEqual(len(frames), 4, text)
        for words in ("objects", "chunks:", "in work", "to do", "chunk "):
            self.assertIn(words, frames[-1], text)
        # Each frame but the first begins by going up as many lines as the one before has gone down.
        for before, after in zip(frames[1:-1], frames[2:]):
            up = re.search(r"\x1b\[(\d+)A\r$", before)
            self.assertTrue(up, repr(before))
            self.assertEqual(int(up.group(1)), before.count("\n"))
        self.assertIsNone(process.poll())


class Failures(RunsTest):
    REFUSED = (15, 25, 35, 45, 55)

    def run_with_failures(self):
        """A run of 60 objects: 10 may not be written, 5 are refused for another reason."""
        self.fill(60)
        self.fake.faults({"match": {"operation": "CopyObject", "key": "avatar/00?.jpg"}, "count": 0,
                          "action": {"type": "access-denied"}},
                         {"match": {"operation": "CopyObject", "key": "avatar/*5.jpg"}, "count": 0,
                          "action": {"type": "error", "status": 400, "code": "InvalidRequest"}})
        self.haul("run", self.job(), code=1)
        return self.status()["run"]

    def test_errors_are_listed_chosen_and_added_up(self):
        run = self.run_with_failures()
        lines = [json.loads(line) for line in self.haul("errors", "images", "--json").out.splitlines()]
        self.assertEqual({line["key"] for line in lines}, {f"image/{n:03}.jpg" for n in (*range(10), *self.REFUSED)})
        for line in lines:
            self.assertEqual(line["run"], run)
            self.assertLessEqual({"class", "code", "message", "http_status", "attempts", "chunk", "time"}, set(line))
        chosen = (("--class", "permission_denied", 10), ("--code", "InvalidRequest", 5), ("--prefix", "image/00", 10),
                  ("--limit", "4", 4))
        for option, value, count in chosen:
            self.assertEqual(len(self.haul("errors", run, option, value).out.splitlines()), count, option)
        summary = self.haul("errors", "images", "--summary", "--json").json
        self.assertEqual([(kind["code"], kind["count"]) for kind in summary["failures"]],
                         [("AccessDenied", 10), ("InvalidRequest", 5)])
        for kind in summary["failures"]:
            self.assertIn("haul retry", kind["remedy"])
        text = self.haul("errors", "images", "--summary", "--prefix", "image/015").out
        self.assertRegex(text, r"^ +1  \S+ InvalidRequest\n +image/015\.jpg")
        self.assertIn("is no class of errors", self.haul("errors", "images", "--class", "boredom", code=2).err)

    def test_retry_takes_only_what_failed_and_is_linked(self):
        first = self.run_with_failures()
        self.fake.control("DELETE", "faults")
        retried = self.haul("retry", "images", "--class", "permission_denied", "--json").json
        self.assertEqual((retried["accounts"]["listed"], retried["accounts"]["moved"]), (10, 10))
        second = self.status()
        self.assertEqual((second["parent"], second["status"]), (first, "COMPLETED"))
        self.assertEqual(self.status(first)["children"], [second["run"]])
        self.assertEqual(set(harness.list_bucket(self.s3, "here")), {f"image/{n:03}.jpg" for n in self.REFUSED})
        refused = self.haul("retry", first, "--class", "throttled", code=3).err
        self.assertIn("nothing of it failed in this way", refused)
        self.haul("retry", first, "--code", "InvalidRequest")
        self.moved(60)

    def test_records_of_the_log_name_the_run(self):
        self.fill(10)
        self.fake.faults({"match": {"operation": "CopyObject"}, "count": 3, "action": {"type": "slow-down"}})
        log = self.folder / "log"
        self.haul("run", self.job(), "--log-level", "debug", "--log-format", "json", "--log-file", log)
        lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
        of_objects = [line for line in lines if "key" in line]
        self.assertGreaterEqual(len(of_objects), 10)
        self.assertEqual({line.get("run") for line in of_objects}, {self.status()["run"]})

    def test_a_run_that_has_not_ended_is_not_retried(self):
        self.start_run()
        self.assertIn("it has not ended", self.haul("retry", "images", code=3).err)


class Undoing(RunsTest):
    def test_a_move_is_taken_back_while_its_sources_are_kept(self):
        self.fill(40)
        self.haul("run", self.job(more="keep-source: 7d\n"))
        first = self.status()
        self.assertEqual(first["accounts"]["sources_kept"], 40)
        self.haul("undo", "images")
        self.assertEqual(set(harness.list_bucket(self.s3, "here")), {f"image/{n:03}.jpg" for n in range(40)})
        self.assertEqual(harness.list_bucket(self.s3, "there"), {})
        undone = self.status()
        self.assertEqual((undone["operation"], undone["parent"]), ("undo", first["run"]))

    def test_what_was_not_kept_cannot_be_taken_back(self):
        self.fill(3)
        self.haul("run", self.job())
        self.assertIn("its sources were not kept", self.haul("undo", "images", code=3).err)


    def keep_for_seconds(self):
        """A job whose sources have been kept long enough, and its first run."""
        self.fill(40)
        job = self.job(more="keep-source: 5s\n")
        self.haul("run", job)
        time.sleep(5.2)
        return job, self.status()["run"]

    def removals(self):
        runs = [json.loads(line) for line in self.haul("runs", "--json").out.splitlines()]
        return [run["accounts"] for run in reversed(runs) if run["operation"] == "remove-kept"]

    def test_kept_sources_that_could_not_be_removed_are_tried_again_and_no_others(self):
        job, _ = self.keep_for_seconds()
        self.fake.faults({"match": {"operation": "HeadObject", "key": "avatar/00?.jpg"}, "count": 0,
                          "action": {"type": "access-denied"}})
        self.haul("run", job, code=1)
        self.assertEqual(set(harness.list_bucket(self.s3, "here")), {f"image/00{n}.jpg" for n in range(10)})
        self.fake.control("DELETE", "faults")
        said = self.haul("run", job).err
        self.assertIn("could not be removed before", said)
        first, second = self.removals()
        self.assertEqual((first["listed"], first["deleted"], first["failed"]), (40, 30, 10))
        self.assertEqual((second["listed"], second["deleted"], second["failed"]), (10, 10, 0))
        self.assertEqual(len(self.contents("there")), 40)
        time.sleep(5.2)
        self.haul("run", job)
        self.moved(40)

    def test_a_source_whose_copy_was_changed_is_left_to_whoever_did_that(self):
        job, _ = self.keep_for_seconds()
        self.s3.put_object(Bucket="there", Key="avatar/007.jpg", Body=b"another")
        self.haul("run", job, code=1)
        self.assertNotIn("could not be removed before", self.haul("run", job).err)
        removal = self.removals()[0]
        self.assertEqual((removal["deleted"], removal["failed"]), (39, 1))

    def test_nothing_is_taken_back_beside_a_removal_of_its_sources(self):
        job, first = self.keep_for_seconds()
        self.fake.faults({"match": {"operation": "DeleteObjects"}, "count": 0, "action": {"type": "stall", "ms": 600_000}})
        process = self.start_haul("run", job)
        removal = self.wait_for(lambda status: status["operation"] == "remove-kept" and status["chunks"]["leased"] > 0)
        process.send_signal(signal.SIGKILL)
        process.wait()
        refused = self.haul("undo", first, code=3).err
        self.assertIn(f"run {removal['run'][:13]} of the same sources", refused)
        self.assertIn("it removes them; cancel it first", refused)
        self.fake.control("DELETE", "faults")
        self.haul("cancel", removal["run"])
        self.haul("undo", first)
        self.assertEqual(len(self.contents("here")), 40)
        self.assertEqual(harness.list_bucket(self.s3, "there"), {})
        self.haul("run", job)
        self.assertEqual(len(self.removals()), 1, "what was taken back is not removed")


class Publishing(RunsTest):
    REPORT = "report: {location: s3://admin/reports/}\n"

    def setUp(self):
        super().setUp()
        self.make_bucket("admin")

    def refuse_reports(self, action):
        self.fake.faults({"match": {"operation": "PutObject", "key": "reports/*"}, "count": 0, "action": action})

    def published(self, run):
        """The report is where the job wants it, and proves itself."""
        self.assertTrue(self.haul("verify-report", f"s3://admin/reports/{run}/", "--json").json["proven"])

    def test_what_could_not_be_published_is_published_by_resume(self):
        self.fill(20)
        self.refuse_reports({"type": "access-denied"})
        said = self.haul("run", self.job(more=self.REPORT), code=1).err
        run = self.status()["run"]
        self.assertIn(f"haul resume {run[:13]} tries again", said)
        self.fake.control("DELETE", "faults")
        resumed = self.haul("resume", "images", "--json").json
        self.assertEqual((resumed["status"], resumed["accounts"]["moved"]), ("COMPLETED", 20))
        self.published(run)
        self.assertIn("it has ended", self.haul("resume", "images", code=3).err)

    def test_a_place_that_cannot_be_written_to_keeps_no_run_from_starting(self):
        self.fill(20)
        self.refuse_reports({"type": "access-denied"})
        for count in (1, 2):
            self.haul("run", self.job(more=self.REPORT), "--resume", code=1)
            self.assertEqual(len(self.haul("runs", "--json").out.splitlines()), count)

    def test_a_process_that_is_killed_before_it_has_published_leaves_that_to_the_next(self):
        self.fill(20)
        self.refuse_reports({"type": "stall", "ms": 600_000})
        job = self.job(more=self.REPORT)
        process = self.start_haul("run", job)
        run = self.wait_for(lambda status: status["status"] == "COMPLETED")["run"]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.fake.control("DELETE", "faults")
        self.haul("run", job, "--resume")
        self.published(run)
        self.assertEqual(len(self.haul("runs", "--json").out.splitlines()), 1)
        self.haul("run", job, "--resume")
        self.assertEqual(len(self.haul("runs", "--json").out.splitlines()), 2, "nothing was left to go on with")

    def test_a_run_that_is_ended_without_a_process_is_published(self):
        process = self.start_run(self.job(more=self.REPORT))
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.slow(0)
        ended = self.haul("cancel", "images", "--json").json
        self.assertEqual((ended["status"], ended["obeyed"]), ("CANCELLED", True))
        self.published(ended["run"])


class Deadly(RunsTest):
    def test_an_object_that_ends_every_process_is_given_up_and_all_others_arrive(self):
        self.fill(60)
        # Whoever copies it does not live to see the answer.
        self.fake.faults({"match": {"operation": "CopyObject", "key": "avatar/013.jpg"}, "count": 0,
                          "action": {"type": "stall", "ms": 600_000}})
        job = self.job()
        processes = 0
        while True:
            struck = self.fake.stats()["rules"][0]["struck"]
            process = self.start_haul("run", job, "--resume")
            processes += 1
            self.assertLess(processes, 20)
            while process.poll() is None and self.fake.stats()["rules"][0]["struck"] == struck:
                time.sleep(0.05)
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.assertEqual(process.result(1).code, 1)
        status = self.status()
        self.assertEqual((status["status"], status["accounts"]["moved"], status["accounts"]["failed"]),
                         ("COMPLETED_WITH_FAILURES", 59, 1))
        self.assertEqual(set(harness.list_bucket(self.s3, "here")), {"image/013.jpg"})
        failed = self.haul("errors", "images", "--json").json
        self.assertEqual((failed["key"], failed["code"]), ("image/013.jpg", "ProcessEnded"))
        self.assertIn("the process ended 6 times in a row", failed["message"])
        self.assertGreaterEqual(processes, 3 + 3 + 1)
        self.fake.control("DELETE", "faults")
        self.haul("retry", "images")
        self.moved(60)


class Naming(RunsTest):
    def test_a_run_is_named_by_job_or_id_or_its_beginning(self):
        self.fill(3)
        self.haul("run", self.job("copy"))
        self.haul("run", self.job("copy"))
        runs = [json.loads(line)["run"] for line in self.haul("runs", "--json").out.splitlines()]
        self.assertEqual(len(runs), 2)
        self.assertEqual(self.status("images")["run"], runs[0])
        self.assertEqual(self.status(runs[1])["run"], runs[1])
        self.assertEqual(self.status(runs[1][:13])["run"], runs[1])
        both = self.haul("status", runs[0][:4], code=3).err
        self.assertTrue(all(run in both for run in runs), both)
        self.assertIn("nonsense", self.haul("status", "nonsense", code=3).err)
        self.assertIn("no run was given", self.haul("status", code=2).err)
        self.assertEqual(len(self.haul("runs", "--limit", "1", "--json").out.splitlines()), 1)

    def test_looking_makes_no_state(self):
        for command in (["runs"], ["status", "x"], ["watch", "x"], ["errors", "x"], ["cancel", "x"], ["resume", "x"]):
            self.assertIn("no runs are kept there", self.haul(*command, "--state", self.folder / "none", code=3).err)
        self.assertFalse((self.folder / "none").exists())


if __name__ == "__main__":
    harness.main()
