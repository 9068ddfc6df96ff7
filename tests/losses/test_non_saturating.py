"""Goodfellow et al. 2014, section 3."""

from __future__ import annotations

from tests.helpers.oracles import LossOracle, cross_entropy, log_sigmoid

ORACLE = LossOracle(
    "non_saturating",
    slopes=(-0.9999546, -0.880797, -0.5),
    generator=lambda r, f: -log_sigmoid(f).mean(),
    targeted=cross_entropy,
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
