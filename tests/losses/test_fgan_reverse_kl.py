"""Nowozin et al. 2016, table 2: T = −e^{−logit}, f*(T) = −1 − log(−T)."""

from __future__ import annotations

from math import e as E

import torch

from tests.helpers.oracles import LossOracle

ORACLE = LossOracle(
    "fgan_reverse_kl",
    slopes=(-1.0, -1.0, -1.0),
    discriminator=lambda v, r, f: (E**-r).mean() + (-1 - torch.log(E**-f)).mean(),
    generator=lambda r, f: -(-1 - torch.log(E**-f)).mean(),
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
