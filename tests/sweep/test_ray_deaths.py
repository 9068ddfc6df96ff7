"""Processes of a run under Ray that are stopped or killed: the run ends in order, and nothing is left behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

import ganbench
from ganbench.sweep.executors.ray_processes import _reaper, watched_ray
from ganbench.sweep.signals import Interrupts
from tests.helpers import ROOT
from tests.helpers.present import present
from tests.helpers.small_suite import small_plan

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what Linux says of processes"),
]
LEFT_OUT = ("monitor.py", "dashboard.py")  # of Ray's programs, see `ray_processes.LEFT_OUT`
LONG = ("steps=3000", "log_every=500", "evaluate.every=1500")


def begin(folder, *overrides, path=os.environ["PATH"]):
    """Start `ganbench run` on the small suite with a place of its own for temporary files."""
    small_plan(folder)
    # 13 characters are short enough for Ray's sockets; else they were in /tmp itself, beside those of other tests.
    (folder / "t").symlink_to(tempfile.mkdtemp(prefix="", dir="/tmp"), target_is_directory=True)
    command = [
        sys.executable,
        "-m",
        "ganbench",
        "run",
        str(folder / "small.yaml"),
        "--results",
        str(folder / "results"),
    ]
    command += ["--report", str(folder / "pages"), *(f"--set={text}" for text in overrides)]
    own = {"PYTHONPATH": str(ROOT), "TMPDIR": str((folder / "t").resolve()), "OMP_NUM_THREADS": "1", "PATH": path}
    environment = {**os.environ, **own}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        start_new_session=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return value


def parts(folder):
    return [path for path in (folder / "results/small/parts").glob("[0-9a-f]*") if path.is_dir()]


def family(process):
    return psutil.Process(process.pid).children(recursive=True)


def named(processes, name):
    found = []
    for one in processes:
        try:
            if name in " ".join(one.cmdline())[:200]:
                found.append(one)
        except psutil.Error:
            pass
    return found


def gone(processes, seconds):
    return not psutil.wait_procs(processes, timeout=seconds)[1]


@pytest.mark.parametrize("name", ["raylet/raylet", "gcs_server"])
def test_when_ray_itself_dies_the_run_ends_and_says_so(tmp_path, name):
    """Without the GCS the main thread may hang in compiled code: another one merges then."""
    process = begin(tmp_path, *LONG)
    until(lambda: parts(tmp_path), 120)
    processes = family(process)
    (victim,) = named(processes, name)
    victim.kill()
    _, err = process.communicate(timeout=60)
    said = [line for line in err.splitlines() if line.startswith("ganbench: ")]
    assert process.returncode == 4 and len(said) == 1, err
    words = "ended under way; (\\d) of 6 trials are done and kept in .*; run it again to go on .*"
    done = present(re.fullmatch(f"ganbench: Ray's [a-z_]+ {words}", said[0]))
    (run,) = (tmp_path / "results/small").glob("??????????")
    assert len(ganbench.load(run).tables.runs) == 2 * int(done[1]) > 0
    assert gone(processes, 30) and not _scratch(tmp_path)


def test_after_a_kill_nothing_lives_and_no_folder_stays(tmp_path):
    process = begin(tmp_path, *LONG)
    until(lambda: parts(tmp_path), 120)
    processes = family(process)
    assert len(processes) > 6 and named(processes, "Agent") and _scratch(tmp_path)
    assert not [path for one in processes for path in one.cmdline() if path.endswith(LEFT_OUT)]
    process.kill()
    process.communicate()
    assert gone(processes, 20)
    until(lambda: not _scratch(tmp_path), 30)


def test_what_clears_up_ends_what_writes_there_and_nothing_else(tmp_path):
    folder, made = tmp_path / "ganbench-1", tmp_path / ".ganbench-1"
    folder.mkdir()
    made.mkdir()
    with (folder / "log").open("w") as own:  # this process writes there itself
        writer = subprocess.Popen(["sleep", "100"], stdout=own)
        with (folder / "log").open() as file:
            reader = subprocess.Popen(["sleep", "100"], stdin=file)
        other = subprocess.Popen(["sleep", "100"], stdout=(tmp_path / "ganbench-12").open("w"))
        reaper = present(_reaper(folder, made))
        present(reaper.stdin).close()
        assert reaper.wait(30) == 0 and writer.wait(5) == -signal.SIGKILL
    assert reader.poll() is None and other.poll() is None and not folder.exists() and not made.exists()
    for one in (reader, other):
        one.kill()
        one.wait()


def _scratch(folder):
    """Return the folders that the run made for Ray."""
    return [place / "ray" for place in (folder / "t").glob("ganbench-*") if (place / "ray").is_dir()]


@pytest.fixture(autouse=True)
def no_folder_is_left(tmp_path):
    yield
    if (tmp_path / "t").is_dir():
        shutil.rmtree((tmp_path / "t").resolve())


def test_a_stopped_worker_runs_out_of_time(tmp_path):
    process = begin(tmp_path, "steps=1000000", "log_every=100000", "evaluate.every=500000", "losses=[hinge]",
                    "tricks=[none]", "resources.timeout=6s")  # fmt: skip
    (worker,) = until(lambda: named(family(process), "ray::ResourceTrainable.train"), 120)
    time.sleep(2.0)
    worker.send_signal(signal.SIGSTOP)
    _, err = process.communicate(timeout=180)
    assert process.returncode == 4 and "TIMEOUT" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_tables_and_the_command_to_go_on(tmp_path, number):
    process = begin(tmp_path, *LONG)
    until(lambda: parts(tmp_path), 120)
    processes = family(process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "; to go on: ganbench run " in err.strip().splitlines()[-1]
    (run,) = (tmp_path / "results/small").glob("??????????")
    assert len(ganbench.load(run).tables.runs) >= 2
    assert gone(processes, 30) and not _scratch(tmp_path)


@pytest.mark.parametrize(("number", "after"), [(signal.SIGTERM, 0.0), (signal.SIGTERM, 4.0), (signal.SIGHUP, 2.0)])
def test_a_signal_to_the_group_while_ray_starts_ends_the_run_and_not_ray_before_it(tmp_path, number, after):
    process = begin(tmp_path, *LONG)
    until(lambda: named(family(process), "gcs_server"), 120)
    time.sleep(after)
    processes = family(process)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert "; to go on: ganbench run " in err.strip().splitlines()[-1]
    assert gone(processes, 30) and not _scratch(tmp_path)


def test_the_thread_that_watches_ray_leaves_signals_to_the_main_thread():
    """While Ray starts the main thread holds SIGTERM; the system gives it to any other thread that lets it in."""
    with watched_ray([], Interrupts()):
        (thread,) = [one for one in threading.enumerate() if one.name == "ganbench-ray"]
        status = Path(f"/proc/self/task/{thread.native_id}/status")
        until(lambda: int(status.read_text().split("SigBlk:")[1].split()[0], 16) >> signal.SIGTERM - 1 & 1, 10)


@pytest.mark.parametrize("path", ["", "/nowhere"])
def test_path_may_lead_nowhere(tmp_path, path):
    run = begin(tmp_path, path=path)
    _, err = run.communicate(timeout=200)
    assert run.returncode == 0, err
    left = [
        path.name for path in (tmp_path / "t").iterdir() if not path.name.startswith("torchinductor")
    ]  # torch's own
    assert not left and not _scratch(tmp_path)
