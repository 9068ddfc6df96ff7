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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganbench.core.errors import INCOMPLETE, GanbenchError, UsageError
from ganbench.core.files import try_lock
from ganbench.core.lazy import LazyModule
from ganbench.sweep.signals import Interrupts, leave_to_main_thread, unblock

ray_worker = LazyModule("ray._private.worker")  # only within `ray_environment()`

LOCK = "lock"
LONGEST = 32  # bytes of a folder under which Ray's sockets lie: their paths have at most 103 on macOS, 107 on Linux
REACTION = 5.0  # seconds that the main thread has to notice that Ray died
ESSENTIAL = ("gcs_server", "raylet")
# Methods of Ray's node that start its autoscaler, what sends workers' output on, and the server of its web page: a Ray
# for one run needs none of them, and each takes a second of a core to start.
LEFT_OUT = ("start_monitor", "start_log_monitor", "start_api_server")
Started = list[tuple[str, subprocess.Popen[bytes]]]  # the program's name and the process
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
def ray_processes() -> Iterator[Started]:
    """Yield a list that grows by each process that Ray starts here, and give each of them a session of its own.

    A signal to the run's whole group, which Ctrl-C and batch systems send, is then for the run alone. Otherwise Ray's
    server could end first, and Ray's compiled code would end the run in its own way, with status 1 and no tables. On
    systems where Ray ends its processes by their group they stay in it. Those in `LEFT_OUT` are not started.
    """
    from ray._private import node, services

    started: Started = []
    ordinary = services.ConsolePopen
    left_out = {name: method for name in LEFT_OUT if (method := getattr(node.Node, name, None))}

    def start(command: list[str], **options: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - those of Popen
        rays_own = options.pop("preexec_fn", None)
        options["preexec_fn"] = rays_own and (lambda: (rays_own(), unblock()))
        process = ordinary(command, **options, start_new_session=sys.platform.startswith("linux"))
        started.append((Path(command[0]).name, process))
        return process

    services.ConsolePopen = start
    for name in left_out:
        setattr(node.Node, name, lambda *_, **__: None)
    try:
        yield started
    finally:
        services.ConsolePopen = ordinary
        for name, method in left_out.items():
            setattr(node.Node, name, method)


@contextmanager
def watched_ray(processes: Started, interrupts: Interrupts) -> Iterator[None]:
    """Raise `RayDied` in the main thread when a process of Ray that everything depends on has ended.

    Without it the program waits for a minute, and is then ended by Ray's compiled code without a word.

    Args:
        processes: those of this machine; more may come. A cluster's are not ours to watch.
        interrupts: raises the error in the main thread, and saves what is done where that never comes back.
    """
    over = threading.Event()
    arguments = (processes, over, interrupts)
    thread = threading.Thread(target=_watch, args=arguments, name="ganbench-ray", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _watch(processes: Started, over: threading.Event, interrupts: Interrupts) -> None:
    leave_to_main_thread()
    while not over.wait(0.5):
        dead = [name for name, process in list(processes) if name in ESSENTIAL and process.poll() is not None]
        if dead and not over.is_set():
            problem = RayDied(f"Ray's {' and '.join(dead)} ended under way")
            if interrupts.code is None:  # otherwise the main thread is on its way out
                interrupts.raise_in_main_thread(problem)
            if not over.wait(REACTION):  # the main thread is inside Ray's compiled code, which asks for no signals
                try:
                    print(f"ganbench: {interrupts.rescue(problem)}", file=sys.stderr)
                finally:
                    _leave(interrupts.code)
            return


def end_ray(processes: Started, interrupts: Interrupts) -> None:
    """Shut Ray down, and kill what is left: one that died is not asked to, since it would not answer."""
    if isinstance(interrupts.error, RayDied):
        atexit.unregister(ray_worker.shutdown)
        atexit.register(lambda: _leave(interrupts.code))
    else:
        _keep_handlers(interrupts)
        ray_worker.shutdown()
    for _, process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()


class _Connection:
    """Ray's connection; when it has ended, signals are caught again before anything else is done."""

    def __init__(self, rays: Any, interrupts: Interrupts) -> None:  # noqa: ANN401 - compiled, without types
        self._rays, self._interrupts = rays, interrupts

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._rays, name)

    def shutdown_driver(self) -> None:
        self._rays.shutdown_driver()
        self._interrupts.install()


def _keep_handlers(interrupts: Interrupts) -> None:
    """Have our handler of SIGTERM put back where Ray's compiled code takes it away, most of a second before its end.

    Until then a SIGTERM would end the program at once, in whichever thread it arrives.
    """
    worker: Any = ray_worker.global_worker
    if hasattr(worker, "core_worker"):
        worker.core_worker = _Connection(worker.core_worker, interrupts)


def _leave(code: int | None) -> None:
    """End the program at its end: Ray's compiled code would first wait for a minute for the process that died."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code or RayDied.exit_code)
