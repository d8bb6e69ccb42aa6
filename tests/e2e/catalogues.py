"""A catalogue of objects in each kind of database, and the move that it follows: what haul is told, and what must come of it."""
import hashlib
import json
import pathlib
import sqlite3
import threading
import time
import uuid

import psycopg2
import psycopg2.extras
import pymysql

import harness

OLD, NEW = "image/", "avatar/"


class Sqlite:
    """A file; there is no server to be stopped."""

    name = "sqlite"
    server = None

    def __init__(self, folder):
        self.table = "files"
        self.path = pathlib.Path(folder, "catalogue.db")
        self.spec = {"url": f"sqlite:{self.path}"}

    def connect(self):
        connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        return connection

    def create(self):
        self.connect().execute(f"CREATE TABLE {self.table} (id INTEGER PRIMARY KEY, path TEXT NOT NULL, moved_by TEXT)")

    def insert(self, rows):
        connection = self.connect()
        connection.execute("BEGIN")
        connection.executemany(f"INSERT INTO {self.table} (id, path) VALUES (?, ?)", rows)
        connection.execute("COMMIT")
        connection.close()

    def drop(self):
        """Goes with its folder."""


class Server:
    """What MariaDB and PostgreSQL have in common: a script that starts and kills them, an account, a table of one test."""

    def __init__(self, folder):
        values = harness.read_env(harness.service(self.server, "env").strip())
        self.account = {key.removeprefix(f"HAUL_{self.server.upper()}_").lower(): value for key, value in values.items()}
        self.table = "files_" + uuid.uuid4().hex[:12]
        password = pathlib.Path(folder, f"{self.name}-password")
        password.write_text(self.account["password"] + "\n", encoding="utf-8")
        password.chmod(0o600)
        self.spec = {"url": f"{self.scheme}://{self.account['user']}@127.0.0.1:{self.account['port']}/{self.account['database']}",
                     "password-file": str(password)}

    def execute(self, statement):
        connection = self.connect()
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    def drop(self):
        self.start()
        self.execute(f"DROP TABLE IF EXISTS {self.table}")

    def kill(self):
        harness.service(self.server, "kill")

    def start(self):
        harness.service(self.server, "up")


class MariaDb(Server):
    name = server = "mariadb"
    scheme = "mariadb"

    def connect(self):
        return pymysql.connect(host="127.0.0.1", port=int(self.account["port"]), user=self.account["user"],
                               password=self.account["password"], database=self.account["database"], autocommit=True,
                               charset="utf8mb4", read_timeout=60)

    def create(self):
        self.execute(f"CREATE TABLE {self.table} (id BIGINT PRIMARY KEY, path VARCHAR(700) NOT NULL, moved_by VARCHAR(64), "
                     "KEY (path)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")

    def insert(self, rows):
        connection = self.connect()
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {self.table} (id, path) VALUES (%s, %s)", rows)
        connection.close()


class PostgreSql(Server):
    name = server = "postgres"
    scheme = "postgresql"

    def connect(self):
        connection = psycopg2.connect(host="127.0.0.1", port=self.account["port"], user=self.account["user"],
                                      password=self.account["password"], dbname=self.account["database"])
        connection.autocommit = True
        return connection

    def create(self):
        self.execute(f"CREATE TABLE {self.table} (id BIGINT PRIMARY KEY, path TEXT NOT NULL, moved_by TEXT)")

    def insert(self, rows):
        connection = self.connect()
        with connection.cursor() as cursor:
            psycopg2.extras.execute_values(cursor, f"INSERT INTO {self.table} (id, path) VALUES %s", rows, page_size=5000)
        connection.close()


KINDS = {kind.name: kind for kind in (Sqlite, MariaDb, PostgreSql)}


