"""Run the benchmark: `make bench`, also with QUICK=1 or with ROWS="ping rooms".

All contenders of a row run in turn, round after round, so that a noisy machine
is noisy for all of them. Written into `build/`: `bench.json` with everything,
`bench.md` with the table, `bench.png` with a chart.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from measure import Ceiling, Failed
from report import Measured, line, markdown, reckon
from rows import ROWS, Round, Row
from servers import BUILD, HERE, RELAY_PYTHON, fsync_ms

QUICK_RUNS = (
    "chatd",
    "websockets",
    "websockets echo",
    "C epoll",
    "pinned",
    "whole",
    "fragments",
    "python -c pass",
    "chatd --version",
    "chatd --help",
    "chatd serve",
    "C to C",
)
"""With QUICK=1 only these run, once: a look, not a result."""


def main() -> int:
    """Measure what was asked for; 1 if some of it could not be measured."""
    quick = bool(os.environ.get("QUICK"))
    names = os.environ.get("ROWS", "").split()
    chosen = [
        row for row in ROWS if (row.name in names if names else row.quick or not quick)
    ]
    about = describe()
    for key, value in about.items():
        print(f"{key}: {value}")
    measured: list[Measured] = []
    failed = 0
    for row in chosen:
        print(f"\n{row.name}: {row.title}", flush=True)
        try:
            done = reckon(row, run(row, quick=quick))
        except (Failed, AssertionError, OSError) as error:
            print(f"  FAILED: {error}")
            failed += 1
            continue
        measured.append(done)
        for figure in done.figures:
            print(f"  {line(figure)}")
        for label, (server, load) in done.busy.items():
            print(f"    {label:20} server {server:.0%} of a core, load {load:.0%}")
    write(measured, about)
    return 1 if failed else 0


def describe() -> dict[str, str]:
    """Say what it is measured on."""
    cpu = "unknown"
    for text in Path("/proc/cpuinfo").read_text().splitlines():
        if text.startswith("model name"):
            cpu = text.partition(":")[2].strip()
    us = Ceiling().once()
    return {
        "machine": f"{cpu}, {os.cpu_count()} cores, Linux {platform.release()}",
        "python": platform.python_version(),
        "libraries": f"trio {version('trio')}, apsw {version('apsw')}",
        "fdatasync of 4 KiB": f"{fsync_ms():.2f} ms",
        "load generator, CPU per delivery": f"{us['cpu_us_1']:.2f} µs one at a time,"
        f" {us['cpu_us_64']:.2f} µs 64 at a time",
        "C to C over loopback, wall per delivery": f"{us['wall_us_1']:.2f} µs one at a"
        f" time, {us['wall_us_64']:.2f} µs 64 at a time",
        "measured": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def run(row: Row, *, quick: bool) -> list[Round]:
    """Run all contenders of a row, round after round."""
    rounds: list[Round] = []
    for number in range(1 if quick else row.rounds):
        results: Round = {}
        for label, one in row.runs.items():
            if quick and label not in QUICK_RUNS:
                continue
            if sys.stdout.isatty():
                print(f"\r  round {number + 1}: {label:20}", end="", flush=True)
            results[label] = one.once()
        rounds.append(results)
    if sys.stdout.isatty():
        print("\r" + " " * 40, end="\r")
    return rounds


def write(measured: list[Measured], about: dict[str, str]) -> None:
    """Write the results, and have the chart drawn where its rows were measured."""
    rows = [done.as_json() for done in measured]
    written = ["bench.json", "bench.md"]
    (BUILD / "bench.json").write_text(
        json.dumps({"about": about, "rows": rows}, indent=1)
    )
    (BUILD / "bench.md").write_text(markdown(measured, about))
    if {"fanout1", "fanout64"} <= {done.row.name for done in measured}:
        subprocess.run([RELAY_PYTHON, HERE / "chart.py", BUILD], check=True)
        written.append("bench.png")
    where = os.path.relpath(BUILD)
    print("\nwritten:", ", ".join(f"{where}/{name}" for name in written))


if __name__ == "__main__":
    sys.exit(main())
