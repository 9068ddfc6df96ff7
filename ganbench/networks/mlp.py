"""Fully connected networks."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from ganbench.core.lazy import torch
from ganbench.networks import Network
from ganbench.networks._initialisers import Initialisation, initialiser
from ganbench.networks._layers import BatchNorm, Dropout, Function, Layer, Linear, Net, activation

Size = Annotated[int, Interval(ge=1, le=65536)]
Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid", "linear"]


@dataclass(frozen=True)
class MLP(Network):
    """Fully connected generator and discriminator with `depth` hidden layers of `width`.

    `d_width`, `d_depth` say otherwise for the discriminator. Images are flattened and the generator ends in tanh;
    points leave it as they are.
    """

    name = "mlp"
    source = "Goodfellow et al. 2014, arXiv:1406.2661, section 5"

    width: Size = 64
    depth: Annotated[int, Ge(0)] = 2
    activation: Activation = "relu"
    d_width: Size | None = None
    d_depth: Annotated[int, Ge(0)] | None = None
    d_activation: Activation = "leaky_relu"
    batch_norm: bool = False
    d_batch_norm: bool = False
    d_dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    init: Initialisation = "default"
    init_scale: float = 1.0

    def parameter_traits(self) -> tuple[str, ...]:
        """Say what others may object to in this discriminator."""
        couples = ("couples samples",) if self.d_batch_norm else ()
        return (*couples, "random discriminator") if self.d_dropout else couples

    def _hidden(self, sizes: list[int], act: str, batch_norm: bool, dropout: float) -> list[Layer]:
        start = initialiser(self.init, self.init_scale)
        layers: list[Layer] = []
        for i, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
            layers.append(Linear(f"linear{i}", fan_in, fan_out, start))
            if batch_norm:
                layers.append(BatchNorm(f"norm{i}", fan_out))
            layers.append(activation(act))
            if dropout:
                layers.append(Dropout(f"dropout{i}", dropout))
        return layers

    def generator(self, shape: tuple[int, ...]) -> Net:
        """Return the generator `[S, B, latent] → [S, B, *shape]`."""
        sizes = [self.latent, *[self.width] * self.depth]
        layers = self._hidden(sizes, self.activation, self.batch_norm, 0.0)
        layers.append(Linear(f"linear{self.depth}", sizes[-1], prod(shape), initialiser(self.init, self.init_scale)))
        if len(shape) > 1:
            layers += [activation("tanh"), Function(lambda x: x.unflatten(-1, shape))]
        return Net(layers)

    def trunk(self, shape: tuple[int, ...]) -> tuple[Net, int]:
        """Return the discriminator up to its last hidden layer `[S, B, *shape] → [S, B, F]`, and F."""
        width = self.width if self.d_width is None else self.d_width
        depth = self.depth if self.d_depth is None else self.d_depth
        sizes = [prod(shape), *[width] * depth]
        layers = self._hidden(sizes, self.d_activation, self.d_batch_norm, self.d_dropout)
        if len(shape) > 1:
            layers.insert(0, Function(lambda x: torch.flatten(x, 2)))
        return Net(layers), sizes[-1]

    def head(self, width: int) -> Net:
        """Return the discriminator's last layer `[S, B, width] → [S, B, 1]`."""
        return Net([Linear("head", width, 1, initialiser(self.init, self.init_scale))])
