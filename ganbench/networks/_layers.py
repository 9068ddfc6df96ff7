"""Layers for many seeds at once: every weight has a leading seed axis `S`, every product is batched over it.

Points travel as `[S, B, F]`, images as `[S·B, C, H, W]` between `pack` and `Unpack`. No layer mixes two seeds, and a
seed's numbers do not depend on how many others are beside it: where the batched matrix product breaks that (one output
column), a sum is used instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ganbench.core.lazy import F, Tensor, torch
from ganbench.core.protocols import Noise, Params
from ganbench.networks._initialisers import Initialiser


class Layer(Protocol):
    """One layer: its part of a network's parameters, and what it computes."""

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return one seed's parameters and buffers, without the seed axis."""
        ...

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the output for all seeds."""
        ...


@dataclass(frozen=True)
class Sequential:
    """Layers one after the other."""

    layers: Sequence[Layer]

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return one seed's parameters and buffers, without the seed axis."""
        params: Params = {}
        buffers: Params = {}
        for layer in self.layers:
            layer_params, layer_buffers = layer.init(generator)
            params |= layer_params
            buffers |= layer_buffers
        return params, buffers

    def apply(self, params: Params, buffers: Params, x: Tensor, *, training: bool, noise: Noise | None) -> Tensor:
        """Return the output for `x` `[S, B, …]`; in training it may move `buffers` in place."""
        for layer in self.layers:
            x = layer(params, buffers, x, training, noise)
        return x


class Function:
    """A layer without parameters."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return nothing: there are no parameters."""
        return {}, {}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the function of `x`."""
        return self.function(x)


# In place: nothing else reads a layer's output, and the backward pass of all but tanh needs the output alone.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda x: F.relu(x, inplace=True),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2, inplace=True),
    "tanh": lambda x: torch.tanh(x),
    "sigmoid": lambda x: torch.sigmoid(x),
    "linear": lambda x: x,
}


def activation(name: str) -> Function:
    """Return the activation of that name, in place where it can be."""
    return Function(ACTIVATIONS[name])


def maxout(pieces: int) -> Function:
    """Return the layer that keeps the largest of each feature's pieces, `[S, B, pieces · F] → [S, B, F]`.

    Piece k of feature f is column k F + f: the reduction then runs along whole rows.
    """
    return Function(lambda x: x.unflatten(-1, (pieces, -1)).amax(-2))


class Residual:
    """y = shortcut(x) + inner(x).

    The first layer of each branch must leave its input as it is: an activation in place there would change the other.
    """

    def __init__(self, inner: Sequence[Layer], shortcut: Sequence[Layer] = ()) -> None:
        self.inner, self.shortcut = Sequential(inner), Sequential(shortcut)

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return the parameters and buffers of both branches."""
        inner, shortcut = self.inner.init(generator), self.shortcut.init(generator)
        return inner[0] | shortcut[0], inner[1] | shortcut[1]

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the sum of both branches."""
        inner = self.inner.apply(params, buffers, x, training=training, noise=noise)
        return self.shortcut.apply(params, buffers, x, training=training, noise=noise) + inner


class Linear:
    """y = x W + b with W `[S, in, out]`, x `[S, B, in]`."""

    def __init__(self, name: str, fan_in: int, fan_out: int, initialise: Initialiser, bias: bool = True) -> None:
        self.weight, self.bias = f"{name}.weight", f"{name}.bias"
        self.fan_in, self.fan_out, self.initialise, self.has_bias = fan_in, fan_out, initialise, bias

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return the weight `[in, out]` and the bias `[out]`."""
        weight, bias = self.initialise((self.fan_in, self.fan_out), self.fan_in, self.fan_out, generator)
        return {self.weight: weight, self.bias: bias} if self.has_bias else {self.weight: weight}, {}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return `[S, B, out]`."""
        weight = params[self.weight]
        if self.fan_out == 1:
            # A batched product with one column differs in its last bits between S = 1 and S > 1, and is slower.
            y = (x * weight.mT).sum(-1, keepdim=True)
            return y + params[self.bias].unsqueeze(-2) if self.has_bias else y
        if self.fan_in == 1:
            y = x * weight
            return y + params[self.bias].unsqueeze(-2) if self.has_bias else y
        if self.has_bias:
            return torch.baddbmm(params[self.bias].unsqueeze(-2), x, weight)
        return torch.bmm(x, weight)


class Dropout:
    """Zero each feature with probability p and scale the rest by 1/(1−p), in training only."""

    def __init__(self, name: str, p: float) -> None:
        self.name, self.p = name, p

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return nothing: there are no parameters."""
        return {}, {}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return `x` with one mask per seed."""
        if not training or noise is None:
            return x
        keep = noise.uniform(self.name, *x.shape[1:]) >= self.p
        return x * keep / (1.0 - self.p)
