"""Baselines: the numbers of a run without its curves and pictures, small enough to commit."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ganbench.core.environment import now
from ganbench.core.errors import IncomparableError, IncompleteError, UsageError, unknown
from ganbench.core.file_set import is_begun, new_files, open_one
from ganbench.core.files import new_file, try_lock
from ganbench.core.results_files import BrokenFileError, kind_of
from ganbench.tables.manifest import RunManifest
from ganbench.tables.results import Results

ROOT = Path("results/baselines")
# Git on Windows may change the ends of lines, and with them the checksum of a text.
FOR_GIT = {".gitattributes": b"* -text\n", ".gitignore": b".lock\n"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Baseline:
    """A baseline, or any run in its place.

    Attributes:
        fingerprints: trial → digest of all its numbers, curves included; None for a run, which still has them.
        runs: the same a run; empty where it is not known.
    """

    name: str
    results: Results
    fingerprints: dict[str, str] | None
    runs: dict[str, str] = field(default_factory=dict)

    @property
    def manifest(self) -> RunManifest:
        """Return what it says of itself."""
        return self.results.manifest


def save(run: Path, root: Path, name: str | None = None, replace: bool = False) -> Path:
    """Write a run's numbers as a baseline and return its folder; it is whole or not there.

    Args:
        run: a run's folder, or a suite's for its newest run.
        root: folder of baselines.
        name: by default the suite and the class of the machine, `smoke-linux-x86_64-cpu`.
        replace: take the place of a baseline of that name.

    Raises:
        UsageError: no run, a name that is none or is taken, or a folder that cannot be written.
        IncompleteError: trials without results.
    """
    from ganbench.analysis.comparison_identity import fingerprints, run_fingerprints
    from ganbench.tables.results import load

    results = load(run)
    _require_whole(results)
    name = checked_name(name or default_name(results.manifest))
    if _is_taken(root / name) and not replace:
        raise UsageError(f"{root / name}: this baseline exists; pass --replace, or another name with --as")
    about = {
        "name": name,
        "saved": now(),
        "fingerprints": fingerprints(results),
        "runs": run_fingerprints(results),
    }
    with _writing(root, name):
        _write(results, root, name, results.manifest.model_copy(update={"baseline": about}))
    return root / name


def promote(name: str, to: str, root: Path) -> Path:
    """Let a baseline take the place of another (`smoke-next` that of `smoke-linux-x86_64-cpu`); return its folder.

    The one that was there is kept as `<to>.previous`, so that a promotion can be taken back by promoting that.

    Raises:
        IncomparableError: there is no such baseline, or it cannot be read.
        UsageError: a name that is none, the same name twice, or a folder that cannot be written.
    """
    for one in (name, to):
        checked_name(one)
    if name == to:
        raise UsageError(f"baseline {name!r} is promoted to its own name; give another with --to")
    if not (root / name).is_dir():
        raise IncomparableError(unknown("baseline", name, names(root)))
    source = find(name, root)
    about, copy = {**(source.manifest.baseline or {}), "name": to, "from": name}, None
    with _writing(root, to):
        if _is_taken(root / to):
            previous, kept = find(to, root), f"{to}.previous"
            if name == kept:
                source = copy = _copy(source, root, name)
            _write(previous.results, root, kept, previous.manifest)
        _write(source.results, root, to, source.manifest.model_copy(update={"baseline": about}))
        if copy is not None:
            shutil.rmtree(copy.results.path, ignore_errors=True)
    return root / to


def _is_taken(place: Path) -> bool:
    """Say whether there is a baseline, or what somebody else put there."""
    try:
        return kind_of(place) is not None and not is_begun(place)
    except OSError:  # nobody can tell
        return True


def _copy(baseline: Baseline, root: Path, name: str) -> Baseline:
    """Write a baseline again under a name that is free: two that change places would be one if this ended between."""
    free = next(f"{name}.{n}" for n in itertools.count(1) if kind_of(root / f"{name}.{n}") is None)
    _write(baseline.results, root, free, baseline.manifest)
    return find(str(root / free), root)


def names(root: Path) -> list[str]:
    """Return the names of the baselines in a folder."""
    try:
        return sorted(path.parent.name for path in root.glob("*/manifest.json") if _NAME.fullmatch(path.parent.name))
    except OSError:
        return []


def find(name: str, root: Path) -> Baseline:
    """Return a baseline by its name, or the one (or the run) in a folder.

    Raises:
        IncomparableError: there is none, or it cannot be read.
    """
    from ganbench.tables.results import load

    path = root / name if _NAME.fullmatch(name) and (root / name).is_dir() else Path(name)
    if not name or not os.path.isdir(path):  # which is no error where the name is longer than a path can be
        raise IncomparableError(
            f"{unknown('baseline', name[:100], names(root))}; `ganbench baseline save RUN --as NAME` makes one, "
            "and the folder of a run is one as well"
        )
    try:
        results = load(path)
    except UsageError as error:
        raise IncomparableError(f"baseline {error}; or save the baseline anew") from None
    about = results.manifest.baseline
    known, runs = (_texts((about or {}).get(key)) for key in ("fingerprints", "runs"))
    return Baseline(name, results, None if about is None else known, runs)


def default_name(manifest: RunManifest) -> str:
    """Return `<suite>-<system>-<gpu, or cpu>`, in lower case: smoke-linux-x86_64-cpu."""
    gpus = manifest.environment.get("gpu")
    device = str(gpus[0]) if isinstance(gpus, list) and gpus else "cpu"
    text = f"{manifest.suite}-{manifest.environment.get('system', 'unknown')}-{device}".lower()
    return re.sub(r"[^a-z0-9._-]+", "-", text).strip("-._")[:100]


def checked_name(name: str) -> str:
    """Return a name that is safe as a folder's.

    Raises:
        UsageError: it is not.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"baseline name {name[:60]!r}: use up to 100 letters, digits, '.', '_' and '-', a letter or digit first"
        )
    return name


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _require_whole(results: Results) -> None:
    runs = results.runs
    failed = set(runs["trial"].to_numpy()[runs["status"].isin(["FAILED", "TIMEOUT"]).to_numpy(dtype=bool)])
    planned = results.manifest.counts.get("trials", 1)
    lacking = len(failed) + max(0, planned - len(set(runs["trial"])))
    if lacking:
        raise IncompleteError(
            f"{results.path}: {lacking} trial{'s have' if lacking > 1 else ' has'} no results; run the suite again, "
            "then save it"
        )


@contextmanager
def _writing(root: Path, name: str) -> Iterator[None]:
    """Keep two commands that write baselines apart, and turn an error of the disk into one line.

    Raises:
        UsageError: another command is at it, or the folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with try_lock(root / ".lock") as mine:
            if not mine:
                raise UsageError(f"{root}: another command is writing baselines; wait for it")
            for file, text in FOR_GIT.items():
                with suppress(FileExistsError), new_file(root / file) as new:
                    new.write(text)
            yield
    except (OSError, BrokenFileError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{root / name}: cannot be written ({reason}); choose another --baselines folder") from None


def _write(results: Results, root: Path, name: str, manifest: RunManifest) -> None:
    """Write a baseline: all of its files are the old ones or the new ones, whenever this ends."""
    import pyarrow.parquet as pq

    from ganbench.tables import schema

    with new_files(root / name) as files:
        with open_one(results.path, "runs.parquet", results.manifest.files) as runs:
            files.write("runs.parquet", runs.read())
        for table in ("history", "layers"):
            with files.open(f"{table}.parquet") as file:
                pq.write_table(schema.empty(table), file)
        files.write("suite.yaml", results.suite.encode())
        manifest.commit(files)
