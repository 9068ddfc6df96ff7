"""A signal at any moment of a run: what is finished is merged, the code says so, the command to go on is printed."""

import signal
import threading
from types import SimpleNamespace

import pytest

import ganbench
from ganbench.cli.main import main
from ganbench.core.errors import INTERRUPTED, TERMINATED, Interrupted
from ganbench.sweep import run
from ganbench.sweep.executors import local, ray_processes
from ganbench.sweep.progress import Progress
from ganbench.sweep.progress_file import ProgressFile
from ganbench.sweep.results_dir import locked
from ganbench.sweep.signals import Interrupts
from ganbench.tables import merge
from ganbench.tables import part_store as store
from tests.helpers.local_runs import run_local
from tests.helpers.small_suite import small_plan

# Where a signal lands, and at which call.
PLACES = {
    "executor": (local, "_train", 3),
    "progress": (Progress, "update", 3),
    "progress file": (ProgressFile, "take", 3),
    "looking for parts": (store, "sweep_left", 1),
    "imports": (run, "import_module", 1),
    "inputs": (run, "prepare_inputs", 1),
    "merge": (merge, "merge", 1),
    "manifest": (run, "manifest", 1),
    "part": (store, "write_part", 2),
}


@pytest.fixture
def interrupt(monkeypatch):
    """Return a function that plants an interrupt at a call of a place, once, and says whether it came."""

    def plant(place, act):
        owner, name, at = PLACES[place]
        original, calls = getattr(owner, name), []

        def interrupted(*arguments, **options):
            calls.append(name)
            if len(calls) == at:
                act()
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, interrupted)
        return lambda: len(calls) >= at

    return plant


def plain(error=KeyboardInterrupt, number=signal.SIGINT):
    """Send a signal that comes out as another exception, as from compiled code."""
    try:
        signal.raise_signal(number)
    except KeyboardInterrupt:
        raise error from None


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
@pytest.mark.parametrize("place", PLACES)
def test_a_signal_ends_a_run_in_good_order_whatever_it_comes_out_as(tmp_path, interrupt, place, error):
    came = interrupt(place, lambda: plain(error))
    outcome, lines = run_local(small_plan(tmp_path), tmp_path)
    parts = [path for path in (tmp_path / "small" / "parts").glob("[0-9a-f]*") if path.is_dir()]
    assert came() and (outcome.exit_code, outcome.failed) == (INTERRUPTED, 0)
    assert outcome.done == len(parts) < 6 or place in ("merge", "manifest")
    assert len(ganbench.load(outcome.folder).tables.runs) == 2 * len(parts)
    if place not in ("imports", "looking for parts"):  # before that nobody follows the run
        assert lines[-1] == f"interrupted: {len(parts)} of 6 trials are done and kept"
    with locked(tmp_path / "small"):
        pass
    outcome, _ = run_local(small_plan(tmp_path), tmp_path)
    assert (outcome.exit_code, outcome.done) == (0, 6)


def test_the_signal_that_came_decides_the_code_whatever_was_made_of_it(tmp_path, interrupt):
    interrupt("executor", lambda: plain(number=signal.SIGTERM))
    assert run_local(small_plan(tmp_path), tmp_path)[0].exit_code == TERMINATED


def test_a_signal_that_is_swallowed_ends_the_run_all_the_same(tmp_path, interrupt):
    def swallowed():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            pass

    interrupt("inputs", swallowed)
    assert run_local(small_plan(tmp_path), tmp_path)[0].exit_code == INTERRUPTED


@pytest.mark.parametrize("place", ["part", "merge"])
def test_the_command_to_go_on_is_printed(tmp_path, monkeypatch, capsys, interrupt, place):
    small_plan(tmp_path)
    monkeypatch.chdir(tmp_path)
    interrupt(place, plain)
    assert main(["run", "small.yaml", "--executor", "local", "--only", "loss=hinge,*"]) == INTERRUPTED
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "ganbench: interrupted; to go on: ganbench run small.yaml --executor local --only 'loss=hinge,*'"


def test_the_command_is_printed_when_even_merging_is_interrupted(tmp_path, monkeypatch, capsys):
    small_plan(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(merge, "merge", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["run", "small.yaml", "--executor", "local", "--only", "*hinge*"]) == INTERRUPTED
    assert capsys.readouterr().err.endswith("to go on: ganbench run small.yaml --executor local --only '*hinge*'\n")


def test_the_command_is_printed_when_merging_fails_after_a_signal(tmp_path, monkeypatch, capsys, interrupt):
    small_plan(tmp_path)
    monkeypatch.chdir(tmp_path)
    interrupt("progress", lambda: plain(number=signal.SIGTERM))
    monkeypatch.setattr(merge, "merge", lambda *_: (_ for _ in ()).throw(AttributeError("half a module")))
    assert main(["run", "small.yaml", "--executor", "local"]) == TERMINATED
    assert capsys.readouterr().err.endswith("to go on: ganbench run small.yaml --executor local\n")


def test_a_signal_waits_while_ray_starts_whatever_handler_ray_puts_in_place():
    taken = []
    with Interrupts() as interrupts, pytest.raises(Interrupted) as raised:
        with interrupts.blocked():
            signal.signal(signal.SIGTERM, lambda *_: taken.append("by Ray"))
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            assert interrupts.code is None
        assert interrupts.code == TERMINATED
        interrupts.check()
    assert raised.value.exit_code == TERMINATED and not taken
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_signals_are_caught_again_as_soon_as_rays_connection_has_ended(monkeypatch):
    caught = []
    connection = SimpleNamespace(shutdown_driver=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    worker = SimpleNamespace(core_worker=connection)

    def shutdown():
        worker.core_worker.shutdown_driver()
        caught.append(signal.getsignal(signal.SIGTERM))  # while Ray ends its processes

    monkeypatch.setattr(ray_processes, "ray_worker", SimpleNamespace(global_worker=worker, shutdown=shutdown))
    with Interrupts() as interrupts:
        ray_processes.end_ray([], interrupts)
        assert caught == [interrupts._handle]
