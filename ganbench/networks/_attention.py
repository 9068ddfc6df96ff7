"""Self-attention over the places of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.core.lazy import torch
from ganbench.networks._images import Conv
from ganbench.networks._initialisers import Initialiser

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from ganbench.networks import Params
    from ganbench.training.noise import Noise


class SelfAttention:
    """y = x + γ · v(Σᵢ softmaxᵢ(f(xᵢ)·g(xⱼ)) h(xᵢ)) with 1×1 convolutions f, g, h of C/8 channels and v back to C.

    γ starts at 0: the layer is the identity until it is of use. No biases: those of f would cancel in the softmax.
    """

    def __init__(self, name: str, channels: int, initialise: Initialiser) -> None:
        self.gamma, self.inner = f"{name}.gamma", max(1, channels // 8)
        sizes = {part: (channels, self.inner) for part in "fgh"} | {"v": (self.inner, channels)}
        self.convs = {
            part: Conv(f"{name}_{part}", size, initialise, kernel=1, stride=1, padding=0, bias=False)
            for part, size in sizes.items()
        }

    def init(self, generator: Generator) -> tuple[Params, Params]:
        """Return the four kernels and γ = 0."""
        params: Params = {}
        for conv in self.convs.values():
            params |= conv.init(generator)[0]
        return params | {self.gamma: torch.zeros(1)}, {}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the images `[B, S·C, H, W]` with what each place attended to."""

        def places(part: str) -> Tensor:
            y = self.convs[part](params, buffers, x, training, noise)
            # [B·S, C/8, H·W], always copied: with channels last a single seed's would stay a transposed view.
            return y.unflatten(1, (-1, self.inner)).flatten(3).flatten(0, 1).contiguous()

        weights = torch.softmax(torch.bmm(places("g").mT, places("f")), dim=-1)  # [B·S, j, i]
        seen = (
            torch.bmm(places("h"), weights.mT).unflatten(0, (x.shape[0], -1)).flatten(1, 2).unflatten(-1, x.shape[2:])
        )
        y = self.convs["v"](params, buffers, seen, training, noise)
        gammas = params[self.gamma].unbind(0)
        # One by one: the gradient of γ sums over all else, in an order that other seeds would change.
        return x + torch.cat([gamma * seen for gamma, seen in zip(gammas, y.chunk(len(gammas), dim=1), strict=True)], 1)
