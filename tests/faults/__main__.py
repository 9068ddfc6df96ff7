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

from tests.faults import corruption, file_events, hostile, pictures
from tests.faults.prepared import prepare
from tests.faults.throws import GOOD, Throw, dump, run_all


def every_throw() -> list[Throw]:
    """Return all throws, in the order of the table."""
    throws = [one for module in (corruption, file_events, hostile, pictures) for one in module.throws()]
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


HEAD = """# Throws

{n:,} things that happen to files, with the command after each, and what was found. `before` is version 0.2.0 at commit
298e235, `after` commit {commit}, all of them: {before} and {after} were not as expected (two bombs took more than 15 s
while the machine was busy, and were thrown once more). A dash was not thrown: links, pipes and file events have no
figure before. `python -m tests.faults found.json` makes the throws again (seeds are fixed); `make test` throws a
sample of every kind, `make verify` the whole.

| throw | count | expected | before | after |
| --- | --- | --- | --- | --- |
{rows}

What is left:

"""
SOAKED = """
## Kills and signals at random moments

{n} rounds of `python -m tests.faults.soak FOLDER`: a sweep of four trials under Ray is started, with the command that
the round before printed, and killed or signalled at a moment that is uniform over what it usually takes; "late" is in
the last two thirds of that. "In order": exit status 130 or 143, the command to go on printed, the tables of all that
was done merged (nothing of it is asked for after SIGKILL), and nothing left behind: processes, TMPDIR, /dev/shm and the
results' folder are looked at for a minute. "Same tables": when the sweep was let go on, its tables were those of an
undisturbed one, bit for bit. [results/baselines/soak.csv](../results/baselines/soak.csv) has a row for each round. What
rounds showed was mended while the others were made: their commits are {commits}.

| signal | to | rounds | late | in order | same tables | seconds until it ended: median, most | all gone after, s |
| --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

Rounds that were not as promised:

{bad}

Since then Ray's agents end with the run that was killed, and a signal that lands in an import keeps its code. Still
so: a SIGTERM to the whole group while Ray starts may end Ray's GCS first, and Ray's compiled code then ends the
program after 20 s with status 1; a signal before Python has read ganbench's first lines ends it as it ends any
program (round 177). Nothing is lost: the same command goes on. In rounds 21 to 65 other work had made sweeps slower
than usual, so that moments lay earlier in them than the table says.

In the first and the last tenth of the rounds the whole machine, on which other work ran, had (medians):
{growth}.
"""
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
