"""Nowozin et al. 2016, table 2: T = 1 − e^{−logit}, f*(T) = T / (1 − T)."""

from __future__ import annotations

from math import e as E

from tests.helpers.oracles import LossOracle

ORACLE = LossOracle(
    "fgan_hellinger",
    slopes=(-4.53999e-5, -0.1353353, -1.0),
    discriminator=lambda v, r, f: -(1 - E**-r).mean() + ((1 - E**-f) / (1 - (1 - E**-f))).mean(),
    generator=lambda r, f: -((1 - E**-f) / (1 - (1 - E**-f))).mean(),
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
