"""Arjovsky et al. 2017, eq. 2."""

from __future__ import annotations

from tests.helpers.oracles import LossOracle

ORACLE = LossOracle(
    "wasserstein",
    slopes=(-1.0, -1.0, -1.0),
    discriminator=lambda v, r, f: f.mean() - r.mean(),
    generator=lambda r, f: -f.mean(),
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
