"""What `vary:` makes of a method, a cell of the matrix: its trials at all settings, and those that confirm the best.

Settings that differ in numbers of the loss, the tricks or the optimiser alone share one trial, side by side on its seed
axis; those that differ in structure (`training.n_critic`, a width) are trials of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import PydanticCustomError

from ganbench.core import registry
from ganbench.core.evenly import in_parts
from ganbench.core.trial import MAX_LANES, Choice, Setting, Trial
from ganbench.suite.space import Config, apply, with_parameter
from ganbench.suite.space_checks import has_number, structure_error, tried, value_error
from ganbench.suite.vary import Vary


def placed(cell: Trial, values: Config) -> Trial:
    """Return a method's trial at one setting; numbers of components that it does not have are ignored.

    `optimizer.d_over_g` sets D's rate to that multiple of G's, `optimizer.beta1` Adam's first β, and `tricks.strength`
    multiplies the parameter that a trick declares as its strength, up to the largest that has a meaning.

    Raises:
        PydanticCustomError: a value that its parameter cannot have.
    """
    trial = apply(cell, {address: value for address, value in values.items() if address not in SHORT})
    for address, change in SHORT.items():
        if address in values:
            trial = change(trial, values[address])
    return trial


def _d_over_g(trial: Trial, ratio: float) -> Trial:
    rate = trial.optimizer.build().rate("G")
    return replace(trial, optimizer=with_parameter(trial.optimizer, "d_lr", float(f"{ratio * rate:.6g}")))


def _beta1(trial: Trial, beta: float) -> Trial:
    betas = trial.optimizer.parameters.get("betas")
    if betas is None:
        return trial
    return replace(trial, optimizer=with_parameter(trial.optimizer, "betas", (float(beta), *betas[1:])))


def _strength(trial: Trial, factor: float) -> Trial:
    return replace(trial, tricks=tuple(_stronger(choice, factor) for choice in trial.tricks))


def _stronger(choice: Choice, factor: float) -> Choice:
    cls = registry.find("trick", choice.name)
    if not cls.strength:
        return choice
    value = min(factor * choice.parameters[cls.strength], cls.strongest)
    return with_parameter(choice, cls.strength, float(f"{value:.6g}"))


SHORT: dict[str, Callable[[Trial, Any], Trial]] = {
    "optimizer.d_over_g": _d_over_g,
    "optimizer.beta1": _beta1,
    "tricks.strength": _strength,
}


@dataclass(frozen=True)
class Method:
    """A cell of the matrix with all its settings.

    Attributes:
        cell: its trial as the suite has it. vary: what it meets. trials: what its settings come to.
    """

    cell: Trial
    vary: Vary
    trials: tuple[Trial, ...]

    @property
    def confirmed(self) -> int:
        """Return how many settings are trained again."""
        settings = sum(len(trial.settings) for trial in self.trials)
        return 0 if self.vary.confirm is None else min(self.vary.confirm.top, settings)

    @property
    def identity(self) -> str:
        """Return what names the confirming trials before they are known; empty where there are none."""
        if self.vary.confirm is None:
            return ""
        keys = "+".join(trial.key for trial in self.trials)
        return f"confirm {self.vary.confirm.top} × {self.vary.confirm.seeds} by {self.vary.metric}: {keys}"

    def confirming(self, place: int, setting: int) -> Trial:
        """Return a trial's setting, by their places, as a trial of the seeds after the largest of the suite's."""
        assert self.vary.confirm is not None
        trial = self.trials[place]
        first = max(trial.seeds) + 1
        seeds = tuple(range(first, first + self.vary.confirm.seeds))
        return replace(trial, settings=(trial.settings[setting],), seeds=seeds, stage="confirm")


def method_trials(cell: Trial, vary: Vary, settings: Sequence[tuple[int, Config]]) -> list[Trial]:
    """Return the trials of a method at these settings, which share a trial where they only differ in its lanes."""
    groups: dict[str, tuple[Trial, list[Setting]]] = {}
    for number, values in settings:
        one = placed(cell, values)
        shared = _shared(one, cell)
        group = groups.setdefault(repr(shared), (shared, []))
        group[1].append(Setting(number, values, one.loss, one.tricks, one.optimizer))
    return [
        replace(shared, settings=tuple(part), space=vary.plain["space"], method=cell.name)
        for shared, members in groups.values()
        for part in in_parts(members, max(1, MAX_LANES // len(cell.seeds)))
    ]


def _shared(one: Trial, cell: Trial) -> Trial:
    """Return a setting's trial without the numbers that differ between the lanes of a trial."""
    fixed = any(choice.build().reads_optimizer for choice in one.tricks)
    return replace(
        one,
        loss=_shared_choice(one.loss, cell.loss),
        tricks=tuple(_shared_choice(a, b) for a, b in zip(one.tricks, cell.tricks, strict=True)),
        optimizer=one.optimizer if fixed else cell.optimizer,
    )


def _shared_choice(choice: Choice, cell: Choice) -> Choice:
    lanes = registry.find(choice.kind, choice.name).lanes
    return replace(choice, parameters={**choice.parameters, **{name: cell.parameters[name] for name in lanes}})


def _has(cell: Trial, address: str) -> bool:
    if address == "optimizer.beta1":
        return "betas" in cell.optimizer.parameters
    if address == "tricks.strength":
        return any(registry.find("trick", choice.name).strength for choice in cell.tricks)
    return address == "optimizer.d_over_g" or has_number(cell, address)


def address_error(vary: Vary, cells: Sequence[Trial], address: str) -> str | None:
    """Return what is wrong with one number of the space, or None; `tried` of it are put into every cell."""
    span = vary.space[address]
    if address in SHORT and not any(isinstance(v, (int, float)) and v >= 0 for v in span.values):
        return f"{address} is a number of 0 or more"
    for value in tried(span):
        try:
            for cell in cells:
                placed(cell, {address: value})
        except PydanticCustomError as error:
            return value_error(address, span, value, error)
        if problem := structure_error(address, span, value):
            return problem
    known = address.partition(".")[0] in ("batch", "training") or any(_has(cell, address) for cell in cells)
    return None if known else f"no method of the suite has {address}; name the component on its axis, or leave it out"
