"""Self-attention over the places of an image."""

from __future__ import annotations

from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Noise, Params
from ganbench.networks._each_seed import each_seed
from ganbench.networks._images import Conv
from ganbench.networks._initialisers import Initialiser


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

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return the four kernels and γ = 0."""
        params: Params = {}
        for conv in self.convs.values():
            params |= conv.init(generator)[0]
        return params | {self.gamma: torch.zeros(1)}, {}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the images `[S·B, C, H, W]` with what each place attended to."""

        def places(part: str) -> Tensor:  # [S·B, H·W, C/8]
            return self.convs[part](params, buffers, x, training, noise).movedim(1, -1).flatten(1, 2)

        weights = torch.softmax(torch.bmm(places("g"), places("f").mT), dim=-1)  # [S·B, j, i]
        seen = torch.bmm(weights, places("h")).unflatten(1, x.shape[-2:]).movedim(-1, 1)
        y = self.convs["v"](params, buffers, seen, training, noise)
        # One by one: the gradient of γ sums over all else, in an order that other seeds would change.
        return x + each_seed(lambda images, gamma: gamma * images, y, params[self.gamma])
