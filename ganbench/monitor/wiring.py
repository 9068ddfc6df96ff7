"""How a loop is wired: which backward passes an update is made of.

A few weights are watched in a few short windows: what `.grad` held when a backward pass reached it, and which
optimisers stepped when. That tells a missing `zero_grad` or `detach` from accumulation, which looks the same otherwise.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.hooks import RemovableHandle

from ganbench.monitor.guard import Guard, guarded
from ganbench.monitor.hooks import untraced
from ganbench.monitor.passes import Pass, Stepped, Updates, updates_of
from ganbench.monitor.player import largest
from ganbench.monitor.windows import LENGTH, WINDOWS

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

SEEN = 2  # updates of a window that must show the same
MOST_EVENTS = 1000
FEW = 256  # numbers of a weight, by which it is seen to be another one
WORDS = {"D": ("discriminator", "opt_d", "d_loss"), "G": ("generator", "opt_g", "g_loss")}
NORMS = (nn.modules.batchnorm._BatchNorm, nn.Dropout)


class Wiring:
    """Watches how gradients come and go.

    Args:
        networks: player (`"D"`, `"G"`) → its networks.
        findings: takes the sentences.
        guard: keeps what fails in a hook from the training.

    Attributes:
        reached: players whose watched weights a gradient other than 0 may have reached so far.
        open: whether it is within a window.
    """

    def __init__(self, networks: Mapping[str, list[nn.Module]], findings: Findings, guard: Guard) -> None:
        self._findings, self.guard = findings, guard
        self._networks = {name: [weakref.ref(network) for network in several] for name, several in networks.items()}
        self.reached: set[str] = set()
        self.muted = False
        self.open, self._from, self._calls = True, 1, 0
        self._events: list[Pass | Stepped] = []
        self._current: Pass | None = None
        self._held: list[tuple[Tensor, Tensor | None, int]] = []  # weights with their `.grad` before a pass
        self._largest: dict[str, Tensor] = {}
        self._still: dict[str, int] = {}
        self._modes: dict[str, str] = {}
        self._handles: list[RemovableHandle] = []
        self._weights: dict[str, list[weakref.ref[nn.Parameter]]] = {}
        self._owners: dict[int, tuple[weakref.ref[Optimizer], frozenset[str]]] = {}
        of = {name: {id(p) for n in several for p in n.parameters()} for name, several in networks.items()}
        shared = set[int].intersection(*of.values())  # what both hold tells nobody's optimiser from the other's
        self._numbers = {number: name for name, numbers in of.items() for number in numbers - shared}
        self._begin()

    def close(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles, self.open = [], False
        self._events, self._held, self._current = [], [], None

    def gets_gradient(self, name: str) -> bool:
        """Return whether a gradient other than 0 has reached a player's watched weights in a window."""
        return name in self._largest and bool(self._largest[name] > 0)

    def step(self, step: int, given: Mapping[str, Sequence[Tensor]]) -> None:
        """Take in that a step has ended; at the end of a window, say what it showed.

        Args:
            step: its number.
            given: arguments of `monitor.step` by name.
        """
        if not self.open:
            if step + 1 in WINDOWS:
                self._begin()
                self._from = step + 1
            return
        if step >= self._from + LENGTH - 1:
            self._judge(step, [given[name][0] for name in ("d_loss", "g_loss") if given.get(name)])
            self.close()

    def _begin(self) -> None:
        self.open, self._events, self._current, self._still = True, [], None, {}
        me = weakref.ref(self)

        def after(optimizer: Optimizer, *_: object) -> None:
            if (it := me()) is not None:
                it._stepped(optimizer)

        self._handles = [register_optimizer_step_post_hook(untraced(after))]
        for name, networks in self._networks.items():
            self._weights[name] = []
            for network in (known() for known in networks):
                if network is not None and (weight := _watched(network)) is not None:
                    self._weights[name].append(weakref.ref(weight))
                    self._handles.append(self._hook(name, network, weight))

    def _hook(self, name: str, network: nn.Module, weight: nn.Parameter) -> RemovableHandle:
        me, holder, net = weakref.ref(self), weakref.ref(weight), weakref.ref(network)

        def arriving(grad: Tensor) -> None:
            it, parameter, module = me(), holder(), net()
            if it is not None and parameter is not None and module is not None and not it.muted:
                it._arrived(name, parameter, module, grad)

        trains = weight.requires_grad
        try:
            return weight.requires_grad_(True).register_hook(arriving)
        finally:
            weight.requires_grad_(trains)

    @guarded("the look at the loop's wiring")
    def _arrived(self, name: str, parameter: Tensor, network: nn.Module, grad: Tensor) -> None:
        """Take in that a backward pass is about to add to a weight's gradient."""
        if len(self._events) > MOST_EVENTS:
            return
        if self._current is None:
            self._current = Pass({}, set(), {})
            self._events.append(self._current)
            _at_end_of_backward(self._ended)
        self._current.weights[id(parameter)] = _sketch(parameter)
        held = None if parameter.grad is None else largest(parameter.grad)
        if name not in self._current.reached or held is not None:
            self._current.reached[name] = held
        self._held.append((parameter, parameter.grad, -1 if parameter.grad is None else parameter.grad._version))
        size = largest(grad)
        self._largest[name] = torch.maximum(self._largest.get(name, size), size)
        self.reached.add(name)
        idle = [type(m).__name__ for m in network.modules() if isinstance(m, NORMS) and _trains(m) and not m.training]
        if idle:
            self._modes[name] = f"{len(idle)} of its layers ({', '.join(sorted(set(idle)))})"
            self._still[name] = self._still.get(name, 0) + 1

    @guarded("the look at the loop's wiring")
    def _ended(self) -> None:
        current, held = self._current, self._held
        self._current, self._held = None, []
        for parameter, before, version in held:
            now = parameter.grad
            if current is not None and now is not None and (now is not before or now._version != version):
                current.added.add(id(parameter))

    @guarded("the look at the loop's wiring")
    def _stepped(self, optimizer: Optimizer) -> None:
        if self.open and (players := frozenset(filter(self._has_gradient, self._players(optimizer)))):
            self._events.append(Stepped(players, id(optimizer)))

    def _has_gradient(self, name: str) -> bool:
        """Say whether a watched weight of a player holds a gradient: one optimiser of both may move one alone."""
        held = (weight.grad for known in self._weights[name] if (weight := known()) is not None)
        return any(grad is not None and bool(largest(grad) > 0) for grad in held)

    def _players(self, optimizer: Optimizer) -> frozenset[str]:
        known = self._owners.get(id(optimizer))
        if known is None or known[0]() is not optimizer:
            held = (id(p) for group in optimizer.param_groups for p in group["params"])
            players = frozenset(self._numbers[i] for i in held if i in self._numbers)
            known = self._owners[id(optimizer)] = weakref.ref(optimizer), players
        return known[1]

    def _judge(self, step: int, losses: Sequence[Tensor]) -> None:
        for name, other in (("D", "G"), ("G", "D")):
            self._judge_updates(step, name, other, losses)
            if self._still.get(name, 0) >= SEEN:
                player = WORDS[name][0]
                self._findings.say(
                    step,
                    f"evaluation mode {name}",
                    f"the {player} trains in evaluation mode: {self._modes[name]}; call {player}.train() behind "
                    f"whatever called {player}.eval()",
                )

    def _judge_updates(self, step: int, name: str, other: str, losses: Sequence[Tensor]) -> None:
        """Say where an update is made of more than its own backward passes, or of less."""
        updates = updates_of(self._events, name, other)
        player, optimizer, loss = WORDS[name]
        if updates.kept >= SEEN:
            self._findings.say(
                step,
                f"never cleared {name}",
                f"the {player}'s gradients are never cleared: each update adds to all before it; call "
                f"{optimizer}.zero_grad() before {loss}.backward()",
            )
        elif updates.mixed >= SEEN:
            what = "detach the generated samples there (fake.detach()), or " if name == "G" else ""
            self._findings.say(
                step,
                f"mixed {name}",
                f"the {player}'s update contains the {WORDS[other][0]}'s backward pass: {what}call "
                f"{optimizer}.zero_grad() just before {loss}.backward()",
            )
        elif name == "D":
            self._judge_updates_of_d(step, updates, losses)

    def _judge_updates_of_d(self, step: int, updates: Updates, losses: Sequence[Tensor]) -> None:
        """Say where the discriminator is moved by the generator's loss, or by a part of its own."""
        alone, foreign = updates.alone, updates.foreign
        if any(min(alone[one], foreign[one]) >= SEEN for one in alone):
            self._findings.say(
                step,
                "mixed D",
                "the discriminator is moved by the generator's loss as well: one optimiser holds both players; call "
                "discriminator.requires_grad_(False) before g_loss.backward(), or give each player an optimiser",
            )
        elif foreign.total() >= SEEN and not alone and updates.own >= SEEN:
            self._findings.say(
                step,
                "mixed D",
                "the discriminator is moved by the generator's loss, and never by its own: the optimiser that steps "
                "behind g_loss.backward() holds the discriminator; opt_d and opt_g may hold each other's parameters",
            )
        elif SEEN <= updates.lost == updates.all:
            self._findings.say(
                step,
                "lost D",
                "a part of the discriminator's loss moves nothing: opt_d.zero_grad() stands between its backward "
                "passes, such as those of real and of generated samples; call it once, before the first of them",
            )
        elif len(updates.single & updates_of(self._events, "G", "D").single) >= SEEN and _differ(losses):
            self._findings.say(
                step,
                "mixed D",
                "one backward pass moves both players, so that the discriminator descends the generator's loss as "
                "well: call d_loss.backward() and g_loss.backward() apart, each with its own zero_grad() and step()",
            )


