"""Catches each player's gradient and weights around its update, wherever in a loop, a library or a closure it is made.

A gradient is read when a backward pass has ended: before anything clips or zeroes it, and after the processes of a
distributed run have averaged theirs. The optimiser's step then says whose last gradient it was: what the generator's
backward pass leaves in the discriminator, and the next `zero_grad` removes, never counts.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from ganbench.core.errors import UsageError
from ganbench.core.protocols import PlayerUpdate
from ganbench.training.layout import Layout

Kept = dict[int, Tensor]

_SCALER_FILE = "grad_scaler.py"


class Player:
    """One network and what was caught of its last update.

    Attributes:
        module: the network without what compiles or distributes it. moved: an optimiser has stepped since it was asked.
        optimizers: the class names of the optimisers that moved it.
    """

    def __init__(self, name: Literal["D", "G"], module: nn.Module) -> None:
        self.name, self.module = name, unwrapped(module)
        if not isinstance(self.module, nn.Module):
            raise UsageError(f"ganbench.Monitor: {type(module).__name__} is no torch.nn.Module; give both networks")
        named = [(n, p) for n, p in self.module.named_parameters() if p.is_floating_point()]
        if not named:
            raise UsageError(f"ganbench.Monitor: {type(self.module).__name__} has no parameters; give it when it has")
        self.names, self.params = [n for n, _ in named], [p for _, p in named]
        self.place = {id(p): i for i, p in enumerate(self.params)}
        self.moved = False
        self.optimizers: set[str] = set()
        self._layout: Layout | None = None
        self.forget()

    def forget(self) -> None:
        """Drop what was caught."""
        self.pending: Kept = {}
        self.gradient: Kept = {}
        self.before: Kept = {}
        self.after: Kept = {}

    @property
    def caught(self) -> bool:
        """Say whether a whole update was caught."""
        return bool(self.after)

    def keep_gradient(self, parameter: Tensor) -> None:
        """Copy a gradient as it is now, where the weight is this player's."""
        i = self.place.get(id(parameter))
        if i is not None and parameter.grad is not None:
            self.pending[i] = parameter.grad.detach().clone()

    def keep_before(self, places: Iterable[int]) -> None:
        """Copy weights that an optimiser is about to move."""
        for i in places:
            self.before[i] = self.params[i].detach().clone()

    def keep_after(self, places: Iterable[int], scale: float) -> None:
        """Copy weights that an optimiser has moved, and take the gradients that it moved them by, unscaled."""
        for i in places:
            grad = self.pending.pop(i, None)
            if grad is not None:
                self.gradient[i] = grad if scale == 1.0 else grad / scale
            elif (set_by_hand := self.params[i].grad) is not None:  # without a backward pass
                self.gradient[i] = set_by_hand.detach().clone()
            self.after[i] = self.params[i].detach().clone()

    def make_update(self, loss: Tensor, real_logits: Tensor | None, fake_logits: Tensor) -> PlayerUpdate:
        """Return the caught update on a leading axis of one; what no optimiser holds has not moved."""
        now = [p.detach() for p in self.params]
        return PlayerUpdate(
            loss=loss,
            real_logits=real_logits,
            fake_logits=fake_logits,
            gradient=self._flat([self.gradient.get(i, torch.zeros_like(p)) for i, p in enumerate(now)]),
            views=self.layout.views,
            after=self._flat([self.after.get(i, p) for i, p in enumerate(now)]),
            before=self._flat([self.before.get(i, p) for i, p in enumerate(now)]),
        )

    @property
    def layout(self) -> Layout:
        """Return where each parameter lies in a flat tensor; made late, when lazy parameters have their shapes."""
        if self._layout is None:
            shapes = {n: p.shape for n, p in zip(self.names, self.params, strict=True)}
            self._layout = Layout(shapes, 1, self.params[0].device)
        return self._layout

    def _flat(self, tensors: list[Tensor]) -> Tensor:
        device = self.params[0].device
        return self.layout.flatten([t.to(device, torch.float32).unsqueeze(0) for t in tensors])


class Catcher:
    """The hooks on both players; they read, copy where `armed`, and never write.

    One update is many calls (several optimisers a player, several backward passes an update, several updates a step):
    of each weight the last is kept.
    """

    def __init__(self, players: tuple[Player, Player]) -> None:
        self.players, self.armed = players, False
        self._of: dict[int, tuple[weakref.ref[Optimizer], list[tuple[Player, list[int]]]]] = {}
        self._reached: list[Tensor] = []
        self._handles: list[RemovableHandle] = [
            register_optimizer_step_pre_hook(self._before),
            register_optimizer_step_post_hook(self._after),
            *(_watch(p, self._gradient) for player in players for p in player.params),
        ]

    def close(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.disarm()

    def disarm(self) -> None:
        """Copy nothing more, and forget what was copied."""
        self.armed = False
        for player in self.players:
            player.forget()

    def _gradient(self, parameter: Tensor) -> None:
        """Take in that a backward pass has reached a weight; queue one reading for its end."""
        if self.armed:
            if not self._reached:
                _at_end_of_backward(self._ending)
            self._reached.append(parameter)

    def _ending(self) -> None:
        _at_end_of_backward(self._ended)  # behind whatever was queued since: distributed averaging

    def _ended(self) -> None:
        reached, self._reached = self._reached, []
        for parameter in reached:
            for player in self.players:
                player.keep_gradient(parameter)

    def _before(self, optimizer: Optimizer, args: object, kwargs: object) -> None:
        if self.armed:
            for player, places in self._places(optimizer):
                player.keep_before(places)

    def _after(self, optimizer: Optimizer, args: object, kwargs: object) -> None:
        for player, places in self._places(optimizer):
            player.moved = True
            if self.armed:
                player.keep_after(places, loss_scale())
                player.optimizers.add(type(optimizer).__name__)

    def _places(self, optimizer: Optimizer) -> list[tuple[Player, list[int]]]:
        """Return the players that an optimiser moves, with the places of their weights in it."""
        known = self._of.get(id(optimizer))
        if known is not None and known[0]() is optimizer:  # an optimiser that has gone leaves its number to others
            return known[1]
        held = [id(p) for group in optimizer.param_groups for p in group["params"]]
        every = ((player, [player.place[i] for i in held if i in player.place]) for player in self.players)
        moved = [(player, places) for player, places in every if places]
        self._of[id(optimizer)] = weakref.ref(optimizer), moved
        return moved


def unwrapped(module: Any) -> Any:  # noqa: ANN401 - checked by the caller
    """Return the network inside of torch.compile, DataParallel and DistributedDataParallel."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if inner is None:
            return module
        module = inner


def loss_scale() -> float:
    """Return the scale of the GradScaler that is stepping an optimiser just now, 1 without one.

    It is found among the callers: a gradient caught before `unscale_` cannot be told from a large one otherwise.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.endswith(_SCALER_FILE):
            owner = frame.f_locals.get("self")
            if isinstance(owner, torch.amp.GradScaler):
                return float(owner.get_scale())
        frame = frame.f_back
    return 1.0


def _watch(parameter: nn.Parameter, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call a hook whenever a gradient reaches a weight, now or once it is no longer frozen."""
    requires_grad = parameter.requires_grad
    try:
        return parameter.requires_grad_(True).register_post_accumulate_grad_hook(hook)
    finally:
        parameter.requires_grad_(requires_grad)


def _at_end_of_backward(call: Callable[[], None]) -> None:
    engine: Any = torch.autograd.Variable._execution_engine  # type: ignore[attr-defined]
    engine.queue_callback(call)
