"""`ganbench doctor`: what this machine has, and what to do where something is missing."""

from __future__ import annotations

import importlib
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
from ganbench.cli.options import REPORT, RESULTS
from ganbench.core.environment import version
from ganbench.core.extras import OPTIONAL, USES, installed

REQUIRED = (
    "torch",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "pydantic",
    "annotated-types",
    "pyyaml",
    "click",
    "rich",
    "platformdirs",
    "filelock",
)
# What training and writing rely on where a platform has it: attribute, module, what happens without it.
PLATFORM = (
    ("O_DIRECTORY", "os", "a power failure may undo the last rename of a file"),
    ("sched_getaffinity", "os", "all cores of the machine are counted, also those that this process may not use"),
    (
        "setitimer",
        "signal",
        "with --executor local a trial that hangs inside one call is not ended by resources.timeout",
    ),
)
COLOURS = {"ok": "green", "note": "yellow", "problem": "red"}


@dataclass(frozen=True)
class Finding:
    """One line: fine, worth knowing, or a problem with its remedy."""

    state: Literal["ok", "note", "problem"]
    text: str


@click.command("doctor")
@RESULTS
@REPORT
def command(results: Path, report: Path) -> int:
    """Check versions, extras, platform, cores, GPU, Ray, folders and git; exit 2 if there is a problem.

    Each problem is printed with its remedy.
    """
    problems = 0
    for name, check in _checks(results, report):
        for finding in _guarded(check):
            problems += finding.state == "problem"
            state = styled(f"{finding.state:<7}", fg=COLOURS[finding.state])
            click.echo(f"{state}  {name:<11}  {' '.join(finding.text.split())}")
    click.echo(f"{problems} problem{'' if problems == 1 else 's'}" if problems else "no problems")
    return 2 if problems else 0


def _checks(results: Path, report: Path) -> list[tuple[str, Callable[[], Iterator[Finding]]]]:
    return [
        ("python", _python),
        ("packages", _packages),
        ("extras", _extras),
        ("platform", _platform),
        ("torchvision", _torchvision),
        ("cores", _cores),
        ("devices", _devices),
        ("ray", _ray),
        ("folders", lambda: _folders(results, report)),
        ("git", _git),
    ]


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield a check's findings; a check that raises is a finding, too."""
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001 - the other checks still run
        yield Finding(
            "problem", f"the check failed ({type(error).__name__}: {error}); reinstall ganbench if this persists"
        )


def _python() -> Iterator[Finding]:
    from ganbench.core.version import __version__

    yield Finding("ok", f"ganbench {__version__}, python {platform.python_version()}, {platform.platform()}")


def _packages() -> Iterator[Finding]:
    versions = {name: version(name) for name in REQUIRED}
    for name in (name for name, number in versions.items() if number is None):
        yield Finding("problem", f"{name} is missing; pip install {name}")
    yield Finding("ok", ", ".join(f"{name} {number}" for name, number in versions.items() if number is not None))


def _extras() -> Iterator[Finding]:
    for extra in dict.fromkeys(extra for _, extra in OPTIONAL.values()):
        modules = {module: package for module, (package, of) in OPTIONAL.items() if of == extra}
        missing = [package for module, package in modules.items() if not installed(module)]
        if missing:
            yield Finding(
                "note", f"{', '.join(missing)} not installed; for {USES[extra]}: pip install 'ganbench[{extra}]'"
            )
        else:
            yield Finding(
                "ok", ", ".join(f"{package} {version(package) or ''}".strip() for package in modules.values())
            )


def _platform() -> Iterator[Finding]:
    missing = [text for name, module, text in PLATFORM if not hasattr(importlib.import_module(module), name)]
    for text in missing:
        yield Finding("note", f"{platform.system()}: {text}")
    if not missing:
        yield Finding("ok", f"{platform.system()} has everything that training and writing use")


def _torchvision() -> Iterator[Finding]:
    from ganbench.assets.fidelity import torchvision_state

    if installed("torchvision"):
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
        gpus = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        names = [f"cuda:{i} {gpu.name} ({gpu.total_memory / 2**30:.0f} GiB)" for i, gpu in enumerate(gpus)]
        yield Finding(
            "ok", f"cpu, {', '.join(names)}; trials run on the CPU unless --device or the suite says otherwise"
        )
    else:
        yield Finding("ok", f"cpu; no GPU that torch {torch.__version__} can use")


def _ray() -> Iterator[Finding]:
    if not installed("ray"):
        yield Finding("note", "without ray, runs need --executor local: one trial at a time, in the command's process")
        return
    yield Finding("ok", f"ray {version('ray')}, started on this machine for each run")
    address = os.environ.get("RAY_ADDRESS", "")
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
                "problem",
                f"{folder} cannot be written ({error.strerror}); choose another folder or change its permissions",
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
