"""One network as a monitor knows it, and what was caught of its last update; it keeps the network alive nowhere."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ganbench.core.errors import UsageError
from ganbench.core.protocols import PlayerUpdate
from ganbench.monitor.clipping import as_trained
from ganbench.monitor.rates import Group, Settings
from ganbench.training.layout import Layout

Kept = dict[int, Tensor]


class Player:
    """One network and what was caught of its last update.

    Attributes:
        names: of its floating-point parameters. place: number of each parameter by its id.
        moved: an optimiser has stepped since it was asked. optimizers: the class names of those that moved it.
        trained: the places that some optimiser has moved; only these are hooked, copied and counted.
    """

    def __init__(self, name: Literal["D", "G"], module: nn.Module) -> None:
        self.name = name
        inner = unwrapped(module)
        if not isinstance(inner, nn.Module):
            raise UsageError(f"ganbench.Monitor: {type(module).__name__} is no torch.nn.Module; give both networks")
        self._module = weakref.ref(inner)
        self.refresh()
        if not self.names:
            raise UsageError(f"ganbench.Monitor: {type(inner).__name__} has no parameters; give it when it has")
        if any(map(is_lazy, inner.parameters())):
            text = f"{type(inner).__name__} has lazy layers without weights; pass a minibatch through it first"
            raise UsageError(f"ganbench.Monitor: {text}")
        self.moved = False
        self.optimizers: set[str] = set()
        self.trained: set[int] = set()
        self._layout: tuple[tuple[int, ...], Layout] | None = None
        self.forget()

    @property
    def module(self) -> nn.Module:
        """The network without what compiles or distributes it.

        Raises:
            ReferenceError: nobody holds it any more.
        """
        module = self._module()
        if module is None:
            raise ReferenceError(f"the network {self.name} is gone")
        return module

    @property
    def alive(self) -> bool:
        """Return whether somebody still holds the network."""
        return self._module() is not None

    @property
    def frozen(self) -> bool:
        """Return whether no weight takes a gradient."""
        return not any(self.param(i).requires_grad for i in range(len(self._params)))

    @property
    def sharded(self) -> bool:
        """Return whether weights are spread over processes (FSDP2)."""
        return any(hasattr(self.param(i), "full_tensor") for i in range(len(self._params)))

    def refresh(self) -> None:
        """List the parameters again: a network that grows has new ones."""
        named = [(n, p) for n, p in self.module.named_parameters() if p.is_floating_point() or p.is_complex()]
        if getattr(self, "place", None) == {id(p): i for i, (_, p) in enumerate(named)}:
            return
        self.names = [n for n, _ in named]
        self._params = [weakref.ref(p) for _, p in named]
        self.place = {id(p): i for i, (_, p) in enumerate(named)}
        self.trained: set[int] = set()
        self._layout = None
        self.forget()

    def param(self, i: int) -> nn.Parameter:
        """Return a parameter by its place.

        Raises:
            ReferenceError: nobody holds it any more.
        """
        parameter = self._params[i]()
        if parameter is None:
            raise ReferenceError(f"the parameter {self.names[i]} of {self.name} is gone")
        return parameter

    @property
    def hooked(self) -> list[nn.Parameter]:
        """Return the parameters whose gradients matter: all before any optimiser was seen."""
        return [self.param(i) for i in sorted(self.trained) or range(len(self._params))]

    def sums(self) -> Tensor:
        """Return the sum of each weight's numbers, by which it is seen to have moved."""
        self.refresh()
        weights = (numbers(self.param(i).detach(), torch.device("cpu")) for i in range(len(self._params)))
        return torch.stack([weight.double().sum() for weight in weights])

    def forget(self) -> None:
        """Drop what was caught."""
        self.extra = 0.0  # the gradient's norm of a regulariser's own update
        self.groups: dict[int, list[Group]] = {}  # what its optimisers are set to, by their ids
        self._norms: list[Tensor] = []  # of the gradient when the backward pass had ended, and as the optimiser got it
        self.pending: Kept = {}
        self.gradient: Kept = {}
        self.before: Kept = {}
        self.after: Kept = {}
        self._reached: Kept = {}
        self._at_step: Kept = {}

    @property
    def caught(self) -> bool:
        """Return whether a whole update was caught."""
        return bool(self.after)

    def keep_gradient(self, parameter: Tensor) -> None:
        """Copy a gradient as it is now, where the weight is this player's."""
        i = self.place.get(id(parameter))
        if i is not None and parameter.grad is not None:
            self.pending[i] = copied(parameter.grad)

    def keep_before(self, places: Iterable[int], scale: float) -> None:
        """Copy weights that an optimiser is about to move, and the gradients that it is given, by their scale."""
        for i in places:
            parameter = self.param(i)
            self.before[i] = copied(parameter)
            if parameter.grad is not None:
                self._at_step[i] = copied(parameter.grad) / scale if scale != 1.0 else copied(parameter.grad)
            if (reached := self.pending.pop(i, None)) is not None:
                self._reached[i] = reached

    def keep_extra(self, places: Iterable[int], scale: float) -> None:
        """Note the gradient's norm of an update that is a regulariser's, before the optimiser makes it."""
        gradients = [g for i in places if (g := self.param(i).grad) is not None]
        self.extra = sum(float(copied(g).double().square().sum()) for g in gradients) ** 0.5 / scale
        for i in places:
            self.pending.pop(i, None)

    def drop_before(self, places: Iterable[int]) -> None:
        """Forget weights that an optimiser did not move after all."""
        for i in places:
            for kept in (self.before, self._at_step, self._reached, self.pending):
                kept.pop(i, None)

    def keep_after(self, places: Iterable[int], scale: float) -> None:
        """Copy weights that an optimiser has moved, and take the gradients that it moved them by, unscaled."""
        places = list(places)
        both = [i for i in places if i in self._at_step and i in self._reached and i not in self.pending]
        for i in places:
            self.after[i] = copied(self.param(i))
            if i in self.pending:  # a closure's backward pass, within the optimiser's step
                self.gradient[i] = self.pending.pop(i) / scale
            elif i in self._at_step and i not in self._reached:  # set by hand, without a backward pass
                self.gradient[i] = self._at_step[i]
        if both:
            reached, given = (_norm([kept[i] for i in both]) for kept in (self._reached, self._at_step))
            self._norms = [reached / scale, given]
        chosen = as_trained([self._reached[i] / scale for i in both], [self._at_step[i] for i in both])
        self.gradient |= dict(zip(both, chosen, strict=True))
        for i in places:
            self._at_step.pop(i, None)
            self._reached.pop(i, None)

    def settings(self) -> Settings:
        """Return what its optimisers are set to, and what they made of the gradient of the caught update."""
        others = [i for i in range(len(self._params)) if i not in self.trained] if self.trained else []
        left_out = [self.names[i] for i in others if (p := self.param(i)).requires_grad and _is_nonzero(p.grad)]
        groups = [group for several in self.groups.values() for group in several]
        weights = _norm(list(self.before.values()))
        norms = torch.stack([weights, *(norm.to(weights.device) for norm in self._norms)]).tolist()
        reached, given = norms[1:] or (math.nan, math.nan)
        return Settings(groups, reached, given, norms[0], left_out)

    def make_update(self, loss: Tensor, real_logits: Tensor | None, fake_logits: Tensor) -> PlayerUpdate:
        """Return the caught update of what is trained on a leading axis of one."""
        places = tuple(sorted(self.trained))
        now = {i: self.param(i).detach() for i in places}
        layout = self._layout_of(places, now)

        def flat(kept: Kept, zero: bool = False) -> Tensor:
            tensors = [kept[i] if i in kept else torch.zeros_like(p) if zero else p for i, p in now.items()]
            return layout.flatten([numbers(tensor, layout.padding.device) for tensor in tensors])

        return PlayerUpdate(
            loss=loss,
            real_logits=real_logits,
            fake_logits=fake_logits,
            gradient=flat(self.gradient, zero=True),
            views=layout.views,
            after=flat(self.after),
            before=flat(self.before),
        )

    def _layout_of(self, places: tuple[int, ...], now: Kept) -> Layout:
        """Return where each trained parameter lies in a flat tensor."""
        if self._layout is None or self._layout[0] != places:
            device = now[places[0]].device
            shapes = {self.names[i]: numbers(now[i], device)[0].shape for i in places}
            self._layout = places, Layout(shapes, 1, device)
        return self._layout[1]


