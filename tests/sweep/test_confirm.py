"""A run with `vary`: tables, what is confirmed, resumption, and trials that fail."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganbench.core.errors import UsageError
from ganbench.loaded import load
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import suite_of
from ganbench.suite.yaml import Document
from ganbench.sweep.run import run_plan
from ganbench.training.trainer import Trainer

SPACE = {"optimizer.lr": {"log_uniform": [1e-3, 3e-2]}, "training.n_critic": {"choice": [1, 2]}}
KEYS = {
    "name": "varied",
    "datasets": ["ring"],
    "losses": ["non_saturating", "hinge"],
    "networks": [{"mlp": {"width": 16}}],
    "steps": 40,
    "seeds": 2,
    "batch": 32,
    "evaluate": {"every": 10, "samples": 64},
    "vary": {"settings": 5, "space": SPACE, "metric": "fid", "confirm": {"top": 2, "seeds": 3}},
}
CLOCKS = ["ms_per_step", "seconds", "environment"]


def plan(**changes):
    return make_plan(suite_of(Document("varied", {**KEYS, **changes})))


def run(folder, planned):
    return run_plan(planned, folder, executor="local")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return folder, run(folder, plan())


def test_a_run_is_a_trial_a_setting_and_a_seed(finished):
    results = load(finished[1].folder).tables
    runs = results.runs
    assert runs["run"].is_unique
    swept = runs[runs["stage"] == "vary"]
    assert len(swept) == 2 * 5 * 2
    assert len(set(zip(*(swept[name] for name in ("method", "setting", "seed")), strict=True))) == len(swept)
    by_setting = swept.groupby("setting")[["optimizer.lr", "training.n_critic"]].nunique()
    assert np.all(by_setting == 1)
    assert results.columns["optimizer.lr"].varied
    assert results.columns["optimizer.lr"].scale == "log"
    assert set(results.history["run"]) == set(runs["run"])
    settings = dict(zip(runs["run"], runs["setting"], strict=True))
    assert list(results.history["setting"]) == [settings[run] for run in results.history["run"]]
    assert results.manifest.counts["runs"] == len(runs)


def test_each_methods_best_settings_are_trained_again_on_fresh_seeds(finished):
    runs = load(finished[1].folder).tables.runs
    for _, method in runs.groupby("method"):
        swept, confirmed = (method.loc[method["stage"] == stage] for stage in ("vary", "confirm"))
        means = {number: float(np.mean(rows["fid"])) for number, rows in swept.groupby("setting")}
        assert list(dict.fromkeys(confirmed["setting"])) == sorted(means, key=means.__getitem__)[:2]
        assert set(confirmed["seed"]) == {2, 3, 4}


def test_a_confirming_run_has_the_numbers_of_an_ordinary_trial(finished, tmp_path):
    runs = load(finished[1].folder).tables.runs
    row = runs[(runs["stage"] == "confirm") & (runs["method"].str.contains("hinge"))].iloc[0]
    keys = {k: v for k, v in KEYS.items() if k != "vary"}
    optimizer = {"adam": {"lr": row["optimizer.lr"]}}
    training = {"n_critic": int(row["training.n_critic"])}
    plain = {**keys, "losses": ["hinge"], "optimizers": [optimizer], "training": training, "seeds": [2, 3, 4]}
    alone = load(run(tmp_path, make_plan(suite_of(Document("s", plain)))).folder).tables.runs
    assert alone.set_index("seed")["fid"][int(row["seed"])] == row["fid"]


def test_running_again_trains_nothing_and_leaves_the_same_tables(finished):
    folder, first = finished
    before = pd.read_parquet(first.folder / "runs.parquet")
    again = run(folder, plan())
    assert (again.trained, again.folder, again.exit_code) == (0, first.folder, 0)
    pd.testing.assert_frame_equal(pd.read_parquet(again.folder / "runs.parquet"), before)


def test_an_interrupted_sweep_goes_on_to_the_same_numbers(finished, tmp_path, monkeypatch):
    from ganbench.sweep.executors import local

    whole, trained = local._train, []

    def first_only(*rest):
        if trained:
            raise KeyboardInterrupt
        trained.append(whole(*rest))

    monkeypatch.setattr(local, "_train", first_only)
    broken = run(tmp_path, plan())
    assert broken.exit_code == 130
    assert broken.done == 1
    monkeypatch.setattr(local, "_train", whole)
    ended = run(tmp_path, plan())
    now, before = (pd.read_parquet(o.folder / "runs.parquet").drop(columns=CLOCKS) for o in (ended, finished[1]))
    pd.testing.assert_frame_equal(now, before)


@pytest.mark.ray
def test_under_ray_the_tables_are_the_same(finished, tmp_path):
    side_by_side = run_plan(plan(), tmp_path, executor="ray", jobs=2)
    now, before = (pd.read_parquet(o.folder / "runs.parquet").drop(columns=CLOCKS) for o in (side_by_side, finished[1]))
    pd.testing.assert_frame_equal(now, before)


def test_the_settings_of_a_trial_that_failed_have_rows_and_are_not_chosen(tmp_path, monkeypatch):
    planned = plan(losses=["hinge"])
    broken = planned.trials[0]
    whole = Trainer.advance

    def advance(self, *args, **options):
        if self.trial.key == broken.key:
            raise RuntimeError("planted")
        whole(self, *args, **options)

    monkeypatch.setattr(Trainer, "advance", advance)
    outcome = run(tmp_path, planned)
    runs = load(outcome.folder).tables.runs
    lost = {setting.number for setting in broken.settings}
    failed = runs[runs["status"] == "FAILED"]
    assert set(failed["setting"]) == lost
    assert len(failed) == len(broken.lanes)
    assert outcome.exit_code == 4
    confirmed = set(runs.loc[runs["stage"] == "confirm", "setting"])
    assert confirmed
    assert not confirmed & lost


def test_a_diverged_setting_is_the_worst_and_never_chosen(tmp_path):
    space = {"optimizer.lr": {"choice": [1e-3, 2e-3, 1e12]}}
    keys = {"settings": 3, "sampler": "grid", "space": space, "confirm": {"top": 2, "seeds": 2}}
    sgd = {"optimizers": ["sgd"], "losses": ["wasserstein"], "vary": keys}
    results = load(run(tmp_path, plan(**sgd)).folder)
    runs = results.runs
    assert set(runs.loc[runs["setting"] == 2, "status"]) == {"DIVERGED"}
    assert set(runs.loc[runs["stage"] == "confirm", "setting"]) == {0, 1}
    robust = results.robustness()
    worst = runs.loc[runs["stage"] == "vary", "fid"].max()
    expected = np.mean([runs.loc[(runs["setting"] == i) & (runs["stage"] == "vary"), "fid"].mean() for i in (0, 1)])
    assert robust["fid"].iloc[0] == pytest.approx((2 * expected + worst) / 3)


def test_results_have_the_tables_over_settings(finished):
    results = load(finished[1].folder)
    assert len(results.robustness()) == 2
    assert len(load(finished[1].folder).budget()) == 2 * 5
    assert list(load(finished[1].folder).tuned()["place"]) == [1, 2, 1, 2]
    assert len(results.tuned_pairs("healthy")) == 1
    assert results.pairwise()["settings"].tolist() == [5]
    for table in (results.sensitivity, results.marginal_curves):
        with pytest.raises(UsageError, match="from 8 settings on, and 5 have results; raise vary.settings"):
            table()
    with pytest.raises(UsageError, match="y is missing; give it as well: optimizer.lr, "):
        results.plot.map(x="optimizer.lr")
    with pytest.raises(UsageError, match="unknown number for y 'batch'"):
        results.plot.map(x="optimizer.lr", y="batch")
    with pytest.raises(UsageError, match="no measure 'beauty'"):
        results.pairwise("beauty")


def test_a_run_of_one_setting_says_so(tmp_path):
    keys = {k: v for k, v in KEYS.items() if k != "vary"}
    results = load(run(tmp_path, make_plan(suite_of(Document("s", keys)))).folder)
    with pytest.raises(UsageError, match="is of one setting; add `vary:`"):
        results.robustness()


def test_confirming_trials_are_shown_by_what_tells_them_apart(tmp_path, capsys):
    run(tmp_path, plan(steps=10, vary={**KEYS["vary"], "settings": 2, "confirm": {"top": 1, "seeds": 2}}))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("[")]
    confirming = [line for line in lines if "tuned: setting" in line]
    assert len(confirming) == 2 and not any("mlp" in line for line in lines)
    assert {line.split()[2] for line in confirming} == {"non_saturating", "hinge"}
