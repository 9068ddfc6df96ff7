"""Coverage, quality, balance and spread against hand-made histograms, closed forms and a slow count."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from ganbench.datasets.grid import Grid
from ganbench.metrics import Sample
from ganbench.metrics.mode_balance import ModeBalance
from ganbench.metrics.mode_evenness import ModeEvenness
from ganbench.metrics.modes import Modes
from tests.helpers.metric_samples import CPU, RING, describe, points

WEIGHTS = torch.full((8,), 1 / 8, dtype=torch.float64)
SETS = 64


def modes(fake, real=None, **parameters):
    return Modes(**parameters).compute(describe(fake), describe(points(20_000, 1) if real is None else real), WEIGHTS)


def at(counts, shift=0.01):
    """Return points near the ring's centres, so many of each, all good."""
    centres = RING.load(CPU).centres
    return centres.repeat_interleave(torch.tensor(counts), dim=0) + torch.tensor([shift, 0.0])


@pytest.fixture(scope="module")
def real_sets():
    """The metrics of 64 real sets of 1,000: tolerances below are 5 standard errors, false alarms 6e-7 each."""
    fake = points(1000, 2, sets=SETS)
    balance = ModeBalance().compute(describe(fake), describe(points(1000, 1)), WEIGHTS)
    return {**modes(fake), **balance}


def test_high_quality_share_of_real_samples(real_sets):
    share = -math.expm1(-4.5)
    error = math.sqrt(share * (1 - share) / (1000 * SETS))
    assert real_sets["hq_fraction"].mean().item() == pytest.approx(0.98889, abs=5 * error)


def test_balance_of_real_samples(real_sets):
    """2n KL and 8n JSD are χ² with 7 degrees of freedom; TV is 4·√(2/π)·√(q(1 − q)/n), of deviation below .01."""
    chi = math.sqrt(14 / SETS)
    assert real_sets["mode_kl"].mean().item() == pytest.approx(0.0035, abs=5 * chi / 2000)
    assert real_sets["mode_jsd"].mean().item() == pytest.approx(0.00088, abs=5 * chi / 8000)
    assert real_sets["mode_tv"].mean().item() == pytest.approx(0.0334, abs=5 * 0.01 / 8)


def test_real_samples_capture_every_mode(real_sets):
    """A mode has 125 ± 10.5 of 1,000 samples and counts from 25 on: no false alarm below 9 deviations."""
    assert (real_sets["modes_captured"] == 8).all()
    assert (real_sets["modes_hit"] == 8).all()


def test_spread_of_real_samples(real_sets):
    """The real set of 20,000 has a relative error of 1/√(2·40,000) = .0035, the mean of the others .002."""
    assert real_sets["spread_ratio"].mean().item() == pytest.approx(1.0, abs=5 * 0.0041)


@pytest.mark.parametrize(
    ("counts", "kl", "tv", "jsd", "captured"),
    [
        ([100] * 8, 0, 0, 0, 8),
        ([100] * 7 + [0], math.log(8 / 7), 0.125, 0.0454, 7),
        ([800] + [0] * 7, math.log(8), 0.875, None, 1),
        ([50, 150] * 4, 0.25 * math.log(0.5) + 0.75 * math.log(1.5), 0.25, None, 8),
    ],
)
def test_histograms(counts, kl, tv, jsd, captured):
    values = modes(at(counts))
    balance = ModeBalance().compute(describe(at(counts)), describe(points(100, 1)), WEIGHTS)
    assert values["mode_kl"].item() == pytest.approx(kl, abs=1e-6)
    assert balance["mode_tv"].item() == pytest.approx(tv, abs=1e-12)
    assert jsd is None or balance["mode_jsd"].item() == pytest.approx(jsd, abs=5e-5)
    assert values["modes_captured"].item() == captured
    assert values["hq_fraction"].item() == 1


