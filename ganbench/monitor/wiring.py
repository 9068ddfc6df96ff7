"""How a loop is wired: which backward passes an update is made of, and whether what it is fed ever changes.

A few weights are watched in a few short windows: what `.grad` held when a backward pass reached it, and which
optimisers stepped when. That tells a missing `zero_grad` or `detach` from accumulation, which looks the same otherwise.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.hooks import RemovableHandle

from ganbench.monitor.guard import Guard, guarded

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

WINDOWS = (1, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)  # the steps at which one begins
LENGTH = 4  # steps of a window
SEEN = 2  # updates of a window that must show the same
MOST_EVENTS = 1000
FEW, NUMBERS = 16, 4096  # samples of a minibatch, and numbers of each, that are compared with the step before
ALIKE = 0.9  # correlation of generated samples of two steps whose latents are the same; independent ones: ±0.1
WORDS = {"D": ("discriminator", "opt_d", "d_loss"), "G": ("generator", "opt_g", "g_loss")}
NORMS = (nn.modules.batchnorm._BatchNorm, nn.Dropout)


class Pass(NamedTuple):
    """A backward pass: player → what `.grad` of its watched weight held before it, at most (None: nothing)."""

    reached: dict[str, Tensor | None]


class Stepped(NamedTuple):
    """An optimiser's step: the players that it moves by a gradient, and which optimiser it is."""

    players: frozenset[str]
    optimizer: int


