"""`vary:` in a suite: settings that every method meets, so that a ranking holds beyond one of them.

A method is a cell of the matrix. Settings are points of a space of numbers; one setting is the same for all methods.
Settings that differ in numbers of the loss, the tricks or the optimiser alone share one trial, side by side on its seed
axis; those that differ in structure (`training.n_critic`, a width) are trials of their own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval, Len
from pydantic import AfterValidator, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from ganbench.core import registry
from ganbench.core.trial import Choice, Setting, Trial
from ganbench.suite.choices import MAX_SEEDS, Json, Strict, suite_error
from ganbench.suite.space import (
    SETTINGS,
    SINGLE,
    Config,
    Range,
    apply,
    has_number,
    read_range,
    structure_error,
    with_parameter,
)
from ganbench.suite.yaml import shorten

MAX_LANES = 64  # of one trial: more fit no cache, and would keep other cores from helping
MAX_SETTINGS = 1024
SIGNIFICANT_DIGITS = 6
SEEDS = 4  # of each setting, where the suite does not say


def _address(written: str) -> str:
    pattern = rf"({'|'.join(SINGLE)})\.\w+|tricks\.strength|tricks\.\w+\.\w+|batch|training\.({'|'.join(SETTINGS[1:])})"
    if not re.fullmatch(pattern, written):
        raise suite_error(
            f"space: {shorten(written)!r} names no number; write optimizer.lr, optimizer.d_over_g, optimizer.beta1, "
            "tricks.strength, tricks.r1.gamma, loss.…, network.width, batch, or training.n_critic",
            (written,),
            key=True,
        )
    return written


def _varied_range(written: object) -> Range:
    span = read_range(written)
    if span.kind == "choice":
        numbers = [isinstance(v, (int, float)) and not isinstance(v, bool) for v in span.values]
        texts = [isinstance(v, str) for v in span.values]
        if not (all(numbers) or all(texts)):
            raise suite_error("space: a choice under vary has numbers alone, or texts alone", ("choice",))
        if len(set(span.values)) < len(span.values):
            raise suite_error("space: a value is listed twice; keep one", ("choice",))
    return span


class Confirm(Strict):
    """Each method's best settings, trained again on seeds that chose nothing.

    Attributes:
        top: how many settings of a method. seeds: how many fresh seeds.
    """

    what: ClassVar[str] = "key of confirm"
    top: Annotated[int, Interval(ge=1, le=MAX_SETTINGS)] = 1
    seeds: Annotated[int, Interval(ge=2, le=MAX_SEEDS)] = 16


class Vary(Strict):
    """Settings that every method meets.

    Attributes:
        settings: how many. sampler: `sobol` fills the space evenly, and its first half is half as many; `random`
            draws each by itself; `grid` takes every combination of equally many values of each range, ends included.
        seed: of the sampler.
        space: address → what the number may be.
        metric: the column that chooses the best setting; by default those that decide a ranking.
    """

    what: ClassVar[str] = "key of vary"
    settings: Annotated[int, Interval(ge=1, le=MAX_SETTINGS)] = 16
    sampler: Literal["sobol", "random", "grid"] = "sobol"
    seed: Annotated[int, Interval(ge=0, lt=2**31)] = 0
    space: Annotated[
        dict[
            Annotated[str, AfterValidator(_address)],
            Annotated[Range, PlainValidator(_varied_range), WithJsonSchema({"type": "object", "maxProperties": 1})],
        ],
        Len(1, 20),
    ]
    metric: str | None = None
    confirm: Confirm | None = None

    @model_validator(mode="after")
    def _fits_the_sampler(self) -> Vary:
        sizes = grid_sizes(self) if self.sampler == "grid" else []
        if self.sampler == "grid" and math.prod(sizes) != self.settings:
            lower = math.prod(sizes)
            upper = math.prod(grid_sizes(self, 1))
            raise suite_error(
                f"vary: a grid over this space has {lower} or {upper} settings, not {self.settings}; write one of them",
                ("settings",),
            )
        if self.sampler != "grid" and all(span.kind == "choice" for span in self.space.values()):
            most = math.prod(len(span.values) for span in self.space.values())
            if self.settings > most:
                raise suite_error(
                    f"vary: the space holds {most} settings, fewer than {self.settings}; write `sampler: grid` and "
                    f"`settings: {most}`",
                    ("settings",),
                )
        return self

    @property
    def plain(self) -> Json:
        """Return what a suite writes."""
        fields: Json = {name: value for name, value in self if name not in ("space", "confirm") and value is not None}
        fields["space"] = {address: span.plain for address, span in self.space.items()}
        if self.confirm is not None:
            fields["confirm"] = dict(self.confirm)
        return fields


def grid_sizes(vary: Vary, more: int = 0) -> list[int]:
    """Return how many values each number of a grid has: all of a choice, and of the ranges equally many.

    That many as `settings` leaves for them, rounded down, and `more`.
    """
    spans = list(vary.space.values())
    chosen = math.prod(len(span.values) for span in spans if span.kind == "choice")
    ranges = sum(span.kind != "choice" for span in spans)
    side = 1
    while ranges and chosen * (side + 1) ** ranges <= vary.settings:
        side += 1
    return [len(span.values) if span.kind == "choice" else max(2, side) + more for span in spans]


def settings_of(vary: Vary) -> list[Config]:
    """Return each setting's numbers, by address.

    `sobol` is scipy's scrambled Sobol' sequence and `random` uniform points; the values are where a point of the unit
    cube lies in each range, floats to six significant digits.

    Example:
        >>> vary = Vary.model_validate({"settings": 4, "sampler": "grid",
        ...     "space": {"optimizer.lr": {"log_uniform": (1e-4, 1e-2)}, "training.n_critic": {"choice": (1, 5)}}})
        >>> settings_of(vary)[1]
        {'optimizer.lr': 0.0001, 'training.n_critic': 5}
    """
    spans = list(vary.space.values())
    return [
        {address: _value(span, float(u)) for (address, span), u in zip(vary.space.items(), point, strict=True)}
        for point in _points(vary, spans)
    ]


def _points(vary: Vary, spans: Sequence[Range]) -> Sequence[Sequence[float]]:
    import numpy as np

    if vary.sampler == "grid":
        axes = [
            (np.arange(n) + 0.5) / n if span.kind == "choice" else np.linspace(0.0, 1.0, n)
            for span, n in zip(spans, grid_sizes(vary), strict=True)
        ]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1).tolist()
    if vary.sampler == "random":
        return np.random.default_rng(vary.seed).random((vary.settings, len(spans))).tolist()
    from scipy.stats import qmc

    # A whole power of two of which the first are taken: scipy warns of any other number.
    rng = np.random.default_rng(vary.seed)
    sequence = qmc.Sobol(len(spans), scramble=True, seed=rng)  # pyright: ignore[reportCallIssue] - older scipy's name
    return sequence.random_base2(max(0, (vary.settings - 1).bit_length()))[: vary.settings].tolist()


def _value(span: Range, u: float) -> Any:  # noqa: ANN401 - whatever may be chosen
    value = span.at(u)
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if isinstance(value, float) else value


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

    def confirming(self, trial: Trial, setting: Setting) -> Trial:
        """Return the trial of one setting on fresh seeds: those that follow the largest of the suite's."""
        assert self.vary.confirm is not None
        first = max(trial.seeds) + 1
        seeds = tuple(range(first, first + self.vary.confirm.seeds))
        return replace(trial, settings=(setting,), seeds=seeds, stage="confirm")


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
        for part in _parts(members, max(1, MAX_LANES // len(cell.seeds)))
    ]


def _parts(members: list[Setting], size: int) -> Iterator[list[Setting]]:
    """Yield the settings in as few trials as hold them, of about equal size."""
    number = math.ceil(len(members) / size)
    for i in range(number):
        yield members[i * len(members) // number : (i + 1) * len(members) // number]


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
    """Return what is wrong with one number of the space, or None. Its ends are tried on every cell."""
    span = vary.space[address]
    if address in SHORT and not any(isinstance(v, (int, float)) and v >= 0 for v in span.values):
        return f"{address} is a number of 0 or more"
    for value in span.values if span.kind == "choice" else (span.values[0], span.values[-1]):
        try:
            for cell in cells:
                placed(cell, {address: value})
        except PydanticCustomError as error:
            return f"{address}: {(error.context or {}).get('text', error)}"
        if problem := structure_error(address, value):
            return problem
    known = address.partition(".")[0] in ("batch", "training") or any(_has(cell, address) for cell in cells)
    return None if known else f"no method of the suite has {address}; name the component on its axis, or leave it out"
