"""Nowozin et al. 2016, table 2: f*(T) = T²/4 + T."""

from __future__ import annotations

import torch

from tests.helpers.oracles import LossOracle


def conjugate(t):
    """T²/4 + T where T ≥ −2, and its least value −1 below: the parabola alone would rise again."""
    return torch.where(t > -2, t * t / 4 + t, -1.0)


ORACLE = LossOracle(
    "fgan_pearson",
    slopes=(0.0, 0.0, -1.0),
    discriminator=lambda v, r, f: -r.mean() + conjugate(f).mean(),
    generator=lambda r, f: -conjugate(f).mean(),
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
