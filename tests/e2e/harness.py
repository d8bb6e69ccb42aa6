"""What the whole-program tests share: the program, real servers, trees of files, and judges that are not ours."""
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
import uuid

import boto3
import botocore.config

ROOT = pathlib.Path(__file__).resolve().parents[2]
HAUL = os.environ.get("HAUL", str(ROOT / "build/release/bin/haul"))
REGION = "us-east-1"


def service(name, *arguments):
    return subprocess.run([str(ROOT / "scripts/services" / name), *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def read_env(path):
    return dict(line.strip().split("=", 1) for line in open(path, encoding="utf-8") if "=" in line)


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


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)

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

    def bucket(self, account, name=None):
        """A new bucket of that account; emptied and removed at the end."""
        name = name or f"e2e-{uuid.uuid4().hex[:16]}"
        client = account.client()
        client.create_bucket(Bucket=name)
        self.addCleanup(empty_and_remove, client, name)
        return name


def empty_and_remove(client, bucket):
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, EncodingType="url"):
        for entry in page.get("Versions", []) + page.get("DeleteMarkers", []):
            client.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])
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


def list_bucket(client, bucket, prefix=""):
    """key -> size, by a client that is not ours."""
    return {entry["Key"]: entry["Size"]
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for entry in page.get("Contents", [])}


def main():
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
