"""A run's `manifest.json`: what its readers may take for granted, and where its numbers were made."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ganbench import __version__
from ganbench.core.environment import cpu_model, version

FORMAT = 1
PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "torch-fidelity", "ray")
PACKAGE_ROOT = Path(__file__).parents[1]


class Git(BaseModel):
    """Which commit the package was."""

    commit: str
    dirty: bool


class Environment(BaseModel):
    """The machine and the versions; anything may stand beside the commit."""

    git: Git | None = None


class Skipped(BaseModel):
    """A combination without meaning."""

    name: str
    reason: str


class Manifest(BaseModel):
    """A run's `manifest.json`; any of it may be absent, and more may be there."""

    components: dict[str, int] = {}
    counts: dict[str, int] = {}
    environment: Environment = Environment()
    failed: list[dict[str, Any]] = []
    monitor: dict[str, Any] = {}
    retries: dict[str, int] = {}
    seeds: list[int] = []
    skipped: list[Skipped] = []
    times: dict[str, Any] = {}


def problem(data: object) -> str:
    """Return what is not as it must be in a manifest that was read; empty where all is well."""
    try:
        Manifest.model_validate(data, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place + ': ' if place else ''}{first['msg'][:1].lower()}{first['msg'][1:]}"
    return ""


def environment(threads: int = 1, device: str = "cpu") -> dict[str, Any]:
    """Return where the numbers come from: versions, source, machine. Costs no import of torch."""
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


def git(folder: Path) -> dict[str, Any] | None:
    """Return the commit of the checkout that holds ganbench and whether sources differ from it; None without git."""
    commit = _output("git", "-C", str(folder), "rev-parse", "HEAD")
    # An installed copy may lie inside somebody else's checkout, whose commit says nothing about ganbench.
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
