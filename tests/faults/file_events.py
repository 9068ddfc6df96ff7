"""Every file event of every command that writes: the disk fails there, or the process is killed there.

An event is a file opened for writing, a rename, a removal, a folder made, or a sync, in the working folder; an audit
hook sees them all. Afterwards the old or the new is there, whole, and the same command given again leaves the new.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ganbench.core.status import Status
from tests.faults.prepared import other_run, plan, run_folder
from tests.faults.throws import LOST, NEITHER, SAME, Throw, command

EXPECTED = "the old or the new, whole; the same command again leaves the new"
WAYS = ("killed", "failing")


def throws() -> Iterator[Throw]:
    """Return all throws of this kind; those behind a command's last event find nothing to break."""
    for name, (act, look) in COMMANDS.items():
        for way in WAYS:
            for k in range(1, EVENTS[name] + 1):
                yield Throw(
                    f"every file event of {name}", f"{name}, {way} at event {k}", EXPECTED, _thrown(act, look, way, k)
                )


def _thrown(act: Callable[[], None], look: Callable[[], str], way: str, k: int) -> Callable[[], str]:
    def run() -> str:
        before = look()
        child = os.fork()
        if child == 0:
            _break_at(k, way)
            try:
                act()
            except BaseException as error:  # noqa: BLE001 - what it says is looked at in other throws
                if os.environ.get("FAULTS_DEBUG"):
                    print(repr(error))
            os._exit(0)
        os.waitpid(child, 0)
        after = look()
        act()
        new = look()
        if new == before:
            return LOST
        return SAME if after in (before, new) else f"{NEITHER}: {after[:80]}"

    return run


def _break_at(k: int, way: str) -> None:
    """From now on: at the k-th event, kill this process or raise ENOSPC."""
    here, count = str(Path.cwd()), 0

    def event() -> None:
        nonlocal count
        count += 1
        if count == k and way == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if count == k or (count > k and way == "full from then on"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        if name == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and isinstance(path, str | bytes | os.PathLike) and _inside(path, here):
                event()
        elif name in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate") and _inside(
            arguments[0], here
        ):
            event()

    sync = os.fsync

    def synced(descriptor: int) -> None:
        event()
        sync(descriptor)

    os.fsync = synced
    sys.addaudithook(hook)


def _inside(path: object, here: str) -> bool:
    text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
    return text.startswith(here) or not text.startswith("/")


def _run_of(baseline: str) -> str:
    """Return which run's numbers a baseline has, or why it cannot be read."""
    from ganbench.check.baselines import find
    from ganbench.tables.results import load

    path = Path("results/baselines") / baseline
    if not path.exists():
        return "none"
    baseline_runs = find(baseline, Path("results/baselines")).results.runs
    return next((name.name for name in (run_folder(), other_run()) if load(name).runs.equals(baseline_runs)), "mixed")


def _looked(look: Callable[[], str]) -> Callable[[], str]:
    def looked() -> str:
        try:
            return look()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what a user would see
            return f"unreadable: {error}"

    return looked


def _save() -> None:
    command("baseline", "save", str(other_run()), "--as", "one", "--replace")


def _promote() -> None:
    command("baseline", "promote", "two", "--to", "one")


def _merge() -> None:
    """Merge a run whose trials are done, of which one has become fewer."""
    command("run", "small.yaml", "--executor", "local", "--set", "description=other words")


def _merged() -> str:
    from ganbench.tables.results import load

    results = load(run_folder())
    pictures = sum(len(results.samples[trial]["steps"]) for trial in results.samples)
    return f"{len(results.runs)} {len(results.history)} {pictures} {'other words' in results.suite}"


def _train() -> None:
    """Train one trial and merge it."""
    command("run", "small.yaml", "--executor", "local", "--set", "steps=10", "--set", "losses=[hinge]")


def _trained() -> str:
    from ganbench.tables.results import load

    run = Path("results/small") / plan_id("steps=10", "losses=[hinge]")
    return f"{len(load(run).runs)}" if (run / "manifest.json").exists() else "none"


def plan_id(*overrides: str) -> str:
    """Return the name of the run of small.yaml with overrides."""
    from ganbench.suite.plan import make_plan
    from ganbench.suite.schema import read_suite

    return make_plan(read_suite(Path("small.yaml"), overrides)).run_id


def _speed() -> None:
    from ganbench.check import speed

    speed.measure = lambda *_, **__: speed.Speed(3.0, 0.001, 15)
    command("check", "--speed", "--save")


def _speed_saved() -> str:
    from ganbench.check import speed

    return str(speed._read(Path("results/baselines/speed.json")))


def _stop() -> None:
    from ganbench.tables.part_store import write_failure

    write_failure(Path("work"), plan("small.yaml").trials[0].key, Status.FAILED, "another")


def _stopped() -> str:
    from ganbench.tables.part_store import read_failure

    return str(read_failure(Path("work"), plan("small.yaml").trials[0].key))


COMMANDS: dict[str, tuple[Callable[[], None], Callable[[], str]]] = {
    "baseline save --replace": (_save, _looked(lambda: _run_of("one"))),
    "baseline promote": (_promote, _looked(lambda: _run_of("one"))),
    "run (merge)": (_merge, _looked(_merged)),
    "run (train)": (_train, _looked(_trained)),
    "check --speed --save": (_speed, _looked(_speed_saved)),
    "a failure's record": (_stop, _looked(_stopped)),
}
# How many events each makes, or a few more; a throw behind the last one is an undisturbed command.
EVENTS = {
    "baseline save --replace": 40,
    "baseline promote": 70,
    "run (merge)": 50,
    "run (train)": 70,
    "check --speed --save": 8,
    "a failure's record": 6,
}
