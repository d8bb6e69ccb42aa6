"""Where scripts/bench measures: servers of its own, haul and its peers in turn on one of them, and what comes of it."""
import contextlib
import json
import os
import pathlib
import shutil
import ssl
import statistics
import subprocess
import tempfile
import urllib.request

from markdown_table import markdown
from plot import line_plot

PEERS = ("rclone", "s5cmd", "aws")
PART = 10  # of the objects, for a peer that is slow at a case: one in so many
KEY, SECRET = "BENCHKEY00000000AAAA", "benchsecret0000000000000000000000000000A"


class Server:
    """The fake S3 server on a port of its own choosing."""

    def __init__(self, program, folder, *options):
        self.process = subprocess.Popen([str(program), "--port", "0", "--account", f"bench={KEY}:{SECRET}", "--etag=fast",
                                         *options], stdout=subprocess.PIPE, text=True,
                                        stderr=open(folder / "server.log", "a", encoding="utf-8"))
        line = self.process.stdout.readline()
        scheme = "https" if "--tls" in options else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{line.split()[1]}"

    def put_bucket(self, name):
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # our own, on loopback
        request = urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")
        urllib.request.urlopen(request, context=trust).read()

    def stats(self):
        with urllib.request.urlopen(f"{self.endpoint}/_fakes3/stats") as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def measure(command, environment):
    """(cpu seconds, wall seconds, peak MiB) of one command; raises if it fails."""
    with tempfile.NamedTemporaryFile("r") as report:
        done = subprocess.run(["/usr/bin/time", "-o", report.name, "-f", "%U %S %e %M", *map(str, command)],
                              env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr[-2000:]}")
        user, system, wall, peak = report.read().split()
    return float(user) + float(system), float(wall), int(peak) / 1024


class Bench:
    """One run of scripts/bench: its folder, its servers, and what was measured so far."""

    def __init__(self, binaries, repeat, quick):
        self.binaries = binaries
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="haul-bench-", dir="/dev/shm"))
        self.repeat, self.scale = repeat, 0.1 if quick else 1
        self.rows, self.plots, self.sections = [], {}, {}
        self.peers = {name: shutil.which(name) for name in PEERS}
        self.plain = self.new_server("--store=none")
        self.keeping = self.tls = None  # large objects are kept, since haul compares what the server says of them
        self.server = self.plain

    def close(self):
        for server in (self.plain, self.keeping, self.tls):
            if server:
                server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_server(self, *options):
        return Server(self.binaries / "haul-fakes3", self.folder, *options)

    @contextlib.contextmanager
    def own_server(self, *options):
        """A server that is slow or busy as the options say, for as long as the block lasts."""
        self.server = self.new_server("--store=none", *options)
        try:
            yield self.server
        finally:
            self.server.stop()
            self.server = self.plain

    def use_keeping(self):
        if self.keeping is None:
            self.keeping = self.new_server()
            self.keeping.put_bucket("target")
        self.server = self.keeping

    def use_tls(self):
        if self.tls is None:
            cert, key = self.folder / "cert.pem", self.folder / "key.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                            "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
            self.tls = self.new_server("--tls", str(cert), str(key))
            self.tls.put_bucket("target")
        self.server = self.tls

    def environment(self):
        values = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_ACCESS_KEY_ID": KEY,
                  "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.server.endpoint,
                  "AWS_EC2_METADATA_DISABLED": "true",
                  "RCLONE_CONFIG": "/dev/null", "RCLONE_CONFIG_B_TYPE": "s3", "RCLONE_CONFIG_B_PROVIDER": "Other",
                  "RCLONE_CONFIG_B_ACCESS_KEY_ID": KEY, "RCLONE_CONFIG_B_SECRET_ACCESS_KEY": SECRET,
                  "RCLONE_CONFIG_B_REGION": "us-east-1", "RCLONE_CONFIG_B_ENDPOINT": self.server.endpoint}
        return values

    def peer_commands(self, given):
        """The peers that are installed and know the case, with their best known settings."""
        endpoint = ["--endpoint-url", self.server.endpoint]
        whole = {"rclone": self.rclone_command,
                 "s5cmd": lambda *command: [self.peers["s5cmd"], *endpoint, "--log", "error", *command],
                 "aws": lambda *command: [self.peers["aws"], *endpoint, *command]}
        return {name: whole[name](*given[name]) for name in PEERS if self.peers[name] and given.get(name)}

    def haul_command(self, *command):
        return [self.binaries / "haul", *command, "--quiet"]

    def rclone_command(self, *command, transfers=64):
        return [self.peers["rclone"], *command, "--transfers", transfers, "--checkers", transfers, "--s3-no-check-bucket", "-q"]

    def case(self, name, count, unit, haul, prepare=lambda: None, floor=None, slow=None, **peers):
        """Measures all in turn. unit is "object" (us of CPU each) or "GB" (s of CPU each); count their number.
        slow: peers that get count / PART of them."""
        peers |= slow or {}
        counts = {tool: count / PART if tool in (slow or {}) else count for tool in ("haul", "floor", *PEERS)}
        commands = {"haul": self.haul_command(*haul)} | self.peer_commands(peers)
        if floor:
            commands["floor"] = [self.binaries / floor[0], *floor[1:]]
        samples = {tool: [] for tool in commands}
        for turn in range(self.repeat):
            for tool, command in commands.items():
                if (tool == "aws" or tool in (slow or {})) and turn % 5:
                    continue
                prepare()
                samples[tool].append(measure(command, self.environment()))
        figures = {}
        for tool, runs in samples.items():
            factor = 1e6 / counts[tool] if unit == "object" else 1 / counts[tool]
            cpu = sorted(run[0] * factor for run in runs)
            figures[tool] = {"cpu": statistics.median(cpu), "low": cpu[0], "high": cpu[-1],
                             "rate": counts[tool] / statistics.median(run[1] for run in runs),
                             "peak": max(run[2] for run in runs), "part": counts[tool] != count}
        self.rows.append((name, unit, figures))
        print(json.dumps({"case": name, "unit": unit, **figures}), flush=True)

    def on_server(self, options, run, count):
        """Rate of one run against a server of its own."""
        def once():
            with self.own_server(*options):
                return count / run()[1]
        return once

    def curve(self, name, title, across, up, series, log_across=False, log_up=False):
        """series: {line: [(x, repeats, function that measures once and gives y)]}; repeats take turns over all points."""
        samples = {(line, x): [] for line, points in series.items() for x, _, _ in points}
        for turn in range(self.repeat):
            for line, points in series.items():
                for x, repeats, once in points:
                    if turn < repeats:
                        samples[line, x].append(once())
        medians = {line: [(x, statistics.median(samples[line, x])) for x, _, _ in points] for line, points in series.items()}
        print(json.dumps({"curve": name, "lines": medians}), flush=True)
        self.plots[name] = line_plot(title, across, up, medians, log_across, log_up)
        columns = sorted({x for points in medians.values() for x, _ in points})
        rows = [[line] + [next((f"{y:,.1f}" if y < 100 else f"{y:,.0f}" for at, y in points if at == x), "-") for x in columns]
                for line, points in medians.items()]
        self.sections[name] = (f"![{title}](plots/{name}.svg)\n\n" +
                               markdown([f"{up}; {across}:"] + [f"{x:,}" for x in columns], rows))

    def haul(self, *command):
        return measure(self.haul_command(*command), self.environment())

    def rclone(self, *command, transfers=64):
        return measure(self.rclone_command(*command, transfers=transfers), self.environment())
