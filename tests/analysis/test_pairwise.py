"""The sign-flip test against a list of all signs and scipy, and the family of pairs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from ganbench.analysis.pairwise import distinguishable, pairwise_of, sign_flip
from tests.helpers.varied import FID, varied_of

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_it_is_the_share_of_all_signs(n):
    d = np.round(RNG.normal(0.4, 1, n), 1)
    sums = [abs(np.dot(signs, d)) for signs in itertools.product((-1, 1), repeat=n)]
    assert sign_flip(d).p == pytest.approx(np.mean(np.array(sums) >= abs(d.sum()) - 1e-9))


def test_it_agrees_with_scipy():
    d = RNG.normal(0.5, 1, 10)
    other = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=10**6, alternative="two-sided"
    )
    assert sign_flip(d).p == pytest.approx(other.pvalue)


def test_many_settings_are_drawn_and_come_close_to_the_exact_answer():
    d = RNG.normal(0.5, 1, 17)
    signs = np.array(list(itertools.product((-1, 1), repeat=16)))
    sums = np.abs(d[0] + signs @ d[1:])
    exact = np.mean(sums >= abs(d.sum()) - 1e-9)
    test = sign_flip(d)
    assert test.method == "drawn 99,999"
    assert abs(test.p - exact) < 4 * np.sqrt(exact * (1 - exact) / 99_999)


def test_no_difference_at_all_is_no_evidence():
    test = sign_flip(np.zeros(8))
    assert (test.p, test.smallest) == (1.0, 1.0)


def test_ties_change_nothing():
    assert sign_flip([1.0, 2.0, 3.0, 0.0, 0.0]).p == sign_flip([1.0, 2.0, 3.0]).p == 0.25


def test_its_false_alarms_are_at_most_alpha():
    """Skewed but symmetric-under-the-null differences: 4,000 samples of 8; 3 standard errors above 0.05 is 0.0604."""
    first, second = RNG.exponential(size=(2, 4000, 8))
    alarms = np.mean([sign_flip(a - b).p <= 0.05 for a, b in zip(first, second, strict=True)])
    assert 0.03 < alarms < 0.0604


def test_pairs_are_a_family_and_are_paired_by_setting():
    settings = RNG.normal(0, 10, 10)[:, None]  # far more between settings than between methods
    values = {"a": settings + 1 + 0.1 * RNG.normal(size=(10, 2)), "b": settings + 0.1 * RNG.normal(size=(10, 2))}
    values["c"] = settings + 0.1 * RNG.normal(size=(10, 2))
    table = pairwise_of(varied_of(values, FID))
    assert len(table) == 3
    assert set(table.loc[table["worse"] == "a", "better"]) == {"b", "c"}
    assert (table.loc[table["worse"] == "a", "p"] == 2 / 2**10).all()
    assert (table.loc[table["worse"] == "a", "p_better"] == 1.0).all()
    assert (table.loc[table["worse"] == "a", "difference"] < 0).all()  # as the metric has it
    assert sorted(table["p_holm"])[0] == pytest.approx(3 * 2 / 2**10)
    assert len(distinguishable(table)) == 2


def test_equal_methods_cannot_be_told_apart():
    values = {name: RNG.normal(size=(10, 2)) for name in "abcd"}
    assert not len(distinguishable(pairwise_of(varied_of(values)), alpha=0.001))
