"""A step whose losses with their gradients are compiled: the same moves in fewer and larger operations.

Between a player's minibatch and its update there is only arithmetic: the loss on a minibatch and its gradient by the
weights. `CompiledUpdate` traces that part once, backward passes included, and torch's inductor makes C++ of it. What is
drawn in there (dropout, noise on inputs, flipped labels) is drawn before, from the same streams in the same order, and
passed in; buffers move in place as ever. All else stays `PackedStep`'s: minibatches, optimisers, hooks on gradients and
weights.

Only a function can be compiled so. A loss or a trick that reads what it kept from earlier steps, or whose Python
depends on a tensor's value or on the number of the step, is refused: `compiles` of its class says so before anything
runs, and tracing finds out where that is wrong. Results differ from those of `PackedStep` in their last bits, because
sums run in another order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

import torch
from torch import Tensor

from ganbench.core.protocols import Batch, PlayerName, PlayerUpdate
from ganbench.training.noise import Draw, PackedNoise
from ganbench.training.setup import PackedPlayer, TrialSetup
from ganbench.training.step import PackedStep

AGREES = 1e-3  # of a tensor's largest number: what rounding may differ by, far below what a wrong kernel does
PLAYERS: tuple[PlayerName, PlayerName] = ("D", "G")

log = logging.getLogger("ganbench.training")


@dataclass(frozen=True)
class CompiledStep(PackedStep):
    """One step of all seeds under way whose plain updates are compiled.

    Attributes:
        updates: of each player, as `compiled_updates` returns them.
    """

    updates: Mapping[PlayerName, CompiledUpdate] = field(default_factory=dict)

    def discriminator_update(self) -> PlayerUpdate:
        """Return the discriminator's loss on a fresh minibatch and its gradient."""
        return self.updates["D"](self, self.minibatch())

    def generator_update(self) -> PlayerUpdate:
        """Return the generator's loss on a fresh minibatch and its gradient."""
        return self.updates["G"](self, self.minibatch(self.setup.generator_needs_real))


def compiled_updates(setup: TrialSetup, d: PackedPlayer, g: PackedPlayer) -> dict[PlayerName, CompiledUpdate] | None:
    """Return both players' compiled updates; None, with a warning in one line, where they cannot be compiled."""
    try:
        return {name: CompiledUpdate(setup, d, g, name) for name in PLAYERS}
    except Exception as error:  # noqa: BLE001 - tracing, inductor and the C++ compiler raise anything
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
        log.warning("%s: its steps are not compiled (%s)", setup.trial.name, why)
        return None


class CompiledUpdate:
    """One player's loss on a minibatch and its gradient, compiled for the shapes of a trial.

    Args:
        setup, d, g: the trial and its players; their weights and buffers stay as they are.
        name: the player that moves.

    Raises:
        Exception: it cannot be traced or compiled, or what was compiled does not agree with what was traced.
    """

    def __init__(self, setup: TrialSetup, d: PackedPlayer, g: PackedPlayer, name: PlayerName) -> None:
        self._name: PlayerName = name
        self._buffers = [*d.buffers.values(), *g.buffers.values()]
        self._progress = torch.zeros((), dtype=torch.float64)
        step = PackedStep(setup, d, g, PackedNoise(range(len(d.flat)), setup.device), progress=0.5)
        batch = step.minibatch(name == "D" or setup.generator_needs_real)
        recorder = _Recorder(step.noise)
        _pure(replace(step, noise=recorder), name, batch)(*_copies(self._inputs(step, batch, [])))
        self._asked = recorder.asked
        inputs = self._inputs(step, batch, [step.noise.draw(*asked) for asked in self._asked])
        function = _pure(step, name, batch)
        self._compiled = _compile(_trace(function, inputs), inputs)
        _require_agreement(self._compiled, function, inputs)

    def __call__(self, step: PackedStep, batch: Batch) -> PlayerUpdate:
        """Return the update on a minibatch; buffers move."""
        numbers = [step.noise.draw(*asked) for asked in self._asked]
        with torch.no_grad():
            loss, gradient, fake, *real = self._compiled(*self._inputs(step, batch, numbers))
        player = step.player(self._name)
        return PlayerUpdate(loss, real[0] if real else None, fake, gradient, player.views, player.flat, before=None)

    def _inputs(self, step: PackedStep, batch: Batch, numbers: Sequence[Tensor]) -> list[Tensor]:
        """Return all tensors that the update depends on, in the order in which `_pure` takes them."""
        self._progress.fill_(step.progress)
        real = [] if batch.real is None else [batch.real]
        return [step.d.flat, step.g.flat, *self._buffers, self._progress, batch.z, *real, *numbers]


