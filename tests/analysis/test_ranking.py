"""The ranking of made-up runs, with the numbers worked out by hand."""

from __future__ import annotations

import math
import subprocess
import sys

import pandas as pd
import pytest

from ganbench.analysis.ranking import metric_columns, order_by, ranking
from ganbench.core.column import Column
from ganbench.tables.results import load
from tests.helpers.made_tables import made_run, made_tables, merged, seeded

NAN = math.nan
LOSSES = ("hinge", "minimax", "wasserstein", "least_squares", "non_saturating")
HINGE, MINIMAX, WASSERSTEIN, SQUARES, SATURATING = (seeded(4, loss=(name, {})) for name in LOSSES)


def _ranked(folder, tables, failures=None):
    trials = list(tables)
    run = made_run(folder, {trial: made for trial, made in tables.items() if made is not None})
    merged(folder, trials, failures or {}, run)
    return ranking(load(run))


def test_means_decide_and_ties_go_to_quality_then_to_fid(tmp_path):
    found = _ranked(
        tmp_path,
        {
            HINGE: made_tables(HINGE, modes_captured=[8, 8, 8, 4.0], hq_fraction=[0.5] * 4, fid=[0.1] * 4),
            MINIMAX: made_tables(MINIMAX, modes_captured=[7.0] * 4, hq_fraction=[0.5] * 4, fid=[0.01] * 4),
            WASSERSTEIN: made_tables(WASSERSTEIN, modes_captured=[7.0] * 4, hq_fraction=[0.9] * 4, fid=[0.9] * 4),
            SQUARES: made_tables(SQUARES, modes_captured=[8.0] * 4, hq_fraction=[0.1] * 4, fid=[9.0] * 4),
            SATURATING: made_tables(SATURATING, modes_captured=[7.0] * 4, hq_fraction=[0.5] * 4, fid=[0.01] * 4),
        },
    )
    assert found["loss"].tolist() == ["least_squares", "wasserstein", "minimax", "non_saturating", "hinge"]
    by_loss = found.set_index("loss")
    assert by_loss.loc["hinge", "modes_captured_mean"] == 7.0
    assert by_loss.loc["hinge", "modes_captured_iqm"] == 8.0
    # Hinge ties at 7 modes and .5, and has the worse FID; two trials with equal numbers share a rank.
    assert found["rank"].tolist() == [1, 2, 3, 3, 5]


def test_what_decides_is_declared_by_the_metrics_and_not_listed_here():
    runs = pd.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0], "d": [NAN]})
    metrics = {
        "a": Column("a", "", "1", "lower"),
        "b": Column("b", "", "1", "higher", leading=2),
        "c": Column("c", "", "1", "lower", leading=1),
        "d": Column("d", "", "1", "lower", leading=1),
    }
    assert order_by(runs, metrics) == ["c", "b"]
    assert order_by(runs, {"a": metrics["a"], "d": metrics["d"]}) == ["a"]


def test_the_numbers_of_a_trial(tmp_path):
    found = _ranked(tmp_path, {HINGE: made_tables(HINGE, modes_captured=[8.0, 6.0, 7.0, 7.0])}).iloc[0]
    assert (found["runs"], found["ok"], found["diverged"], found["modes_captured_n"]) == (4, 4, 0, 4)
    # sd = √(2/3); t(.975, 3) = 3.182446
    half = 3.182446 * math.sqrt(2 / 3) / 2
    expected = {"mean": 7, "iqm": 7, "median": 7, "sd": math.sqrt(2 / 3), "low": 7 - half, "high": 7 + half}
    assert {k: found[f"modes_captured_{k}"] for k in expected} == pytest.approx(expected, abs=1e-6)
    assert found["ms_per_step"] == 0.25


def test_a_diverged_run_counts_as_the_worst_of_its_data_set(tmp_path):
    ring, grid = HINGE, seeded(4, loss=("hinge", {}), dataset=("grid", {}))
    found = _ranked(
        tmp_path,
        {
            ring: made_tables(ring, modes_captured=[8, 8, 8, NAN], fid=[0.1, 0.1, 0.1, NAN]),
            MINIMAX: made_tables(MINIMAX, modes_captured=[5, 3.0, 8, 8], fid=[0.1, 0.7, 0.1, 0.1]),
            grid: made_tables(
                grid, modes_captured=[1.0] * 4, fid=[99.0] * 4
            ),  # another data set's worst is none of ours
        },
    )
    first = found[found["trial"] == ring.key[:12]].iloc[0]
    assert (first["ok"], first["diverged"], first["modes_captured_n"]) == (3, 1, 4)
    assert first["modes_captured_mean"] == 8 * 3 / 4  # no samples, no modes
    assert first["fid_mean"] == pytest.approx((0.1 * 3 + 0.7) / 4)
    assert found["dataset"].tolist() == ["ring", "ring", "grid"]
    # 6 modes and an FID of .25 each: the one without divergence leads.
    assert found["loss"].tolist()[:2] == ["minimax", "hinge"] and found["rank"].tolist() == [1, 2, 1]


