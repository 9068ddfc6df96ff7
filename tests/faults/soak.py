"""Kills and signals at random moments of small sweeps under Ray: `python -m tests.faults.soak FOLDER --hours 2`.

A sweep is started again and again in one results folder, each time with the command that the round before printed,
until it ends undisturbed: its tables must then be those of a sweep that nobody disturbed, bit for bit. Each start that
is killed or signalled is a round and a row of FOLDER/rounds.csv; the draws of a round depend on its number, and on how
many sweeps ended before their moment came. Called again, it goes on with the rounds that are missing.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.left_behind import Watched, machine
from tests.faults.soak_rounds import TRIALS, Life, Round, entries, read, said, tables, write
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
ROUNDS = 6  # of a life at most: then it may end, which shows how long a sweep takes now
LONGEST = 180.0  # seconds that a sweep may take after a signal, or undisturbed, until it counts as hanging
LIVES = 60.0  # seconds after which nothing of a killed sweep may live
HANGS = "hangs"


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


def commit() -> str:
    """Return the commit of the ganbench that is thrown at."""
    return subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()


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
