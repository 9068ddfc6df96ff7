"""Lim & Ye 2017, eq. 11."""

from __future__ import annotations

import torch

from tests.helpers.oracles import LossOracle

ORACLE = LossOracle(
    "hinge",
    slopes=(-1.0, -1.0, -1.0),
    discriminator=lambda v, r, f: torch.where(r < 1, 1 - r, 0.0).mean() + torch.where(f > -1, 1 + f, 0.0).mean(),
    generator=lambda r, f: -f.mean(),
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
