"""Processes that end in the middle of a run, and the run that goes on from there."""

import random
import signal
import time

import pytest

import ganbench
from tests.helpers.local_runs import assert_equal_results, run_local
from tests.helpers.small_suite import small_plan, start

SLOW = ("steps=120", "evaluate.every=60")
RAY = pytest.param("ray", marks=pytest.mark.verify)


def parts(results):
    return [path for path in (results / "small" / "parts").glob("[0-9a-f]*") if path.is_dir()]


def wait_for_parts(process, results, count, seconds=90):
    end = time.monotonic() + seconds
    while len(parts(results)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    outcome, _ = run_local(small_plan(folder, *SLOW), folder)
    assert outcome.exit_code == 0
    return ganbench.load(outcome.folder).tables


@pytest.mark.parametrize("executor", ["local", RAY])
def test_a_killed_run_goes_on_to_the_same_tables(tmp_path, uninterrupted, executor):
    process = start(tmp_path, tmp_path, *SLOW, executor=executor)
    wait_for_parts(process, tmp_path, 2)
    process.kill()
    process.communicate()
    done = len(parts(tmp_path))
    assert 2 <= done < 6
    time.sleep(3 if executor == "ray" else 0)  # an orphaned worker may end its trial
    outcome, _ = run_local(small_plan(tmp_path, *SLOW), tmp_path)
    assert outcome.exit_code == 0 and outcome.done == 6
    assert outcome.trained <= 6 - done if executor == "ray" else outcome.trained == 6 - done
    assert_equal_results(ganbench.load(outcome.folder).tables, uninterrupted)


@pytest.mark.verify
def test_a_run_killed_again_and_again_goes_on_to_the_same_tables(tmp_path, uninterrupted):
    """Kills at random moments after a part appears, among them in the middle of training and of writes."""
    kills = 0
    while len(parts(tmp_path)) < 6:
        process = start(tmp_path, tmp_path, *SLOW)
        wait_for_parts(process, tmp_path, len(parts(tmp_path)) + 1)
        time.sleep(random.uniform(0.0, 0.2))
        process.kill()
        process.communicate()
        kills += 1
    assert kills >= 2
    outcome, _ = run_local(small_plan(tmp_path, *SLOW), tmp_path)
    assert outcome.exit_code == 0 and outcome.trained == 0
    assert_equal_results(ganbench.load(outcome.folder).tables, uninterrupted)


@pytest.mark.parametrize("executor", ["local", RAY])
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_process_in_good_order(tmp_path, executor, number, code):
    process = start(tmp_path, tmp_path, *SLOW, executor=executor)
    wait_for_parts(process, tmp_path, 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert f"exit_code={code}" in out
    assert "Traceback" not in err and all(line.startswith(("[", "interrupted: ")) for line in err.splitlines()), err
    assert "interrupted: " in err and "of 6 trials are done and kept" in err
    folder = next((tmp_path / "small").glob("??????????"))
    assert len(ganbench.load(folder).tables.runs) >= 4


def test_a_second_signal_ends_a_process_at_once(tmp_path):
    process = start(tmp_path, tmp_path, "steps=1000000", "log_every=100000", "evaluate.every=1000000")
    end = time.monotonic() + 60
    while not (tmp_path / "small" / ".lock").exists() and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)  # another one, because two pending signals of a kind are one
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 143 and out == ""
