"""What keeps Ray's processes and files in order: nothing outlives the run, and nothing waits for a Ray that died."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganbench.core.errors import INCOMPLETE, GanbenchError, UsageError
from ganbench.core.files import try_lock
from ganbench.core.lazy import LazyModule
from ganbench.sweep.signals import Interrupts

ray_worker = LazyModule("ray._private.worker")  # only within `ray_environment()`

LOCK = "lock"
LONGEST = 32  # bytes of a folder under which Ray's sockets lie: their paths have at most 103 on macOS, 107 on Linux
REACTION = 5.0  # seconds that the main thread has to notice that Ray died
ESSENTIAL = ("gcs_server", "raylet")
# Once its standard input ends, which is when the process that holds the other end has ended, however: kills what still
# writes to files in the folder $1, but for the process $2, and removes the folder; $3 is its name while it is made.
# Where there is no /proc, Ray's agents end by themselves within a minute.
REAPER = r"""PATH="$PATH:/bin:/usr/bin"
cat >/dev/null
for i in 1 2 3 4 5 6 7 8; do
  left=$(ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v folder=" -> $1/" -v spared="$2" '
    /^\/proc\/[0-9]+\/fd:$/ { split($0, path, "/") }
    $1 ~ /w/ && index($0, folder) && path[3] != spared { print path[3] }' | sort -u)
  [ -z "$left" ] || kill -9 $left
  rm -rf -- "$1" "$3"
  [ -n "$left" ] || [ -e "$1" ] || exit 0
  sleep 1
done
"""


class RayDied(GanbenchError):
    """Ray's own processes ended under way; what was finished is in the results folder."""

    exit_code = INCOMPLETE


@contextmanager
def ray_temp_dir() -> Iterator[Path]:
    """Make a temporary folder for Ray that goes with this process, and remove those that a power cut left.

    Each holds a file that its process has locked; the system drops the lock of a process that died.

    Raises:
        UsageError: no folder for temporary files has a path that is short enough.
    """
    base = _short_temp_dir()
    for left in base.glob("ganbench-*"):
        with contextlib.suppress(OSError):
            if _is_ours(left) and (left / LOCK).is_file():
                with try_lock(left / LOCK) as abandoned:
                    if abandoned:
                        shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=".ganbench-", dir=base))  # other processes look for names without the dot
    folder = made.with_name(made.name[1:])
    reaper = _reaper(folder, made)
    try:
        with try_lock(made / LOCK):
            made.rename(folder)
            yield folder
    finally:
        for path in (made, folder):
            shutil.rmtree(path, ignore_errors=True)
        if reaper is not None and reaper.stdin is not None:
            reaper.stdin.close()


def _short_temp_dir() -> Path:
    """Return where Ray's folder lies: the system's place for temporary files, or /tmp where that path is too long."""
    places = [Path(tempfile.gettempdir()), Path("/tmp")]
    for place in places:
        if len(os.fsencode(place / "ganbench-12345678")) < LONGEST and os.access(place, os.W_OK | os.X_OK):
            return place
    if os.name == "nt":  # no sockets in files there
        return places[0]
    raise UsageError(
        f"TMPDIR: {places[0]} is too long for Ray's sockets, and /tmp cannot be written; "
        f"set TMPDIR to a folder of at most {LONGEST - 19} characters, or run it with --executor local"
    )


def _is_ours(folder: Path) -> bool:
    """Say whether a folder is no link and this user's, where systems tell users apart."""
    return not folder.is_symlink() and (not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid())


def _reaper(folder: Path, made: Path) -> subprocess.Popen[bytes] | None:
    """Start the shell that clears up after this process, even after SIGKILL; None where there is no shell."""
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", REAPER, "sh", str(folder), str(os.getpid()), str(made)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # signals to the group are not for it
        )
    except OSError:
        return None


def end_with_parent() -> None:
    """End this worker as soon as the process that started it has ended: Ray itself lets workers live for a minute."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="ganbench-parent", daemon=True).start()


@contextmanager
def watched_ray(interrupts: Interrupts) -> Iterator[None]:
    """Raise `RayDied` in the main thread when a process of Ray that everything depends on has ended.

    Without it the program waits for a minute, and is then ended by Ray's compiled code without a word.
    """
    dead_processes = getattr(getattr(ray_worker, "_global_node", None), "dead_processes", None)
    if dead_processes is None:  # a cluster's processes are not ours
        yield
        return
    over = threading.Event()
    arguments = (dead_processes, over, interrupts)
    thread = threading.Thread(target=_watch, args=arguments, name="ganbench-ray", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _watch(dead_processes: Callable[[], Any], over: threading.Event, interrupts: Interrupts) -> None:
    while not over.wait(0.5):
        dead = [str(kind) for kind, _ in dead_processes() if kind in ESSENTIAL]
        if dead and not over.is_set():
            problem = RayDied(f"Ray's {' and '.join(dead)} ended under way")
            interrupts.raise_in_main_thread(problem)
            if not over.wait(REACTION):  # the main thread is inside Ray's compiled code, which asks for no signals
                try:
                    print(f"ganbench: {interrupts.rescue(problem)}", file=sys.stderr)
                finally:
                    _leave()
            return


def end_ray(error: BaseException | None) -> None:
    """Shut Ray down; one that died is not asked to, since it would not answer: its processes are killed."""
    if not isinstance(error, RayDied):
        ray_worker.shutdown()
        return
    atexit.unregister(ray_worker.shutdown)
    atexit.register(_leave)
    with contextlib.suppress(Exception):
        ray_worker._global_node.kill_all_processes(check_alive=False, allow_graceful=False)


def _leave() -> None:
    """End the program at its end: Ray's compiled code would first wait for a minute for the process that died."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(RayDied.exit_code)
