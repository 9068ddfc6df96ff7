"""Links, pipes and sockets where commands write what a user asked for, and bombs in files that are read back."""

# ruff: noqa: E501 - values stand side by side

from __future__ import annotations

import io
import json
import os
import resource
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.hostile import TRAPS, cleared
from tests.faults.prepared import plan, run_folder
from tests.faults.python_calls import watched_steps
from tests.faults.small_run import RUN, placed, reseal_run
from tests.faults.throws import NOTICED, OTHER, OUTSIDE, SAME, SLOW, TRACEBACK, Throw, command, refusal, watched_outside

KEPT = "refused in one line, or written in the place of the trap; nothing outside is touched"
BOMBED = "one line within 5 s and 1 GiB"
SECONDS = 60
REPORT, EXPORT = ("report", "RUN"), ("export", "RUN", "--figures", "none", "--out", "paper")
NAMED = {"paper", "tests_here", "junit.xml", "results", "results/baselines"}  # by an option: these may be links
PLACES: dict[str, tuple[str, ...]] = {
    "report": REPORT, "report/small.html": REPORT, "paper": EXPORT, "paper/small": EXPORT, "paper/small/runs.tex": EXPORT,
    "new.yaml": ("init", "new.yaml"), "my_trick.py": ("new", "trick", "my_trick"), "test_my_trick.py": ("new", "trick", "my_trick"),
    "tests_here": ("new", "trick", "my_trick", "--tests", "tests_here"),
    "junit.xml": ("check", "RUN", "--baseline", "one", "--junit-xml", "junit.xml"),
    "results/baselines/third": ("baseline", "save", "RUN", "--as", "third"), "results/baselines": ("baseline", "save", "RUN", "--as", "third"),
    "results/baselines/one.previous": ("baseline", "promote", "two", "--to", "one"),
    "results/small/search-x.jsonl": RUN, "CHECKPOINT.stop.json": RUN, "results/small/progress.json.tmp": RUN, "results/small/quarantine/x": RUN,
    "results/small/cures": ("cure", "small.yaml", "--executor", "local", "--seeds", "2", "--only", "loss=hinge"),
    "results": RUN, "watched": ("monitor",), "watched/manifest.json": ("monitor",), "watched/.claimed": ("monitor",), "cache": RUN, "cache/ganbench": RUN,
    "small.yaml": RUN, "plugins.py": ("run", "small.yaml", "--import", "plugins.py"),
}  # fmt: skip


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    traps = {**TRAPS, "socket": _socket, "link to itself": _loop}
    for place, words in PLACES.items():
        for trap, lay in traps.items():
            yield Throw(
                "links and pipes in the place of outputs",
                f"{trap} at the output {place}, then {words[0]}",
                KEPT,
                _trapped(place, lay, words),
                SECONDS,
            )
    for name, (bomb, words) in BOMBS.items():
        yield Throw("more bombs", f"bomb: {name}, then {words[0]}", BOMBED, _bombed(bomb, words), SECONDS)


def _socket(path: Path) -> None:
    made = cleared(path)
    before = os.getcwd()
    os.chdir(made.parent)  # the path of a socket is short
    socket.socket(socket.AF_UNIX).bind(made.name)
    os.chdir(before)


def _loop(path: Path) -> None:
    cleared(path).symlink_to(path.name)


