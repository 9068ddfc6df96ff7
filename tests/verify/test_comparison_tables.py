"""The committed simulations of the comparison keep what docs/comparisons.md says, and come out again.

The committed table is checked always, a part of it is simulated anew by `make verify`; comparison_tables.py makes all.
"""

from __future__ import annotations

import pandas as pd
import pytest
from scipy import stats

from tests.helpers.frames import where
from tests.verify import comparison_tables as made

TABLE = pd.read_csv(made.TABLE)
COVERAGE = "coverage of order statistics (median)"


def rows(what, **values):
    found = where(TABLE, what=what, **values)
    assert len(found), f"the table has no {what!r} with {values}"
    return found


@pytest.mark.parametrize(
    "what",
    [
        "false alarms",
        "false alarms of 50 trials",
        "sequential: false alarms of 50 trials",
        "sequential: nothing lost, called worse",
    ],
)
def test_false_alarms_are_at_most_alpha(what):
    # Where the rate is exactly alpha, a row is this far above it in 1 of 10,000 tables.
    for row in rows(what).to_dict("records"):
        alarms = round(row["value"] * row["draws"])
        assert stats.binom.sf(alarms - 1, row["draws"], row["alpha"]) > 1e-4, row


def test_enough_null_comparisons_were_drawn():
    assert bool(rows("false alarms", alpha=0.01)["draws"].max() >= 2000)
    assert bool(rows("false alarms", alpha=0.05)["draws"].sum() >= 2000)


def test_one_mode_of_eight_is_found_where_seeds_agree_and_not_where_they_do_not():
    assert rows("one mode lost, found", table="later", seeds=16)["value"].item() >= 0.9
    # The honest number where runs are cut off halfway (SD 1.6 modes): 32 seeds are not enough.
    assert 0.4 < rows("one mode lost, found", table="halfway", seeds=32)["value"].item() < 0.9


def test_the_sequential_comparison_keeps_its_power_and_saves_seeds():
    assert rows("sequential: one mode lost, called worse", table="later")["value"].item() >= 0.9
    for what in ("nothing lost, seeds spent", "seeds spent, 50 trials"):
        assert bool(rows(f"sequential: {what}")["value"].max() <= 0.4)
    spent = rows("sequential: one mode lost, seeds spent")
    assert where(spent, table="later")["value"].item() <= 0.6
    assert where(spent, table="halfway")["value"].item() < 0.7  # there it is seldom decided before the last look


@pytest.mark.parametrize("table", made.TABLES)
@pytest.mark.parametrize("seeds", [5, 8, 16])
def test_the_median_interval_covers_what_it_says(table, seeds):
    found = rows(COVERAGE, table=table, seeds=seeds).set_index("metric")["value"]
    continuous = found.drop("modes_captured")
    assert len(continuous) == 3 and continuous.between(0.93, 0.97).all()
    assert bool(found["modes_captured"] >= 0.95)  # equal values make it wider


@pytest.mark.verify
@pytest.mark.parametrize("metric", made.METRICS)
def test_false_alarms_come_out_again(metric):
    kept = rows("false alarms", metric=metric, seeds=5, alpha=0.05)["value"].item()
    assert made.fixed("halfway", metric, 5, 0.05, 500) == pytest.approx(kept, abs=1e-4)


@pytest.mark.verify
def test_the_sequential_comparison_comes_out_again():
    worse, spent = made.sequentially("later", "modes_captured", 16, 0.01, 400, 1.0)
    where = {"table": "later", "draws": 400}
    assert worse == pytest.approx(rows("sequential: one mode lost, called worse", **where)["value"].item(), abs=1e-4)
    assert spent == pytest.approx(rows("sequential: one mode lost, seeds spent", **where)["value"].item(), abs=1e-4)


@pytest.mark.verify
@pytest.mark.parametrize("table", made.TABLES)
def test_coverage_comes_out_again(table):
    t, median = made.coverage(table, "fid", 8, 4000)
    where = {"table": table, "metric": "fid", "seeds": 8}
    assert t == pytest.approx(rows("coverage of the t-interval (mean)", **where)["value"].item(), abs=1e-4)
    assert median == pytest.approx(rows(COVERAGE, **where)["value"].item(), abs=1e-4)
