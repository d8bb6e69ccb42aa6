"""Tables: what an object, or a GB, costs haul, its peers and its floor."""
import contextlib
import os
import shutil
import sqlite3

from setting import PART


def bare(bench, what, n):
    """As many requests, and nothing else."""
    return ["requests_floor", what, bench.server.endpoint.split("//")[1], n]


def ad_hoc(n):
    """What a job is set beside: the same copies without its state, ledger, report and catalogue."""
    return ["haul", "cp", "-r", f"s3://bench-n{n}-s4096/", f"s3://target-n{n}-s4096/", "--quiet"]


def copy(bench):
    n = int(100_000 * bench.scale)
    # Writes into a bucket that is made up are drained, and yet rclone finds each copy when it looks for it.
    source, target = f"bench-n{n}-s4096", f"target-n{n}-s4096"
    part = [f"s3://{name}-n{n // PART}-s4096/" for name in ("bench", "target")]
    bench.case(f"copy {n:,} x 4 KiB, bucket to bucket", n, "object", ["cp", "-r", f"s3://{source}/", f"s3://{target}/"],
               rclone=["copy", f"b:{source}", f"b:{target}", "--no-check-dest"],
               floor=bare(bench, "copy", n), s5cmd=["cp", f"s3://{source}/*", f"s3://{target}/"],
               slow={"aws": ["s3", "cp", "--recursive", "--quiet", *part]})