def _differ(losses: Sequence[Tensor]) -> bool:
    """Say whether both losses are known and differ: a layer that reverses gradients has one."""
    if len(losses) < 2:
        return False
    d, g = (float(loss.detach().float().mean()) for loss in losses)
    return abs(abs(d) - abs(g)) > 1e-6 * abs(d)


def _watched(network: nn.Module) -> nn.Parameter | None:
    """Return a network's last matrix of weights: a bias may have no gradient at all."""
    weights = [p for p in network.parameters() if p.is_floating_point()]
    trained = [p for p in weights if p.requires_grad and p.dim() > 1]
    for some in (trained, [p for p in weights if p.dim() > 1], weights):
        leaves = [p for p in some if p.is_leaf]
        if leaves:
            return leaves[-1]
    return None


def _sketch(weight: Tensor) -> Tensor:
    """Return a few numbers of a weight, evenly from all of it."""
    flat = weight.detach().flatten()
    return flat[:: math.ceil(len(flat) / FEW)].clone()


def _trains(module: nn.Module) -> bool:
    """Say whether a layer is not frozen on purpose."""
    weights = list(module.parameters(recurse=False))
    if isinstance(module, nn.Dropout):
        return module.p > 0
    return all(p.requires_grad for p in weights) and getattr(module, "track_running_stats", True)


def _at_end_of_backward(call: Any) -> None:  # noqa: ANN401 - torch has no type for it
    engine: Any = torch.autograd.Variable._execution_engine  # type: ignore[attr-defined]
    engine.queue_callback(call)
