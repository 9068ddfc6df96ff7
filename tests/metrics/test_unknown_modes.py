"""Data whose modes are not known: no metric may make up a number about them."""

from __future__ import annotations

import torch

from ganbench.metrics import Sample
from ganbench.metrics.fid import FID
from ganbench.metrics.mode_balance import ModeBalance
from ganbench.metrics.mode_evenness import ModeEvenness
from ganbench.metrics.modes import Modes


def test_columns_about_modes_are_undefined_and_others_are_not():
    features = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))
    mode = torch.zeros(2, 50, dtype=torch.int64)
    fake = Sample(features, features, mode, torch.zeros_like(mode, dtype=torch.bool))
    real = Sample(features[0], features[0], mode[0], fake.good[0])
    nothing = torch.zeros(0, dtype=torch.float64)
    for metric in (Modes(), ModeBalance(), ModeEvenness()):
        values = metric.compute(fake, real, nothing)
        assert list(values) == [column.name for column in metric.columns]
        assert all(value.shape == (2,) and value.isnan().all() for value in values.values())
    assert FID().compute(fake, real, nothing)["fid"].isfinite().all()
