"""One Ray session in which everything that can happen to a trial happens."""

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from ganbench.core.status import Status
from ganbench.sweep.executors.ray_session import SETTINGS, ray_environment
from ganbench.sweep.job_source import JobList
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.progress import Progress
from ganbench.sweep.signals import Interrupts
from ganbench.tables import part_store as store
from tests.helpers.present import present
from tests.helpers.trials import small_trial

pytestmark = pytest.mark.ray


class Broken:
    """Stands for a trainer that cannot train."""

    step, finished = 0, False

    def __init__(self, act):
        self.act = act

    def advance(self, seconds):
        self.act()


class Raising(TrialJob):
    def trainer(self) -> Any:
        def act():
            raise ValueError("a penalty of the wrong shape")

        return Broken(act)


class Hanging(TrialJob):
    def trainer(self) -> Any:
        return Broken(lambda: time.sleep(600))


class Killed(TrialJob):
    """Its process is killed at the first runner."""

    def trainer(self) -> Any:
        marker = self.folder / f"killed-{self.key}"
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().trainer()


class AlwaysKilled(TrialJob):
    def trainer(self) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


def work(kind, folder, seed, timeout=None):
    trial = small_trial(seeds=(seed,))
    return kind(trial, trial.key, folder, timeout)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """Return the folder, the works by what happens to them, the progress, what was printed and what was left over."""
    folder = tmp_path_factory.mktemp("suite")
    works = {
        "good": work(TrialJob, folder, 1),
        "raising": work(Raising, folder, 2),
        "hanging": work(Hanging, folder, 3, timeout=1.0),
        "killed": work(Killed, folder, 4),
        "always killed": work(AlwaysKilled, folder, 5),
        "last": work(TrialJob, folder, 6),
    }
    lines = (folder / "lines").open("w+")
    progress = Progress({w.key: name for name, w in works.items()}, lines)
    before, temporary = dict(os.environ), Path(tempfile.mkdtemp(prefix="", dir="/tmp"))  # short enough for sockets
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        printed, caught = _run(works, progress)
    lines.seek(0)
    left = set(temporary.glob("*ganbench-*"))
    shutil.rmtree(temporary)
    rest = left, ours(before) == ours(dict(os.environ)), caught
    return folder, works, progress, lines.read().splitlines(), printed, rest


def ours(environment):
    names = {*SETTINGS, "OMP_NUM_THREADS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"}
    return {name: value for name, value in environment.items() if name in names}


PROCESS = Path("/proc/self/status")


def caught_signals():
    """Return the signals that this process has handlers of, as the system knows them: Python cannot tell."""
    if not PROCESS.exists():
        return set()
    (line,) = (line for line in PROCESS.read_text().splitlines() if line.startswith("SigCgt"))
    return {number for number in signal.valid_signals() if int(line.split()[1], 16) >> (number - 1) & 1}


def _run(works, progress):
    """Train in Ray; return all that this process and its children print, and the signals that are caught afterwards."""
    with tempfile.TemporaryFile("w+") as printed:
        sys.stdout.flush(), sys.stderr.flush()
        saved = [os.dup(1), os.dup(2)]
        os.dup2(printed.fileno(), 1), os.dup2(printed.fileno(), 2)
        try:
            with ray_environment(), Interrupts() as interrupts:
                from ray import cloudpickle

                from ganbench.sweep.executors import ray_tune as executor

                cloudpickle.register_pickle_by_value(sys.modules[__name__])
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(executor, "MAX_RETRIES", 1)  # each costs seconds
                    executor.train(JobList(list(works.values())), progress, interrupts, jobs=2)
                caught = caught_signals()
        finally:
            os.dup2(saved[0], 1), os.dup2(saved[1], 2)
        printed.seek(0)
        return printed.read(), caught


def failure(swept, name):
    folder, works, *_ = swept
    assert not store.has_part(folder, works[name].key)
    return present(store.read_failure(folder, works[name].key))


@pytest.mark.parametrize("name", ["good", "killed", "last"])
def test_others_finish(swept, name):
    folder, works, *_ = swept
    assert store.has_part(folder, works[name].key)
    assert store.read_failure(folder, works[name].key) is None


def test_a_trial_that_raises_fails_with_its_error(swept):
    found = failure(swept, "raising")
    assert found["status"] == Status.FAILED
    assert found["error"].startswith("ValueError: a penalty of the wrong shape (")


def test_a_trial_that_hangs_is_ended_from_outside(swept):
    found = failure(swept, "hanging")
    assert found["status"] == Status.TIMEOUT and "not finished after 1 s" in found["error"]


def test_a_killed_worker_is_retried_and_counted_within_a_bound(swept):
    _, works, progress, *_ = swept
    assert progress.retries == {works["killed"].key: 1, works["always killed"].key: 1}
    found = failure(swept, "always killed")
    assert found["status"] == Status.FAILED and "killed or out of memory" in found["error"]


def test_every_trial_gets_one_line(swept):
    _, works, progress, lines, *_ = swept
    assert progress.finished == len(works)
    for name in works:
        assert sum(f"  {name}  " in text and text.startswith("[") for text in lines) == 1, name


def test_ray_is_silent_and_leaves_nothing_behind(swept):
    printed, (left, same_environment, _) = swept[-2:]
    assert printed == ""
    assert left == set() and same_environment


@pytest.mark.skipif(not PROCESS.exists(), reason="the system does not say which signals a process catches")
def test_signals_are_caught_behind_ray(swept):
    *_, (_, _, caught) = swept
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= caught, "what is done would not be merged"
