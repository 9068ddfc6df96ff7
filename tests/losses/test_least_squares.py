"""Mao et al. 2017, eq. 2 with b = c = 1 and a = 0."""

from __future__ import annotations

from tests.helpers.oracles import LossOracle

ORACLE = LossOracle(
    "least_squares",
    slopes=(-11.0, -3.0, -1.0),
    generator=lambda r, f: ((f - 1) ** 2).mean() / 2,
    targeted=lambda r, f, a, b: ((r - a) ** 2).mean() / 2 + ((f - b) ** 2).mean() / 2,
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