class Wiring:
    """Watches how gradients come and go.

    Args:
        networks: player (`"D"`, `"G"`) → its networks.
        findings: takes the sentences.
        guard: keeps what fails in a hook from the training.

    Attributes:
        reached: players whose watched weights a gradient other than 0 may have reached so far.
    """

    def __init__(self, networks: Mapping[str, list[nn.Module]], findings: Findings, guard: Guard) -> None:
        self._findings, self.guard = findings, guard
        self._networks = {name: [weakref.ref(network) for network in several] for name, several in networks.items()}
        self.reached: set[str] = set()
        self.muted = False
        self._open, self._from, self._calls = True, 1, 0
        self._events: list[Pass | Stepped] = []
        self._current: dict[str, Tensor | None] | None = None
        self._still: dict[str, int] = {}
        self._modes: dict[str, str] = {}
        self._before: dict[str, Tensor] = {}
        self._repeats = {"real": 0, "fake": 0}
        self._handles: list[RemovableHandle] = []
        self._weights: dict[str, list[weakref.ref[nn.Parameter]]] = {}
        self._owners: dict[int, tuple[weakref.ref[Optimizer], frozenset[str]]] = {}
        self._numbers = {id(p): name for name, several in networks.items() for n in several for p in n.parameters()}
        self._begin()

    def close(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._open = [], False
        self._events, self._before, self._current = [], {}, None

    def step(self, step: int, given: Mapping[str, Sequence[Tensor]]) -> None:
        """Take in that a step has ended; at the end of a window, say what it showed.

        Args:
            step: its number.
            given: arguments of `monitor.step` by name.
        """
        if not self._open:
            if step + 1 in WINDOWS:
                self._begin()
                self._from = step + 1
            return
        self._compare(given)
        if step >= self._from + LENGTH - 1:
            self._judge(step)
            self.close()

    def _begin(self) -> None:
        self._open, self._events, self._current, self._still = True, [], None, {}
        self._repeats = {"real": 0, "fake": 0}
        me = weakref.ref(self)

        def after(optimizer: Optimizer, *_: object) -> None:
            if (it := me()) is not None:
                it._stepped(optimizer)

        self._handles = [register_optimizer_step_post_hook(after)]
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
                it._arrived(name, parameter, module)

        trains = weight.requires_grad
        try:
            return weight.requires_grad_(True).register_hook(arriving)
        finally:
            weight.requires_grad_(trains)

    @guarded("the look at the loop's wiring")
    def _arrived(self, name: str, parameter: Tensor, network: nn.Module) -> None:
        """Take in that a backward pass is about to add to a weight's gradient."""
        if len(self._events) > MOST_EVENTS:
            return
        if self._current is None:
            self._current = {}
            self._events.append(Pass(self._current))
            _at_end_of_backward(self._ended)
        held = None if parameter.grad is None else parameter.grad.detach().abs().amax()
        if name not in self._current or held is not None:
            self._current[name] = held
        self.reached.add(name)
        idle = [type(m).__name__ for m in network.modules() if isinstance(m, NORMS) and _trains(m) and not m.training]
        if idle:
            self._modes[name] = f"{len(idle)} of its layers ({', '.join(sorted(set(idle)))})"
            self._still[name] = self._still.get(name, 0) + 1

    def _ended(self) -> None:
        self._current = None

    @guarded("the look at the loop's wiring")
    def _stepped(self, optimizer: Optimizer) -> None:
        if self._open and (players := frozenset(filter(self._has_gradient, self._players(optimizer)))):
            self._events.append(Stepped(players, id(optimizer)))

    def _has_gradient(self, name: str) -> bool:
        """Say whether a watched weight of a player holds a gradient: one optimiser of both may move one alone."""
        held = (weight.grad for known in self._weights[name] if (weight := known()) is not None)
        return any(grad is not None and bool(grad.detach().abs().amax() > 0) for grad in held)

    def _players(self, optimizer: Optimizer) -> frozenset[str]:
        known = self._owners.get(id(optimizer))
        if known is None or known[0]() is not optimizer:
            held = (id(p) for group in optimizer.param_groups for p in group["params"])
            players = frozenset(self._numbers[i] for i in held if i in self._numbers)
            known = self._owners[id(optimizer)] = weakref.ref(optimizer), players
        return known[1]

    def _compare(self, given: Mapping[str, Sequence[Tensor]]) -> None:
        """Compare real and generated samples with those of the step before."""
        for name in ("real", "fake"):
            now = next(iter(given.get(name, ())), None)
            if now is None or now.dim() < 2 or len(now) < 2 or now.is_complex():
                continue
            now = now[:FEW].detach().flatten(1)[:, :NUMBERS].float().clone()
            before = self._before.get(name)
            self._before[name] = now
            if before is not None and before.shape == now.shape:
                same = torch.equal(before, now) if name == "real" else _correlation(before, now) > ALIKE
                self._repeats[name] += same

    def _judge(self, step: int) -> None:
        for name, other in (("D", "G"), ("G", "D")):
            self._judge_updates(step, name, other)
            if self._still.get(name, 0) >= SEEN:
                player = WORDS[name][0]
                self._findings.say(
                    step,
                    f"evaluation mode {name}",
                    f"the {player} trains in evaluation mode: {self._modes[name]}; call {player}.train() behind "
                    f"whatever called {player}.eval()",
                )
        if self._repeats["real"] == LENGTH - 1:
            self._findings.say(
                step,
                "same minibatch",
                f"real is the same minibatch at {LENGTH} steps in a row: the loop does not go on in its data "
                "(next(iter(loader)) inside the loop, or one batch kept)",
            )
        elif self._repeats["fake"] == LENGTH - 1:
            self._findings.say(
                step,
                "same latents",
                f"generated samples are those of the step before at {LENGTH} steps in a row: the generator gets the "
                "same latents again; draw them inside the loop",
            )

    def _judge_updates(self, step: int, name: str, other: str) -> None:
        """Say where an update is made of more than its own backward passes."""
        kept, mixed, alone, foreign = 0, 0, Counter[int](), Counter[int]()
        for i, event in enumerate(self._events):
            if isinstance(event, Stepped) and name in event.players:
                chain = self._chain(i, name)
                if len(chain) == 1:
                    reached = self._events[chain[0]]
                    (foreign if isinstance(reached, Pass) and other in reached.reached else alone)[event.optimizer] += 1
                between = [e for e in self._events[chain[0] : i] if isinstance(e, Stepped)] if chain else []
                if any(name in e.players for e in between):
                    kept += 1
                elif any(other in e.players for e in between) or self._together(chain, i, name, other):
                    mixed += 1
        player, optimizer, loss = WORDS[name]
        if kept >= SEEN:
            self._findings.say(
                step,
                f"never cleared {name}",
                f"the {player}'s gradients are never cleared: each update adds to all before it; call "
                f"{optimizer}.zero_grad() before {loss}.backward()",
            )
        elif mixed >= SEEN:
            what = "detach the generated samples there (fake.detach()), or " if name == "G" else ""
            self._findings.say(
                step,
                f"mixed {name}",
                f"the {player}'s update contains the {WORDS[other][0]}'s backward pass: {what}call "
                f"{optimizer}.zero_grad() just before {loss}.backward()",
            )
        elif name == "D" and any(min(alone[one], foreign[one]) >= SEEN for one in alone):
            self._findings.say(
                step,
                "mixed D",
                "the discriminator is moved by the generator's loss as well: one optimiser holds both players; call "
                "discriminator.requires_grad_(False) before g_loss.backward(), or give each player an optimiser",
            )

    def _chain(self, end: int, name: str) -> list[int]:
        """Return the places of the passes that an update at a place is made of, in their order."""
        chain: list[int] = []
        for i in range(end - 1, -1, -1):
            event = self._events[i]
            if isinstance(event, Pass) and name in event.reached:
                chain.insert(0, i)
                held = event.reached[name]
                if held is None or not bool(held > 0):
                    break
        return chain

    def _together(self, chain: list[int], end: int, name: str, other: str) -> bool:
        """Say whether both players step after both passes, one of which reached this one by the other's loss."""
        if len(chain) < 2 or name != "D":
            return False
        reached = [self._events[i] for i in chain]
        kinds = {other in e.reached for e in reached if isinstance(e, Pass)}
        beside = self._events[end + 1 : end + 2] + self._events[end - 1 : end]
        return len(kinds) == 2 and any(isinstance(e, Stepped) and other in e.players for e in beside)


def _watched(network: nn.Module) -> nn.Parameter | None:
    """Return a network's last matrix of weights: a bias may have no gradient at all."""
    weights = [p for p in network.parameters() if p.is_floating_point()]
    trained = [p for p in weights if p.requires_grad and p.dim() > 1]
    for some in (trained, [p for p in weights if p.dim() > 1], weights):
        leaves = [p for p in some if p.is_leaf]
        if leaves:
            return leaves[-1]
    return None


def _trains(module: nn.Module) -> bool:
    """Say whether a layer is not frozen on purpose."""
    weights = list(module.parameters(recurse=False))
    if isinstance(module, nn.Dropout):
        return module.p > 0
    return all(p.requires_grad for p in weights) and getattr(module, "track_running_stats", True)


def _correlation(before: Tensor, now: Tensor) -> float:
    a, b = (x - x.mean(0) for x in (before, now))
    size = float(a.norm() * b.norm())
    return float((a * b).sum()) / size if size > 0 else 0.0


def _at_end_of_backward(call: Any) -> None:  # noqa: ANN401 - torch has no type for it
    engine: Any = torch.autograd.Variable._execution_engine  # type: ignore[attr-defined]
    engine.queue_callback(call)
