"""Disks that are full, read-only or without names left, under every command; each is mounted for one throw alone.

The mounts lie in a namespace of the throw's own process and end with it. Where that is not allowed there are no throws.
"""

# ruff: noqa: E501 - values stand side by side

from __future__ import annotations

import ctypes
import functools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.contents import command_with
from tests.faults.corruption import _tables
from tests.faults.prepared import PARTS, run_folder
from tests.faults.python_calls import watched_steps
from tests.faults.small_run import RUN, placed, same_run
from tests.faults.throws import HANGS, LOST, NOTICED, SAME, Said, Throw, refusal

EXPECTED = "one line, or done as anywhere; nothing half written stays, and with room the same command does it"
SECONDS = 120
NEW_NAMESPACE, NEW_USER, READ_ONLY, REMOUNT, BIND, DEEP_PRIVATE = 0x20000, 0x10000000, 1, 32, 4096, 0x44000
ROOM = 64 << 20  # of a disk, before it is filled


@dataclass(frozen=True)
class Disk:
    """A disk: how many bytes are free on it in the end, None where it can only be read; how many names it may have."""

    free: int | None
    names: int = 0


DISKS = {
    "full": Disk(0),
    "with 4 KB": Disk(4 << 10),
    "with 16 KB": Disk(16 << 10),
    "with 64 KB": Disk(64 << 10),
    "with 256 KB": Disk(256 << 10),
    "that can only be read": Disk(None),
    "without names": Disk(1 << 20, names=1),
    "with nine names": Disk(1 << 20, names=9),
}
EXPORT, SAVE = ("export", "RUN", "--figures", "svg"), ("baseline", "save", "RUN", "--as", "three")
COMMANDS: dict[str, tuple[str, ...]] = {
    "run": RUN,
    "run anew": RUN,  # with parts that are gone
    "report": ("report", "RUN"),
    "index": ("report", "results", "--index"),
    "check": ("check", "RUN", "--baseline", "one"),
    "check a suite": ("check", "small.yaml", "--baseline", "one", "--executor", "local"),
    "speed": ("check", "--speed", "--save"),
    "export": EXPORT,
    "save": SAVE,
    "replace": (*SAVE[:-1], "one", "--replace"),
    "promote": ("baseline", "promote", "two", "--to", "one"),
    "compare": ("compare", "RUN", "results/baselines/two"),
    "watch": ("watch", "results/small", "--once"),
    "cure": ("cure", "small.yaml", "--executor", "local", "--seeds", "1", "--only", "loss=hinge"),
    "init": ("init", "report/new.yaml"),
    "new": ("new", "trick", "my_trick", "--into", "report", "--tests", "report"),
    "monitor": (),
}
PLACES: dict[str, tuple[str, ...]] = {
    "results": ("run", "run anew", "report", "check", "check a suite", "speed", "export", "save", "replace", "promote", "compare", "watch", "cure", "monitor"),
    "report": ("run", "report", "index", "cure", "init", "new"),
    "export": ("export",),
    "temporary": ("run anew", "report", "export", "save", "monitor"),
    "cache": ("run anew", "check", "export"),
}  # fmt: skip


def throws() -> Iterator[Throw]:
    """Return all throws of this kind; none where nothing may be mounted."""
    for place, names in PLACES.items() if allowed() else ():
        for disk, about in DISKS.items():
            for name in names:
                act = _thrown(place, about, name)
                yield Throw("disks", f"{name}, its folder {place} on a disk {disk}", EXPECTED, act, SECONDS)


