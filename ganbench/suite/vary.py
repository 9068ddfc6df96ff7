"""`vary:` in a suite: settings that every method meets, so that a ranking holds beyond one of them.

Settings are points of a space of numbers; one setting is the same for all methods (`ganbench.suite.methods`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from annotated_types import Interval, Len
from pydantic import AfterValidator, PlainValidator, WithJsonSchema, model_validator

from ganbench.core.results_files import Json
from ganbench.suite.choices import Strict, suite_error
from ganbench.suite.space import (
    SETTINGS,
    SINGLE,
    Config,
    Range,
    read_range,
)
from ganbench.suite.values import MAX_SEEDS
from ganbench.suite.yaml import shorten

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
    elif span.kind != "int" and _value(span, 0.0) == _value(span, 1.0):
        digits = f"differ within {SIGNIFICANT_DIGITS} digits, which is what a setting keeps"
        raise suite_error(f"space: the ends of {span.kind} must {digits}", (span.kind,))
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
        if self.sampler == "grid":
            _require_grid(self)
        elif all(span.kind in ("choice", "int") for span in self.space.values()):
            _require_enough(self)
        if {"optimizer.d_over_g", "optimizer.d_lr"} <= self.space.keys():
            raise suite_error("vary: optimizer.d_over_g sets optimizer.d_lr; keep one of them", ("space",))
        return self

    @property
    def plain(self) -> Json:
        """Return what a suite writes."""
        fields: Json = {name: value for name, value in self if name not in ("space", "confirm") and value is not None}
        fields["space"] = {address: span.plain for address, span in self.space.items()}
        if self.confirm is not None:
            fields["confirm"] = dict(self.confirm)
        return fields


def _require_grid(vary: Vary) -> None:
    """Raise where a grid over the space has another number of settings."""
    fewer, more = (math.prod(grid_sizes(vary, more)) for more in (0, 1))
    if fewer != vary.settings:
        has = f"{fewer} settings, not {vary.settings}; write that"
        if fewer < more:
            has = f"{fewer} or {more} settings, not {vary.settings}; write one of them"
        raise suite_error(f"vary: a grid over this space has {has}", ("settings",))


def _require_enough(vary: Vary) -> None:
    """Raise where a space of choices and whole numbers holds fewer settings."""
    most = math.prod(map(_distinct, vary.space.values()))
    if vary.settings > most:
        holds = f"{most} setting{'' if most == 1 else 's'}, fewer than {vary.settings}"
        text = f"vary: the space holds {holds}; write `sampler: grid` and `settings: {most}`"
        raise suite_error(text, ("settings",))


def _distinct(span: Range) -> int:
    """Return how many values a `choice` or an `int` has."""
    return len(span.values) if span.kind == "choice" else span.values[1] - span.values[0] + 1


def grid_sizes(vary: Vary, more: int = 0) -> list[int]:
    """Return how many values each number of a grid has: all of a choice, and of the ranges equally many.

    That many as `settings` leaves for them, rounded down, and `more`; of an `int` no more than it has.
    """

    def size(span: Range, side: int) -> int:
        if span.kind == "choice":
            return _distinct(span)
        return min(side, _distinct(span)) if span.kind == "int" else side

    def sizes(side: int) -> list[int]:
        return [size(span, side) for span in vary.space.values()]

    side = 2
    while math.prod(sizes(side)) < math.prod(sizes(side + 1)) <= vary.settings:
        side += 1
    return sizes(side + more)


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


def _value(span: Range, u: float) -> object:
    value = span.at(u)
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if isinstance(value, float) else value
