"""Bins, likelihood, class score and what the metrics share, against slow definitions and known values."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from ganbench.assets.fidelity import import_torchvision
from ganbench.core import registry
from ganbench.metrics import Sample
from ganbench.metrics.class_score import ClassScore
from ganbench.metrics.log_likelihood import LogLikelihood
from ganbench.metrics.ndb import NDB
from tests.helpers.metric_samples import RING, blob, describe, generator, points, score

ONE = torch.ones(1, dtype=torch.float64)
SEVEN = tuple(range(7))


def normal(n, d, seed, shift=0.0):
    return torch.randn(n, d, generator=generator(seed), dtype=torch.float64) + shift


def value(metric, x, y):
    (found,) = metric.compute(blob(x), blob(y), ONE).values()
    return float(found)


def test_ndb_of_real_samples_and_of_a_missing_mode():
    """About 0.05 by chance. With 1,000 samples the 12.5 bins of a missing mode and 0.05 of the others are different:
    0.17 at most; the test of 10 samples a bin is a little less sensitive, and more samples make it more."""
    real = points(1000, 1)
    chance = score(NDB(), points(1000, 2, sets=16), real)["ndb"]
    # One set's standard deviation is 0.022; the 16 share the real set and its bins.
    assert 0.0 < float(chance.mean()) < 0.05 + 4 * 0.022
    assert 0.10 < float(score(NDB(), points(1000, 3, sets=8, modes=SEVEN), real)["ndb"].mean()) < 0.22
    many = score(NDB(), points(10_000, 3, modes=SEVEN), points(10_000, 4))["ndb"]
    assert 0.20 < float(many) < 0.45


def test_ndb_tests_each_bin_at_five_percent():
    # Four far clusters of 25 real samples: k-means cannot but find them. Counts of 100 generated samples in them:
    real = torch.arange(4).repeat_interleave(25).double().unsqueeze(-1) * 1000

    def ndb(*counts):
        x = torch.arange(4).repeat_interleave(torch.tensor(counts)).double().unsqueeze(-1) * 1000
        return value(NDB(bins=4), x, real)

    def differs(a, b):
        p = (a + b) / 200
        return abs(a - b) / 100 / math.sqrt(p * (1 - p) * 2 / 100) > 1.959964

    assert ndb(25, 25, 25, 25) == 0
    assert ndb(100, 0, 0, 0) == 1
    for shift in range(1, 20):
        counts = (25 + shift, 25 - shift, 25, 25)
        assert ndb(*counts) == sum(differs(c, 25) for c in counts) / 4, shift


def test_ndb_has_fewer_bins_for_few_real_samples():
    found = NDB(bins=100).compute(blob(normal(500, 2, 1)), blob(normal(47, 2, 2)), ONE)["ndb"]
    assert float(found) * 4 == int(float(found) * 4)


def test_log_likelihood_of_real_samples():
    """−log 8 − log 2πσ² − 1 = 1.0741 for modes that do not overlap; a set of 2,000 has a standard error of 0.022."""
    data = RING.load(torch.device("cpu"))
    x = points(2000, 1, sets=8)
    fake = dataclasses.replace(describe(x), log_density=data.log_density(x))
    found = LogLikelihood().compute(fake, describe(points(100, 2)), data.weights)["log_likelihood"]
    expected = -math.log(8) - math.log(2 * math.pi * 0.05**2) - 1
    assert expected == pytest.approx(1.0741, abs=1e-4)
    assert float(found.mean()) == pytest.approx(expected, abs=4 * 0.022 / 8**0.5)


def test_log_density_equals_scipy():
    from scipy.stats import norm

    from ganbench.datasets.gaussian_1d import Gaussian1D

    cpu = torch.device("cpu")
    for data in (RING.load(cpu), Gaussian1D(means=(-1.0, 0.5, 2.0), sigma=0.3).load(cpu)):
        d = data.centres.shape[1]
        x = torch.randn(2, 20, d, generator=generator(1))
        slow = sum(
            float(w) * norm.pdf(x.double().numpy().reshape(-1, d), c.numpy(), data.sigma).prod(-1)
            for c, w in zip(data.centres.double(), data.weights, strict=True)
        )
        with np.errstate(divide="ignore"):
            reference = torch.from_numpy(np.log(slow)).reshape(2, 20)
        found = data.log_density(x)
        usable = reference.isfinite() & (reference > -600)
        assert usable.any()
        torch.testing.assert_close(found[usable], reference[usable], rtol=1e-9, atol=1e-9)
        assert torch.isfinite(found).all()  # far points too, where a density underflows


def test_class_score():
    def scored(p):
        x = torch.zeros(*p.shape[:-1], 2)
        mode = p.argmax(-1)
        fake = Sample(x, x, mode, mode >= 0, p)
        return float(ClassScore().compute(fake, fake, ONE)["class_score"])

    assert scored(torch.eye(10).repeat(5, 1)) == pytest.approx(10, rel=1e-9)  # sure and even
    assert scored(torch.full((50, 10), 0.1)) == pytest.approx(1, rel=1e-6)  # unsure
    assert scored(torch.eye(10)[:1].expand(50, 10)) == pytest.approx(1, rel=1e-9)  # sure, one class
    p = torch.rand(30, 4, generator=generator(0), dtype=torch.float64)
    p = p / p.sum(1, keepdim=True)
    kl = [sum(float(a) * math.log(a / b) for a, b in zip(row, p.mean(0), strict=True)) for row in p]
    assert scored(p) == pytest.approx(math.exp(sum(kl) / 30), rel=1e-12)


def test_class_score_is_torch_fidelitys_inception_score():
    """Of the same class probabilities, in one split: the papers' mean over ten is of a tenth of the samples each."""
    import_torchvision()
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = normal(400, 10, 7) * 2
    x = torch.zeros(400, 2)
    mode = logits.argmax(-1)
    fake = Sample(x, x, mode, mode >= 0, logits.softmax(-1))
    theirs = isc_features_to_metric(logits, splits=1)["inception_score_mean"]
    assert float(ClassScore().compute(fake, fake, ONE)["class_score"]) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("cls", registry.components("metric").values(), ids=lambda c: c.name)
def test_numbers_too_large_to_square_are_undefined_and_raise_nothing(cls):
    huge, fine = normal(60, 3, 1) * 1e200, normal(60, 3, 2)
    found = cls().compute(dataclasses.replace(blob(huge), log_density=huge[:, 0], probabilities=huge), blob(fine), ONE)
    # The histograms of modes ask only which mode a sample is of.
    histogram = cls.name in ("mode_balance", "mode_evenness")
    assert all(v.isnan() or (histogram and v == 0) for v in found.values()), found


def test_a_ratio_to_no_spread_is_undefined():
    from ganbench.metrics.modes import Modes

    found = Modes().compute(blob(normal(50, 2, 1)), blob(torch.zeros(50, 2)), ONE)
    assert found["spread_ratio"].isnan()
    assert found["modes_captured"] == 1
