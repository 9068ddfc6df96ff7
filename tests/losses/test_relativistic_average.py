"""Jolicoeur-Martineau 2018, section 4.2, halved."""

from __future__ import annotations

from tests.helpers.oracles import LossOracle, log_sigmoid

ORACLE = LossOracle(
    "relativistic_average",
    slopes=(-0.9999546, -0.880797, -0.5),
    discriminator=lambda v, r, f: -(log_sigmoid(r - f.mean()).mean() + log_sigmoid(r.mean() - f).mean()) / 2,
    generator=lambda r, f: -(log_sigmoid(f - r.mean()).mean() + log_sigmoid(f.mean() - r).mean()) / 2,
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
