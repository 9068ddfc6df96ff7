"""ASHA and Optuna in real Ray, at tiny size."""

from __future__ import annotations

import io
import sys

import numpy as np
import pandas as pd
import pytest

import ganbench
from ganbench.core.errors import UsageError
from ganbench.core.results_files import parse_json
from ganbench.suite.space import Sampler
from ganbench.sweep.executors.ray_session import ray_environment
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.progress import Progress
from ganbench.sweep.run import run_plan
from ganbench.sweep.search_log import AdaptiveSearch
from ganbench.training.trainer import Trainer
from tests.helpers.frames import where
from tests.helpers.present import present
from tests.helpers.small_suite import small_plan
from tests.suite.test_search import TEXT

with ray_environment():  # Ray reads it when it is imported, once for all tests of this process
    from ganbench.sweep.executors import ray_search

pytestmark = pytest.mark.ray

SHORT = ("steps=40", "evaluate.every=5", "log_every=5", "evaluate.metrics=[fid]")
ASHA = (*SHORT, "search.scheduler=asha", "search.grace=0.25", "search.reduction=2", "search.trials=8")
OPTUNA = ("search.searcher=optuna", "search.trials=2", "steps=10", "evaluate.every=5")


def run(tmp_path, *overrides, **options):
    plan = small_plan(tmp_path, *overrides, text=TEXT)
    progress = Progress({}, screen := io.StringIO(), trials=len(plan.trials))
    progress.names.update({trial.key: trial.name for trial in plan.trials})
    outcome = run_plan(plan, tmp_path / "results", progress=progress, **options)
    return plan, outcome, screen.getvalue().splitlines()


@pytest.fixture(scope="module")
def asha(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asha")
    return (*run(folder, *ASHA, jobs=1), folder)


def test_every_trial_of_asha_is_in_the_tables_with_its_reason(asha):
    plan, outcome, _, folder = asha
    assert outcome.exit_code == 0 and outcome.done == 8 and outcome.failed == 0
    runs = ganbench.load(outcome.folder).tables.runs
    assert set(runs["trial"]) == {trial.key[:12] for trial in plan.trials} and set(runs["status"]) == {"OK"}
    stopped = runs.dropna(subset=["stopped_at"])
    # The second trial is as likely behind the first as ahead of it, so that none is stopped in one of 8! orders.
    assert 0 < len(set(stopped["trial"])) < 8
    for _, row in stopped.iterrows():
        assert row["stopped_at"] in range(10, 40, 5)
        assert str(row["stop_reason"]) == f"stopped by asha at step {row['stopped_at']}"
    assert bool(stopped["fid"].notna().all())
    assert not list((folder / "results" / "small").rglob("*.stop.json"))


def test_a_stopped_trial_has_the_first_rows_of_a_whole_one(asha):
    plan, outcome, *_ = asha
    results = ganbench.load(outcome.folder).tables
    at = dict(zip(results.runs["trial"], results.runs["stopped_at"], strict=True))
    at = {key: step for key, step in at.items() if not pd.isna(step)}
    trial = next(trial for trial in plan.trials if trial.key[:12] in at)
    trainer = Trainer(trial)
    trainer.advance(float("inf"))
    whole = trainer.tables().history
    names = ["seed", "step", "fid", "grad_norm_g"]
    found = where(results.history, trial=trial.key[:12]).filter(names).reset_index(drop=True)
    assert found["step"].max() == at[trial.key[:12]]
    expected = (
        whole.take(np.flatnonzero(whole["step"] <= found["step"].max())).filter(names).astype(found.dtypes.to_dict())
    )
    pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), check_exact=True)


def test_running_it_again_trains_nothing(asha):
    *_, folder = asha
    _, outcome, lines = run(folder, *ASHA)
    assert outcome.trained == 0 and lines == ["8 of 8 trials are already done"]


def adaptive_of(tmp_path, *overrides):
    plan = small_plan(tmp_path, *OPTUNA, *overrides, text=TEXT)
    assert plan.suite.search is not None
    work = TrialJob(plan.cells[0], plan.cells[0].key, tmp_path)
    return AdaptiveSearch(Sampler(plan.suite.search, plan.cells), work, tmp_path / "ledger", "min")


def test_optuna_draws_from_the_space_and_does_not_begin_anew(tmp_path, monkeypatch):
    """Without Ray: the searcher itself, at its start, after two finished trials, and after one that was begun."""
    pytest.importorskip("optuna")
    adaptive = adaptive_of(tmp_path)
    searcher, number = ray_search.searcher(adaptive)
    drawn = [present(searcher.suggest(str(i))) for i in range(3)]
    same = [ray_search.searcher(adaptive)[0].suggest("a") for _ in range(2)]
    assert number == 2 and same[0] == same[1] == drawn[0]
    for config in drawn:
        assert adaptive.job(config).trial.search == "" and 1e-5 <= config["optimizer.lr"] <= 1e-2
        adaptive.begin(config)
    begun = adaptive.job(drawn[1]).key
    monkeypatch.setattr(TrialJob, "finished_score", lambda job: None if job.key == begun else 1.0)
    searcher, number = ray_search.searcher(adaptive)
    assert number == 0  # of two, two are finished
    assert searcher.suggest("x") == drawn[1] and searcher.suggest("y") not in drawn


@pytest.mark.verify
def test_optuna_goes_on_where_it_was_and_is_told_of_what_is_finished(tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    plan, outcome, lines = run(tmp_path, *OPTUNA)
    assert outcome.exit_code == 0 and outcome.done == outcome.trained == 2
    ledger = tmp_path / "results" / "small" / f"search-{plan.run_id}.jsonl"
    first = ledger.read_text().splitlines()
    assert len(first) == 2 and sum(line.startswith("[") for line in lines) == 2
    runs = ganbench.load(outcome.folder).tables.runs
    configs = [parse_json(line.encode())["config"] for line in first]
    assert sorted(f"{c['optimizer.lr']:.6g}" in "".join(runs["optimizer"]) for c in configs) == [True, True]

    told = []
    original = ray_search.Optuna.add_evaluated_point
    monkeypatch.setattr(
        ray_search.Optuna,
        "add_evaluated_point",
        lambda self, config, value: (told.append(value), original(self, config, value)),
    )
    again, outcome, lines = run(tmp_path, *OPTUNA, "search.trials=4")
    assert again.run_id == plan.run_id and outcome.done == 4 and outcome.trained == 2
    assert sorted(told) == pytest.approx(
        sorted(np.mean(where(runs, trial=key)["fid"].to_numpy()) for key in set(runs["trial"]))
    )
    now = ledger.read_text().splitlines()
    assert now[:2] == first and len(set(now)) == 4
    assert bool(ganbench.load(outcome.folder).tables.runs["trial"].nunique() == 4)


def test_a_missing_optuna_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"optuna is not installed; pip install 'ganbench\[optuna\]'"):
        ray_search.searcher(adaptive_of(tmp_path))
