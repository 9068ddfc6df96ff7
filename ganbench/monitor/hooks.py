"""Catches each player's gradient and weights around its update, wherever in a loop, a library or a closure it is made.

A gradient is read when a backward pass has ended: before anything clips or zeroes it, and after the processes of a
distributed run have averaged theirs. The optimiser's step then says whose last gradient it was: what the generator's
backward pass leaves in the discriminator, and the next `zero_grad` removes, never counts.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from ganbench.monitor.guard import Guard, guarded
from ganbench.monitor.player import Player
from ganbench.monitor.rates import groups_of
from ganbench.monitor.rounds import Rounds

_SCALER_FILE = "grad_scaler.py"

Moved = list[tuple[Player, list[int]]]


class Catcher:
    """The hooks on both players; they read, copy where `armed`, and never write.

    One update is many calls (several optimisers per player, backward passes per update, updates per step): of each
    weight the last is kept. Gradients are hooked while it is armed. Optimisers of other networks are looked up
    once, and then cost one look into a dictionary a step. The hooks hold the catcher weakly, and it the networks.
    """

    def __init__(self, players: tuple[Player, Player], guard: Guard) -> None:
        self.players, self.guard, self.armed = players, guard, False
        self._of: dict[int, tuple[weakref.ref[Optimizer], int, Moved]] = {}
        self.rounds = Rounds()
        self._reached: list[Tensor] = []
        self._gradients: list[RemovableHandle] = []
        me = weakref.ref(self)

        def before(optimizer: Optimizer, *_: object) -> None:
            if (it := me()) is not None and it.armed:  # most steps make no row, and enter no guard here
                it.before(optimizer)

        after = untraced(lambda optimizer, *_: (it := me()) and it.after(optimizer))
        hooks = register_optimizer_step_pre_hook(untraced(before)), register_optimizer_step_post_hook(after)
        self._optimisers = list(hooks)

    def close(self) -> None:
        """Take the hooks away."""
        self.disarm()
        for handle in self._optimisers:
            handle.remove()
        self._optimisers, self._of = [], {}

    def arm(self) -> None:
        """Copy what comes from now on."""
        if not self.armed:
            self.armed, me = True, weakref.ref(self)
            hook: Callable[[Tensor], None] = lambda parameter: (it := me()) and it.reached(parameter)  # noqa: E731
            self._gradients = [_watch(p, hook) for player in self.players for p in player.hooked]

    def disarm(self) -> None:
        """Copy nothing more, and forget what was copied."""
        self.armed, self._reached = False, []
        for handle in self._gradients:
            handle.remove()
        self._gradients = []
        for player in self.players:
            player.forget()

    @guarded("the reading of gradients")
    def reached(self, parameter: Tensor) -> None:
        """Take in that a backward pass has reached a weight; queue one reading for its end."""
        if self.armed:
            if not self._reached:
                _at_end_of_backward(self._ending)
            self._reached.append(parameter)

    def _ending(self) -> None:
        _at_end_of_backward(self._ended)  # behind whatever was queued since: distributed averaging

    @guarded("the reading of gradients")
    def _ended(self) -> None:
        reached, self._reached = self._reached, []
        for parameter in reached:
            for player in self.players:
                player.keep_gradient(parameter)

    @guarded("the reading of weights")
    def before(self, optimizer: Optimizer) -> None:
        """Take in that an optimiser is about to move weights; called while armed."""
        self._of.pop(id(optimizer), None)  # weights may have been frozen or freed since
        for player, places in self._places(optimizer):
            if self.rounds.is_extra(player.name, id(optimizer)):
                player.keep_extra(places, loss_scale())
            else:
                player.keep_before(places, _fused_scale(optimizer))
                player.groups[id(optimizer)] = groups_of(optimizer, player.place.keys())

    @guarded("the reading of weights")
    def after(self, optimizer: Optimizer) -> None:
        """Take in that an optimiser has moved weights."""
        moved = self._places(optimizer)
        if not moved:
            return
        if self._skipped(optimizer):
            for player, places in moved:
                player.drop_before(places)
            return
        scale = loss_scale() if self.armed else 1.0
        for player, places in moved:
            player.moved, extra = True, self.armed and self.rounds.is_extra(player.name, id(optimizer))
            self.rounds.stepped(player.name, id(optimizer))
            if self.armed and not extra:
                try:
                    player.keep_after(places, scale)
                except Exception:
                    player.forget()  # half of an update would be told as one without a gradient
                    raise
                player.optimizers.add(type(optimizer).__name__)

    def _skipped(self, optimizer: Optimizer) -> bool:
        """Return whether a fused optimiser under a GradScaler has met infinite gradients and moved nothing.

        The device is waited for on logged steps alone.
        """
        found_inf = getattr(optimizer, "found_inf", None)
        if not isinstance(found_inf, Tensor) or not (self.armed or found_inf.device.type == "cpu"):
            return False
        return bool(found_inf.item())

    def _places(self, optimizer: Optimizer) -> Moved:
        """Return the players that an optimiser moves, with the places of their weights in it."""
        known, size = self._of.get(id(optimizer)), sum(len(group["params"]) for group in optimizer.param_groups)
        if known is not None and known[0]() is optimizer and known[1] == size:
            return known[2]
        if not all(player.alive for player in self.players):
            return []
        for player in self.players:
            player.refresh()
        held = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad or p.grad is not None]
        every = ((player, [player.place[id(p)] for p in held if id(p) in player.place]) for player in self.players)
        moved = [(player, places) for player, places in every if places]
        for player, places in moved:
            player.trained |= set(places)
        number, of = id(optimizer), self._of  # an optimiser that has gone leaves its number to others
        self._of[number] = weakref.ref(optimizer, lambda _: of.pop(number, None)), size, moved
        return moved


def untraced(hook: Any) -> Any:  # noqa: ANN401 - any function
    """Have torch.compile leave a hook alone: an optimiser's compiled step would be compiled anew for each row.

    As `torch.compiler.disable` does, which would load the compiler for everybody.
    """
    hook._torchdynamo_disable = True
    hook._torchdynamo_disable_msg = "a hook of ganbench.Monitor"
    return hook


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


def _fused_scale(optimizer: Optimizer) -> float:
    """Return what a fused optimiser will divide its gradients by: a GradScaler leaves that to it."""
    scale = getattr(optimizer, "grad_scale", None)
    return float(scale) if isinstance(scale, Tensor) else 1.0


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
