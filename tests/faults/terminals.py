"""`ganbench watch` on terminals: narrow ones, such that change their size, keys, and such that are closed."""

# ruff: noqa: E501 - values stand side by side

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from tests.faults.prepared import plan
from tests.faults.throws import HANGS, LINES, LOST, NOTICED, OTHER, SAME, TRACEBACK, Throw

EXPECTED = "frames that fit, an end at once with the code of what ended it, the cursor as before, no traceback"
SECONDS = 60
LONGEST = 10.0  # seconds until it has to have ended
SIZES = ((1, 1), (2, 5), (24, 8), (24, 20), (24, 40), (3, 40), (1, 80), (24, 80), (50, 132), (24, 500), (0, 0))
TERMS = ("xterm-256color", "xterm", "vt100", "linux", "dumb", "unknown", "no-such-terminal", "")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Screen:
    """A terminal with a command on it: what it printed, and how it ended."""

    child: int
    master: int
    text: str = ""
    status: int | None = None

    def read(self, seconds: float) -> None:
        """Read what is printed in so many seconds, or until the command ends."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.master >= 0:
            if not select.select([self.master], [], [], min(left, 0.1))[0]:
                continue
            try:
                content = os.read(self.master, 65536)
            except OSError:  # its other end is closed
                break
            self.text += content.decode("utf-8", "replace")

    def resize(self, rows: int, columns: int) -> None:
        """Change the size, of which the command gets a signal."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def close(self) -> None:
        """Close the terminal, as one does with its window."""
        os.close(self.master)
        self.master = -1

    def ended(self) -> int | None:
        """Return the exit status; None where it does not end in time."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            if self.master >= 0:
                self.read(0.1)
            else:
                time.sleep(0.05)
            done, status = os.waitpid(self.child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        return None


def started(words: tuple[str, ...], size: tuple[int, int], term: str = "xterm", ignored: int = 0) -> Screen:
    """Start a command on a terminal of its own; a signal that is given is ignored, as by `nohup`."""
    ready, go = os.pipe()
    child, master = pty.fork()
    if child == 0:
        _run(words, term, ignored, ready)
    os.close(ready)
    screen = Screen(child, master)
    screen.resize(*size)
    os.write(go, b"x")
    os.close(go)
    return screen


def _run(words: tuple[str, ...], term: str, ignored: int, ready: int) -> None:
    import sys

    code = 99
    try:
        os.read(ready, 1)
        os.environ["TERM"] = term
        os.environ.pop("COLUMNS", None)
        os.environ.pop("LINES", None)
        if ignored:
            signal.signal(ignored, signal.SIG_IGN)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
        from ganbench.__main__ import command

        sys.argv = ["ganbench", *words]
        code = command()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    except BaseException as error:  # noqa: BLE001 - what Python would print
        os.write(2, f"Traceback: {error!r}".encode())
    finally:
        os._exit(code)


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for size in SIZES:
        for end in ENDS:
            yield Throw(
                "terminals",
                f"watch on {size[0]} x {size[1]}, then {end}",
                EXPECTED,
                _ended(size, "xterm", end),
                SECONDS,
            )
    for term in TERMS:
        for end in ("^C", "closed"):
            yield Throw(
                "terminals", f"watch with TERM={term!r}, then {end}", EXPECTED, _ended((24, 80), term, end), SECONDS
            )
    for one in SIZES:
        yield Throw("terminals", f"watch resized to {one[0]} x {one[1]}", EXPECTED, _resized(one), SECONDS)
    for name, words in OTHERS.items():
        for end in ("^C", "closed"):
            yield Throw("terminals", f"{name} on a terminal, then {end}", EXPECTED, _other(words, end), SECONDS)


WATCH = ("watch", "results/small", "--every", "0.2")
ENDS = ("^C", "^\\", "two ^C", "closed", "closed under nohup", "SIGTERM", "its end")
OTHERS: dict[str, tuple[str, ...]] = {
    "watch of a monitor": ("watch", "watched", "--every", "0.2"),
    "report --watch": ("report", "results/small", "--watch"),
    "run": ("run", "small.yaml", "--executor", "local", "--set", "steps=200000"),
    "demo": ("demo",),
}
CODES = {"^C": (130,), "^\\": (-3, 131), "two ^C": (130,), "closed": (129,), "closed under nohup": (141, 129), "SIGTERM": (143,), "its end": (0,)}  # fmt: skip


def _trials() -> list[SimpleNamespace]:
    """Return the suite's trials and forty more."""
    real = [SimpleNamespace(key=one.key, name=one.name) for one in plan("small.yaml").trials]
    return real + [SimpleNamespace(key=f"{i:064x}", name=f"ring · {i}") for i in range(40)]


