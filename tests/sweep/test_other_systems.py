"""Systems without POSIX's file locks, timers and folder descriptors, stood for by hiding their names."""

import errno
import os
import platform

import pytest

from ganbench.core.errors import UsageError
from ganbench.core.files import replaced, try_lock
from ganbench.sweep.results_dir import locked
from ganbench.sweep.trial_runner import TrialRunner
from ganbench.training.trainer import Trainer
from tests.helpers import warm
from tests.helpers.local_runs import run_local
from tests.helpers.small_suite import TEXT, small_plan

HIDE = """
import os, signal, sys
sys.modules["fcntl"] = sys.modules["resource"] = None
import numpy, torch  # which know that this is Linux and ask for its names when they are imported
for module, names in {
    os: ("O_DIRECTORY", "uname", "getuid", "geteuid", "getloadavg", "sched_getaffinity"),
    signal: (
        "pthread_sigmask", "setitimer", "getitimer", "SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "ITIMER_REAL", "alarm",
    ),
}.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
"""
COMMANDS = """
from ganbench.cli.main import main
import ganbench

run = ["run", "small.yaml", "--executor", "local", "--set", "resources.timeout=300"]
for arguments in (run, ["report", "results/small"], ["baseline", "save", "results/small", "--as", "one"],
                  ["check", "results/small", "--baseline", "one"], ["watch", "results/small", "--once"]):
    code = main(arguments)
    assert code == 0, (arguments, code)
assert len(ganbench.load("results/small").runs) == 2
"""


def test_a_suite_runs_and_is_read_without_posix(tmp_path):
    text = TEXT.replace("[non_saturating, hinge, minimax]", "[hinge]").replace("[none, r1]", "[none]")
    (tmp_path / "small.yaml").write_text(text)
    done = warm.run(HIDE + COMMANDS, cwd=tmp_path, environment={"TERM": "dumb", "LOGNAME": "somebody"})
    assert done.returncode == 0, done.stderr


def test_a_trial_without_timers_ends_at_its_timeout(tmp_path, monkeypatch):
    """The runner looks at its clock between steps, so only a step that hangs goes on."""
    import signal

    for name in ("setitimer", "SIGALRM", "ITIMER_REAL"):
        monkeypatch.delattr(signal, name)
    monkeypatch.setattr(Trainer, "advance", lambda self, seconds: None)  # makes no headway
    monkeypatch.setattr(TrialRunner, "seconds", property(lambda self: 61.0))
    plan = small_plan(tmp_path, "losses=[hinge]", "tricks=[none]", "resources.timeout=60")
    outcome, lines = run_local(plan, tmp_path)
    assert (outcome.exit_code, outcome.failed) == (4, 1) and "TIMEOUT" in lines[0]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_DIRECTORY")
    path = tmp_path / "file"
    for durable in (True, False):
        with replaced(path, durable=durable) as file:
            file.write(b"old")
    with pytest.raises(ZeroDivisionError), replaced(path) as file:
        file.write(b"new")
        1 / 0  # noqa: B018
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_lock_is_held_once(tmp_path):
    with try_lock(tmp_path / "lock") as first:
        with try_lock(tmp_path / "lock") as second:
            assert first and not second
    with try_lock(tmp_path / "lock") as again:
        assert again


def test_a_file_of_somebody_else_is_no_lock(tmp_path):
    """Some versions of filelock empty what they open."""
    (tmp_path / "letter").write_text("dear")
    os.link(tmp_path / "letter", tmp_path / "lock")
    with pytest.raises(UsageError, match="lock: is a second name of another file"), try_lock(tmp_path / "lock"):
        pass
    assert (tmp_path / "letter").read_text() == "dear"
    (tmp_path / "letter").write_text("")  # as a copy by `cp -l` leaves it
    with try_lock(tmp_path / "lock") as mine:
        assert mine


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_without_locks_a_file_is_one_and_a_copied_one_is_named(tmp_path, monkeypatch, recwarn):
    import fcntl

    with try_lock(tmp_path / "copied"):
        pass  # what a file system with locks leaves

    def missing(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", missing)
    for _ in range(2):
        with try_lock(tmp_path / "lock") as first:
            with try_lock(tmp_path / "lock") as second:
                assert first and not second
    with pytest.raises(UsageError, match=r"copied: this file system has no locks.*; remove it"):
        with try_lock(tmp_path / "copied"):
            pass
    (tmp_path / "copied").unlink()
    with try_lock(tmp_path / "copied") as mine:
        assert mine and not recwarn.list


def test_a_machine_whose_name_is_no_utf8_is_named_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "\udcffx")
    with (
        locked(tmp_path),
        pytest.raises(UsageError, match=r"process \d+ on \?x is running this suite"),
        locked(tmp_path),
    ):
        pass