@pytest.mark.parametrize(
    ("counts", "kl"),
    [
        ([100] * 8, 0),
        ([100] * 7 + [0], 0.1335),
        ([800] + [0] * 7, 2.0794),
        ([50, 150] * 4, 0.25 * math.log(0.5) + 0.75 * math.log(1.5)),
    ],
)
def test_evenness_is_the_papers_divergence_whatever_the_datas_shares(counts, kl):
    """Σ p ln(8 p): 0.1335 without one of eight modes, 2.079 with one alone."""
    uneven = torch.tensor([0.65] + [0.05] * 7, dtype=torch.float64)
    for weights in (WEIGHTS, uneven):
        found = ModeEvenness().compute(describe(at(counts)), describe(points(100, 1)), weights)["mode_kl_even"]
        assert found.item() == pytest.approx(kl, abs=5e-5)
    assert modes(at(counts))["mode_kl"].item() == pytest.approx(kl, abs=5e-5)


def test_evenness_of_a_thousand_modes():
    """Of 26,000 even samples it is (K − 1)/2n = 0.0192 too high: 2n KL is χ² with 999 degrees, 5 deviations allowed."""
    mode = torch.randint(1000, (8, 26_000), generator=torch.Generator().manual_seed(3))
    features = torch.zeros(8, 26_000, 1)
    fake = Sample(features, features, mode, mode >= 0)
    found = ModeEvenness().compute(fake, fake, torch.full((1000,), 1e-3, dtype=torch.float64))["mode_kl_even"]
    assert found.mean().item() == pytest.approx(999 / 52_000, abs=5 * math.sqrt(2 * 999 / 8) / 52_000 + 2e-4)
    p = torch.bincount(mode[0], minlength=1000).double() / 26_000
    assert found[0].item() == pytest.approx(sum(q * math.log(1000 * q) for q in p.tolist() if q), rel=1e-12)


def test_a_mode_counts_from_a_fifth_of_its_fair_share_on():
    values = modes(torch.stack((at([25] + [125] * 6 + [225]), at([24] + [126] + [125] * 5 + [225]))))
    assert values["modes_captured"].tolist() == [8, 7]
    assert values["modes_hit"].tolist() == [8, 8]
    assert modes(at([24] + [126] + [125] * 5 + [225]), share=0.19)["modes_captured"] == 8


def test_poor_samples_capture_nothing_although_they_are_balanced():
    blurred = at([100] * 8, shift=0.5)
    values = modes(blurred)
    assert values["mode_kl"].item() == pytest.approx(0, abs=1e-12)
    for name in ("modes_captured", "modes_hit", "hq_fraction"):
        assert values[name] == 0
    assert values["spread_ratio"].isnan()


def test_a_fair_share_follows_unequal_weights():
    weights = torch.tensor([0.65] + [0.05] * 7, dtype=torch.float64)
    fake = at([100, 10, 9] + [20] * 4 + [801])
    values = Modes().compute(describe(fake), describe(points(1000, 1)), weights)
    assert values["modes_captured"] == 6  # 100 of 1,000 are below .2 · 650, and 9 below .2 · 50


def test_twice_the_spread_shows_in_quality_alone():
    """P(within 3σ) falls to 1 − e^{−9/8}; 5 standard errors of 64,000 samples."""
    values = modes(points(1000, 3, sets=SETS, widen=2.0))
    share = -math.expm1(-9 / 8)
    error = math.sqrt(share * (1 - share) / (1000 * SETS))
    assert values["hq_fraction"].mean().item() == pytest.approx(share, abs=5 * error)
    assert (values["modes_captured"] == 8).all()


def test_half_the_spread_shows_in_the_ratio():
    """Real samples within 3σ have a variance of σ²(1 − 4.5e^{−4.5}/(1 − e^{−4.5})); tolerance as above."""
    cut = math.sqrt(1 - 4.5 * math.exp(-4.5) / -math.expm1(-4.5))
    values = modes(points(1000, 3, sets=SETS, widen=0.5))
    assert values["spread_ratio"].mean().item() == pytest.approx(0.5 / cut, abs=5 * 0.0041)


