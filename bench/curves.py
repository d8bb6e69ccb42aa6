"""Curves: how the costs and rates go with the number of objects, with latency, and with requests in flight."""
from markdown_table import markdown


def growth(bench):
    """CPU an object and peak memory from 10^4 to 10^7 objects (10^6 with --quick). The largest are measured once:
    they are long."""
    counts = [10_000, 100_000, 1_000_000] + ([10_000_000] if bench.scale == 1 else [])
    repeats = {10_000: bench.repeat, 100_000: bench.repeat, 1_000_000: 1, 10_000_000: 1}
    commands = {"list": lambda n: ["du", f"s3://bench-n{n}/"],
                "sync, nothing to do": lambda n: ["sync", f"s3://bench-n{n}-s4096/", f"s3://other-n{n}-s4096/"],
                "copy": lambda n: ["cp", "-r", f"s3://bench-n{n}-s4096/", f"s3://target-n{n}-s4096/"]}
    peaks = {}

    def once(name, make, n):
        def run():
            cpu, _, peak = bench.haul(*make(n))
            peaks[name, n] = max(peak, peaks.get((name, n), 0))
            return cpu * 1e6 / n
        return run
    lines = {name: [(n, repeats[n], once(name, make, n)) for n in counts] for name, make in commands.items()}
    if bench.peers["rclone"]:
        theirs = {"rclone list": (lambda n: ["size", f"b:bench-n{n}"], 1_000_000),
                  "rclone copy": (lambda n: ["copy", f"b:bench-n{n}-s4096", f"b:target-n{n}-s4096", "--no-check-dest"], 100_000)}
        again = lambda make, n: lambda: bench.rclone(*make(n))[0] * 1e6 / n
        lines |= {name: [(n, 1, again(make, n)) for n in counts if n <= most] for name, (make, most) in theirs.items()}
    bench.curve("growth", "CPU an object as their number grows", "objects", "us of CPU an object", lines,
                log_across=True, log_up=True)
    bench.sections["growth"] += "\n\n" + markdown(["peak memory, MiB; objects:"] + [f"{n:,}" for n in counts],
                                                  [[name] + [f"{peaks[name, n]:.0f}" for n in counts] for name in commands])


def copies(bench, seconds, latency_ms, in_flight, tool="haul", flags=()):
    """A measurement of copies a second that takes about so long."""
    rate = min(50_000 if tool == "haul" else 4_000, in_flight * 1000 / max(latency_ms + 0.5, 0.5))
    n = max(1000, int(rate * seconds * bench.scale))
    source, target = f"bench-n{n}-s4096", f"target-n{n}-s4096"
    run = (lambda: bench.haul("cp", "-r", f"s3://{source}/", f"s3://{target}/", *flags)) if tool == "haul" else \
          (lambda: bench.rclone("copy", f"b:{source}", f"b:{target}", "--no-check-dest", transfers=in_flight))
    return bench.on_server(["--latency-us", str(latency_ms * 1000)], run, n)


def latency(bench):
    """Copies a second when each answer takes longer: as found by itself, and as set by hand."""
    across = (0, 5, 20, 100)
    # Without flags the start counts as well: the same number of objects as for the best set by hand.
    lines = {"by itself": [(ms, bench.repeat, copies(bench, 3, ms, 1024)) for ms in across]}
    lines |= {f"--concurrency {c}": [(ms, bench.repeat, copies(bench, 1.5 if c < 1024 else 3, ms, c, flags=["--concurrency", str(c)]))
                                     for ms in across] for c in (64, 256, 1024)}
    if bench.peers["rclone"]:
        lines["rclone, 256"] = [(ms, 2, copies(bench, 2, ms, 256, "rclone")) for ms in across]
    bench.curve("latency", "Copies a second against latency", "latency of each answer, ms", "objects/s", lines, log_up=True)


def concurrency(bench):
    """Copies a second against the number of requests in flight, at three latencies."""
    across = (16, 64, 256, 1024)
    lines = {f"{ms} ms": [(c, bench.repeat, copies(bench, 1.5, ms, c, flags=["--concurrency", str(c)])) for c in across]
             for ms in (0, 5, 20)}
    if bench.peers["rclone"]:
        lines["rclone, 5 ms"] = [(c, 2, copies(bench, 2, 5, c, "rclone")) for c in across]
    bench.curve("concurrency", "Copies a second against requests in flight", "--concurrency", "objects/s", lines,
                log_across=True, log_up=True)


CASES = {"growth": growth, "latency": latency, "concurrency": concurrency}
