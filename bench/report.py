"""What scripts/bench writes into docs/benchmarks.md."""
import os
import platform
import re
import shutil
import subprocess
import time

from markdown_table import markdown
from setting import PEERS


def floors(bench):
    """Objects beside what their requests or bytes cost at the least, in the same run."""
    text = lambda value, unit: f"{value:.1f}" if unit == "object" else f"{value:.3f}"
    rows = [[name, f"{text(figures['haul']['cpu'], unit)} {'us/object' if unit == 'object' else 's/GB'}",
             text(figures["floor"]["cpu"], unit), f"{text(figures['floor']['low'], unit)}-{text(figures['floor']['high'], unit)}",
             f"{figures['haul']['cpu'] / figures['floor']['cpu']:.2f}x", f"{100 * figures['haul']['rate'] / figures['floor']['rate']:.0f} %"]
            for name, unit, figures in bench.rows if "floor" in figures]
    return rows and markdown(["case", "haul CPU", "floor CPU", "spread", "haul of the floor", "of its rate"], rows)


def table(bench):
    """One line a case: haul, then for each peer its CPU, how much more that is, and its rate."""
    peers = [name for name in PEERS if any(name in figures for _, _, figures in bench.rows)]
    rows = []
    for name, unit, figures in bench.rows:
        digits = 1 if unit == "object" else 3
        rate = lambda f: f"{f['rate']:,.0f}/s" if unit == "object" else f"{f['rate']:.2f} GB/s"
        haul = figures["haul"]
        row = [name, f"{haul['cpu']:.{digits}f} {'us/object' if unit == 'object' else 's/GB'}",
               f"{haul['low']:.{digits}f}-{haul['high']:.{digits}f}", rate(haul), f"{haul['peak']:.0f} MiB"]
        for peer in peers:
            f = figures.get(peer)
            # What a part of the objects takes in memory says nothing of all of them.
            row += [f"{f['cpu']:,.{digits}f}{' (part)' if f['part'] else ''}", f"{f['cpu'] / haul['cpu']:.1f}x", rate(f),
                    "-" if f["part"] else f"{f['peak']:.0f} MiB"] if f else ["-"] * 4
        rows.append(row)
    heads = ["case", "haul CPU", "spread", "haul rate", "haul peak"]
    for peer in peers:
        heads += [f"{peer} CPU", "ratio", f"{peer} rate", f"{peer} peak"]
    return markdown(heads, rows)


def version_of(peer):
    if not shutil.which(peer):
        return f"no {peer}"
    done = subprocess.run([peer, "--version" if peer == "aws" else "version"], capture_output=True, text=True, check=False)
    text = (done.stdout or done.stderr).split("\n")[0]
    return f"{peer} {text}" if peer == "s5cmd" else text.split(" Python")[0]


def machine_line():
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo", encoding="utf-8").read())
    congestion = open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="utf-8").read().strip()
    return (f"{model.group(1) if model else platform.processor()}, {os.cpu_count()} cores, Linux {platform.release()}, "
            f"TCP {congestion}, {', '.join(map(version_of, PEERS))}; {time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f} before")


def sections(bench, machine):
    """name -> text of all that was measured."""
    if bench.rows:
        bench.sections["table"] = table(bench)
        if rows := floors(bench):
            bench.sections["floor"] = rows
    return {name: f"Measured on {machine}.\n\n{section}" for name, section in bench.sections.items()}


def write(found, drawn, docs):
    """Replaces these sections of benchmarks.md, and these plots beside it."""
    plots, path = docs / "plots", docs / "benchmarks.md"
    plots.mkdir(exist_ok=True)
    for name, plot in drawn.items():
        (plots / f"{name}.svg").write_text(plot, encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    for name, section in found.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        head, rest = text.split(begin)
        text = head + begin + section + "\n" + end + rest.split(end)[1]
    path.write_text(text, encoding="utf-8")
