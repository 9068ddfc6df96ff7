"""`python -m tests.faults found.json` throws everything at the ganbench that is imported and writes what it found.

`python -m tests.faults --table before.json after.json COMMIT` writes docs/faults.md, with the rounds of
results/baselines/soak.csv, which `python -m tests.faults.soak` made.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.faults import arguments as words
from tests.faults import (
    at_once,
    contents,
    corruption,
    disks,
    environments,
    extremes,
    file_events,
    hostile,
    hostile_outputs,
    hostile_parts,
    interrupted,
    pictures,
    plugins,
    python_calls,
    suites,
    swapped,
    terminals,
    two_at_once,
)
from tests.faults.prepared import prepare
from tests.faults.texts import HEAD, LATER, SOAKED
from tests.faults.throws import GOOD, Throw, dump, run_all


def every_throw() -> list[Throw]:
    """Return all throws, in the order of the table."""
    throws = [one for module in MODULES for one in module.throws()]
    assert len({one.name for one in throws}) == len(throws)
    return throws


def table(before: dict[str, str], after: dict[str, str], commit: str) -> str:
    """Return the page: a row for each kind of throw, then what is left, each by its name; then the soak."""
    throws = every_throw()
    rows, kinds = [], list(dict.fromkeys((one.kind, one.expected) for one in throws))
    for kind, expected in kinds:
        own = [one.name for one in throws if one.kind == kind and one.name in after]
        cells = [_cell([found[name] for name in own if name in found]) for found in (before, after)]
        rows.append(f"| {kind} | {len(own)} | {expected} | {' | '.join(cells)} |")
    bad = [sum(found not in GOOD for found in side.values()) for side in (before, after)]
    left = [f"- {name}: {found}" for name, found in after.items() if found not in GOOD]
    return (
        HEAD.format(n=len(after), before=bad[0], after=bad[1], commit=commit, rows="\n".join(rows))
        + "\n".join(left or ["None."])
        + "\n"
        + LATER
        + soak(list(csv.DictReader(SOAK.read_text().splitlines())))
    )


def soak(rounds: list[dict[str, str]]) -> str:
    """Return the section on kills and signals at random moments of sweeps."""
    kinds: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rounds:
        kinds.setdefault((row["signal"], row["target"]), []).append(row)
    lines = []
    for (signal, target), own in sorted(kinds.items()):
        seconds = sorted(float(row["seconds"]) for row in own)
        gone = max(float(row["gone_after"]) for row in own if row["gone_after"] and not row["left"])
        started = sum(float(row["moment"]) > START * float(row["usual"]) for row in own)
        good = sum(not row["bad"] for row in own)
        equal = sum(row["equal"] == "yes" for row in own)
        cells = [signal, target, len(own), started, good, equal, f"{statistics.median(seconds):.1f}, {seconds[-1]:.1f}"]
        lines.append(f"| {' | '.join(map(str, cells))} | {gone:.0f} |")
    bad = [
        f"- round {row['number']} ({row['signal']}, commit {row['commit']}): {row['bad']}"
        for row in rounds
        if row["bad"]
    ]
    tenth = max(1, len(rounds) // 10)
    growth = [
        f"{name} {statistics.median(int(row[key]) for row in rounds[:tenth]):,.0f} and "
        f"{statistics.median(int(row[key]) for row in rounds[-tenth:]):,.0f}"
        for key, name in (("memory", "MiB available"), ("files", "open files"), ("processes", "processes"))
    ]
    made = ", ".join(dict.fromkeys(row["commit"] for row in rounds))
    return SOAKED.format(
        n=len(rounds),
        commits=made,
        rows="\n".join(lines),
        bad="\n".join(bad or ["None."]),
        growth=", ".join(growth),
        late="two thirds",
    )


def _cell(found: list[str]) -> str:
    counts = Counter("as expected" if one in GOOD else one.split(":")[0].split(" (")[0] for one in found)
    return ", ".join(f"{n} {what}" for what, n in counts.most_common()) or "–"


MODULES = (
    *(corruption, file_events, hostile, hostile_parts, two_at_once, pictures, suites, contents),
    *(environments, words, python_calls, plugins, extremes, at_once, hostile_outputs),
    *(swapped, disks, terminals, interrupted),
)
SOAK = Path("results/baselines/soak.csv")
START = 1 / 3  # of a sweep's time: trials are under way by then


def main(arguments: list[str]) -> None:
    """Throw, or write the table."""
    if arguments[0] == "--table":
        before, after = (json.loads(Path(name).read_text()) for name in arguments[1:3])
        Path("docs/faults.md").write_text(table(before, after, arguments[3]), encoding="utf-8")
        return
    out = Path(arguments[0]).absolute()
    chosen = [
        one
        for one in every_throw()
        if not arguments[1:] or any(word in one.name or word in one.kind for word in arguments[1:])
    ]
    known = json.loads(out.read_text()) if out.exists() else {}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        prepared = Path(folder)
        prepare(prepared)
        for start in range(0, len(chosen), 25):  # so that a long call that is cut off goes on where it was
            part = [one for one in chosen[start : start + 25] if one.name not in known]
            known |= run_all(part, prepared)
            dump(known, out)
    print(f"{len(known)} thrown, {sum(found not in GOOD for found in known.values())} not as expected")


if __name__ == "__main__":
    main(sys.argv[1:])
