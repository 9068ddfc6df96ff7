"""Networks: a generator and a discriminator each, one file a family; a file's presence registers it."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

from annotated_types import Interval

from ganbench.core.component import Component
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Noise, Params


class Net(Protocol):
    """One player's function. Parameters and buffers are dictionaries of stacked tensors `[S, …]`, passed in.

    Example:
        >>> import torch
        >>> from ganbench.networks.mlp import MLP
        >>> net = MLP(latent=2, width=4, depth=1).generator((3,))
        >>> seeds = [net.init(torch.Generator().manual_seed(seed)) for seed in range(5)]
        >>> params = {name: torch.stack([p[name] for p, _ in seeds]) for name in seeds[0][0]}
        >>> net.apply(params, {}, torch.zeros(5, 8, 2), training=True, noise=None).shape  # S = 5, B = 8
        torch.Size([5, 8, 3])
    """

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return one seed's parameters and buffers, without the seed axis."""
        ...

    def apply(self, params: Params, buffers: Params, x: Tensor, *, training: bool, noise: Noise | None) -> Tensor:
        """Return the output for `x` `[S, B, …]`; in training it may move `buffers` in place."""
        ...


@dataclass(frozen=True)
class Network(Component):
    """A family of generator and discriminator.

    Attributes:
        latent: dimension of the generator's input.
        convolutions: how many 3×3 convolutions of full width its layers come to; 0 if it is fully connected.
        compiles: whether a step with it can be compiled and that pays, see `training/compiled.py`.

    Example:
        >>> from ganbench.networks.mlp import MLP
        >>> trunk, width = MLP(latent=2, width=16).trunk((2,))
        >>> width  # of the features that the last layer, `head(width)`, turns into a logit
        16
    """

    kind: ClassVar[str] = "network"
    convolutions: ClassVar[int] = 0
    compiles: ClassVar[bool] = False

    latent: Annotated[int, Interval(ge=1, le=65536)] = 8

    @abstractmethod
    def generator(self, shape: tuple[int, ...]) -> Net:
        """Return the generator `[S, B, latent] → [S, B, *shape]`."""

    @abstractmethod
    def trunk(self, shape: tuple[int, ...]) -> tuple[Net, int]:
        """Return the discriminator up to its last hidden layer `[S, B, *shape] → [S, B, F]`, and F."""

    @abstractmethod
    def head(self, width: int) -> Net:
        """Return the discriminator's last layer `[S, B, width] → [S, B, 1]`."""

    def products(self, shape: tuple[int, ...]) -> tuple[float, float]:
        """Return about how many products a sample takes in the generator and in the discriminator.

        `ganbench plan` estimates with it, from the parameters `channels`, or `width` and `depth`, and theirs of the
        discriminator: `d_channels`, `d_width`, `d_depth`, `d_maxout`.
        """
        p = self.parameters
        if self.convolutions:  # they use each of their weights at every place of the map
            product = self.convolutions * math.prod(shape[1:])
            return product * p["channels"] ** 2, product * (p.get("d_channels") or p["channels"]) ** 2
        width, depth = p.get("width", 64), p.get("depth", 2)
        d_width, d_depth = p.get("d_width") or width, p.get("d_depth") or depth
        return max(1, depth - 1) * width**2, max(1, d_depth - 1) * d_width**2 * p.get("d_maxout", 1)
