"""What haul finds out by itself: the pace of a server, sizes, places in a key space."""
import hashlib
import json
import shutil
import statistics
import subprocess
import time

from markdown_table import markdown


def throttle(bench):
    """A server that takes only so many requests a second: what is used of them, and how many it has to refuse."""
    rows = []
    for limit in (500, 3500, 10_000):
        n = limit * (9 if bench.scale == 1 else 4)
        copy = ["cp", "-r", f"s3://bench-n{n}-s4096/", f"s3://target-n{n}-s4096/"]
        ways = {"haul": bench.haul_command(*copy)}
        ways |= {f"haul --concurrency {c}": bench.haul_command(*copy, "--concurrency", c) for c in (16, 256)}
        if bench.peers["rclone"]:
            ways["rclone, 64"] = bench.rclone_command("copy", f"b:bench-n{n}-s4096", f"b:target-n{n}-s4096", "--no-check-dest")
        found = {name: [] for name in ways}
        for turn in range(min(bench.repeat, 3)):
            for name, command in ways.items():
                if name == "haul" or turn == 0:
                    found[name].append(throttled(bench, limit, n, command))
        for name, runs in found.items():
            rate, refused, whole = (statistics.median(column) for column in zip(*runs))
            rows.append([f"{limit:,}", name, f"{rate:,.0f}", f"{100 * rate / limit:.0f} %", f"{100 * refused:.1f} %",
                         f"{100 * whole:.0f} %"])
            print(json.dumps({"throttle": limit, "way": name, "rate": rate, "refused": refused, "whole": whole}), flush=True)
    bench.sections["throttle"] = markdown(["limit, requests/s", "", "accepted/s", "of the limit", "refused", "whole run, of the limit"],
                                          rows)


def throttled(bench, limit, n, command):
    """(accepted a second, share refused) from two seconds on until four fifths are done, and the limit's share that the
    whole run used."""
    with bench.own_server("--latency-us", "5000", "--rate", str(limit)) as server:
        start = time.monotonic()
        process = subprocess.Popen(list(map(str, command)), env=bench.environment(), stdout=subprocess.DEVNULL)
        looks = []
        while process.poll() is None and time.monotonic() - start < 60:
            stats = server.stats()
            looks.append((time.monotonic(), stats["requests"], stats["throttled"]))
            time.sleep(0.1)
        if process.poll() is None:
            process.kill()  # ours, and hopelessly slow: what was seen so far says so
        process.wait()
        wall = time.monotonic() - start
    done = [look for look in looks if look[1] - look[2] <= 0.8 * n] or looks
    first = next((look for look in done if look[0] - start >= 2), done[0])
    last = done[-1]
    sent, refused = last[1] - first[1], last[2] - first[2]
    accepted = (looks[-1][1] - looks[-1][2]) / wall / limit
    return (sent - refused) / max(last[0] - first[0], 1e-9), refused / max(sent, 1), accepted


def mixed(bench):
    """Sizes from 1 KiB to 1 GiB: by itself, and with part sizes and concurrency set by hand."""
    n = 2000 if bench.scale == 1 else 200
    source, into = f"bench-n{n}-mixed", bench.folder / "mixed-down"
    gigabytes = sum(min(1 << 30, 1024 << 2 * min(10, ((i & -i).bit_length() - 1))) for i in range(1, n + 1)) / 1e9
    ways = {"by itself": []} | {f"--concurrency {c} --part-size {p}MiB": ["--concurrency", str(c), "--part-size", f"{p}MiB"]
                                for c, p in ((16, 8), (64, 8), (64, 64), (256, 16))}
    rows = []
    for ms in (0, 20):
        for what in ("download", "upload"):
            samples = {name: [] for name in ways}
            if what == "upload" and not into.exists():
                bench.haul("cp", "-r", f"s3://{source}/", into)
            for _ in range(min(bench.repeat, 3)):
                for name, flags in ways.items():
                    if what == "download":
                        shutil.rmtree(into, ignore_errors=True)
                    command = ["cp", "-r", f"s3://{source}/", into] if what == "download" else \
                              ["cp", "-r", into, f"s3://target-n{n}-mixed/"]
                    samples[name].append(bench.on_server(["--latency-us", str(ms * 1000)],
                                                        lambda: bench.haul(*command, *flags), gigabytes)())
            medians = {name: statistics.median(rates) for name, rates in samples.items()}
            best = max(medians.values())
            print(json.dumps({"mixed": what, "ms": ms, "GB/s": medians}), flush=True)
            rows += [[what, f"{ms} ms", name, f"{rate:.2f} GB/s", f"{100 * rate / best:.0f} %"] for name, rate in medians.items()]
    shutil.rmtree(into, ignore_errors=True)
    bench.sections["mixed"] = (f"{n:,} objects, {gigabytes:.1f} GB.\n\n" +
                               markdown(["", "latency", "", "rate", "of the best"], rows))


def listing20(bench):
    """Listing at 20 ms, in parallel and one page after the other, and whether every key came once, by count and hash."""
    n, few = int(10_000_000 * bench.scale), 100_000
    rows = []
    for shape, name in (("", "flat"), ("-deep", "deep prefixes"), ("-common", "one common prefix")):
        server = ["--latency-us", "20000"]
        parallel = bench.on_server(server, lambda: bench.haul("du", f"s3://bench-n{n}{shape}/"), n)
        lone = bench.on_server(server, lambda: bench.haul("du", f"s3://bench-n{few}{shape}/", "--concurrency", "1"), few)
        rates, slow = [], []
        for turn in range(bench.repeat):
            rates.append(parallel())
            if turn < 2:
                slow.append(lone())
        rate, one = statistics.median(rates), statistics.median(slow)
        right = lists_all(bench, n, shape)
        print(json.dumps({"listing20": name, "rate": rate, "sequential": one, "ratio": rate / one, "right": right}), flush=True)
        rows.append([name, f"{n:,}", f"{rate:,.0f}", f"{min(rates):,.0f}-{max(rates):,.0f}", f"{one:,.0f}", f"{rate / one:.1f}x",
                     "each once" if right else "WRONG"])
    bench.sections["listing20"] = markdown(["", "keys", "keys/s", "spread", "one after the other", "ratio", "count and hash"], rows)


def lists_all(bench, n, shape):
    """Whether a listing of the bucket is what its name says, in order and to the last key."""
    common = ("a/rather/long/common/prefix/under/which/everything/lies/so-that-a-client-which-splits-the-key-space-by-the-"
              "first-bytes-of-the-keys-finds/no-place-to-split/until-it-has-looked-at-real-keys/")
    key = {"": lambda i: f"{i:010}-4096\n", "-common": lambda i: f"{common}{i:010}-4096\n",
           "-deep": lambda i: f"d{i // 10000:06}/e{i // 100 % 100:02}/{i:010}-4096\n"}[shape]
    with bench.own_server("--latency-us", "20000"):
        listing = subprocess.Popen(f"{bench.binaries}/haul ls -r s3://bench-n{n}{shape}/ | cut -c 32- | sha256sum", shell=True,
                                   env=bench.environment(), stdout=subprocess.PIPE, text=True)
        wanted = hashlib.sha256()
        for begin in range(0, n, 10_000):
            wanted.update("".join(map(key, range(begin, min(n, begin + 10_000)))).encode())
        return listing.communicate()[0].split()[0] == wanted.hexdigest()


CASES = {"throttle": throttle, "mixed": mixed, "listing20": listing20}