def unwrapped(module: Any) -> Any:  # noqa: ANN401 - checked by the caller
    """Return the network inside of torch.compile, DataParallel, DistributedDataParallel, accelerate and Fabric."""
    while isinstance(module, nn.Module):
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if inner is None and type(module).__name__ == "_FabricModule":
            inner = module.module
        if inner is None:
            break
        module = inner
    return module


def _norm(tensors: list[Tensor]) -> Tensor:
    """Return the norm of all of them as a tensor, for which nothing waits yet."""
    parts = [torch.view_as_real(t) if t.is_complex() else t for t in tensors]
    norms = [torch.linalg.vector_norm(part, dtype=torch.float64) for part in parts] or [torch.zeros(())]
    return torch.linalg.vector_norm(torch.stack([norm.to(norms[0].device) for norm in norms]))


def _is_nonzero(gradient: Tensor | None) -> bool:
    return gradient is not None and bool(largest(gradient) > 0)


def largest(gradient: Tensor) -> Tensor:
    """Return the largest size of a gradient's numbers; a sparse one's may be too small by what it holds twice."""
    held = gradient.detach()
    held = held._values() if held.is_sparse else held
    return held.abs().amax() if held.numel() else held.new_zeros(())


def copied(tensor: Tensor) -> Tensor:
    """Return a dense copy without a graph; of a tensor that is spread over processes, the whole."""
    tensor = tensor.detach()
    if tensor.is_sparse:
        return tensor.to_dense()
    whole = getattr(tensor, "full_tensor", None)
    return tensor.clone() if whole is None else whole()


def numbers(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor as float32 numbers on a leading axis of one."""
    whole = getattr(tensor, "full_tensor", None)
    tensor = tensor if whole is None else whole()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    return tensor.to(device, torch.float32).unsqueeze(0)
