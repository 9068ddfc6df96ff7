"""Runs a network that somebody is training without leaving a trace: modes, buffers and random numbers stay."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

CHUNK = 256


def generated(generator: nn.Module, latents: Sequence[Tensor]) -> Tensor:
    """Return the samples `[n, *shape]` of latents and conditions `[n, …]`, in evaluation mode and without gradient.

    A generator that draws noise of its own draws the same at every call.
    """
    chunks = zip(*(part.split(CHUNK) for part in latents), strict=True)
    with untouched_randomness(), evaluating(generator), torch.no_grad():
        _seed()
        return torch.cat([call(generator, *chunk).detach() for chunk in chunks])


def call(module: nn.Module, *arguments: Tensor) -> Tensor:
    """Return what a network answers; its buffers (running statistics and the like) are copies meanwhile."""
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    return functional_call(module, buffers, arguments)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Have a network in evaluation mode, and each of its parts in the mode it was in afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        for part, _ in modes:
            part.training = False
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def untouched_randomness() -> Iterator[None]:
    """Put the random states of Python, NumPy and torch back at the end."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _seed() -> None:
    """Seed what exists already: `torch.manual_seed` would seed devices that nobody has used yet as well."""
    torch.default_generator.manual_seed(0)
    if torch.cuda.is_initialized():
        for generator in torch.cuda.default_generators:
            generator.manual_seed(0)