class Scene:
    """Objects under image/, rows that name them, and all that life leaves lying about."""

    # Of so many numbers in a row (`every`), these are special; the others are an object and a row that names it.
    NO_OBJECT, NO_ROW, ROW_MOVED, OBJECT_MOVED, ELSEWHERE = SPECIAL = 3, 14, 25, 36, 47

    def __init__(self, count, s3, source, destination, catalogue, every=50):
        self.count, self.s3, self.source, self.destination, self.catalogue = count, s3, source, destination, catalogue
        self.every = every

    def kind(self, number):
        return number % self.every

    def numbers(self, *special):
        return [number for number in range(self.count) if self.kind(number) in special]

    def plain(self):
        return [number for number in range(self.count) if self.kind(number) not in self.SPECIAL]

    @staticmethod
    def name(number):
        odd = {7: " o'brien \"; DROP TABLE files; --", 8: " \u00e4\U0001f600 %41 +&=?#", 9: "\\' :id ::text $1 ?"}.get(number % 100, "")
        return f"{number % 19:02}/{number:06}{odd}.jpg"

    @staticmethod
    def body(number):
        return hashlib.sha256(str(number).encode()).digest() * (1 + number % 40)

    def fill(self, haul, folder):
        """By haul, which is quicker at it than boto3; judged by boto3 afterwards."""
        here, there = pathlib.Path(folder, "here"), pathlib.Path(folder, "there")
        for number in range(self.count):
            kind = self.kind(number)
            moved = kind in (self.ROW_MOVED, self.OBJECT_MOVED)
            if kind == self.NO_OBJECT:
                continue
            key = (NEW if moved else "other/" if kind == self.ELSEWHERE else OLD) + self.name(number)
            path = (there if moved else here) / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.body(number))
        for tree, bucket in ((here, self.source), (there, self.destination)):
            haul("cp", "-r", tree, f"s3://{bucket}/", "--preserve", "none", "-q")
        self.catalogue.create()
        rows = [(number + 1, self.path_before(number)) for number in range(self.count) if self.kind(number) != self.NO_ROW]
        for begin in range(0, len(rows), 5000):
            self.catalogue.insert(rows[begin:begin + 5000])

    def path_before(self, number):
        kind = self.kind(number)
        return (NEW if kind == self.ROW_MOVED else "other/" if kind == self.ELSEWHERE else OLD) + self.name(number)

    def path_after(self, number):
        """What the row names in the end."""
        kind = self.kind(number)
        return ("other/" if kind == self.ELSEWHERE else OLD if kind == self.NO_OBJECT else NEW) + self.name(number)

    def job(self, name="rename-images", **more):
        table = self.catalogue.table
        return {"name": name, "operation": "move", "source": f"s3://{self.source}/{OLD}",
                "destination": f"s3://{self.destination}/{NEW}",
                "select": {"catalog": "production", "query": f"SELECT id, path FROM {table} WHERE path LIKE '{OLD}%'",
                           "key": "path", "cursor": "id"},
                "catalog": {"update": f"UPDATE {table} SET path = :destination_key, moved_by = :run WHERE id = :id",
                            "batch": 500},
                "catalogs": {"production": self.catalogue.spec}, **more}

    def write_job(self, folder, **more):
        path = pathlib.Path(folder, "job.json")
        path.write_text(json.dumps(self.job(**more), indent=2), encoding="utf-8")
        return path

    # How many objects the query names, and what becomes of them.
    def listed(self):
        return len(self.plain()) + len(self.numbers(self.NO_OBJECT, self.OBJECT_MOVED))

    def rows(self):
        connection = self.catalogue.connect()
        cursor = connection.cursor()
        cursor.execute(f"SELECT id, path, moved_by FROM {self.catalogue.table} ORDER BY id")
        rows = {identity - 1: (path, by) for identity, path, by in cursor.fetchall()}
        connection.close()
        return rows

    def objects(self, bucket):
        """key -> (size, etag) by boto3."""
        return {entry["Key"]: (entry["Size"], entry["ETag"].strip('"'))
                for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
                for entry in page.get("Contents", [])}

    def facts(self, number):
        body = self.body(number)
        return len(body), hashlib.md5(body).hexdigest()

    def judge_before(self, test):
        test.assertEqual(len(self.objects(self.source)), len(self.plain()) + len(self.numbers(self.NO_ROW, self.ELSEWHERE)))
        test.assertEqual(len(self.rows()), self.count - len(self.numbers(self.NO_ROW)))

    def judge(self, test, kept=False, says_who=True):
        """That every row and every object is where an undisturbed move leaves it. kept: sources go later. says_who:
        the statement leaves the run's id in each row."""
        rows = self.rows()
        wrong = [(number, path, self.path_after(number)) for number, (path, _) in rows.items() if path != self.path_after(number)]
        test.assertEqual(wrong[:5], [], f"{len(wrong)} rows are wrong")
        test.assertEqual(len(rows), self.count - len(self.numbers(self.NO_ROW)))
        moved_by = {number for number, (_, by) in rows.items() if by}
        if says_who:
            test.assertEqual(moved_by, {*self.plain(), *self.numbers(self.OBJECT_MOVED)}, "moved_by")
        expected_here = {(OLD if self.kind(number) == self.NO_ROW else "other/") + self.name(number): self.facts(number)
                         for number in self.numbers(self.NO_ROW, self.ELSEWHERE)}
        if kept:
            expected_here.update({OLD + self.name(number): self.facts(number) for number in self.plain()})
        test.assertEqual(self.objects(self.source), expected_here, "objects at the source")
        expected_there = {NEW + self.name(number): self.facts(number)
                          for number in [*self.plain(), *self.numbers(self.ROW_MOVED, self.OBJECT_MOVED)]}
        found = self.objects(self.destination)
        test.assertEqual(set(found) ^ set(expected_there), set(), "keys at the destination")
        test.assertEqual({key for key in found if found[key] != expected_there[key]}, set(), "objects at the destination")

    def judge_accounts(self, test, accounts):
        """Of one undisturbed run."""
        test.assertEqual(accounts["listed"], self.listed())
        test.assertEqual(accounts["failed"], len(self.numbers(self.NO_OBJECT)))
        test.assertEqual(accounts["moved"] + accounts["skipped"], self.listed() - accounts["failed"])
        test.assertGreaterEqual(accounts["moved"], len(self.plain()))
        close(test, accounts)


