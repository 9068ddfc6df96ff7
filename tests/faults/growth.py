"""Whether many runs in one process grow it: `python -m tests.faults.growth local 60 growth.csv`, and `ray 10`.

A round trains two trials in the folder that all rounds share, goes on with the finished run, makes its page and loads
it. After each round the process is looked at: memory, open files, threads, children; and so are the folders that it
writes to. Counts must stay what they were after the first rounds, in which modules are imported. Memory is noisy: its
slope is that of Theil and Sen, the median over all pairs of rounds, with its interval of 95 %.
"""

from __future__ import annotations

import csv
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from scipy.stats import theilslopes

from tests.faults.prepared import SUITE

COUNTS = ("files", "threads", "children", "temporary", "shared", "results")
FIRST = {"local": 10, "ray": 2}  # rounds in which a process may still grow
MIB = 2.0**20


def look(folder: Path) -> dict[str, float]:
    """Return what this process and its folders hold now; memory in MiB, the rest are counts."""
    gc.collect()
    process = psutil.Process()
    with process.oneshot():
        return {
            "memory": process.memory_info().rss / MIB,
            "files": process.num_fds(),
            "threads": process.num_threads(),
            "children": len(process.children(recursive=True)),
            "temporary": len(os.listdir(tempfile.gettempdir())),
            "shared": len([name for name in os.listdir("/dev/shm") if _is_ours(Path("/dev/shm") / name)]),
            "results": sum(1 for _ in folder.rglob("*")),
        }


def _is_ours(path: Path) -> bool:
    """Say whether a file of shared memory is mapped by this process or one of its children."""
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            if any(entry.path.startswith(str(path)) for entry in process.memory_maps()):
                return True
        except psutil.Error:
            continue
    return False


def one_round(folder: Path, executor: str) -> None:
    """Train, go on with what is finished, make the page and load it."""
    import ganbench
    from ganbench.report.page import write_report
    from ganbench.suite.plan import make_plan
    from ganbench.suite.schema import read_suite
    from tests.engine import run_plan

    plan = make_plan(read_suite(folder / "small.yaml"))
    shutil.rmtree(folder / "results/small/parts", ignore_errors=True)
    run_plan(plan, folder / "results", executor=executor, quiet=True)  # type: ignore[arg-type]
    outcome = run_plan(plan, folder / "results", executor=executor, quiet=True)  # type: ignore[arg-type]
    assert outcome.exit_code == 0 and outcome.done == 2
    write_report(outcome.folder, folder / "small.html")
    assert len(ganbench.load(outcome.folder).verdicts()) == 4


def rounds(executor: str, number: int, leak: int = 0) -> Iterator[dict[str, float]]:
    """Yield a row for each round, in a folder of their own; `leak` bytes are planted in each, with a file left open."""
    planted: list[object] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "runs"
        folder.mkdir()
        (Path(scratch) / "t").mkdir()
        os.environ["TMPDIR"] = tempfile.tempdir = f"{scratch}/t"
        (folder / "small.yaml").write_text(SUITE)
        for index in range(number):
            one_round(folder, executor)
            if leak:
                planted += [bytearray(os.urandom(leak)), open(folder / "small.yaml")]
            yield {"round": index, **look(folder)}
        tempfile.tempdir = None


Changes = dict[str, tuple[float, float]]


def grown(rows: list[dict[str, float]], first: int) -> tuple[Changes, tuple[float, float, float]]:
    """Return the counts that changed after the first rounds (from, to), and MiB a round: slope, low, high."""
    late = rows[first:]
    counts = {n: (late[0][n], late[-1][n]) for n in COUNTS if len({row[n] for row in late}) > 1}
    found = np.asarray(theilslopes([row["memory"] for row in late], [row["round"] for row in late]), dtype=np.float64)
    slope, _, low, high = found.tolist()
    return counts, (slope, low, high)


def main(executor: str, number: int, out: Path) -> None:
    """Measure, and write a row for each round."""
    rows = []
    with out.open("a", newline="") as file:
        writer = csv.DictWriter(file, ["executor", "round", "memory", *COUNTS])
        if not file.tell():
            writer.writeheader()
        for row in rounds(executor, number):
            rows.append(row)
            writer.writerow({"executor": executor, **row, "memory": f"{row['memory']:.2f}"})
            file.flush()
    counts, (slope, low, high) = grown(rows, FIRST[executor])
    print(f"{executor}: {slope:+.3f} MiB a round, {low:+.3f} to {high:+.3f}; counts that changed: {counts or 'none'}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