def _under_way(running: bool = True) -> None:
    from ganbench.core.environment import now
    from ganbench.core.results_files import json_bytes

    trials = [{"key": trial.key, "name": f"{trial.name} \u202e\x1b[31m漢字", "state": "running", "share": 0.4, "error": "x" * 300,
               "numbers": {"modes_captured": 7.5, "grad_norm_g": 1e-300, "fid": 1e308},
               "series": {"grad_norm_g": [1.0, 1e-30, 1e30]}} for trial in _trials()]  # fmt: skip
    state = {"format": 1, "run": "0" * 10, "running": running, "updated": now(), "trials": trials}
    Path("results/small/progress.json").write_bytes(json_bytes(state))


def _ended(size: tuple[int, int], term: str, end: str) -> Callable[[], str]:
    def run() -> str:
        _under_way()
        screen = started(WATCH, size, term, signal.SIGHUP if "nohup" in end else 0)
        screen.read(1.5)
        return _end(screen, end, size, term)

    return run


def _end(screen: Screen, end: str, size: tuple[int, int], term: str) -> str:
    before = screen.text
    if not before.strip():
        return f"{LOST}: nothing is shown"
    if end in ("^C", "two ^C"):
        screen.type(b"\x03")
        if end == "two ^C":
            screen.type(b"\x03")
    elif end == "^\\":
        screen.type(b"\x1c")
    elif end == "SIGTERM":
        os.kill(screen.child, signal.SIGTERM)
    elif end == "its end":
        _under_way(running=False)
    else:
        screen.close()
    code = screen.ended()
    if code is None:
        return HANGS
    if "Traceback" in screen.text or "internal error" in screen.text:
        return f"{TRACEBACK}: {screen.text[-150:]}"
    if code not in CODES[end]:
        return f"{OTHER}: status {code}: {screen.text[-100:]!r}"
    if "\x1b[?25l" in screen.text and end not in ("closed", "closed under nohup", "^\\"):
        if screen.text.rfind("\x1b[?25h") < screen.text.rfind("\x1b[?25l"):
            return f"{LOST}: the cursor"
    if "\x1b[31m漢" in before or "\u202e" in before:
        return f"{OTHER}: escapes of names"
    wide = [line for line in ESCAPE.sub("", before.replace("\r", "\n")).split("\n") if len(line) > max(size[1], 1)]
    if size[1] >= 40 and wide:
        return f"{LINES}: {len(wide[0])} columns on {size[1]}"
    return SAME if end == "its end" else NOTICED


def _resized(size: tuple[int, int]) -> Callable[[], str]:
    def run() -> str:
        _under_way()
        screen = started(WATCH, (24, 100))
        screen.read(1.0)
        screen.resize(*size)
        screen.read(1.0)
        return _end(screen, "^C", (24, max(100, size[1])), "xterm")  # frames before it had 100 columns

    return run


def _other(words: tuple[str, ...], end: str) -> Callable[[], str]:
    def run() -> str:
        if "watched" in words:
            from tests.faults.python_calls import watched_steps

            watched_steps("watched", 0, 8)
            _still_open()
        else:
            _under_way()
        screen = started(words, (24, 80))
        deadline = time.monotonic() + 20
        while not screen.text.strip() and time.monotonic() < deadline:
            screen.read(0.3)
        screen.read(1.0)
        found = _end(screen, end, (24, 500), "xterm")
        if half := [path.name for path in Path.cwd().rglob(".*.tmp")]:
            return f"{LOST}: {half[:3]} stay"
        return found

    return run


def _still_open() -> None:
    """Say in the monitor's manifest that it goes on."""
    import json

    from ganbench.core.results_files import json_bytes

    path = Path("watched/manifest.json")
    about = json.loads(path.read_text())
    about["monitor"]["running"] = True
    path.write_bytes(json_bytes(about))
