"""Weight normalisation: w = g · v / ‖v‖ for each output of a network's weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.networks import Net, Params

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from ganbench.training.noise import Noise


@dataclass(frozen=True)
class WeightNormed:
    """A network whose weights are v, with a parameter `<layer>.gain` g for each; it starts as the plain one does."""

    net: Net

    def init(self, generator: Generator) -> tuple[Params, Params]:
        """Return one seed's parameters and buffers; g starts at ‖v‖."""
        params, buffers = self.net.init(generator)
        gains = {_gain(name): _squares(w).sqrt() for name, w in params.items() if name.endswith(".weight")}
        return params | gains, buffers

    def apply(self, params: Params, buffers: Params, x: Tensor, *, training: bool, noise: Noise | None) -> Tensor:
        """Return the network's output at w = g · v / ‖v‖."""
        changed = dict(params)
        for name in params:
            if _gain(name) in params:
                v = params[name]
                changed[name] = v * (params[_gain(name)] * _squares(v).rsqrt())
        return self.net.apply(changed, buffers, x, training=training, noise=noise)


def _gain(name: str) -> str:
    return f"{name.removesuffix('.weight')}.gain"


def _squares(weight: Tensor) -> Tensor:
    """Return ‖v‖² of each output: of `[…, in, out]` over the inputs, of kernels `[…, out, in, k, k]` over the rest."""
    dims = (-3, -2, -1) if weight.dim() >= 4 else (-2,)
    return weight.square().sum(dims, keepdim=True)