def upload(bench):
    n = int(20_000 * bench.scale)
    tree, part = bench.folder / "tree", bench.folder / "part"
    for folder, files in ((tree, n), (part, n // PART)):
        folder.mkdir(exist_ok=True)
        for i in range(files):
            (folder / f"{i:010}-4096").write_bytes(os.urandom(4096))
    target = f"target-n{n}-s4096"
    bench.case(f"upload {n:,} x 4 KiB files", n, "object", ["cp", "-r", tree, f"s3://{target}/"], floor=bare(bench, "put", n),
               rclone=["copy", tree, f"b:{target}", "--no-check-dest"], s5cmd=["cp", f"{tree}/", f"s3://{target}/"],
               slow={"aws": ["s3", "cp", "--recursive", "--quiet", part, f"s3://{target}/"]})


def download(bench):
    n = int(20_000 * bench.scale)
    into, source = bench.folder / "down", f"bench-n{n}-s4096"
    bench.case(f"download {n:,} x 4 KiB", n, "object", ["cp", "-r", f"s3://{source}/", into], floor=bare(bench, "get", n),
               prepare=lambda: shutil.rmtree(into, ignore_errors=True), rclone=["copy", f"b:{source}", into],
               s5cmd=["cp", f"s3://{source}/*", f"{into}/"],
               slow={"aws": ["s3", "cp", "--recursive", "--quiet", f"s3://bench-n{n // PART}-s4096/", into]})


def list_keys(bench):
    n = int(1_000_000 * bench.scale)
    bucket = f"bench-n{n}"
    bench.case(f"list {n:,} keys", n, "object", ["du", f"s3://{bucket}/"], rclone=["size", f"b:{bucket}"],
               s5cmd=["du", f"s3://{bucket}/*"],
               slow={"aws": ["s3", "ls", "--recursive", f"s3://bench-n{n // PART}/"]})


def compare(bench):
    n = int(1_000_000 * bench.scale)
    source, target = f"bench-n{n}-s4096", f"other-n{n}-s4096"
    # For all of them rclone's check takes minutes and more than 16 GB, and then swaps or ends.
    bench.case(f"compare {n:,} pairs, all the same", n, "object", ["check", f"s3://{source}/", f"s3://{target}/"],
               slow={"rclone": ["check", f"b:bench-n{n // PART}-s4096", f"b:other-n{n // PART}-s4096"]})


def large(bench):
    count, size = 4, int(256 * bench.scale) << 20
    gigabytes = count * size / 1e9
    files = bench.folder / "large"
    files.mkdir(exist_ok=True)
    for i in range(count):
        path = files / f"{i:010}-{size}"
        if not path.exists():
            with open(path, "wb") as file:
                for _ in range(size >> 20):
                    file.write(os.urandom(1 << 20))
    into = bench.folder / "large-down"

    def empty():
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
    for kind in ("plain", "TLS"):
        bench.use_tls() if kind == "TLS" else bench.use_keeping()
        # Verified by haul; rclone of Debian cannot load one more authority for S3, so it does not verify.
        ours = ["--ca-file", bench.folder / "cert.pem"] if kind == "TLS" else []
        theirs = ["--no-check-certificate"] if kind == "TLS" else []
        lax = ["--no-verify-ssl"] if kind == "TLS" else []
        server = bench.server.endpoint.split("//")[1]
        floor = [count, size, bench.folder / "cert.pem"] if kind == "TLS" else [count, size]
        bench.case(f"upload {count} x {size >> 20} MiB, {kind}", gigabytes, "GB", ["cp", "-r", files, "s3://target/", *ours],
                   floor=["bytes_floor", "up", f"{server}/target", files, *floor],
                   rclone=["copy", files, "b:target", "--no-check-dest", *theirs],
                   s5cmd=[*lax, "cp", f"{files}/", "s3://target/"],
                   aws=["s3", "cp", "--recursive", "--quiet", files, "s3://target/", *lax])
        bench.case(f"download {count} x {size >> 20} MiB, {kind}", gigabytes, "GB",
                   ["cp", "-r", "s3://target/", into, *ours], prepare=empty,
                   floor=["bytes_floor", "down", f"{server}/target", into, *floor],
                   rclone=["copy", "b:target", into, *theirs], s5cmd=[*lax, "cp", "s3://target/*", f"{into}/"],
                   aws=["s3", "cp", "--recursive", "--quiet", "s3://target/", into, *lax])
    bench.server = bench.plain


def durable(bench):
    """The same copies as a job of the durable engine, with its state, ledger and report."""
    n = int(100_000 * bench.scale)
    state, job = bench.folder / "state", bench.folder / "copy.yaml"
    job.write_text(f"name: copy\noperation: copy\nsource: s3://bench-n{n}-s4096/\ndestination: s3://target-n{n}-s4096/\n",
                   encoding="utf-8")
    bench.case(f"copy {n:,} x 4 KiB, durable job", n, "object", ["run", job, "--state", state], floor=ad_hoc(n),
               prepare=lambda: shutil.rmtree(state, ignore_errors=True))


def catalogue(bench):
    """Copies of what a table lists, and the rows follow: the catalogue is SQLite, on the same disk."""
    n = int(100_000 * bench.scale)
    state, job, full, live = (bench.folder / name for name in ("catalogue-state", "catalogue.yaml", "full.db", "live.db"))
    job.write_text(f"name: copy\noperation: copy\nsource: s3://bench-n{n}-s4096/\ndestination: s3://target-n{n}-s4096/new/\n"
                   "select: {catalog: c, query: \"SELECT id, path FROM files WHERE path NOT LIKE 'new/%'\", key: path, cursor: id}\n"
                   "catalog: {update: \"UPDATE files SET path = :destination_key WHERE id = :id AND path = :source_key\"}\n"
                   f"catalogs: {{c: {{url: \"sqlite://{live}\"}}}}\n", encoding="utf-8")
    with contextlib.closing(sqlite3.connect(full)) as database, database:
        database.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE)")
        database.executemany("INSERT INTO files VALUES (?, ?)", ((i + 1, f"{i:010}-4096") for i in range(n)))

    def prepare():
        shutil.rmtree(state, ignore_errors=True)
        shutil.copy(full, live)
    bench.case(f"copy {n:,} x 4 KiB, durable job with a catalogue", n, "object", ["run", job, "--state", state],
               floor=ad_hoc(n), prepare=prepare)


CASES = {"copy": copy, "durable": durable, "catalogue": catalogue, "upload": upload, "download": download, "list": list_keys,
         "compare": compare, "large": large}
