"""The strong cures of mode collapse lie above their base, and five discriminator steps below it.

The committed table is checked always, a fresh run of the suite by `make verify`: in both, all six one-sided permutation
tests of `modes_captured` hold at .01 together (Holm), so a table of equal arms passes once in a hundred at most for
the first comparison and far more rarely for all six.
"""

import pandas as pd
import pytest

from ganbench.analysis.multiplicity import holm
from ganbench.analysis.permutation import permutation_test
from ganbench.analysis.statistics import scored, worst
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from tests.helpers import ROOT

BASELINE = ROOT / "results/baselines/collapse_cures/runs.parquet"
ALPHA = 0.01
BASE, WORSE = "base", "n_critic 5"
CURES = ("spectral_norm", "r1", "zero_centered_gp", "relativistic_paired+r1+r2", "wasserstein+gradient_penalty")


@pytest.fixture
def plan():
    return make_plan(read_suite(ROOT / "suites/collapse_cures.yaml"))


def arms(plan, runs):
    """Return the score of each run by the name of its arm; a run without samples captured no mode."""
    names, scores = [], {}
    for trial, (_, rows) in zip(plan.trials, runs.groupby("trial", sort=False), strict=True):
        assert (rows["loss"] == trial.loss.label).all() and (rows["tricks"] == trial.labels["tricks"]).all()
        assert list(rows["seed"]) == list(trial.seeds), "every run is there, a diverged one too"
        parts = [] if trial.loss.name == "non_saturating" else [trial.loss.name]
        names.append("+".join([*parts, *(t.name for t in trial.tricks)]) or (WORSE if trial.n_critic == 5 else BASE))
        values = rows["modes_captured"].to_numpy(float)
        scores[names[-1]] = scored(values, worst(values, "higher"))
    assert sorted(names) == sorted([BASE, WORSE, *CURES])
    return scores


def comparisons(scores):
    """Return the six tests with Holm's p, by name."""
    pairs = {f"{cure} > {BASE}": (scores[cure], scores[BASE]) for cure in CURES}
    pairs[f"{BASE} > {WORSE}"] = scores[BASE], scores[WORSE]
    tests = {name: permutation_test(*pair) for name, pair in pairs.items()}
    return dict(zip(tests, zip(tests.values(), holm([t.p for t in tests.values()]), strict=True), strict=True))


def check(plan, runs):
    scores = arms(plan, runs)
    for name, values in scores.items():
        print(f"{name:30} mean {values.mean():.2f} of 8, min {values.min():.0f}")
    for name, (test, p) in comparisons(scores).items():
        print(f"{name:40} +{test.difference:.2f}  p {test.p:.2g}  Holm {p:.2g}  smallest {test.smallest:.2g}")
        assert test.smallest < ALPHA / 6, f"{name} cannot be detected with these runs"
        assert test.method == "counted"
        assert p < ALPHA, name


def test_the_committed_table_holds_the_ordering(plan):
    check(plan, pd.read_parquet(BASELINE))


@pytest.mark.verify
def test_a_fresh_run_holds_the_ordering(plan, tmp_path):
    from tests.engine import run_plan

    outcome = run_plan(plan, tmp_path, executor="local")
    check(plan, pd.read_parquet(outcome.folder / "runs.parquet"))
