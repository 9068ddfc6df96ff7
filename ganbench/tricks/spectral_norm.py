"""Spectral normalisation of the discriminator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.lazy import F, Tensor, torch
from ganbench.tricks import Trick

_EPS = 1e-12


@dataclass(frozen=True)
class SpectralNorm(Trick):
    """Divide every weight matrix of the discriminator by its largest singular value: W / σ(W), σ = uᵀ W v.

    u and v come from `iterations` of power iteration a training pass and none in evaluation; they are buffers, so a
    resumed run goes on with them. A convolution's kernel counts as the matrix (out, in · k · k).
    """

    name = "spectral_norm"
    aliases = ("sngan", "sn")
    group = "discriminator"
    source = "Miyato et al. 2018, arXiv:1802.05957, algorithm 1"
    addresses = "discriminator that is too steep: vanishing and exploding gradients, collapse"
    cost = 1.4
    traits = ("spectral norm",)
    conflicts = {"zero start": "a weight that starts at 0 has no largest singular value to be divided by"}

    iterations: Annotated[int, Interval(ge=1, le=1000)] = 1

    def weight_buffers(self, params: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return a random unit vector u for each weight of one seed, after 15 iterations from there."""
        buffers = {}
        for name, p in params.items():
            if not name.endswith(".weight") or p.dim() < 2:  # biases and scales are not weights
                continue
            weight = p.flatten(1)
            u = F.normalize(torch.randn(weight.shape[0], 1, generator=generator, dtype=weight.dtype), dim=-2, eps=_EPS)
            for _ in range(15):
                u, _v = _iterate(weight, u)
            buffers[f"{name}.u"] = u.squeeze(-1)
        return buffers

    def weights(self, params: dict[str, Tensor], buffers: dict[str, Tensor], training: bool) -> dict[str, Tensor]:
        """Return the parameters with normalised weights; in training u moves in place."""
        changed = dict(params)
        for name, p in params.items():
            kept = buffers.get(f"{name}.u")
            if kept is None:
                continue
            weight = p.flatten(kept.dim())
            with torch.no_grad():
                u = kept.unsqueeze(-1)
                for _ in range(self.iterations if training else 0):
                    u, _v = _iterate(weight, u)
                v = F.normalize(torch.matmul(weight.mT, u), dim=-2, eps=_EPS)
                if training:
                    kept.copy_(u.squeeze(-1))
            # Copies: u and v are constants of this pass's graph and u moves at the next one.
            sigma = (u * torch.matmul(weight, v)).sum((-2, -1))
            changed[name] = p / sigma.reshape(*sigma.shape, *[1] * (p.dim() - sigma.dim()))
        return changed


def _iterate(weight: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Return one step of power iteration: v = Wᵀu / ‖·‖, u = W v / ‖·‖."""
    v = F.normalize(torch.matmul(weight.mT, u), dim=-2, eps=_EPS)
    return F.normalize(torch.matmul(weight, v), dim=-2, eps=_EPS), v
