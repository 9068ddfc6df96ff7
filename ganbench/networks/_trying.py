"""What a module of somebody's own does, found out by trying it on a few samples: its output, its traits, and `vmap`."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ganbench.core.errors import UsageError
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Params

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger("ganbench.networks")
_told: set[str] = set()  # classes that do not run under vmap, each said once in a process

Shape = tuple[int, ...]
Traits = tuple[str, ...]
COUPLES, RANDOM = "couples samples", "random discriminator"


def try_out(module: nn.Module, shape: Shape) -> tuple[Shape, Traits]:
    """Return the shape of a module's output for one sample of `shape`, and its traits as a discriminator.

    Raises:
        UsageError: it does not take a batch of such samples.
    """
    x = torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
    try:
        return _tried(module, x)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        text = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{type(module).__name__}: does not take a batch of {shape} ({text}); adapt it, or `latent`"
        ) from error


def runs_under_vmap(module: nn.Module, shape: Shape) -> bool:
    """Return whether `vmap` runs a module, forward and backward; say in one line where it does not."""
    x = torch.randn(2, 4, *shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    state = {name: torch.stack((tensor, tensor)) for name, tensor in _copied(module).items()}

    def call(state: Params, x: Tensor) -> Tensor:
        return torch.func.functional_call(module.train(), state, (x,))

    try:
        with global_stream(0):
            y = torch.vmap(call, randomness="different")(state, x)
            torch.autograd.grad(y.sum(), x, allow_unused=True)
    except Exception as error:
        _say_once(type(module).__name__, " ".join(str(error).split())[:120])
        return False
    return True


def _say_once(name: str, error: str) -> None:
    if name not in _told:
        _told.add(name)
        log.warning(
            "%s: torch.vmap cannot run it (%s): its seeds run one after another, so that a trial of n seeds takes "
            "the time of n trials of one; remedy: reshape for view, the trick spectral_norm for that of a layer",
            name,
            error,
        )


def _tried(module: nn.Module, x: Tensor) -> tuple[Shape, Traits]:
    def call(x: Tensor) -> Tensor:
        return torch.func.functional_call(module.train(), _copied(module), (x,))

    with torch.no_grad(), global_stream(0):
        before = torch.get_rng_state()
        y = call(x)
        draws = not torch.equal(before, torch.get_rng_state())
    with torch.no_grad(), global_stream(0):
        beside_others = call(torch.cat((x[:1], 3.0 - x[1:])))
    couples = not torch.allclose(y[0], beside_others[0], rtol=1e-4, atol=1e-6)
    return tuple(y.shape[1:]), (COUPLES,) * couples + (RANDOM,) * draws


def _copied(module: nn.Module) -> Params:
    """Return copies of a module's parameters and buffers: a call with them leaves no trace in it."""
    return {n: t.detach().clone() for n, t in (*module.named_parameters(), *module.named_buffers())}


@contextlib.contextmanager
def global_stream(seed: int) -> Iterator[None]:
    """Seed torch's global generator of the CPU within, and put back its state."""
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)
