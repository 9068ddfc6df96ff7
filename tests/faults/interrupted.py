"""A signal at any moment of every command that works in this process: its code, one line, and nothing half written."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.corruption import _tables
from tests.faults.prepared import run_folder
from tests.faults.small_run import RUN, placed, same_run
from tests.faults.throws import HANGS, LINES, LOST, NOTICED, OTHER, SAME, TRACEBACK, Throw

EXPECTED = "the code of the signal and one line; the old or the new, whole; the same command then does its work"
SECONDS = 150
LONGEST = 30.0  # seconds after the signal
MOMENTS = 8
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The command, and within how many seconds the signal comes.
COMMANDS: dict[str, tuple[tuple[str, ...], float]] = {
    "report": (("report", "RUN"), 2.0),
    "report --json": (("report", "RUN", "--json"), 1.0),
    "index": (("report", "results", "--index"), 2.0),
    "changes": (("report", "results/baselines/two", "RUN"), 2.0),
    "check": (("check", "RUN", "--baseline", "one"), 1.0),
    "check of a suite": (("check", "small.yaml", "--baseline", "one", "--executor", "local"), 1.0),
    "export": (("export", "RUN", "--figures", "svg"), 4.0),
    "compare": (("compare", "RUN", "results/baselines/two"), 1.0),
    "save": (("baseline", "save", "RUN", "--as", "one", "--replace"), 0.4),
    "promote": (("baseline", "promote", "two", "--to", "one"), 0.4),
    "list of baselines": (("baseline", "list"), 0.4),
    "run": ((*RUN, "--set", "steps=30"), 2.0),
    "run that merges": ((*RUN, "--set", "description=words"), 1.0),
    "cure": (("cure", "small.yaml", "--executor", "local", "--seeds", "1"), 4.0),
    "demo": (("demo",), 8.0),
    "verify-verdicts": (("verify-verdicts", "small.yaml", "--executor", "local", "--seeds", "1"), 2.0),
    "speed": (("check", "--speed", "--save"), 4.0),
    "plan": (("plan", "small.yaml"), 0.3),
    "list": (("list",), 0.5),
    "explain": (("explain", "hinge"), 0.3),
    "schema": (("schema",), 0.5),
    "doctor": (("doctor",), 1.0),
    "data list": (("data", "list"), 1.0),
    "init": (("init", "new.yaml"), 0.2),
    "new": (("new", "trick", "my_trick"), 0.2),
    "a monitor": ((), 1.0),
}  # fmt: skip


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for name, (words, longest) in COMMANDS.items():
        for i in range(MOMENTS):
            chosen = random.Random(f"{name} {i}")
            number, moment = SIGNALS[i % 3], 0.01 + longest * chosen.random()
            full = f"{name}, {number.name} after {moment:.3f} s"
            yield Throw("signals to every command", full, EXPECTED, _thrown(words, number, moment), SECONDS)


def _thrown(words: tuple[str, ...], number: int, moment: float) -> Callable[[], str]:
    def run() -> str:
        before, given = _tables(run_folder()), tuple(map(placed, words))
        there = set(Path.cwd().rglob("*"))
        code, said = _signalled(given, number, moment)
        if code is None:
            return HANGS
        new = [path for path in Path.cwd().rglob("*") if path not in there]
        if half := [path.name for path in new if path.name.endswith((".tmp", ".next"))]:
            return f"{LOST}: {half[:3]} stay"
        if "Traceback" in said or "internal error" in said:
            return f"{TRACEBACK}: {said[-200:]}"
        lines = [line for line in said.splitlines() if line.startswith("ganbench: ")]
        if code == 128 + number and len(lines) != 1:
            return f"{LINES}: {said[-200:]}"
        if code not in (128 + number, 0, 1, 2, 4):
            return f"{OTHER}: status {code}: {said[-200:]}"
        if code == 2 and "no trial fails" not in said and "no run of its" not in said:
            return f"{OTHER}: status {code}: {said[-200:]}"
        if broken := [
            page.name for page in Path("report").glob("*.html") if not page.read_text().rstrip().endswith("</html>")
        ]:
            return f"{LOST}: {broken[0]} is half a page"
        again, told = _signalled(given, 0, 0.0) if words and words[0] not in ("demo", "check") else (code, "")
        if again not in (code, 0, 1, 2, 4) or "Traceback" in told:
            return f"{LOST} ({again}): {told[-200:]}"
        whole, told = _signalled(RUN, 0, 0.0)
        if whole:
            return f"{LOST} ({whole}): {told[-200:]}"
        found = same_run(before)
        return NOTICED if found == SAME and code == 128 + number else found

    return run


def _signalled(words: tuple[str, ...], number: int, moment: float) -> tuple[int | None, str]:
    """Run a command in a child, send it a signal after a while, and return its exit code and its lines; 0 for none."""
    err, (ready, go) = Path("err"), os.pipe()
    child = os.fork()
    if child == 0:
        _child(words, err, go)
    os.read(ready, 1)
    os.close(ready)
    os.close(go)
    if number:
        time.sleep(moment)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)
    end = time.monotonic() + (LONGEST if number else SECONDS)
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            said = err.read_text(errors="replace")
            err.unlink()
            return os.waitstatus_to_exitcode(status), said
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None, ""


def _child(words: tuple[str, ...], err: Path, go: int) -> None:
    import sys

    code = 99
    os.setpgid(0, 0)
    descriptor = os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(descriptor, 2)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
    try:
        from ganbench.cli.main import main

        os.write(go, b"x")
        if words:
            code = main(list(words))
        else:
            code = _monitor()
        sys.stderr.flush()
    except BaseException as error:  # noqa: BLE001 - what Python would print
        os.write(2, f"Traceback: {error!r}".encode())
    finally:
        os._exit(code)


def _monitor() -> int:
    """Train a loop with a monitor in it; an interrupt is the user's, who closes it and reads what is there."""
    import ganbench
    from tests.engine import Interrupts
    from tests.faults.python_calls import watched_steps

    with Interrupts() as interrupts:
        try:
            watched_steps("watched", 0, 60)
        except BaseException as error:
            if interrupts.code is None:
                raise
            if not isinstance(error, KeyboardInterrupt):
                raise
        for path in Path().glob("watched*/manifest.json"):
            ganbench.load(path.parent)
    if interrupts.code:
        os.write(2, b"ganbench: interrupted\n")
    return interrupts.code or 0
