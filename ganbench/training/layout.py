"""A player's weights as one tensor `[S, P]`, and each parameter as a view of it.

One tensor makes the optimiser one call, gradient norms one reduction, and every update rule a line of vector algebra.
P is padded to whole vector registers: the fused optimisers round differently in a register and in a remainder, and
without padding a seed's last bits would depend on how many others are beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import torch
from torch import Tensor

from ganbench.core.protocols import Params

REGISTER = 32


class Layout:
    """Where each parameter lies in the flat weights.

    Args:
        shapes: of each parameter of one seed, by name, in order.
        seeds: S.
        device: where the padding lives.
    """

    def __init__(self, shapes: Mapping[str, torch.Size], seeds: int, device: torch.device) -> None:
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.sizes = [prod(shape) for shape in self.shapes.values()]
        self.padding = torch.zeros(seeds, -sum(self.sizes) % REGISTER, device=device)

    def views(self, flat: Tensor) -> Params:
        """Return each parameter `[S, …]` as a view of `[S, P]`."""
        pieces = flat.split([*self.sizes, self.padding.shape[1]], dim=1)
        return {name: pieces[i].unflatten(1, shape) for i, (name, shape) in enumerate(self.shapes.items())}

    def flatten(self, tensors: Sequence[Tensor]) -> Tensor:
        """Return tensors in the order of the layout as one `[S, P]`."""
        return torch.cat([*(t.flatten(1) for t in tensors), self.padding], dim=1)
