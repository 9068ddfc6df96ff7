"""What a running sweep tells whoever watches."""

from __future__ import annotations

import json

import pytest

from ganbench.core.status import Status
from ganbench.sweep.events import TrialProgress
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.progress_file import MOST_POINTS, ProgressFile
from ganbench.sweep.run import run_plan
from tests.helpers.small_suite import small_plan


@pytest.fixture
def live(tmp_path):
    works = [TrialJob(trial, trial.key, tmp_path) for trial in small_plan(tmp_path).trials]
    return ProgressFile(tmp_path, "0123456789", works, works[1:]), [work.key for work in works]


def read(folder):
    return json.loads((folder / "progress.json").read_text())


def test_states_numbers_and_series(live, tmp_path):
    live, keys = live
    live.take(TrialProgress(keys[1], None, 0.5, {"modes_captured": 3.0, "grad_norm_g": 0.5, "fid": float("nan")}, 2.0))
    live.take(TrialProgress(keys[2], Status.FAILED, error="ValueError: no"))
    live.take(TrialProgress("0" * 64, None))  # somebody else's
    live.write(running=True)
    found = read(tmp_path)
    assert [trial["state"] for trial in found["trials"][:4]] == ["done", "running", "FAILED", "waiting"]
    assert found["running"] and found["trials"][1]["numbers"] == {"modes_captured": 3.0, "grad_norm_g": 0.5}
    assert found["trials"][1]["series"] == {"modes_captured": [3.0], "grad_norm_g": [0.5]}
    assert found["trials"][2]["error"] == "ValueError: no"


def test_a_long_series_stays_short_and_whole(live):
    live, keys = live
    for i in range(1000):
        live.take(TrialProgress(keys[1], None, 0.5, {"modes_captured": float(i)}))
    points = live._trials[keys[1]]["series"]["modes_captured"]
    assert len(points) <= MOST_POINTS and points[0] == 0 and points[-1] >= 990
    assert points == sorted(points)


def test_a_folder_that_cannot_be_written_ends_nothing(live, tmp_path):
    live, keys = live
    (tmp_path / "progress.json").unlink()
    (tmp_path / "progress.json").mkdir()
    live.write(running=True)
    live.take(TrialProgress(keys[1], None, 0.1))


def test_a_run_leaves_its_end(tmp_path):
    plan = small_plan(tmp_path, "losses=[hinge]", "tricks=[none]")
    run_plan(plan, tmp_path / "results", executor="local")
    found = read(tmp_path / "results" / "small")
    assert not found["running"] and [trial["state"] for trial in found["trials"]] == ["OK"]
    assert found["run"] == plan.run_id
    assert {"grad_norm_g", "grad_norm_d", "modes_captured"} <= set(found["trials"][0]["numbers"])
