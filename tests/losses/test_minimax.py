"""Goodfellow et al. 2014, eq. 1."""

from __future__ import annotations

from tests.helpers.oracles import LossOracle, cross_entropy, log_sigmoid

ORACLE = LossOracle(
    "minimax",
    slopes=(-4.5398e-5, -0.119203, -0.5),
    generator=lambda r, f: log_sigmoid(-f).mean(),
    targeted=cross_entropy,
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
