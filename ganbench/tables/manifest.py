"""A run's `manifest.json`: what a reader needs to trust its numbers, and to make them again."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ganbench.core.environment import cpu_model, version
from ganbench.core.file_set import MANIFEST, NewFiles
from ganbench.core.results_files import read_json
from ganbench.core.version import __version__

FORMAT = 1
PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "torch-fidelity", "ray")
PACKAGE_ROOT = Path(__file__).parents[1]


class Git(BaseModel):
    """Which commit the package was, and whether its sources differed from it."""

    commit: str
    dirty: bool


class Skipped(BaseModel):
    """A combination without meaning."""

    name: str
    reason: str


class Times(BaseModel):
    """When a run began and ended (ISO 8601, UTC), and the seconds of training in its last call.

    Attributes:
        place: among the runs of its suite's folder, in the order in which they were merged, from 1; among monitored
            runs beside each other, in that of their first writing. It says which run is the newest, whatever the clock
            does; 0 where nobody counted.
    """

    started: str = ""
    finished: str = ""
    seconds: float | None = None
    place: int = 0

    @property
    def order(self) -> tuple[int, str]:
        """Return what orders the runs of one suite, the newest last."""
        return self.place, self.finished


class MonitorState(BaseModel):
    """Where a monitored run stands, and what is wrong with its loop, in the order in which it was found.

    Attributes:
        asked: the name of the folder that it was meant for; its own stands beside that where something else is there.
    """

    asked: str = ""
    step: int = 0
    running: bool = False
    findings: list[str] = []


class RunManifest(BaseModel):
    """What a run says of itself; a field that its file lacks has its default here and is not written.

    Attributes:
        suite: the suite's name, or the monitor's. suite_hash: SHA-256 of the suite as resolved.
        run: the run's identifier. environment: as `environment()` returns it. components: `"loss:hinge"` → version.
        counts: numbers of `trials`, `runs`, `failed`, `skipped`, `excluded`.
        failed: `trial`, `status` and `error` of each trial without a result.
        retries: trial → how often its worker died, over all calls.
        monitor: of a monitored run alone. baseline: of a baseline alone, as `check/baselines.py` writes it.
        files: name → SHA-256 of each file beside it.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    suite: str = ""
    suite_hash: str = ""
    run: str = ""
    environment: dict[str, object] = {}
    components: dict[str, int | str] = {}
    seeds: list[int] = []
    counts: dict[str, int] = {}
    skipped: list[Skipped] = []
    failed: list[dict[str, str]] = []
    retries: dict[str, int] = {}
    times: Times = Times()
    monitor: MonitorState | None = None
    baseline: dict[str, object] | None = None
    files: dict[str, str] = {}

    @field_validator("environment")
    @classmethod
    def _check_git(cls, environment: dict[str, object]) -> dict[str, object]:
        try:
            _git_of(environment)
        except ValidationError as error:
            raise ValueError(f"git: {_first_line(error)}") from None
        return environment

    @property
    def git(self) -> Git | None:
        """Return the commit that the package was, where it is known."""
        return _git_of(self.environment)

    @classmethod
    def read(cls, path: Path) -> RunManifest:
        """Return the manifest in a file.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no manifest, or not as it was written; the text says in one line where and why.
        """
        data = json.dumps(read_json(path), ensure_ascii=False).encode("utf-8", "replace")  # pydantic wants whole text
        try:
            return cls.model_validate_json(data, strict=True)
        except ValidationError as error:
            raise ValueError(_first_line(error)) from None

    def commit(self, files: NewFiles) -> None:
        """Write the fields that were set, with the checksums of new files, which are the folder's from now on.

        Raises:
            OSError: the folder cannot be written; the old files stay.
        """
        files.commit(self.model_dump(exclude_unset=True))


def next_place(run: Path) -> int:
    """Return the place of a run that is merged now: behind all others of its suite's folder.

    Args:
        run: its folder, which may be there already.
    """
    places = [0]
    for path in run.parent.glob("*/" + MANIFEST):
        if path.parent != run:
            with suppress(OSError, ValueError):
                places.append(RunManifest.read(path).times.place)
    return max(places) + 1


def _git_of(environment: dict[str, object]) -> Git | None:
    git = environment.get("git")
    return None if git is None else Git.model_validate(git, strict=True)


def _first_line(error: ValidationError) -> str:
    first = error.errors()[0]
    place, problem = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
    return f"{place + ': ' if place else ''}{problem[:1].lower()}{problem[1:]}"


def environment(threads: int = 1, device: str = "cpu") -> dict[str, object]:
    """Return where numbers are made: versions, source, machine. Costs no import of torch."""
    return {
        "ganbench": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "git": git(PACKAGE_ROOT),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "gpu": gpus(),
        "threads": threads,
        "device": device,
    }


def git(folder: Path) -> dict[str, str | bool] | None:
    """Return the commit of the checkout that holds a package and whether sources differ from it; None without git."""
    commit = _output("git", "-C", str(folder), "rev-parse", "HEAD")
    # An installed copy may lie inside somebody else's checkout, whose commit says nothing about the package.
    tracked = _output("git", "-C", str(folder), "ls-files", "--", "__init__.py")
    if not commit or not tracked:
        return None
    return {"commit": commit, "dirty": bool(_output("git", "-C", str(folder), "status", "--porcelain", "--", "."))}


def gpus() -> list[str]:
    """Return the names of NVIDIA's GPUs."""
    if shutil.which("nvidia-smi") is None:
        return []
    return (_output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader") or "").splitlines()


def _output(*command: str) -> str | None:
    """Return what a command prints, or None if it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
