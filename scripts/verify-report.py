#!/usr/bin/env python3
"""Checks the report of a run in a directory without any of haul's own code: every hash, the chain over them,
and the accounts against the ledger and their equations (docs/report.md says how they are made).

usage: verify-report.py DIRECTORY [--chain HEX]
exit code: 0 proven, 1 discrepancies, 2 usage, 3 could not check
"""
import argparse
import collections
import hashlib
import json
import pathlib
import re
import sys

NAME = re.compile(r"(ledger|succeeded|failed)-(\d{5,})\.(jsonl|csv)$")
LISTED = ("filtered", "skipped", "copied", "moved", "deleted", "tagged", "reverted", "same", "different", "missing",
          "failed", "not_attempted")
EXTRA = ("extra_deleted", "extra_kept", "extra_failed")


class Report:
    def __init__(self, directory):
        self.directory = directory
        self.problems = []
        self.counted = collections.Counter()
        self.csv_lines = collections.Counter()
        self.lines = self.bad_lines = 0

    def wrong(self, place, message):
        self.problems.append(f"{place}: {message}")

    def take_line(self, place, text):
        try:
            line = json.loads(text)
            kind, key = line["outcome"], line["key"]
            if not isinstance(key, str):
                bytes.fromhex(key["hex"])
        except (ValueError, KeyError, TypeError) as error:
            return self.wrong(place, f"is no line of a ledger: {error}")
        count = self.counted
        extra = line.get("extra", False)
        self.lines += 1
        if kind in ("failed", "different"):
            self.bad_lines += 1
        if kind == "failed":
            count["extra_failed" if extra else "failed"] += line.get("objects", 1)
        elif kind == "deleted":
            count["extra_deleted" if extra else "deleted"] += 1
        elif not (kind == "different" and extra):
            count[kind] += 1
        if kind in ("copied", "moved"):
            count["copied_bytes"] += line["size"]
            count["server_side"] += line.get("how") == "server_side"
            count["verified"] += line.get("proof", "none") not in ("none", "size")
        count["losses"] += len(line.get("losses", ()))
        count["sources_kept"] += line.get("source_kept", False)
        count["rows_updated"] += line.get("catalogue") == "updated"
        count["rows_unmatched"] += line.get("catalogue") == "unmatched"
        return None

    def check_segment(self, segment, chain):
        """The chain's value behind the segment."""
        name = segment["name"]
        sha256, size, lines, end = hashlib.sha256(), 0, 0, b"\n"
        try:
            with open(self.directory / name, "rb") as file:
                for line in file:
                    sha256.update(line)
                    size += len(line)
                    lines += line.endswith(b"\n")
                    end = line[-1:]
                    if name.startswith("ledger-"):
                        self.take_line(f"{name} line {lines}", line)
        except FileNotFoundError:
            self.wrong(name, "is not there")
            return segment["chain"]
        if end != b"\n":
            self.wrong(name, "the last line is cut off")
        digest = sha256.hexdigest()
        for what, found in (("bytes", size), ("lines", lines), ("sha256", digest)):
            if segment[what] != found:
                self.wrong(name, f"{what} are {found}, and {segment[what]} was recorded")
        chain = hashlib.sha256((chain + digest).encode("ascii")).hexdigest()
        if chain != segment["chain"]:
            self.wrong(name, f"the chain comes to {chain} behind it, and {segment['chain']} was recorded")
        self.csv_lines[name.split("-")[0]] += lines
        return segment["chain"]

    def check_names(self, segments):
        numbers = collections.Counter()
        for segment in segments[:-1]:
            match = NAME.match(segment["name"])
            if not match:
                self.wrong("manifest.json", f"{segment['name']} is no segment")
                continue
            numbers[match[1]] += 1
            if int(match[2]) != numbers[match[1]]:
                self.wrong("manifest.json", f"{segment['name']} stands where number {numbers[match[1]]} should")
        if segments[-1]["name"] != "summary.json":
            self.wrong("manifest.json", "the chain does not end with summary.json")
        known = {segment["name"] for segment in segments}
        for path in self.directory.iterdir():
            if NAME.match(path.name) and path.name not in known:
                self.wrong(path.name, "is not in the manifest")

    def check_summary(self, scope, csv):
        summary = json.loads((self.directory / "summary.json").read_text("utf-8"))
        accounts = summary["accounts"]
        for whole, terms in (("listed", LISTED), ("extra", EXTRA)):
            total = sum(accounts[term] for term in terms)
            if accounts[whole] != total:
                self.wrong("summary.json", f"{accounts[whole]} {whole}, and its terms add up to {total}")
        for equation in summary["equations"]:
            if equation["sum"] != sum(equation["terms"].values()):
                self.wrong("summary.json", "the sum of an equation is not that of its terms")
            for term, value in equation["terms"].items():
                if accounts[term] != value:
                    self.wrong("summary.json", f"{term} is {accounts[term]} by the accounts, {value} by the equation")
        stated = dict(accounts)
        stated["failed"] += accounts["list_failures"]
        stated["different"] += accounts["missing"]
        compared = ["failed", "different", "extra_failed"]
        if scope == "all":
            compared += ["copied", "copied_bytes", "moved", "deleted", "tagged", "reverted", "skipped", "same",
                         "extra_deleted", "server_side", "verified", "losses", "rows_updated", "rows_unmatched",
                         "sources_kept"]
        for term in compared:
            if stated[term] != self.counted[term]:
                self.wrong("summary.json", f"{stated[term]} {term} by the accounts, {self.counted[term]} by the ledger")
        if csv:
            for name, lines in (("failed", self.bad_lines), ("succeeded", self.lines - self.bad_lines)):
                if self.csv_lines[name] != lines:
                    self.wrong(f"{name}-*.csv", f"have {self.csv_lines[name]} lines, and the ledger {lines} of them")

    def check(self, chain):
        manifest = json.loads((self.directory / "manifest.json").read_text("utf-8"))["haul"]
        self.check_names(manifest["segments"])
        value = "0" * 64
        for segment in manifest["segments"]:
            value = self.check_segment(segment, value)
        if manifest["chain"] != value:
            self.wrong("manifest.json", "ends in another value of the chain than its last segment")
        if chain and chain != value:
            self.wrong("manifest.json", f"the chain ends in {value}, and {chain} was recorded")
        self.check_summary(manifest["scope"], manifest["csv"])
        return value


def main():
    parser = argparse.ArgumentParser(description="check the report of a run, without haul")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--chain", help="the last value of the chain, as it was kept elsewhere")
    arguments = parser.parse_args()
    report = Report(arguments.directory)
    try:
        chain = report.check(arguments.chain)
    except FileNotFoundError as error:
        print(f"verify-report: {error}", file=sys.stderr)
        return 3 if not (arguments.directory / "manifest.json").exists() else 1
    except (ValueError, KeyError, TypeError, IndexError) as error:
        print(f"verify-report: the manifest or the summary is broken: {error!r}", file=sys.stderr)
        return 1
    for problem in report.problems:
        print(problem)
    print(f"{report.lines} outcomes, chain {chain}: {'NOT PROVEN' if report.problems else 'proven'}")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
