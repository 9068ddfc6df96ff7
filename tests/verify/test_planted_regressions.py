"""Regressions that are planted at the smoke suite's scale are caught; a change of nothing is equal to the last bit.

Each change is one that a pull request might hide: the trick is off, the rates are three times as high, the smoothing is
on the wrong side. Runs are deterministic, so a case passes always or never with one torch on one machine; alpha is .01
for all of a comparison. What was measured, and what is not caught, stands in docs/comparisons.md.
"""

from __future__ import annotations

import dataclasses

import pytest

from ganbench.analysis.comparison_results import compare_results
from ganbench.analysis.comparison_rows import Outcome
from ganbench.analysis.comparison_rules import Rules
from ganbench.api import Suite
from ganbench.tricks.one_sided_label_smoothing import OneSidedLabelSmoothing

pytestmark = pytest.mark.verify

RULES = Rules(alpha=0.01)
# A ring wide enough, and a discriminator strong enough, that plain training loses modes (suites/collapse_cures.yaml in
# small): spectral norm keeps all eight here.
WIDE = {
    "datasets": [{"ring": {"radius": 2.0, "sigma": 0.1}}],
    "networks": [{"mlp": {"latent": 8, "width": 32, "depth": 2, "d_width": 64, "d_depth": 3}}],
    "optimizers": [{"adam": {"lr": 2e-3, "betas": [0.5, 0.9], "lr_final": 0.02}}],
    "seeds": 16,
    "steps": 1500,
    "batch": 64,
    "evaluate": {"every": 1500, "samples": 1000},
}
# Smoothing matters where the targets are all that tames the discriminator, and where there is much of it.
SMOOTHED = {
    "datasets": [{"ring": {"sigma": 0.1}}],
    "networks": [{"mlp": {"latent": 8, "width": 32}}],
    "optimizers": [{"adam": {"lr": 2e-3}}],
    "tricks": [{"one_sided_label_smoothing": {"real": 0.7}}],
    "seeds": 32,
    "steps": 600,
    "batch": 64,
    "evaluate": {"every": 600, "samples": 1000},
}


def trained(folder, name, keys, **changed):
    return Suite(name, **{**keys, **changed}).run(folder / name, executor="local").tables


def worse(base, now):
    return {row.metric for row in compare_results(base, now, RULES).rows if row.outcome == Outcome.WORSE}


@pytest.fixture(scope="module")
def normed(tmp_path_factory):
    found = trained(tmp_path_factory.mktemp("normed"), "base", WIDE, tricks=["spectral_norm"])
    assert bool(found.runs["modes_captured"].mean() > 7.5), "the base learns, or there is nothing to lose"
    return found


def test_spectral_norm_switched_off(normed, tmp_path):
    assert {"modes_captured", "fid"} <= worse(normed, trained(tmp_path, "off", WIDE, tricks=["none"]))


def test_rates_three_times_as_high(normed, tmp_path):
    rates = [{"adam": {"lr": 6e-3, "betas": [0.5, 0.9], "lr_final": 0.02}}]
    fast = trained(tmp_path, "fast", WIDE, tricks=["spectral_norm"], optimizers=rates)
    assert worse(normed, fast)


def test_smoothing_on_the_wrong_side(tmp_path, monkeypatch):
    base = trained(tmp_path, "base", SMOOTHED)
    assert bool(base.runs["modes_captured"].mean() > 5)

    def mirrored(self, targets, shape, noise):
        return dataclasses.replace(targets, fake=1 - self.real)

    monkeypatch.setattr(OneSidedLabelSmoothing, "targets", mirrored)
    assert "modes_captured" in worse(base, trained(tmp_path, "wrong", SMOOTHED))


def test_a_change_of_nothing_is_equal_to_the_last_bit(normed, tmp_path):
    again = trained(tmp_path, "again", WIDE, tricks=["spectral_norm"])
    assert compare_results(normed, again, RULES).identical
