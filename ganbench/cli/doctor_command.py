"""`ganbench doctor`: what this machine has, and what to do where something is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from ganbench.cli.console import styled

REQUIRED = (
    "torch",
    "torch-fidelity",
    "ray",
    "pandas",
    "pyarrow",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "pydantic",
    "pyyaml",
    "click",
    "rich",
    "jinja2",
    "numpy",
)
COLOURS = {"ok": "green", "note": "yellow", "problem": "red"}


@dataclass(frozen=True)
class Finding:
    """One line: fine, worth knowing, or a problem with its remedy."""

    state: Literal["ok", "note", "problem"]
    text: str


@click.command("doctor")
@click.option(
    "--results", default="results", show_default=True, type=click.Path(path_type=Path), help="Folder of tables."
)
@click.option("--report", default="report", show_default=True, type=click.Path(path_type=Path), help="Folder of pages.")
def command(results: Path, report: Path) -> int:
    """Check versions, cores, GPU, Ray, folders and git; name each problem with its remedy (exit 2 if there is one)."""
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("python", _python),
        ("packages", _packages),
        ("torchvision", _torchvision),
        ("cores", _cores),
        ("devices", _devices),
        ("ray", _ray),
        ("folders", lambda: _folders(results, report)),
        ("git", _git),
    ]
    problems = 0
    for name, check in checks:
        for finding in _guarded(check):
            problems += finding.state == "problem"
            state = styled(f"{finding.state:<7}", fg=COLOURS[finding.state])
            click.echo(f"{state}  {name:<11}  {' '.join(finding.text.split())}")
    click.echo(f"{problems} problem{'' if problems == 1 else 's'}" if problems else "no problems")
    return 2 if problems else 0


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield a check's findings; one that itself breaks is a finding too."""
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001 - a doctor does not fall ill
        yield Finding(
            "problem", f"the check failed ({type(error).__name__}: {error}); reinstall ganbench if this persists"
        )


def _python() -> Iterator[Finding]:
    from ganbench import __version__

    yield Finding("ok", f"ganbench {__version__}, python {platform.python_version()}, {platform.platform()}")


def _packages() -> Iterator[Finding]:
    found: list[str] = []
    for name in REQUIRED:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding("problem", f"{name} is missing; pip install {name}")
    yield Finding("ok", ", ".join(found))


def _torchvision() -> Iterator[Finding]:
    from ganbench.assets.fidelity import torchvision_state

    state = torchvision_state()
    yield Finding("problem" if state.startswith("broken") else "ok", state)


def _cores() -> Iterator[Finding]:
    from ganbench.suite.estimate import cores

    total = os.cpu_count() or 1
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    yield Finding("ok", f"{cores()} of {total} cores for this process{load}")


def _devices() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        found = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        names = [f"cuda:{i} {one.name} ({one.total_memory / 2**30:.0f} GiB)" for i, one in enumerate(found)]
        yield Finding(
            "ok", f"cpu, {', '.join(names)}; trials run on the CPU unless --device or the suite says otherwise"
        )
    else:
        yield Finding("ok", f"cpu; no GPU that torch {torch.__version__} can use")


def _ray() -> Iterator[Finding]:
    address = os.environ.get("RAY_ADDRESS", "")
    yield Finding("ok", f"ray {importlib.metadata.version('ray')}, started on this machine for each run")
    if not address:
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        yield Finding("problem", f"RAY_ADDRESS={address!r} is not host:port; unset it or correct it")
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
    except (OSError, OverflowError, UnicodeError) as error:
        yield Finding("problem", f"RAY_ADDRESS={address!r} cannot be reached ({error}); unset it or start that cluster")
    else:
        yield Finding("note", f"RAY_ADDRESS={address!r} answers, but only --address makes ganbench use a cluster")


def _folders(results: Path, report: Path) -> Iterator[Finding]:
    import platformdirs

    for folder in (results, report, Path(platformdirs.user_cache_dir("ganbench"))):
        existing = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
        try:
            with tempfile.TemporaryFile(dir=existing) as file:
                file.write(b"x")
            free = shutil.disk_usage(existing).free / 2**30
        except OSError as error:
            yield Finding(
                "problem", f"{folder} cannot be written ({error.strerror}); choose another folder or mend its rights"
            )
            continue
        state = "ok" if free > 1 else "note"
        yield Finding(state, f"{folder} can be written, {free:.1f} GiB free")


def _git() -> Iterator[Finding]:
    if shutil.which("git") is None:
        yield Finding("note", "git is not installed; manifests will not name a commit")
        return

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=10, check=False)

    commit = git("rev-parse", "--short", "HEAD")
    if commit.returncode != 0:
        yield Finding("note", "this folder is not in a git repository; manifests will not name a commit")
        return
    dirty = bool(git("status", "--porcelain", "--untracked-files=no").stdout.strip())
    text = f"commit {commit.stdout.strip()}"
    if dirty:
        yield Finding("note", f"{text} with changes; commit them if the tables are to be reproduced from it")
    else:
        yield Finding("ok", text)