def close(test, accounts):
    """That what was listed is accounted for, object by object."""
    ends = ("copied", "moved", "deleted", "tagged", "reverted", "same", "different", "missing", "skipped", "filtered",
            "failed", "not_attempted")
    test.assertEqual(accounts["listed"], sum(accounts.get(name, 0) for name in ends), accounts)


class Sampler(threading.Thread):
    """Looks, again and again while a move goes on, whether any row names an object that is not there.

    A row is read, its object is looked for, and if that is missing the row is read once more: only a row that still
    says the same has told a lie. What cannot be looked at, since a server is away, proves nothing and counts nothing."""

    def __init__(self, scene):
        super().__init__(daemon=True)
        self.scene, self.ending = scene, threading.Event()
        self.looked, self.lies = 0, []
        self.liars = set(scene.numbers(scene.NO_OBJECT, scene.OBJECT_MOVED))  # were wrong from the beginning

    def bucket_of(self, path):
        return self.scene.destination if path.startswith(NEW) else self.scene.source

    def row(self, connection, number):
        cursor = connection.cursor()
        cursor.execute(f"SELECT path FROM {self.scene.catalogue.table} WHERE id = {int(number) + 1}")
        found = cursor.fetchone()
        cursor.close()
        return found[0] if found else None

    def there(self, path):
        try:
            self.scene.s3.head_object(Bucket=self.bucket_of(path), Key=path)
            return True
        except self.scene.s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise

    def look(self, connection, number):
        path = self.row(connection, number)
        if path is None or number in self.liars:
            return
        if not self.there(path) and self.row(connection, number) == path and not self.there(path):
            if self.row(connection, number) == path:
                self.lies.append((number, path))
        self.looked += 1

    def run(self):
        connection, number = None, 0
        while not self.ending.is_set():
            number = (number + 7919) % self.scene.count
            try:
                connection = connection or self.scene.catalogue.connect()
                self.look(connection, number)
            except Exception:  # pylint: disable=broad-except
                connection = None  # a server is away, as it is meant to be
                time.sleep(0.05)
            time.sleep(0.001)

    def end(self):
        self.ending.set()
        self.join(60)
        return self.lies
