"""Best settings on fresh seeds, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ganbench.analysis.tuned import tuned_of, tuned_pairs_of
from tests.helpers.varied import FID, varied_of

RNG = np.random.default_rng(2)


def test_each_confirmed_setting_has_its_own_row_over_seeds():
    values = {"a": np.array([[7.0, 8.0, 5.0, 8.0], [1.0, 2.0, 3.0, 4.0]])}
    table = tuned_of(varied_of(values))
    assert list(table["place"]) == [1, 2]
    first = table.iloc[0]
    assert first["healthy"] == 0.75
    wilson = stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert (first["healthy_low"], first["healthy_high"]) == (pytest.approx(wilson.low), pytest.approx(wilson.high))
    assert first["modes"] == 7.0


def test_pairs_are_compared_by_the_exact_permutation_test():
    """Every relabeling of two sides of six by Welch's t, two-sided; p is the larger of that and Welch's own."""
    values = {"a": RNG.normal(0, 1, (1, 6)), "b": RNG.normal(1, 1, (1, 6))}
    row = tuned_pairs_of(varied_of(values, FID)).iloc[0]
    better, worse = (v[0] for v in sorted(values.values(), key=np.mean))

    def welch(x, y):
        return stats.ttest_ind(x, y, equal_var=False)[0]

    relabelings = stats.permutation_test((worse, better), welch, n_resamples=10**6, alternative="greater").pvalue
    parametric = stats.ttest_ind(worse, better, equal_var=False, alternative="greater")[1]
    assert row["p"] == pytest.approx(min(1.0, 2 * max(relabelings, parametric)))
    assert row["difference"] < 0
