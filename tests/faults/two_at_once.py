"""Two commands, or monitors, at once in one folder: both keep their rows, or one is refused in one line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.corruption import _tables
from tests.faults.prepared import PARTS, run_folder
from tests.faults.small_run import RUN, same_run
from tests.faults.throws import LOST, SAME, Throw, command


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for name, act in TWO.items():
        yield Throw("two at once", name, "both keep their rows, or one is refused in one line", act)


def side_by_side(*acts: Callable[[], int]) -> list[int]:
    """Run functions side by side in processes of their own; return their exit codes."""
    children = []
    for act in acts:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                code = act()
            finally:
                os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _two_runs() -> str:
    before = _tables(run_folder())
    shutil.rmtree(PARTS)
    codes = side_by_side(*[lambda: command(*RUN).code] * 2)
    if sorted(codes) not in ([0, 2], [0, 0]):
        return f"{LOST}: exit codes {codes}"
    return same_run(before)


def _check_and_run() -> str:
    before = _tables(run_folder())
    shutil.rmtree(PARTS)
    check = ("check", "small.yaml", "--baseline", "one", "--executor", "local")
    codes = side_by_side(lambda: command(*RUN).code, lambda: command(*check).code)
    if codes not in ([0, 0], [0, 2], [2, 0]):
        return f"{LOST}: exit codes {codes}"
    return same_run(before)


def _two_monitors(existing: bool) -> Callable[[], str]:
    def run() -> str:
        from ganbench.monitor.folder import Folder

        if existing:
            Path("watched").mkdir()
        folders = {Folder(Path("watched")).path for _ in range(5)}
        return SAME if len(folders) == 5 else f"{LOST}: {len(folders)} folders for five monitors"

    return run


def _monitors_of_processes() -> str:
    from ganbench.monitor.folder import Folder

    def one(i: int) -> Callable[[], int]:
        def act() -> int:
            Path(f"took-{i}").write_text(str(Folder(Path("watched")).path))
            return 0

        return act

    side_by_side(*(one(i) for i in range(8)))
    taken = {path.read_text() for path in Path().glob("took-*")}
    return SAME if len(taken) == 8 else f"{LOST}: {len(taken)} folders for eight monitors"


def _reports_during_merges() -> str:
    def merges() -> int:
        for i in range(12):
            if command(*RUN, "--set", f"description=words {i}").code:
                return 1
        return 0

    def reports() -> int:
        return max(command("report", str(run_folder())).code for _ in range(12))

    codes = side_by_side(merges, reports, reports)
    return SAME if codes == [0, 0, 0] else f"{LOST}: exit codes {codes}"


def _saves() -> str:
    def save(*words: str) -> Callable[[], int]:
        return lambda: max(command(*words).code for _ in range(8))

    from ganbench.check.baselines import find

    again = [save("baseline", "save", str(run_folder()), "--as", "one", "--replace")] * 2
    codes = side_by_side(*again, save("baseline", "promote", "two", "--to", "one"))
    find("one", Path("results/baselines"))
    return SAME if set(codes) <= {0, 2} else f"{LOST}: exit codes {codes}"


TWO: dict[str, Callable[[], str]] = {
    "two runs of a suite": _two_runs,
    "a check and a run": _check_and_run,
    "five monitors in one process": _two_monitors(False),
    "five monitors in one empty folder": _two_monitors(True),
    "eight monitors in eight processes": _monitors_of_processes,
    "reports during merges": _reports_during_merges,
    "baselines saved and promoted at once": _saves,
}
