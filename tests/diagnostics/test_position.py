"""Where a generator is, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.core import registry
from ganbench.metrics import Metric, Sample


def sample(x, mode=None, good=True):
    mode = torch.zeros(x.shape[:-1], dtype=torch.int64) if mode is None else mode
    return Sample(x, x, mode, torch.full(mode.shape, good))


@pytest.mark.parametrize("d", [1, 3, 20])
def test_distances_and_spread(d):
    rng = np.random.default_rng(0)
    scales = 3.0 ** -np.arange(d)
    real, here, there = ((rng.normal(size=(200, d)) + shift) * scales for shift in (1.0, 0.0, 0.5))
    metric, weights = registry.build(Metric, "position", {}), torch.ones(1, dtype=torch.float64)
    found = [metric.compute(sample(torch.tensor(x)), sample(torch.tensor(real)), weights) for x in (here, there)]
    points = [np.array([float(f[f"position_{i + 1}"]) for i in range(8)]) for f in found]
    unit = np.sqrt(real.var(axis=0).sum())
    # The axes beyond the eighth of twenty hold 3^-16 of the variance.
    assert np.linalg.norm(points[0] - points[1]) == pytest.approx(
        np.linalg.norm(here.mean(0) - there.mean(0)) / unit, rel=1e-3
    )
    assert np.linalg.norm(points[0]) == pytest.approx(np.linalg.norm(here.mean(0) - real.mean(0)) / unit, rel=1e-3)
    assert float(found[0]["total_spread"]) == pytest.approx(np.sqrt(here.var(axis=0).sum()) / unit)


def test_mode_set_is_the_captured_modes_as_bits():
    mode = torch.tensor([0] * 50 + [2] * 45 + [3] * 5)  # a fifth of a fair share of 100 over 4 modes is 5
    x = torch.zeros(100, 2) + torch.arange(100).unsqueeze(-1)
    metric, weights = registry.build(Metric, "position", {}), torch.full((4,), 0.25, dtype=torch.float64)
    assert float(metric.compute(sample(x, mode), sample(x), weights)["mode_set"]) == 1 + 4 + 8
    assert float(metric.compute(sample(x, mode, good=False), sample(x), weights)["mode_set"]) == 0
    many = torch.full((60,), 1 / 60, dtype=torch.float64)
    assert torch.isnan(metric.compute(sample(x, mode), sample(x), many)["mode_set"])


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_the_scale_of_the_data_does_not_matter(scale):
    rng = np.random.default_rng(1)
    fake, real = torch.tensor(rng.normal(size=(100, 3)) + 1), torch.tensor(rng.normal(size=(100, 3)) * [1.0, 2.0, 3.0])
    metric, weights = registry.build(Metric, "position", {}), torch.ones(1, dtype=torch.float64)
    plain, scaled = (metric.compute(sample(fake * s), sample(real * s), weights) for s in (1.0, scale))
    for name, value in plain.items():
        # Which way an axis points is a convention that rounding may turn.
        torch.testing.assert_close(scaled[name].abs(), value.abs(), rtol=1e-9, atol=1e-9, msg=name)
