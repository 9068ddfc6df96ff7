"""Zhao et al. 2016, eq. 1 and 2, with energies −logit."""

from __future__ import annotations

import torch

from tests.helpers.oracles import LossOracle

ORACLE = LossOracle(
    "ebgan",
    slopes=(-1.0, -1.0, -1.0),
    discriminator=lambda v, r, f: -r.mean() + torch.where(f > -10, 10 + f, 0.0).mean(),
    generator=lambda r, f: -f.mean(),
    defaults={"margin": 10.0},  # appendix: 10 on MNIST; 20 on CelebA, 80 on LSUN
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()
