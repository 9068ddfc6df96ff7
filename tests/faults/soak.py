"""Kills and signals at random moments of small sweeps under Ray: `python -m tests.faults.soak FOLDER --hours 2`.

A sweep is started again and again in one results folder, each time with the command that the round before printed,
until it ends undisturbed: its tables must then be those of a sweep that nobody disturbed, bit for bit. Each start that
is killed or signalled is a round and a row of FOLDER/rounds.csv; the draws of a round depend on its number, and on how
many sweeps ended before their moment came. Called again, it goes on with the rounds that are missing.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from tests.faults.left_behind import Watched, machine
from tests.helpers import ROOT

SUITE = """
name: soak
datasets: [ring]
networks: [{mlp: {latent: 4, width: 16}}]
losses: [non_saturating, hinge]
tricks: [none, r1]
seeds: 2
steps: 200
batch: 16
log_every: 50
evaluate: {every: 100, samples: 100}
"""
TRIALS, SEEDS = 4, 2
ROUNDS = 6  # of a life at most: then it may end, which shows how long a sweep takes now
LONGEST = 180.0  # seconds that a sweep may take after a signal, or undisturbed, until it counts as hanging
LIVES = 60.0  # seconds after which nothing of a killed sweep may live
HANGS = "hangs"


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


class Soak:
    """All rounds of one folder."""

    def __init__(self, folder: Path, kills: int, signals: int, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.table = folder / "rounds.csv"
        self.kinds = interleaved(kills, signals)
        self.commit = commit()
        self.waiting: list[tuple[Round, Life, Watched]] = []
        self.over: set[int] = set()  # lives that ended
        self.usual: dict[bool, float] = {}  # whether trials are missing → how long a sweep took last
        self.early = 0  # how often a sweep ended before the moment of its signal came

    def run(self, hours: float) -> None:
        """Make the rounds that are missing, for so many hours at most."""
        end = time.monotonic() + hours * 3600
        done = read(self.table)
        self.reference()
        left = [number for number in range(len(self.kinds)) if number not in {row.number for row in done}]
        life = max((row.life for row in done), default=0)
        while left and time.monotonic() < end:
            life += 1
            self.live(life, left, end)
        while self.waiting:
            self.look()
            time.sleep(0.5)

    def reference(self) -> None:
        """Run the sweep undisturbed, and once more where all is done: its tables, its entries, how long it takes."""
        life = Life(self.folder / "reference", 0, ARGUMENTS)
        shutil.rmtree(life.folder, ignore_errors=True)
        self.finish(life)
        self.finish(life)
        self.entries, self.tables = entries(life.folder), tables(life.folder)

    def live(self, number: int, left: list[int], end: float) -> None:
        """Disturb one sweep a few times, at most once after all of its trials are done, then let it end."""
        life = Life(self.folder / f"life{number}", number, ARGUMENTS)
        shutil.rmtree(life.folder, ignore_errors=True)
        whole = False
        while left and time.monotonic() < end and not whole and len(life.rounds) < ROUNDS:
            whole = life.parts == TRIALS
            if not self.disturb(life, left[0]):
                break
            left.pop(0)
        self.finish(life)
        equal = "yes" if tables(life.folder) == self.tables else "no"
        strange = life.strange(self.entries)
        for row in life.rounds:
            row.equal = equal
            row.left = " ".join([row.left, *strange]).strip()
        self.over.add(number)
        if equal == "yes" and not strange:
            shutil.rmtree(life.folder)

    def start(self, life: Life, temp: Path) -> subprocess.Popen[str]:
        """Start the command; it and whatever it starts have the temporary folder's name in their environment."""
        life.folder.mkdir(parents=True, exist_ok=True)
        (life.folder / "soak.yaml").write_text(SUITE)
        own = {
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(temp),
            "OMP_NUM_THREADS": "1",
            "TORCHINDUCTOR_CACHE_DIR": str(life.folder / "torch"),
        }
        with (life.folder / "err").open("w") as err:
            return subprocess.Popen(
                [sys.executable, "-m", "ganbench", *life.arguments], env={**os.environ, **own}, cwd=life.folder,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, text=True, start_new_session=True,
            )  # fmt: skip

    def finish(self, life: Life) -> None:
        """Run it to its end, undisturbed."""
        temp, missing = short_folder(), life.parts < TRIALS
        began = time.monotonic()
        process = self.start(life, temp)
        while process.poll() is None and time.monotonic() - began < LONGEST:
            self.look()
            time.sleep(0.1)
        if process.poll() != 0:
            process.kill()
            print(f"life {life.number}: undisturbed, it ended with {process.wait()}: {said(life)}", flush=True)
        self.usual[missing] = time.monotonic() - began
        shutil.rmtree(temp, ignore_errors=True)

    def disturb(self, life: Life, number: int) -> bool:
        """Make one round; False where the sweep ended before its moment came."""
        drawn = random.Random(f"{self.seed}-{number}-{self.early}")
        kind = self.kinds[number]
        name = "SIGKILL" if kind == "kill" else drawn.choice(["SIGINT", "SIGTERM"])
        target = "process" if kind == "kill" else drawn.choice(["process", "group"])
        missing = life.parts < TRIALS
        usual = self.usual[missing]
        row = Round(number, life.number, self.commit, kind, name, target, drawn.random() * usual, usual)
        row.memory, row.files, row.processes = machine()
        temp = short_folder()
        watched = Watched(temp)
        began = time.monotonic()
        process = self.start(life, temp)
        while (until := began + row.moment - time.monotonic()) > 0 and process.poll() is None:
            self.look()
            watched.family(process.pid)
            time.sleep(min(0.25, until))
        if process.poll() is not None:  # this took less than usual
            self.early += 1
            self.usual[missing] = time.monotonic() - began
            shutil.rmtree(temp, ignore_errors=True)
            return False
        send = os.killpg if target == "group" else os.kill
        send(process.pid, getattr(signal, name))
        signalled = time.monotonic()
        while process.poll() is None and time.monotonic() - signalled < LONGEST:
            self.look()
            time.sleep(0.1)
        row.seconds = time.monotonic() - signalled
        row.status = HANGS if process.poll() is None else str(process.returncode)
        if row.status == HANGS:
            process.kill()
            process.wait()
        self.describe(row, life)
        watched.ended()
        life.rounds.append(row)
        self.waiting.append((row, life, watched))
        return True

    def describe(self, row: Round, life: Life) -> None:
        """Read what the sweep left on disk and on the screen, and take over the command to go on."""
        row.parts, row.said = life.parts, said(life)
        try:
            row.merged = life.merged()
        except Exception as error:  # noqa: BLE001 - tables that cannot be read are not merged
            row.merged, row.said = -1, f"{error} | {row.said}"
        _, found, line = row.said.partition("; to go on: ganbench ")
        row.command = "yes" if found else "no"
        life.arguments = shlex.split(line) if found else ARGUMENTS

    def look(self) -> None:
        """Look at what rounds that are over have left; write down those of which all is known."""
        for one in list(self.waiting):
            row, life, watched = one
            if watched.look(LIVES) and life.number in self.over:
                self.waiting.remove(one)
                row.gone_after = watched.gone_after
                row.left = " ".join([*watched.left, row.left]).strip()
                watched.remove()
                row.judge()
                write(self.table, row)
                print(f"{row.number}: {row.signal} at {row.moment:.1f}: {row.bad or 'ok'}", flush=True)


ARGUMENTS = ["run", "soak.yaml"]


def interleaved(kills: int, signals: int) -> list[str]:
    """Return the kinds of all rounds, spread evenly."""
    rounds = [((i + 0.5) / kills, "kill") for i in range(kills)]
    return [kind for _, kind in sorted(rounds + [((i + 0.6) / signals, "signal") for i in range(signals)])]


def short_folder() -> Path:
    """Make a folder for temporary files under which Ray's sockets may lie."""
    return Path(tempfile.mkdtemp(prefix="", dir="/tmp"))


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


def commit() -> str:
    """Return the commit of the ganbench that is thrown at."""
    return subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()


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


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--signals", type=int, default=200)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, its children too
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    Soak(folder, given.kills, given.signals, given.seed).run(given.hours)


if __name__ == "__main__":
    main()
