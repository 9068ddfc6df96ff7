"""A trial's components where its settings differ: losses and tricks with a number per lane, an optimiser a setting."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from ganbench.core.component import Component
from ganbench.core.protocols import PlayerName
from ganbench.core.trial import Choice, Trial

if TYPE_CHECKING:
    from ganbench.losses import Loss
    from ganbench.optimizers import Optimizer
    from ganbench.tricks import Trick

C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class LaneComponents:
    """The loss, the tricks and the optimisers of some lanes of a trial.

    Attributes:
        loss, tricks: with a float64 tensor `[S]` in each parameter that differs between the lanes.
        optimizers: each with the number of neighbouring lanes that it moves.
    """

    loss: Loss
    tricks: list[Trick]
    optimizers: list[tuple[Optimizer, int]]

    @staticmethod
    def of(trial: Trial, lanes: Sequence[int] | None, device: torch.device) -> LaneComponents:
        """Return the components of these lanes, or of all."""
        chosen = trial.lanes if lanes is None else [trial.lanes[i] for i in lanes]
        owners = [lane.setting or trial for lane in chosen]
        optimizers = [
            (choice.build(), len(list(same)))
            for choice, same in groupby((owner.optimizer for owner in owners), lambda choice: choice)
        ]
        return LaneComponents(
            loss=_with_lanes([owner.loss for owner in owners], device),
            tricks=[_with_lanes([owner.tricks[i] for owner in owners], device) for i in range(len(trial.tricks))],
            optimizers=optimizers,
        )

    def optimizer(self, flat: Tensor, player: PlayerName) -> torch.optim.Optimizer:
        """Return what moves a player's weights `[S, P]`: each setting's lanes are a group with options of its own."""
        first, *others = self.optimizers
        if not others:
            return first[0].build([flat], player)
        pieces = flat.split([n for _, n in self.optimizers])
        optimizer = first[0].build([pieces[0]], player)
        for (component, _), piece in zip(others, pieces[1:], strict=True):
            (group,) = component.build([piece], player).param_groups
            optimizer.add_param_group(group)
        return optimizer

    def set_gradient(self, optimizer: torch.optim.Optimizer, gradient: Tensor) -> None:
        """Give a player's optimiser the gradient `[S, P]`."""
        pieces = gradient.split([n for _, n in self.optimizers]) if len(self.optimizers) > 1 else [gradient]
        for group, piece in zip(optimizer.param_groups, pieces, strict=True):
            group["params"][0].grad = piece

    def set_rates(self, optimizer: torch.optim.Optimizer, player: PlayerName, progress: float) -> None:
        """Give a player's optimiser the rates of this step."""
        for group, (component, _) in zip(optimizer.param_groups, self.optimizers, strict=True):
            if component.lr_final != 1.0:
                group["lr"] = component.rate(player, progress)


def _with_lanes(choices: Sequence[Choice[C]], device: torch.device) -> C:
    """Return the component of the lanes' choices, which differ in parameters that it lists in its `lanes` alone."""
    component = choices[0].build()
    for name in component.parameters:
        values = [choice.parameters[name] for choice in choices]
        if any(value != values[0] for value in values):
            if name not in component.lanes:
                raise ValueError(f"{component.name}: {name} cannot differ between the lanes of a trial")
            component = copy.copy(component)
            object.__setattr__(component, name, torch.tensor(values, dtype=torch.float64, device=device))
    return component
