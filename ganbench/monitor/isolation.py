"""Runs a network that somebody is training without leaving a trace: modes, buffers and random numbers stay."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import CellType

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganbench.core.errors import UsageError
from ganbench.monitor.given import parts_of, samples_of

CHUNK, FIRST_CHUNK = 256, 8
NUMBERS = 1 << 24  # of one chunk of samples
EMPTY = CellType()  # of a variable that has no value yet


def generated(generator: Callable[..., object], latents: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield the samples `[n, *shape]` of latents and conditions `[n, …]`, in evaluation mode and without gradient.

    They come in chunks of at most 256 samples and 2²⁴ numbers, so that samples of any size need little memory. A
    generator that draws noise of its own draws the same at every call.

    Raises:
        UsageError: the generator answers with something that holds no samples.
    """
    done, chunk, n = 0, FIRST_CHUNK, len(latents[0])
    while done < n:
        with untouched_randomness(), evaluating(generator), torch.no_grad():
            _seed(done)
            some = samples_in(call(generator, *(part[done : done + chunk] for part in latents)), min(chunk, n - done))
        yield some
        done += len(some)
        chunk = max(1, min(CHUNK, NUMBERS // max(1, some[:1].numel())))


def samples_in(answer: object, n: int) -> Tensor:
    """Return the samples in what a generator answers: a tensor, or the first one of n in a tuple, dict or dataclass.

    Raises:
        UsageError: there is none.
    """
    if isinstance(answer, Tensor) and answer.dim() and len(answer) == n:
        return samples_of("latents", answer.detach())
    for part in parts_of(answer):
        if isinstance(part, Tensor) and part.dim() > 1 and len(part) == n:
            return part.detach()
    raise UsageError(
        f"ganbench.Monitor: the generator answers {n} latents with {_kind(answer)}; give a module that returns samples"
    )


def _kind(answer: object) -> str:
    return f"a tensor {list(answer.shape)}" if isinstance(answer, Tensor) else type(answer).__name__


def call(network: Callable[..., object], *arguments: Tensor) -> object:
    """Return what a network answers, or a function around some; their buffers are what they were afterwards."""
    if isinstance(network, nn.Module) and not any(isinstance(m, torch.jit.ScriptModule) for m in network.modules()):
        return functional_call(network, {name: buffer.clone() for name, buffer in network.named_buffers()}, arguments)
    with untouched_buffers(networks_in(network)):
        return network(*arguments)


def networks_in(called: object, depth: int = 3) -> list[nn.Module]:
    """Return a network itself, or those that a function, a method or an object around some holds."""
    if isinstance(called, nn.Module):
        return [called]
    if depth == 0 or isinstance(called, type | Tensor | str):
        return []
    cells = [cell.cell_contents for cell in getattr(called, "__closure__", None) or () if cell != EMPTY]
    held = [*cells, getattr(called, "__self__", None), *vars(called).values()] if hasattr(called, "__dict__") else cells
    return [network for one in held for network in networks_in(one, depth - 1)]


def training() -> AbstractContextManager[object]:
    """Have tensors take part in graphs where the caller is in inference mode, in which none does."""
    return torch.inference_mode(False) if torch.is_inference_mode_enabled() else nullcontext()


@contextmanager
def evaluating(network: object) -> Iterator[None]:
    """Have a network in evaluation mode; afterwards each of its parts is in the mode, and has what, it had before."""
    parts = [part for one in networks_in(network) for part in one.modules()]
    before = [(part, part.training, dict(vars(part))) for part in parts]
    try:
        for part in parts:
            part.training = False
        yield
    finally:
        for part, training, attributes in before:
            now = vars(part)
            for name in now.keys() - attributes.keys():  # what it remembers of a call, counts or draws again
                del now[name]
            now.update({name: value for name, value in attributes.items() if now.get(name) is not value})
            part.training = training


@contextmanager
def untouched_buffers(networks: Sequence[nn.Module]) -> Iterator[None]:
    """Put the buffers of networks back at the end, those that have changed alone: a graph may hold the others."""
    kept = [(buffer, buffer.detach().clone()) for network in networks for buffer in network.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, before in kept:
                if not torch.equal(buffer, before):
                    buffer.copy_(before)


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


def _seed(seed: int) -> None:
    """Seed what exists already: `torch.manual_seed` would seed devices that nobody has used yet as well."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        for generator in torch.cuda.default_generators:
            generator.manual_seed(seed)
