"""Nowozin et al. 2016, table 2: T = activation(logit), D minimises −E T(r) + E f*(T(f))."""

from __future__ import annotations

from math import e as E

from tests.helpers.oracles import LossOracle

ORACLE = LossOracle(
    "fgan_kl",
    slopes=(-1.67017e-5, -0.0497871, -0.3678794),
    discriminator=lambda v, r, f: -r.mean() + (E ** (f - 1)).mean(),
    generator=lambda r, f: -(E ** (f - 1)).mean(),
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
