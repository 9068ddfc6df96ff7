"""Trains loops with a bug, or healthy ones, and notes what the monitor says of each, and when."""

from __future__ import annotations

import argparse
import csv
import logging
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class Case(NamedTuple):
    """A loop to listen to.

    Attributes:
        name: of the loop, in words.
        says: what a sentence must match that leads a person to the line; nothing of a healthy loop.
        run: trains with a monitor: its folder, a seed, the number of steps, and what says that it is enough.
    """

    name: str
    says: str
    run: Callable[[Path, int, int, Callable[[], bool]], object]


class Heard(logging.Handler):
    """Keeps what the monitor says, once each."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "verdicts want" not in (line := record.getMessage()):  # the runs are short
            self.lines.append(line)


def hear(case: Case, seed: int, steps: int) -> list[str]:
    """Train with a bug until it is named, or a healthy loop to its end, and return what the monitor said."""
    handler, log = Heard(), logging.getLogger("ganbench.monitor")
    log.addHandler(handler)
    propagated, log.propagate = log.propagate, False
    try:
        with tempfile.TemporaryDirectory() as folder:
            case.run(Path(folder) / "run", seed, steps, lambda: named(case.says, handler.lines) is not None)
    finally:
        log.removeHandler(handler)
        log.propagate = propagated
    return handler.lines


def named(says: str, lines: Sequence[str]) -> int | None:
    """Return the step at which a sentence named the bug; None where none did, or where there is none."""
    for line in lines if says else ():
        if re.search(says, line):
            step = re.match(r"step (\d+):", line)
            return int(step.group(1)) if step else 0
    return None


def options(steps: int) -> argparse.ArgumentParser:
    """Return the options of a command that listens to cases."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, 1), help="the first, and the one behind the last")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--only", default="", help="of the names, a pattern")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--csv", default="", help="the table's file; rows that it has are not made again")
    return parser


def listen(cases: Iterable[Case], chosen: argparse.Namespace) -> None:
    """Train all cases, print what was said, and keep it as a table."""
    rows = _read(chosen.csv)
    for case in cases:
        for seed in range(*chosen.seeds):
            if not re.search(chosen.only, case.name) or any(row[:2] == [case.name, str(seed)] for row in rows):
                continue
            lines = hear(case, seed, chosen.steps)
            at = named(case.says, lines)
            verdict = ("named" if at is not None else "missed") if case.says else ("accused" if lines else "in peace")
            said = next((line for line in lines if case.says and re.search(case.says, line)), lines[0] if lines else "")
            rows.append([case.name, str(seed), verdict, "" if at is None else str(at), said])
            print(f"{verdict:9} {case.name:50} seed {seed} at {at} of {len(lines)} lines", flush=True)
            if chosen.verbose or verdict in ("missed", "accused"):
                print(*(f"       {line[:230]}" for line in lines), sep="\n", flush=True)
            if chosen.csv:
                with Path(chosen.csv).open("w", newline="") as file:
                    csv.writer(file).writerows([("loop", "seed", "result", "step", "sentence"), *rows])
    count = {kind: sum(row[2] == kind for row in rows) for kind in ("named", "missed", "accused", "in peace")}
    print(count, file=sys.stderr)


def _read(name: str) -> list[list[str]]:
    if not name or not Path(name).exists():
        return []
    with Path(name).open(newline="") as file:
        return list(csv.reader(file))[1:]
