"""Fully connected networks."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from ganbench.core.lazy import torch
from ganbench.networks import Net, Network
from ganbench.networks._initialisers import Initialisation, initialiser
from ganbench.networks._layers import Dropout, Function, Layer, Linear, Residual, Sequential, activation, maxout
from ganbench.networks._options import absorbs_bias, discriminator_traits, last_layer, point_norm, reparametrised
from ganbench.networks._virtual import Reference, without_reference

Size = Annotated[int, Interval(ge=1, le=65536)]
Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid", "linear"]


@dataclass(frozen=True)
class MLP(Network):
    """Fully connected generator and discriminator with `depth` hidden layers of `width`.

    `d_width`, `d_depth` say otherwise for the discriminator; `d_maxout` k > 1 replaces its activation by the largest of
    k linear pieces. A hidden layer is linear, norm, activation, dropout; `residual` adds its input where sizes agree.
    Images are flattened and the generator ends in tanh; points leave it as they are.
    """

    name = "mlp"
    aliases = ("fc", "fully_connected")
    compiles = True
    source = "Goodfellow et al. 2014, arXiv:1406.2661, section 5; maxout: Goodfellow et al. 2013, arXiv:1302.4389"

    width: Size = 64
    depth: Annotated[int, Ge(0)] = 2
    activation: Activation = "relu"
    d_width: Size | None = None
    d_depth: Annotated[int, Ge(0)] | None = None
    d_activation: Activation = "leaky_relu"
    d_maxout: Annotated[int, Interval(ge=1, le=64)] = 1
    norm: Literal["none", "batch", "layer", "virtual"] = "none"
    d_norm: Literal["none", "batch", "layer"] = "none"
    d_weight_norm: bool = False
    d_dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    residual: bool = False
    init: Initialisation = "default"
    init_scale: float = 1.0

    def parameter_traits(self) -> tuple[str, ...]:
        """Return the traits of this discriminator, which other components may conflict with."""
        return discriminator_traits(self.parameters)

    def _hidden(self, sizes: list[int], act: str, norm: str, dropout: float = 0.0, pieces: int = 1) -> list[Layer]:
        start = initialiser(self.init, self.init_scale)
        layers: list[Layer] = []
        for i, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
            outputs = fan_out * pieces
            block: list[Layer] = [Linear(f"linear{i}", fan_in, outputs, start, bias=not absorbs_bias(norm))]
            block += point_norm(norm, f"norm{i}", outputs)
            block.append(maxout(pieces) if pieces > 1 else activation(act))
            if dropout:
                block.append(Dropout(f"dropout{i}", dropout))
            layers += [Residual(block)] if self.residual and fan_in == fan_out else block
        return layers

    def generator(self, shape: tuple[int, ...]) -> Sequential:
        """Return the generator `[S, B, latent] → [S, B, *shape]`."""
        sizes = [self.latent, *[self.width] * self.depth]
        layers = self._hidden(sizes, self.activation, self.norm)
        layers.append(Linear(f"linear{self.depth}", sizes[-1], prod(shape), initialiser(self.init, self.init_scale)))
        if self.norm == "virtual":
            layers = [Reference(self.latent), *layers, without_reference()]
        if len(shape) > 1:
            layers += [activation("tanh"), Function(lambda x: x.unflatten(-1, shape))]
        return Sequential(layers)

    def trunk(self, shape: tuple[int, ...]) -> tuple[Net, int]:
        """Return the discriminator up to its last hidden layer `[S, B, *shape] → [S, B, F]`, and F."""
        width = self.width if self.d_width is None else self.d_width
        depth = self.depth if self.d_depth is None else self.d_depth
        sizes = [prod(shape), *[width] * depth]
        layers = self._hidden(sizes, self.d_activation, self.d_norm, self.d_dropout, self.d_maxout)
        if len(shape) > 1:
            layers.insert(0, Function(lambda x: torch.flatten(x, 2)))
        return reparametrised(Sequential(layers), self.d_weight_norm), sizes[-1]

    def head(self, width: int) -> Net:
        """Return the discriminator's last layer `[S, B, width] → [S, B, 1]`."""
        return last_layer(width, initialiser(self.init, self.init_scale), self.d_weight_norm)