@pytest.mark.parametrize("diverged", [1, 4])
@pytest.mark.parametrize("metric", ["modes_captured", "fid", "hq_fraction"])
def test_divergence_never_ties_with_equal_and_whole_runs(tmp_path, metric, diverged):
    # Every value is the same, so the worst value of the data set is also its best.
    values = [1.0] * (4 - diverged) + [NAN] * diverged
    tables = {HINGE: made_tables(HINGE, {metric: values}), MINIMAX: made_tables(MINIMAX, {metric: [1.0] * 4})}
    found = _ranked(tmp_path, tables)
    assert found["loss"].tolist() == ["minimax", "hinge"] and found["rank"].tolist() == [1, 2]


def test_where_everything_diverged_there_is_no_worst_and_no_rank(tmp_path):
    found = _ranked(tmp_path, {HINGE: made_tables(HINGE, modes_captured=[NAN] * 4)})
    assert found["diverged"].tolist() == [4] and bool(found["rank"].isna().all())
    assert found["modes_captured_n"].tolist() == [0] and bool(found["modes_captured_mean"].isna().all())


def test_missing_results_are_counted_and_averaged_nowhere(tmp_path):
    failures = {
        MINIMAX.key: {"status": "FAILED", "error": "x"},
        SQUARES.key: {"status": "TIMEOUT", "error": "y"},
    }
    tables = {MINIMAX: None, HINGE: made_tables(HINGE, modes_captured=[8.0] * 4), SQUARES: None}
    found = _ranked(tmp_path, tables, failures)
    assert found["loss"].tolist() == ["hinge", "minimax", "least_squares"]
    assert found["failed"].tolist() == [0, 4, 0] and found["timeout"].tolist() == [0, 0, 4]
    assert found["modes_captured_n"].tolist() == [4, 0, 0]
    assert found["rank"].tolist()[0] == 1 and bool(found["rank"].iloc[1:].isna().all())


def test_a_metric_that_a_trial_did_not_ask_for_is_not_its_worst(tmp_path):
    tables = {
        HINGE: made_tables(HINGE, modes_captured=[8.0] * 4),
        MINIMAX: made_tables(MINIMAX, modes_captured=[7.0] * 4, spread_ratio=[1.0, NAN, 1.0, 1.0]),
        WASSERSTEIN: made_tables(WASSERSTEIN, fid=[0.1] * 4),
    }
    found = _ranked(tmp_path, tables).set_index("loss")
    assert found["fid_n"].to_dict() == {"hinge": 0, "minimax": 0, "wasserstein": 4}
    assert found["modes_captured_n"].to_dict()["wasserstein"] == 0 and bool(found["rank"].isna().all())
    assert found.loc["minimax", "spread_ratio_n"] == 3  # no direction: nothing to fill in, and n says so


def test_without_the_usual_metrics_the_first_with_a_direction_decides(tmp_path):
    tables = {
        HINGE: made_tables(HINGE, spread_ratio=[9.0] * 4, fid=[0.3] * 4),
        MINIMAX: made_tables(MINIMAX, spread_ratio=[1.0] * 4, fid=[0.2] * 4),
    }
    found = _ranked(tmp_path, tables)
    assert found["loss"].tolist() == ["minimax", "hinge"]
    assert list(metric_columns(load(tmp_path))) == ["spread_ratio", "fid"]


def test_one_seed_has_a_mean_and_no_spread(tmp_path):
    trial = seeded(1)
    found = _ranked(tmp_path, {trial: made_tables(trial, modes_captured=[6.0])}).iloc[0]
    assert found["modes_captured_mean"] == 6.0 and found["rank"] == 1
    assert found[["modes_captured_sd", "modes_captured_low", "modes_captured_high"]].isna().all()


def test_five_seeds_have_an_interval_of_the_median_and_four_have_none(tmp_path):
    five, four = seeded(5), seeded(4, loss=("hinge", {}))
    tables = {
        five: made_tables(five, modes_captured=[6.0, 8.0, 7.0, 8.0, 8.0]),
        four: made_tables(four, modes_captured=[6.0] * 4),
    }
    found = _ranked(tmp_path, tables)
    assert found[["modes_captured_median_low", "modes_captured_median_high"]].iloc[0].tolist() == [6.0, 8.0]
    assert found[["modes_captured_median_low", "modes_captured_median_high"]].iloc[1].isna().all()


def test_nothing_to_rank_is_an_empty_frame(tmp_path):
    found = ranking(load(made_run(tmp_path, {})))
    assert isinstance(found, pd.DataFrame) and len(found) == 0 and {"dataset", "rank", "diverged"} <= set(found)


def test_judging_needs_neither_torch_nor_ray():
    code = (
        "import sys, ganbench.analysis.ranking, ganbench.tables.part_store, ganbench.tables.merge; "
        "bad = {'torch', 'ray', 'scipy', 'matplotlib', 'sklearn'} & set(sys.modules); print(sorted(bad))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
