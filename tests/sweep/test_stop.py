"""`stop:` in a suite: what is settled ends early and is a result like any other; the others never notice."""

import pandas as pd
import pytest

import ganbench
from ganbench.analysis.ranking import ranking
from ganbench.analysis.verdicts import verdicts
from ganbench.core.errors import UsageError
from tests.helpers.local_runs import run_local
from tests.helpers.small_suite import TEXT as PLAIN
from tests.helpers.small_suite import small_plan

# One cell collapses (as planted in suites/planted_failures.yaml, shorter), the other does not.
TEXT = """
name: small
datasets: [ring: {count: 8, radius: 2.0, sigma: 0.05}]
networks: [mlp: {latent: 8, width: 64, depth: 2, d_width: 128, d_depth: 3}]
optimizers: [adam: {lr: 1.0e-3, betas: [0.5, 0.9], lr_final: 0.02}]
training: {n_critic: 5}
include: [{tricks: [r1], training: {n_critic: 1}}]
seeds: 2
steps: 400
log_every: 40
evaluate: {every: 20, samples: 200, metrics: [modes, position]}
diagnostics: [gradients]
"""
IDS = ["run", "trial"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the results without and with the rule."""
    folder = tmp_path_factory.mktemp("stop")
    found = []
    for overrides in ((), ("stop.collapsed=0.33",)):
        outcome, _ = run_local(small_plan(folder, *overrides, text=TEXT), folder)
        assert outcome.exit_code == 0 and outcome.trained == 2
        found.append(ganbench.load(outcome.folder).tables)
    return found


def test_the_collapsed_trial_ends_early_and_saves_its_time(runs):
    whole, short = (results.runs.groupby("tricks") for results in runs)
    cell = short.get_group("none")
    assert cell["stopped_at"].notna().all() and (cell["stopped_at"] < 400).all()
    assert (cell["status"] == "OK").all() and cell["modes_captured"].notna().all()
    # It makes at most three quarters of the steps; twice as slow a step would have to eat that up.
    assert (cell["stopped_at"] <= 300).all()
    assert cell["seconds"].sum() < whole.get_group("none")["seconds"].sum()


def test_the_other_trial_is_the_same_to_the_last_bit(runs):
    histories = []
    for results in runs:
        own = results.runs[results.runs["tricks"] == "r1"]
        assert own["stopped_at"].isna().all() and own["stop_reason"].isna().all()
        history = results.history[results.history["trial"].isin(own["trial"])]
        histories.append(history.drop(columns=IDS).reset_index(drop=True))
    pd.testing.assert_frame_equal(*histories, check_exact=True)


def test_judging_takes_it_as_finished(runs):
    found = [verdicts(results).set_index("run") for results in runs]
    names = [results.runs.set_index("run")["tricks"] for results in runs]
    collapsed = [sorted(f.loc[n[n == "none"].index, "verdict"]) for f, n in zip(found, names, strict=True)]
    assert collapsed[0] == collapsed[1] == ["total collapse"] * 2
    ranked = ranking(runs[1])
    assert set(ranked["ok"]) == {2} and bool(ranked["rank"].notna().all())


def test_running_it_again_trains_nothing(runs, tmp_path):
    folder = runs[1].path.parent.parent
    outcome, lines = run_local(small_plan(tmp_path, "stop.collapsed=0.33", text=TEXT), folder)
    assert outcome.trained == 0 and lines == ["2 of 2 trials are already done"]


def test_without_the_rule_keys_are_as_before(tmp_path):
    plan = small_plan(tmp_path, text=TEXT)
    assert all(trial.stop == {} and "stop" not in trial.canonical() for trial in plan.trials)
    assert small_plan(tmp_path, "stop={collapsed: null}", text=TEXT).run_id == plan.run_id
    assert small_plan(tmp_path, "stop.collapsed=0.5", text=TEXT).run_id != plan.run_id


@pytest.mark.parametrize(
    "setting, problem",
    [
        ("stop.collapsed=0", "collapsed: "),
        ("stop.collapsed=1.5", "collapsed: "),
        ("stop.collapsed=yes", "collapsed: "),
        ("stop.colapsed=0.3", "did you mean 'collapsed'"),
        ("stop=0.3", "stop: "),
        ("stop.collapsed=0.3", "add it to `evaluate.metrics`"),
    ],
)
def test_mistakes_are_named(tmp_path, setting, problem):
    with pytest.raises(UsageError) as caught:
        small_plan(tmp_path, "evaluate.metrics=[modes]", setting, text=PLAIN)
    assert str(caught.value).startswith(f"--set {setting}: ") and problem in str(caught.value), caught.value