def slow_spread(sample):
    squares, freedom = 0.0, 0
    for k in range(8):
        x = np.array([p for p, m, g in zip(*(v.tolist() for v in sample), strict=True) if m == k and g])
        if len(x):
            squares += ((x - x.mean(0)) ** 2).sum()
            freedom += (len(x) - 1) * x.shape[1]
    return math.sqrt(squares / freedom)


def test_everything_equals_a_slow_count():
    fake, real = describe(points(300, 5, modes=(0, 1, 4), widen=1.5)), describe(points(200, 6))
    values = Modes().compute(fake, real, WEIGHTS)
    parts = [(s.features.double(), s.mode, s.good) for s in (fake, real)]
    assert values["spread_ratio"].item() == pytest.approx(slow_spread(parts[0]) / slow_spread(parts[1]), rel=1e-12)
    count = [sum(1 for m in fake.mode.tolist() if m == k) for k in range(8)]
    good = [
        sum(1 for m, g in zip(fake.mode.tolist(), fake.good.tolist(), strict=True) if m == k and g) for k in range(8)
    ]
    assert values["mode_kl"].item() == pytest.approx(sum(c / 300 * math.log(c / 300 * 8) for c in count if c))
    assert values["hq_fraction"].item() == pytest.approx(sum(good) / 300)
    assert values["modes_captured"].item() == sum(g >= 0.2 * 300 / 8 for g in good)


def test_a_threshold_that_is_a_whole_number_is_reached():
    """Of 2,000 samples 16 are a fifth of a fair share of 25 modes, also where share times weight was rounded up."""
    data = Grid().load(CPU)
    fake = data.centres.repeat_interleave(torch.tensor([16] * 20 + [336] * 5), dim=0)
    sample = describe(fake, data)
    for share in (0.2, 0.2 + 1e-9):
        values = Modes(share=share).compute(sample, sample, data.weights)
        assert values["modes_captured"] == 25


def test_good_samples_alone_count_for_the_spread():
    fake = describe(points(500, 3))
    far = dataclasses.replace(fake, features=torch.where(fake.good.unsqueeze(-1), fake.features, 1e3))
    a, b = (Modes().compute(x, fake, WEIGHTS)["spread_ratio"] for x in (fake, far))
    assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("n", "modes", "quality"), [(1000, 8, 0.99), (1000, 900, 0.99), (400, 25, 0.9), (2000, 1000, 0.8)]
)
def test_fewest_modes_of_real_samples_by_simulation(n, modes, quality):
    """The limit is below what all but one in a thousand of 4,000 multinomial draws capture, and by 3 % at most."""
    metric = Modes()
    limit = metric.fewest_of_real(n, torch.full((modes,), 1 / modes, dtype=torch.float64), quality)
    counts = np.random.default_rng(0).multinomial(n, [quality / modes] * modes + [1 - quality], size=4000)[:, :modes]
    captured = (counts >= max(1, math.ceil(metric.share * n / modes))).sum(1)
    assert 0.97 * np.quantile(captured, 0.001) - 1 <= limit <= np.quantile(captured, 0.001)


def test_spread_has_the_same_bits_set_by_set_and_all_at_once(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 3, 500, 7, generator=generator)
    mode, good = (torch.randint(high, (2, 3, 500), generator=generator) for high in (8, 2))
    fake = Sample(features, features, mode, good.bool())
    real = dataclasses.replace(fake, features=features[0, 0], mode=mode[0, 0], good=good[0, 0].bool())
    at_once = Modes().compute(fake, real, WEIGHTS)["spread_ratio"]
    monkeypatch.setattr("ganbench.metrics.modes.WIDE", 0)
    one_by_one = Modes().compute(fake, real, WEIGHTS)["spread_ratio"]
    assert one_by_one.shape == (2, 3) and one_by_one[0, 0] == 1.0
    assert torch.equal(at_once, one_by_one) and len(one_by_one.unique()) == 6
