"""The least-squares loss."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.lazy import Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss


@dataclass(frozen=True)
class LeastSquares(Loss):
    """Least-squares loss: D minimises ½E(r − 1)² + ½E f², G minimises ½E(f − 1)²."""

    name = "least_squares"
    version = 2
    aliases = ("lsgan", "mse", "ls")
    source = "Mao et al. 2017, arXiv:1611.04076, eq. 2 with a = 0, b = c = 1"
    addresses = "saturation of the cross-entropy"
    optimum = 0.25

    @property
    def midpoint(self) -> float:
        """Return ½, between the targets 1 and 0."""
        return 0.5

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return ½E(r − t_r)² + ½E(f − t_f)², `[..., B] → [...]`."""
        return 0.5 * (real - targets.real).square().mean(-1) + 0.5 * (fake - targets.fake).square().mean(-1)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return ½E(f − 1)², `[..., B] → [...]`."""
        return 0.5 * (fake - 1.0).square().mean(-1)
