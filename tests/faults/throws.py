"""A throw: something done to files, a command after it, and what has to be true then; each in a process of its own.

The process is a fork: it has every module loaded, and what it remembers or breaks dies with it. What a throw found is
one of the words below; `GOOD` are those that keep the promises of docs/faults.md.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60  # that a throw may take; each takes one or two, on a busy machine ten and torch to import
SAME, NOTICED = "the same numbers", "one line"
OTHER, LINES, INTERNAL, TRACEBACK, HANGS = "other numbers", "several lines", "internal error", "traceback", "hangs"
OUTSIDE, NEITHER, LOST, SLOW = "touched outside", "neither old nor new", "lost", "too slow or too large"
GOOD = {SAME, NOTICED}


@dataclass(frozen=True)
class Throw:
    """What is thrown.

    Attributes:
        kind: the row of the table. name: of this throw, unique. expected: in words.
        run: is called in a copy of the prepared folder, which is the working folder; returns what it found.
        seconds: that it may take.
    """

    kind: str
    name: str
    expected: str
    run: Callable[[], str]
    seconds: float | None = None


def found_by(throw: Throw, prepared: Path) -> str:
    """Throw it at a copy of the prepared folder and return what it found."""
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        here = Path(scratch) / "here"
        shutil.copytree(prepared, here, symlinks=True)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            _child(throw, here, write)
        os.close(write)
        found = _wait(child, read, throw.seconds or SECONDS)
        os.close(read)
        return found


def _child(throw: Throw, here: Path, write: int) -> None:
    found = TRACEBACK
    try:
        os.setpgid(0, 0)
        os.chdir(here)
        os.environ["XDG_CACHE_HOME"] = str(here / "cache")
        found = throw.run()
    except BaseException as error:  # noqa: BLE001 - whatever came out of it is what was found
        if os.environ.get("FAULTS_DEBUG"):
            traceback.print_exc()
        found = f"{TRACEBACK}: {type(error).__name__}"
    finally:
        os.write(write, found.encode("utf-8", "replace")[:400])
        os._exit(0)


def _wait(child: int, read: int, seconds: float) -> str:
    end = time.monotonic() + seconds
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return HANGS
        time.sleep(0.005)
    return os.read(read, 400).decode() or LOST


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def command(*arguments: str) -> Said:
    """Run ganbench's command line; of a page only its data are read, which is what may go wrong here."""
    from ganbench.cli.main import main
    from ganbench.report import page
    from ganbench.tables.results import load

    def read_all(folder: Path, out: Path, *_: object) -> Path:
        results = load(folder)
        for trial in results.samples:
            results.samples[trial]
        return out

    page.write_report = read_all
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    return Said(code, out.getvalue(), err.getvalue())


def refusal(said: Said, codes: tuple[int, ...] = (2, 3, 4)) -> str:
    """Return what a command that did not succeed is worth: one line and a code of the user's, or worse."""
    if "Traceback" in said.err:
        return TRACEBACK
    if said.code == 5:
        return f"{INTERNAL}: {said.err.strip()[:150]}"
    lines = [line for line in said.err.splitlines() if line.startswith("ganbench: ")]
    return NOTICED if said.code in codes and len(lines) == 1 else f"{LINES} ({said.code}): {said.err.strip()[:150]}"


@contextlib.contextmanager
def watched_outside(here: Path) -> Iterator[list[str]]:
    """Yield a list that names, after the body, what was changed in `here/outside`, where nothing may be."""
    before, changed = _looks(here / "outside"), []
    yield changed
    after = _looks(here / "outside")
    changed += sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _looks(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        for path in folder.rglob("*")
    }


def run_all(throws: list[Throw], prepared: Path, say: bool = True) -> dict[str, str]:
    """Throw all and return what each found, by name."""
    found = {}
    for number, throw in enumerate(throws, 1):
        found[throw.name] = found_by(throw, prepared)
        if say and found[throw.name] not in GOOD:
            print(f"[{number}/{len(throws)}] {throw.name}: {found[throw.name]}", file=sys.stderr, flush=True)
    return found


def dump(found: dict[str, str], path: Path) -> None:
    """Write what was found."""
    path.write_text(json.dumps(found, indent=0, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