def _thrown(place: str, disk: Disk, name: str) -> Callable[[], str]:
    def run() -> str:
        from ganbench.check import speed

        speed.measure = lambda *_, **__: speed.Speed(3.0, 0.001, 15)
        before = _tables(run_folder())
        if name == "run anew":
            shutil.rmtree(PARTS)
        folder = Path(place).absolute()
        folder.mkdir(exist_ok=True)
        if place == "temporary":
            os.environ["TMPDIR"] = str(folder)
        usual = said_by(name, place) if name in ("check", "check a suite", "cure", "compare") else None
        mount(folder, disk)
        there = set(folder.rglob("*"))
        said = said_by(name, place)
        if half := [path.name for path in folder.rglob("*") if path not in there and _is_half(path.name)]:
            return f"{LOST}: {half[:3]} stay"
        if said.code and usual is None and (found := refusal(said)) != NOTICED:
            return found
        if usual is not None and said.code != usual.code and (found := refusal(said)) != NOTICED:
            return found
        make_room(folder)
        again = said_by(name, place)
        if again.code not in {0, 0 if usual is None else usual.code}:
            if not (again.code == 2 and name in ("init", "new", "save") and said.code == 0):  # it is there already
                return f"{LOST} ({again.code}): {again.err.strip()[-200:]}"
        if "Traceback" in said.err + again.err:
            return f"{HANGS}: a traceback"
        return same_run(before) if name.startswith("run") else SAME if said.code == 0 else NOTICED

    return run


def _is_half(name: str) -> bool:
    return name.endswith((".tmp", ".next"))


def said_by(name: str, place: str) -> Said:
    """Run a command, whose pages are written, or train a loop with a monitor in it."""
    from ganbench.report import page
    from tests.engine import results_dir

    results_dir.BYTES_AT_LEAST = results_dir.BYTES_A_TRIAL = 0  # the disk fills up under way
    if name != "monitor":
        return command_with(_pages.setdefault("write", page.write_report), *map(placed, COMMANDS[name]))
    try:
        kept = watched_steps(f"{place}/watched", 0, 6)
    except Exception as error:  # noqa: BLE001 - looked at as that of a command is
        return Said(getattr(error, "exit_code", 5), "", f"ganbench: {error}\n")
    return Said(0, str(kept), "")


_pages: dict[str, object] = {}


def mount(folder: Path, disk: Disk) -> None:
    """Move a folder to a disk of its own, and fill that up."""
    kept = folder.with_name(f"{folder.name}-kept")
    shutil.copytree(folder, kept, symlinks=True)
    enter()
    _mount("tmpfs", folder, 0, f"size={ROOM}")
    shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(kept)
    if disk.free is None:
        _mount("tmpfs", folder, READ_ONLY | REMOUNT, f"size={ROOM}")
    elif disk.names:
        there = sum(1 for _ in folder.rglob("*")) + 1
        _mount("tmpfs", folder, REMOUNT, f"size={ROOM},nr_inodes={there + disk.names - 1}")
    else:
        with open(folder / "filler", "wb", buffering=0) as file:
            while (free := os.statvfs(folder)).f_bavail * free.f_bsize > disk.free:
                file.write(bytes(4096))


def make_room(folder: Path) -> None:
    """Let the disk be one like any other."""
    (folder / "filler").unlink(missing_ok=True) if os.access(folder, os.W_OK) else None
    _mount("tmpfs", folder, REMOUNT, f"size={ROOM},nr_inodes=100000")


def enter() -> None:
    """Give this process a namespace of mounts, which nobody else sees."""
    root = os.geteuid() == 0
    identity = os.geteuid(), os.getegid()
    _called("unshare", NEW_NAMESPACE | (0 if root else NEW_USER))
    if not root:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {identity[0]} 1"), ("gid_map", f"0 {identity[1]} 1")):
            Path(f"/proc/self/{name}").write_text(text)
    _called("mount", None, b"/", None, DEEP_PRIVATE, None)


def _mount(kind: str, folder: Path, flags: int, options: str) -> None:
    _called("mount", b"none", os.fsencode(folder), kind.encode(), flags, options.encode())


def _called(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@functools.cache
def allowed() -> bool:
    """Say whether this user may mount here, by trying it in a child."""
    child = os.fork()
    if child == 0:
        try:
            enter()
        except (OSError, AttributeError):
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0