def _trapped(place: str, lay: Callable[[Path], None], words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        words_here = [placed(word) for word in words]
        lay(Path(placed(place)))
        with watched_outside(Path.cwd()) as touched:
            found = _monitored() if words == ("monitor",) else _commanded(words_here)
        # What was there and is linked to is the user's own, and so is what an option names.
        own = [one for one in touched if not one.startswith("kept")]
        return f"{OUTSIDE}: {own[:3]}" if own and place not in NAMED else found

    return run


def _commanded(words: list[str]) -> str:
    said = command(*words)
    if "Traceback" in said.err or "Warning" in said.err:
        return f"{TRACEBACK}: {said.err[-200:]}"
    return refusal(said) if said.code not in (0, 1) else SAME


def _monitored() -> str:
    from ganbench.core.errors import GanbenchError

    try:
        watched_steps("watched", 0, 3)
    except GanbenchError as error:
        return NOTICED if "\n" not in str(error) else TRACEBACK
    return SAME


def _json(where: str, text: str) -> Callable[[], None]:
    def bomb() -> None:
        path = run_folder() / where if where == "manifest.json" else Path(where)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return bomb


def _array(shape: tuple[int, ...], dtype: str, name: str = "samples", data: bytes = b"") -> Callable[[], None]:
    """Leave an array whose header says something else than what follows."""

    def bomb() -> None:
        trial, path = plan("small.yaml").trials[0].id, run_folder() / "samples.npz"
        with np.load(path) as arrays:
            kept = {key: arrays[key] for key in arrays if key != f"{trial}/{name}"}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for key, value in kept.items():
                member = io.BytesIO()
                np.lib.format.write_array(member, value)
                archive.writestr(f"{key}.npy", member.getvalue())
            header = io.BytesIO()
            np.lib.format.write_array_header_2_0(header, {"descr": dtype, "fortran_order": False, "shape": shape})
            archive.writestr(f"{trial}/{name}.npy", header.getvalue() + data)
        reseal_run()

    return bomb


def _table(table: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[], None]:
    def bomb() -> None:
        path = run_folder() / f"{table}.parquet"
        pq.write_table(change(pq.read_table(path)), path, compression="zstd")
        reseal_run()

    return bomb


def _set(name: str, value: str) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        at = table.schema.get_field_index(name)
        return table.set_column(at, table.schema.field(at), pa.array([value] * len(table)))

    return change


def _columns(table: pa.Table) -> pa.Table:
    extra = {f"x{i}": pa.nulls(len(table), pa.float64()) for i in range(20_000)}
    return pa.table(
        {**{name: table.column(name) for name in table.column_names}, **extra}, metadata=table.schema.metadata
    )


def _suite(text: str) -> Callable[[], object]:
    return lambda: Path("thrown.yaml").write_text(text)


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)
PLAN = ("plan", "thrown.yaml")
BOMBS: dict[str, tuple[Callable[[], object], tuple[str, ...]]] = {
    "a billion laughs in a suite": (_suite(LAUGHS), PLAN), "a suite of 100 MB": (_suite("x: " + "y" * 100_000_000), PLAN),
    "a suite of a million keys": (_suite("".join(f"k{i}: 1\n" for i in range(1_000_000))), PLAN),
    "a suite 50,000 mappings deep": (_suite("{a: " * 50_000), PLAN),
    "a matrix of 10^12 cells": (_suite("datasets: [ring]\nlosses: [hinge, minimax]\ntricks: [" + ", ".join(f"{{r1: {{gamma: {i}}}}}" for i in range(5000)) +
                                       "]\noptimizers: [" + ", ".join(f"{{adam: {{lr: 0.{i:04}1}}}}" for i in range(1, 3000)) + "]\n"), PLAN),
    "a manifest of a number of 10^6 digits": (_json("manifest.json", '{"format": ' + "9" * 1_000_000 + "}"), REPORT),
    "a manifest of 10^6 keys": (_json("manifest.json", "{" + ", ".join(f'"k{i}": 1' for i in range(1_000_000)) + "}"), REPORT),
    "a manifest of NaN": (_json("manifest.json", '{"format": NaN, "counts": {"trials": Infinity}}'), REPORT),
    "a manifest of one key 10^6 times": (_json("manifest.json", "{" + ", ".join(['"format": 1'] * 1_000_000) + "}"), REPORT),
    "a progress.json of 200 MB": (_json("results/small/progress.json", '{"a": "' + "x" * 200_000_000 + '"}'), ("watch", "results/small", "--once")),
    "a progress.json 100,000 deep": (_json("results/small/progress.json", "[" * 100_000 + "]" * 100_000), ("watch", "results/small", "--once")),
    "a speed.json of 200 MB": (_json("results/baselines/speed.json", '{"a": "' + "x" * 200_000_000 + '"}'), ("check", "--speed")),
    "a lock's owner of 200 MB": (_json("results/small/.lock-owner", "x" * 200_000_000), RUN),
    "a search's log of 200 MB": (_json("results/small/search-910528f4ad.jsonl", "x" * 200_000_000), RUN),
    "an array of 2^60 numbers": (_array((2**60,), "<f4"), REPORT), "an array of 2^63 numbers": (_array((2**31, 2**32), "<f4"), REPORT),
    "an array of no bytes, 2^62 times": (_array((2**62, 0), "<f4"), REPORT), "an array of 40 axes": (_array((1,) * 40, "<f4"), REPORT),
    "an array of a negative axis": (_array((-5, 3), "<f4"), REPORT), "an array of objects": (_array((3,), "|O", data=b"\x80\x04]."), REPORT),
    "an array of long texts": (_array((3,), "<U100000000"), REPORT), "an array of voids": (_array((10**12,), "|V0"), REPORT),
    "steps of 2^60": (_array((2**60,), "<i8", "steps"), REPORT),
    "20,000 columns in history": (_table("history", _columns), REPORT), "20,000 columns in runs": (_table("runs", _columns), REPORT),
    "errors of 30 MB in runs": (_table("runs", _set("error", "x" * 30_000_000)), REPORT),
    "a loss of 30 MB in runs": (_table("runs", _set("loss", "<b>" * 10_000_000)), REPORT),
    "an environment of 30 MB in runs": (_table("runs", _set("environment", json.dumps({"a": "x" * 30_000_000}))), REPORT),
    "an environment 100,000 deep": (_table("runs", _set("environment", "[" * 100_000)), REPORT),
    "versions of a number of 10^6 digits": (_table("runs", _set("versions", '{"loss:hinge": ' + "9" * 1_000_000 + "}")), REPORT),
}  # fmt: skip


def _bombed(bomb: Callable[[], object], words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        bomb()
        at_first, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        said = command(*(placed(word) for word in words))
        seconds = time.process_time() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - at_first) >> 10
        if seconds > 5 or grown > 1024:
            return f"{SLOW}: {seconds:.0f} s, {grown} MiB: {said.code} {said.err[:100]}"
        if said.code:
            found = refusal(said)
            several = words == PLAN and said.code == 2 and len(said.err.splitlines()) <= 20
            return NOTICED if several or (found == NOTICED and len(said.err) < 3000) else found
        return SAME if words != PLAN else OTHER

    return run
