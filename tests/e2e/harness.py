"""What the whole-program tests share: the program, real servers, trees of files, and judges that are not ours."""
import http.client
import json
import os
import pathlib
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import uuid

# Signed by botocore itself, whatever is installed beside it (awscli brings awscrt): tests set its clock.
os.environ["BOTO_DISABLE_CRT"] = "true"
import boto3  # noqa: E402
import botocore.config  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
HAUL = os.environ.get("HAUL", str(ROOT / "build/release/bin/haul"))
HAUL_FAKES3 = os.environ.get("HAUL_FAKES3", str(ROOT / "build/release/bin/haul-fakes3"))
REGION = "us-east-1"
MIB = 1 << 20


def service(name, *arguments):
    return subprocess.run([str(ROOT / "scripts/services" / name), *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def read_env(path):
    return dict(line.split("=", 1) for line in pathlib.Path(path).read_text("utf-8").splitlines() if "=" in line)


class Account:
    """One identity at one server: credentials for haul's environment, and a boto3 client."""

    def __init__(self, endpoint, access_key, secret_key, token=None):
        self.endpoint, self.access_key, self.secret_key, self.token = endpoint, access_key, secret_key, token

    def environment(self):
        values = {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": self.access_key,
                  "AWS_SECRET_ACCESS_KEY": self.secret_key}
        if self.token:
            values["AWS_SESSION_TOKEN"] = self.token
        return values

    def client(self, name="s3"):
        return boto3.client(name, endpoint_url=self.endpoint, region_name=REGION,
                            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key,
                            aws_session_token=self.token,
                            config=botocore.config.Config(s3={"addressing_style": "path"},
                                                          retries={"max_attempts": 5}))


def radosgw():
    """The source and destination accounts of the running gateway."""
    env = read_env(service("radosgw", "env").strip())
    return [Account(env["HAUL_RADOSGW_ENDPOINT"], env[f"HAUL_RADOSGW_{side}_ACCESS_KEY"],
                    env[f"HAUL_RADOSGW_{side}_SECRET_KEY"]) for side in ("SOURCE", "DESTINATION")]


class Fake:
    """A running haul-fakes3 with two accounts: fast, counts requests, and fails as it is told."""

    KEYS = {"source": ("AKIASOURCE0000000001", "source-secret-of-forty-characters-000001"),
            "destination": ("AKIADESTIN0000000002", "destin-secret-of-forty-characters-000002")}

    def __init__(self, *options):
        accounts = [word for name, keys in self.KEYS.items() for word in ("--account", f"{name}={':'.join(keys)}")]
        self.process = subprocess.Popen([HAUL_FAKES3, *accounts, *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().split()
        assert line and line[0] == "listening", line
        self.port = int(line[1])
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    def account(self, name="source"):
        return Account(self.endpoint, *self.KEYS[name])

    def control(self, method, what, document=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, "/_fakes3/" + what, json.dumps(document) if document is not None else None)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, text
            return json.loads(text)
        finally:
            connection.close()

    def faults(self, *rules):
        self.control("PUT", "faults", {"rules": list(rules)})

    def stats(self):
        return self.control("GET", "stats")

    def operations(self):
        """How often each operation was asked for since the counters were set to zero."""
        return self.stats()["operations"]


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.peak = 0  # bytes in memory at most, where it was measured

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def accounts(self):
        return self.json["accounts"]

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out[-4000:]}\n--- stderr\n{self.err[-4000:]}"


class HaulTest(unittest.TestCase):
    """A temporary folder, an environment without anybody's settings, and haul in it."""

    maxDiff = 4000

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="haul-e2e-", dir=os.environ.get("HAUL_TEST_DIR", "/var/tmp")))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"), "AWS_REGION": REGION,
                            "AWS_EC2_METADATA_DISABLED": "true", "LC_ALL": "C.UTF-8", "TMPDIR": "/var/tmp",
                            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        (self.folder / "home").mkdir()

    def use(self, account):
        self.environment.update(account.environment())

    def haul(self, *arguments, code=0, stdin=None, env=None, timeout=600, text=True, cwd=None):
        """Runs haul and checks its exit code (None: any)."""
        done = subprocess.run([HAUL, *map(str, arguments)], input=stdin, env={**self.environment, **(env or {})},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text, timeout=timeout, cwd=cwd,
                              errors="surrogateescape" if text else None, check=False)
        result = Result(done)
        if code is not None:
            self.assertEqual(result.code, code, f"haul {' '.join(map(str, arguments))}: {result}")
        return result

    def haul_measured(self, *arguments, code=0, env=None):
        """Runs haul as haul() does, and says what memory it took at most (Result.peak, in bytes)."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen([HAUL, *map(str, arguments)], env={**self.environment, **(env or {})},
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0), err.seek(0)
            result = Result(subprocess.CompletedProcess([], process.returncode, out.read(), err.read()))
        result.peak = usage.ru_maxrss * 1024
        result.cpu = usage.ru_utime + usage.ru_stime
        if code is not None:
            self.assertEqual(result.code, code, f"haul {' '.join(map(str, arguments))}: {result}")
        return result

    def start_haul(self, *arguments, env=None):
        """haul in the background, ended with the test whatever happens. Its result() waits for its end."""
        out, err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # no pipe that nobody empties
        process = subprocess.Popen([HAUL, *map(str, arguments)], env={**self.environment, **(env or {})},
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=err)

        def result(timeout=600):
            process.wait(timeout)
            out.seek(0), err.seek(0)
            return Result(subprocess.CompletedProcess([], process.returncode, out.read(), err.read()))

        def end():
            if process.poll() is None:
                process.kill()
                process.wait()
            out.close()
            err.close()

        process.result = result
        self.addCleanup(end)
        return process

    def aws_files(self, config, credentials=""):
        """The shared configuration files of AWS users, as haul's environment finds them."""
        folder = self.folder / "home/.aws"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(config, encoding="utf-8")
        (folder / "credentials").write_text(credentials, encoding="utf-8")

    def bucket(self, account, name=None):
        """A new bucket of that account; emptied and removed at the end."""
        name = name or f"e2e-{uuid.uuid4().hex[:16]}"
        client = account.client()
        self.addCleanup(client.close)
        client.create_bucket(Bucket=name)
        self.addCleanup(empty_and_remove, client, name)
        return name


class FakeTest(HaulTest):
    """With a fake S3 server of its own, forgotten between tests."""

    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.fake = Fake(*cls.OPTIONS)
        cls.addClassCleanup(cls.fake.stop)

    def setUp(self):
        super().setUp()
        self.fake.control("DELETE", "faults")
        self.fake.control("POST", "reset")
        self.fake.control("PUT", "settings", {"latency-us": 0, "rate": 0, "sts-seconds": 0})
        self.account = self.fake.account()
        self.use(self.account)
        self.s3 = self.account.client()
        self.addCleanup(self.s3.close)

    def make_bucket(self, name, objects=None, **properties):
        """A bucket with these bodies by key."""
        self.s3.create_bucket(Bucket=name)
        for key, body in (objects or {}).items():
            self.s3.put_object(Bucket=name, Key=key, Body=body, **properties)
        return name

    def contents(self, bucket, prefix=""):
        """key -> body of everything below the prefix."""
        return {key: self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                for key in list_bucket(self.s3, bucket, prefix)}


def empty_and_remove(client, bucket):
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        entries = [{"Key": entry["Key"], "VersionId": entry["VersionId"]}
                   for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        # Keys that XML cannot carry go one by one.
        together = [entry for entry in entries if entry["Key"].isprintable()]
        if together:
            client.delete_objects(Bucket=bucket, Delete={"Objects": together, "Quiet": True})
        for entry in entries:
            if not entry["Key"].isprintable():
                client.delete_object(Bucket=bucket, **entry)
    client.delete_bucket(Bucket=bucket)


def real_files(count, largest=128 << 10):
    """Paths of real files of this machine, small ones."""
    found = []
    for top in ("/usr/share", "/usr/include", "/usr/lib"):
        for folder, names, files in os.walk(top):
            names.sort()
            for name in sorted(files):
                path = os.path.join(folder, name)
                try:
                    facts = os.lstat(path)
                except OSError:
                    continue
                if stat.S_ISREG(facts.st_mode) and facts.st_size <= largest:
                    found.append(path)
                    if len(found) == count:
                        return found
    raise AssertionError(f"this machine has only {len(found)} files of at most {largest} bytes")


def make_tree(root, count):
    """Copies real files below root, with odd times and modes so that keeping them can be seen."""
    chance = random.Random(7)
    for path in real_files(count):
        target = pathlib.Path(root, path.lstrip("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        os.chmod(target, chance.choice([0o644, 0o600, 0o755, 0o640]))
        when = 1_500_000_000_000_000_000 + chance.randrange(10 ** 17)
        os.utime(target, ns=(when, when))


def facts_of_tree(root):
    """relative path -> (size, mode, mtime in ns) of every regular file."""
    facts = {}
    for folder, _, files in os.walk(root):
        for name in files:
            path = os.path.join(folder, name)
            found = os.lstat(path)
            if stat.S_ISREG(found.st_mode):
                facts[os.path.relpath(path, root)] = (found.st_size, stat.S_IMODE(found.st_mode), found.st_mtime_ns)
    return facts


def unquote(text):
    return urllib.parse.unquote(text, errors="surrogateescape")


def failed_keys(result):
    """The keys that a run's document names as failed."""
    return {failure["key"] for failure in result.json["failures"]}


def du_total(result):
    """(objects, bytes) of the sum that `haul du --json` shows in its last line."""
    total = json.loads(result.out.splitlines()[-1])
    return total["objects"], total["bytes"]


def write_tree(root, files):
    """relative path -> bytes, written below root."""
    for path, body in files.items():
        target = pathlib.Path(root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    return pathlib.Path(root)


def read_tree(root):
    """relative path -> bytes of every regular file below root."""
    return {path: pathlib.Path(root, path).read_bytes() for path in facts_of_tree(root)}


def list_bucket(client, bucket, prefix=""):
    """key -> size, by a client that is not ours."""
    return {entry["Key"]: entry["Size"]
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for entry in page.get("Contents", [])}


def main():
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
