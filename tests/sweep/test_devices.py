"""Where trials train is an option that no key hangs on."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import ganbench
from ganbench.core.errors import UsageError
from ganbench.sweep.executors import ray_processes, ray_session
from ganbench.sweep.job_source import JobList
from ganbench.sweep.jobs import TrialJob, device_here
from tests.helpers.local_runs import run_local
from tests.helpers.small_suite import small_plan

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


def test_the_device_changes_neither_keys_nor_the_text_of_older_suites(tmp_path):
    plain = small_plan(tmp_path)
    other = small_plan(tmp_path, "resources.device=auto", "resources.gpus=0.25")
    assert plain.run_id == other.run_id
    assert plain.suite.resolved()["resources"] == {"cpus": 1, "timeout": None}
    assert "stop" not in plain.suite.resolved()
    assert other.suite.resolved()["resources"] == {"cpus": 1, "timeout": None, "device": "auto", "gpus": 0.25}


@pytest.mark.parametrize("text", ["device=tpu", "device=0", "gpus=0", "gpus=1.5", "gpus=-1", "gpus=many"])
def test_wrong_resources_are_named(tmp_path, text):
    with pytest.raises(UsageError, match=f"--set resources.{text}: {text.partition('=')[0]}: "):
        small_plan(tmp_path, f"resources.{text}")


@NO_GPU
def test_a_gpu_that_is_not_there_is_said_before_training(tmp_path):
    plan = small_plan(tmp_path, "resources.device=cuda")
    with pytest.raises(UsageError, match="can use no GPU here; say cpu or auto"):
        run_local(plan, tmp_path)
    assert not list((tmp_path / "small" / "parts").glob("*"))
    with pytest.raises(UsageError, match="can use no GPU here"):
        ray_session.start(JobList([TrialJob(plan.trials[0], "0" * 64, tmp_path, device="cuda")]), None, tmp_path)


@NO_GPU
def test_auto_takes_the_cpu_where_there_is_no_gpu_and_the_tables_say_so(tmp_path):
    outcome, _ = run_local(small_plan(tmp_path, "resources.device=auto", "losses=[hinge]", "tricks=[none]"), tmp_path)
    results = ganbench.load(outcome.folder).tables
    assert {json.loads(text)["device"] for text in results.runs["environment"]} == {"cpu"}
    assert results.manifest.environment["device"] == "auto"


def test_a_gpu_is_taken_where_torch_has_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [device_here(wanted) for wanted in ("cpu", "auto", "cuda")] == ["cpu", "cuda", "cuda"]


@pytest.mark.parametrize(
    "device, cores, gpus, share, fit",
    [("cpu", 16, 1, 0.25, 16), ("cuda", 16, 1, 0.25, 4), ("cuda", 2, 1, 0.25, 2), ("auto", 16, 0, 0.25, 16)]
    + [("auto", 16, 2, 1.0, 2), ("cuda", 16, 1, 0.1, 10)],
)
def test_how_many_trials_share_the_gpus(device, cores, gpus, share, fit):
    work = TrialJob(SimpleNamespace(), "0" * 64, None, device=device, gpus=share)  # type: ignore[arg-type]
    assert ray_session.max_concurrent(cores, gpus, work) == fit
    assert ray_session.max_concurrent(2 * cores, gpus, dataclasses.replace(work, threads=2)) == fit


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(ray_processes, "_short_temp_dir", lambda: tmp_path)
    monkeypatch.setattr(
        ray_processes.tempfile, "mkdtemp", lambda prefix, dir: str(_made(Path(dir) / f"{prefix}{count()}"))
    )
    abandoned, foreign = _made(tmp_path / "ganbench-left"), _made(tmp_path / "ganbench-foreign")
    (abandoned / ray_processes.LOCK).touch()
    (abandoned / "ray").mkdir()
    with ray_processes.ray_temp_dir() as first:
        assert not abandoned.exists() and foreign.exists()
        with ray_processes.ray_temp_dir() as second:
            assert first.exists() and second.exists() and first != second
        assert first.exists() and not second.exists()
    assert list(tmp_path.iterdir()) == [foreign]


def _made(folder):
    folder.mkdir()
    return folder


def count(seen=[]):  # noqa: B006 - a counter
    seen.append(0)
    return len(seen)
