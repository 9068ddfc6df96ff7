"""Nowozin et al. 2016, table 2: T = log 2 + log σ(logit), f*(T) = −log(2 − e^T)."""

from __future__ import annotations

import math

import torch

from tests.helpers.oracles import LossOracle, log_sigmoid

ORACLE = LossOracle(
    "fgan_js",
    slopes=(-4.5398e-5, -0.119203, -0.5),
    discriminator=lambda v, r, f: -(math.log(2) + log_sigmoid(r)).mean() - torch.log(2 - 2 * torch.sigmoid(f)).mean(),
    generator=lambda r, f: torch.log(2 - 2 * torch.sigmoid(f)).mean(),
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
