"""Rounds of a soak as rows of a table, and what a sweep has left in its folder."""

from __future__ import annotations

import csv
import signal
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

TRIALS, SEEDS = 4, 2  # of the sweep


@dataclass
class Round:
    """One disturbed sweep: what was done to it and what came of it.

    Attributes:
        life: the results folder's number; rounds of one life go on from each other.
        moment: seconds from the start of the command to the signal, uniform over `usual`.
        status: exit status, -9 after SIGKILL. seconds: from the signal to the exit.
        command: whether the command to go on was printed. merged: of how many trials of `parts` the tables have rows.
        equal: whether the tables were those of an undisturbed sweep when this life ended.
        left: processes that live after a minute, entries of TMPDIR and /dev/shm, strange entries of the results.
        gone_after: seconds from the exit until no process of the sweep lived and no file was left.
        memory, files, processes: of the whole machine, when the round began: MiB available, open, alive.
        bad: what is not as promised, in words; empty if all is.
    """

    number: int
    life: int
    commit: str
    kind: str
    signal: str
    target: str
    moment: float
    usual: float
    status: str = ""
    seconds: float = 0.0
    command: str = ""
    parts: int = 0
    merged: int = 0
    equal: str = ""
    left: str = ""
    gone_after: float = 0.0
    memory: int = 0
    files: int = 0
    processes: int = 0
    said: str = ""
    bad: str = ""

    def judge(self) -> None:
        """Fill in `bad`."""
        number = getattr(signal, self.signal)
        broken = []
        if self.kind == "kill":
            broken += [f"status {self.status}"] * (self.status != str(-number))
        elif self.status != "0" or self.merged < TRIALS:  # a sweep that was complete already may end with 0
            broken += [f"status {self.status}"] * (self.status != str(128 + number))
            broken += ["no command to go on"] * (self.command != "yes")
            broken += [f"{self.merged} of {self.parts} parts merged"] * (self.merged < self.parts)
        broken += ["other tables"] * (self.equal != "yes") + ["left behind"] * bool(self.left)
        self.bad = "; ".join(broken)


@dataclass
class Life:
    """One results folder, from its first start to an undisturbed end."""

    folder: Path
    number: int
    arguments: list[str]
    rounds: list[Round] = field(default_factory=list)

    @property
    def parts(self) -> int:
        """Return how many trials are done."""
        return len([path for path in (self.folder / "results/soak/parts").glob("[0-9a-f]*") if path.is_dir()])

    def merged(self) -> int:
        """Return of how many trials the merged tables have results."""
        import ganbench

        found = list((self.folder / "results/soak").glob("*/manifest.json"))
        if not found:
            return 0
        runs = ganbench.load(found[0].parent).tables.runs
        return runs["status"].tolist().count("OK") // SEEDS

    def strange(self, usual: set[str]) -> list[str]:
        """Return the entries of the results and pages that an undisturbed sweep does not have."""
        return sorted(entries(self.folder) - usual)


def entries(folder: Path) -> set[str]:
    """Return all paths under the results and the pages, relative to the folder."""
    return {str(path.relative_to(folder)) for name in ("results", "report") for path in (folder / name).rglob("*")}


def said(life: Life) -> str:
    """Return the last line that the command wrote to stderr."""
    return ((life.folder / "err").read_text(errors="replace").strip().splitlines() or [""])[-1][:500]


def tables(folder: Path) -> dict[str, bytes]:
    """Return all numbers of the run in a folder but its times, as bytes by table and column."""
    import ganbench

    (manifest,) = (folder / "results/soak").glob("*/manifest.json")
    results = ganbench.load(manifest.parent).tables
    found = {}
    for name in ("runs", "history", "layers"):
        table = getattr(results, name)
        for column in table.columns:
            if column not in results.columns or not results.columns[column].timing:
                values = table[column]
                found[f"{name}.{column}"] = (
                    values.to_numpy().tobytes() if values.dtype.kind in "fiub" else repr(list(values)).encode()
                )
    for trial in results.samples:
        found |= {f"{trial}.{key}": value.tobytes() for key, value in results.samples[trial].items()}
    return found


def read(table: Path) -> list[Round]:
    """Return the rounds that were made; their numbers and lives are all that is asked for."""
    if not table.exists():
        return []
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Round(int(row["number"]), int(row["life"]), row["commit"], row["kind"], row["signal"], row["target"], 0, 0)
        for row in rows
    ]


def write(table: Path, row: Round) -> None:
    """Append a row."""
    new = not table.exists()
    with table.open("a", newline="") as file:
        writer = csv.DictWriter(file, [one.name for one in fields(Round)])
        if new:
            writer.writeheader()
        values = {key: f"{value:.2f}" if isinstance(value, float) else value for key, value in asdict(row).items()}
        writer.writerow(values)
