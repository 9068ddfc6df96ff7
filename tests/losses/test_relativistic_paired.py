"""Jolicoeur-Martineau 2018, section 4.1."""

from __future__ import annotations

from tests.helpers.oracles import LossOracle, log_sigmoid

ORACLE = LossOracle(
    "relativistic_paired",
    slopes=(-0.9999546, -0.880797, -0.5),
    discriminator=lambda v, r, f: -log_sigmoid(r - f).mean(),
    generator=lambda r, f: -log_sigmoid(f - r).mean(),
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
