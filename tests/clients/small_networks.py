"""Networks and samples of a few numbers, which small loops train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

LATENT, BATCH = 4, 8
Made = Callable[..., Any]  # makes a monitor, or what stands where none is


def small_g(inputs: int = LATENT, outputs: int = 16) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 16), nn.ReLU(), nn.Linear(16, outputs), nn.Tanh())


def small_d(inputs: int = 16, outputs: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 16), nn.LeakyReLU(0.2), nn.Linear(16, outputs))


def images(n: int = BATCH, side: int = 8, channels: int = 1) -> Tensor:
    return torch.rand(n, channels, side, side) * 2 - 1
