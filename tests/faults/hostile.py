"""Links, pipes and folders in the place of files, and edited manifests."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.corruption import _equal, _tables, sealed_by_anyone
from tests.faults.prepared import run_folder
from tests.faults.small_run import RUN, placed, same_run
from tests.faults.throws import LOST, OTHER, OUTSIDE, SAME, Throw, command, refusal, watched_outside

REFUSED = "refused in one line, or made again; nothing outside is touched"


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for place, commands in PLACES.items():
        for trap in TRAPS:
            for words in commands:
                name = f"{trap} at {place}, then {' '.join(words)}"
                yield Throw("links, pipes and folders", name, REFUSED, _trapped(place, trap, words))
    for name, edit in MANIFESTS.items():
        for after in (RUN, ("report", "RUN"), ("check", "RUN", "--baseline", "one")):
            for sealed in (True, False):
                mark = "its checksum made anew" if sealed else "its checksum left"
                full = f"manifest with {name}, {mark}, then {after[0]}"
                yield Throw("edited manifests", full, "one line, or written anew", _edited(edit, sealed, after))


def _places() -> dict[str, tuple[tuple[str, ...], ...]]:
    save = ("baseline", "save", "RUN", "--as", "one", "--replace")
    promote, check = ("baseline", "promote", "two", "--to", "one"), ("check", "RUN", "--baseline", "one")
    report, watch = ("report", "RUN"), ("watch", "results/small", "--once")
    places: dict[str, tuple[tuple[str, ...], ...]] = {
        f"results/small/{name}": (RUN,) for name in ("parts", "checkpoints", "quarantine", ".lock-owner")
    }
    places |= {"results/small": (RUN, watch), "results/small/.lock": (RUN,)}
    places |= {"results/small/progress.json": (RUN, watch), "PART": (RUN,), "PART/runs.parquet": (RUN, watch)}
    places |= {"PART/samples.npz": (RUN,), "PART/part.json": (RUN,), "PART.failed.json": (RUN,)}
    places |= {"CHECKPOINT": (RUN,), "RUN": (RUN, report)}
    for name in ("runs.parquet", "history.parquet", "layers.parquet", "samples.npz", "suite.yaml", "manifest.json"):
        places[f"RUN/{name}"] = (RUN, report)
    places |= {"results/baselines/one": (save, promote, check), "results/baselines/one/runs.parquet": (save, check)}
    places |= {"results/baselines/one/manifest.json": (save, promote, check), "results/baselines/.lock": (save,)}
    places["results/baselines/speed.json"] = (("check", "--speed"), ("check", "--speed", "--save"))
    return places


PLACES = _places()


def _link_out(path: Path) -> None:
    folder = path.suffix == "" and not path.name.startswith(".lock")
    cleared(path).symlink_to(Path("outside/folder" if folder else "outside/file").absolute())


def _link_to_its_own(path: Path) -> None:
    """Leave a link to what was there, which now lies outside."""
    kept = Path("outside/kept").absolute()
    if path.exists():
        path.rename(kept)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text("kept")
    path.symlink_to(kept)


def _dangling(path: Path) -> None:
    cleared(path).symlink_to(Path("outside/nothing").absolute())


def _pipe(path: Path) -> None:
    os.mkfifo(cleared(path))


def _folder(path: Path) -> None:
    """Leave a folder in the place of a file, and a file in that of a folder."""
    was_folder = path.is_dir() or path.suffix == ""
    if was_folder and not path.name.startswith(".lock"):
        cleared(path).write_text("a file")
    else:
        cleared(path).mkdir()
        (path / "something").write_text("x")


def cleared(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return path


TRAPS: dict[str, Callable[[Path], None]] = {
    "link outside": _link_out,
    "link to what was there": _link_to_its_own,
    "dangling link": _dangling,
    "pipe": _pipe,
    "folder or file": _folder,
}


def _trapped(place: str, trap: str, words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        from ganbench.check import speed

        speed.measure = lambda *_, **__: speed.Speed(3.0, 0.001, 15)
        before = _tables(run_folder())
        TRAPS[trap](Path(placed(place)))
        with watched_outside(Path.cwd()) as touched:
            said = command(*map(placed, words))
        if touched:
            return f"{OUTSIDE}: {touched[:3]}"
        if said.code:
            return refusal(said)
        return same_run(before) if words == RUN else SAME

    return run


MANIFESTS: dict[str, Callable[[dict[str, object]], object]] = {
    "nothing in it": lambda _: {},
    "a list": lambda _: [],
    "retries of text": lambda m: {**m, "retries": {"a": "b"}},
    "retries null": lambda m: {**m, "retries": None},
    "negative retries": lambda m: {**m, "retries": {"a": -1}},
    "times of numbers": lambda m: {**m, "times": {"started": 1}},
    "no times": lambda m: {n: v for n, v in m.items() if n != "times"},
    "an environment that is a list": lambda m: {**m, "environment": [1]},
    "an environment with surrogates": lambda m: {**m, "environment": {"cpu": "\udc80", "git": None}},
    "git of numbers": lambda m: {**m, "environment": {"git": {"commit": 1}}},
    "components null": lambda m: {**m, "components": None},
    "seeds of text": lambda m: {**m, "seeds": ["a"]},
    "a suite with surrogates": lambda m: {**m, "suite": "\udc80\ud800"},
    "another format": lambda m: {**m, "format": 99},
    "counts of infinity": lambda m: {**m, "counts": {"trials": float("inf")}},
    "failed with surrogates": lambda m: {**m, "failed": [{"trial": "x", "error": "\udcff"}]},
    "skipped of numbers": lambda m: {**m, "skipped": [5]},
    "a baseline of text": lambda m: {**m, "baseline": "yes"},
    "a monitor of text": lambda m: {**m, "monitor": "yes"},
    "files of numbers": lambda m: {**m, "files": {"runs.parquet": 3}},
    "files that lead outside": lambda m: {**m, "files": {"../../outside/file": "0" * 64}},
    "no files": lambda m: {n: v for n, v in m.items() if n != "files"},
}


def _edited(edit: Callable[[dict[str, object]], object], sealed: bool, words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        before = _tables(run_folder())
        path = run_folder() / "manifest.json"
        data = edit(json.loads(path.read_text()))
        if sealed and isinstance(data, dict):
            sealed_by_anyone(path, data)
        else:
            path.write_text(json.dumps(data))
        with watched_outside(Path.cwd()) as touched:
            said = command(*map(placed, words))
        if touched:
            return f"{OUTSIDE}: {touched[:3]}"
        if said.code:
            return refusal(said) if words != RUN else f"{LOST}: {said.err.strip()[:150]}"
        return SAME if words != RUN or _equal(_tables(run_folder())[:5], before[:5]) else OTHER

    return run
