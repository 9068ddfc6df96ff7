"""How weights start: one seed's weight and bias from that seed's own generator."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import Literal

from ganbench.core.lazy import Tensor, torch

Initialisation = Literal["default", "he", "xavier", "orthogonal", "normal"]
Initialiser = Callable[[tuple[int, ...], int, int, "torch.Generator"], tuple["Tensor", "Tensor"]]


def initialiser(kind: Initialisation, scale: float) -> Initialiser:
    """Return `f(shape, fan_in, fan_out, generator) -> (weight, bias)`; biases are zero except in `default`.

    default: U(±1/√fan_in) for both (torch's own); he: N(0, 2/fan_in); xavier: U(±√(6/(fan_in + fan_out)));
    orthogonal: Q of a normal matrix; normal: N(0, 1). All weights are multiplied by `scale`.
    """

    def start(shape: tuple[int, ...], fan_in: int, fan_out: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        bias = torch.zeros(fan_out)
        if kind == "default":
            bound = 1.0 / sqrt(fan_in)
            weight = torch.empty(shape).uniform_(-bound, bound, generator=generator)
            bias.uniform_(-bound, bound, generator=generator)
        elif kind == "xavier":
            bound = sqrt(6.0 / (fan_in + fan_out))
            weight = torch.empty(shape).uniform_(-bound, bound, generator=generator)
        elif kind == "orthogonal":
            weight = _orthogonal(shape, generator)
        else:
            std = sqrt(2.0 / fan_in) if kind == "he" else 1.0
            weight = torch.randn(shape, generator=generator) * std
        return weight * scale, bias

    return start


def _orthogonal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    rows = shape[0]
    columns = prod(shape) // rows
    q, r = torch.linalg.qr(torch.randn(max(rows, columns), min(rows, columns), generator=generator))
    q = q * torch.sign(torch.diagonal(r))
    return (q if rows >= columns else q.T).reshape(shape).contiguous()