class _Recorder(PackedNoise):
    """Random numbers that remember what was asked for: the name, the size and the function that draws, in order."""

    def __init__(self, noise: PackedNoise) -> None:
        super().__init__(noise.seeds, noise.device)
        self.asked: list[tuple[str, int, Draw]] = []

    def draw(self, name: str, numbers: int, draw: Draw) -> Tensor:
        """Return the next `[S, …]` of a stream."""
        self.asked.append((name, numbers, draw))
        return super().draw(name, numbers, draw)


class _Drawn(PackedNoise):
    """Random numbers that were drawn before, in the order in which they are asked for."""

    def __init__(self, noise: PackedNoise, drawn: Sequence[Tensor]) -> None:
        super().__init__(noise.seeds, noise.device)
        self._drawn = iter(drawn)

    def draw(self, name: str, numbers: int, draw: Draw) -> Tensor:
        """Return the next of them."""
        return next(self._drawn)


class _NoMemory(dict[str, Tensor]):
    """What a loss or a trick keeps from step to step, while the step is traced: it cannot be compiled."""

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("it reads what it kept from earlier steps")

    get = setdefault = update = pop = _refuse  # pyright: ignore[reportAssignmentType] - it takes anything
    __contains__ = __getitem__ = __setitem__ = _refuse


def _pure(step: PackedStep, name: PlayerName, example: Batch) -> Callable[..., list[Tensor]]:
    """Return a player's loss and gradient as a function of tensors that moves buffers and nothing else.

    It takes what `CompiledUpdate._inputs` lists and returns the loss `[S]`, the gradient `[S, P]`, the fake logits and,
    where the loss looks at real samples, the real ones, `[S, B]`.
    """

    def function(*inputs: Tensor) -> list[Tensor]:
        given = iter(inputs)
        flat = {"D": next(given), "G": next(given)}
        d, g = (_player(player, flat[player.name], given, moves=player.name == name) for player in (step.d, step.g))
        progress, z = next(given), next(given)
        batch = Batch(z, None if example.real is None else next(given))
        recording = isinstance(step.noise, _Recorder)
        noise = step.noise if recording else _Drawn(step.noise, list(given))
        traced = replace(step, d=d, g=g, noise=noise, progress=progress)
        with torch.enable_grad():
            losses = (traced.discriminator_loss if name == "D" else traced.generator_loss)(d.params, g.params, batch)
            player = traced.player(name)
            gradient = player.flatten(player.gradients(losses.loss))
        results = (losses.loss, gradient, losses.fake_logits, losses.real_logits)
        return [result.detach() for result in results if result is not None]

    return function


def _player(player: PackedPlayer, flat: Tensor, given: Iterator[Tensor], *, moves: bool) -> PackedPlayer:
    """Return a player with these weights and the next buffers; a gradient is taken by its weights if it moves."""
    params = {name: view.detach().requires_grad_(moves) for name, view in player.views(flat).items()}
    buffers = {name: next(given) for name in player.buffers}
    return replace(player, flat=flat, params=params, buffers=buffers, memory=_NoMemory())


def _trace(function: Callable[..., list[Tensor]], inputs: Sequence[Tensor]) -> torch.fx.GraphModule:
    """Return the operations of the function as a graph, for tensors of these shapes.

    It is traced without numbers, so that Python which asks for a tensor's value raises instead of being frozen.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    return make_fx(function, tracing_mode="fake", _allow_non_fake_inputs=True)(*inputs)


def _compile(graph: torch.fx.GraphModule, inputs: Sequence[Tensor]) -> Callable[..., Sequence[Tensor]]:
    """Return a graph compiled to machine code by the C++ compiler."""
    import torch._inductor
    from torch._inductor import config

    # No pool of processes beside a sweep's, and C++ around the kernels as well: Python there is a twentieth of a step.
    with torch.no_grad(), config.patch(compile_threads=1, cpp_wrapper=True):
        return torch._inductor.compile(graph, list(inputs))  # pyright: ignore[reportReturnType] - a function it is


def _require_agreement(
    compiled: Callable[..., Sequence[Tensor]], function: Callable[..., list[Tensor]], inputs: Sequence[Tensor]
) -> None:
    """Raise where a compiled function's results, or the buffers that it moves, are not those of the function itself."""
    of_both = []
    for one in (compiled, function):
        copies = _copies(inputs)
        with torch.no_grad():
            of_both.append([*one(*copies), *copies])
    for ours, theirs in zip(*of_both, strict=True):
        if not bool(((ours - theirs).abs() <= AGREES * theirs.abs().amax()).all()):
            raise ArithmeticError("what was compiled gives other numbers")


def _copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.clone() for tensor in tensors]
