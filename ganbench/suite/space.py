"""`search:` in a suite: numbers that are sampled instead of listed, and the trials that are made of them."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval
from pydantic import AfterValidator, PlainValidator, WithJsonSchema

from ganbench.core import registry
from ganbench.core.results_files import Json
from ganbench.core.trial import Choice, Trial
from ganbench.suite.choices import Strict, choose, suite_error, with_tuples
from ganbench.suite.yaml import describe, shorten

WORST = 1e12  # a diverged or undefined run counts as this: worse than any metric, and finite for Optuna
SINGLE = ("dataset", "network", "loss", "optimizer")  # the axes with one component each
SETTINGS = ("batch", "n_critic", "n_generator", "ema")
KINDS = ("uniform", "log_uniform", "int", "choice")
ATTEMPTS = 50  # draws per trial before a space is taken to hold no more

Config = dict[str, Any]


@dataclass(frozen=True)
class Range:
    """What a number may be: `uniform`, `log_uniform` and `int` between two ends, both included, or one of `choice`."""

    kind: str
    values: tuple[Any, ...]

    @property
    def plain(self) -> Json:
        """Return what a suite writes."""
        return {self.kind: list(self.values)}

    def at(self, u: float) -> Any:  # noqa: ANN401 - whatever may be chosen
        """Return the value at a share 0 ≤ u ≤ 1 of the way from the first to the last."""
        low, high = self.values[0], self.values[-1]
        if self.kind == "choice":
            return self.values[min(int(u * len(self.values)), len(self.values) - 1)]
        if self.kind == "int":
            return low + min(int(u * (high - low + 1)), high - low)
        if self.kind == "log_uniform":
            return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        return float(low + u * (high - low))

    def draw(self, rng: random.Random) -> Any:  # noqa: ANN401 - whatever may be chosen
        """Return a value."""
        low, high = self.values[0], self.values[-1]
        if self.kind == "choice":
            return rng.choice(self.values)
        if self.kind == "int":
            return rng.randint(low, high)
        if self.kind == "log_uniform":
            return math.exp(rng.uniform(math.log(low), math.log(high)))
        return rng.uniform(low, high)

    def holds(self, value: object) -> bool:
        """Say whether a value, as JSON has it, is one of them; an end may be missed by a rounding."""
        if self.kind == "choice":
            return json.dumps(value) in map(json.dumps, self.values)
        if isinstance(value, bool) or not isinstance(value, int if self.kind == "int" else (int, float)):
            return False
        low, high = self.values
        return low <= value <= high or any(math.isclose(value, end, rel_tol=1e-9) for end in (low, high))


def read_range(written: object) -> Range:
    """Return what a suite's `{log_uniform: [1e-5, 1e-2]}` says a number may be."""
    if isinstance(written, Range):
        return written
    if not isinstance(written, dict) or len(written) != 1 or next(iter(written)) not in KINDS:
        raise suite_error(f"space: write one of {', '.join(KINDS)}, such as {{log_uniform: [1e-5, 1e-2]}}")
    ((kind, values),) = written.items()
    if kind == "choice":
        if not isinstance(values, tuple) or not values:
            raise suite_error(f"space: choice is a list of values, found {describe(values)}", (kind,))
        return Range(kind, values)
    number = int if kind == "int" else (int, float)
    ends = isinstance(values, tuple) and len(values) == 2
    if not ends or any(isinstance(v, bool) or not isinstance(v, number) for v in values):
        raise suite_error(f"space: {kind} is two {'whole ' if kind == 'int' else ''}numbers such as [1, 10]", (kind,))
    low, high = values
    if not low < high or (kind == "log_uniform" and low <= 0):
        above = "; above zero, as it is logarithmic" if kind == "log_uniform" else ""
        raise suite_error(f"space: {kind} goes from a smaller to a larger number{above}", (kind,))
    return Range(kind, values)


def _path(written: str) -> str:
    if not re.fullmatch(
        rf"({'|'.join(SINGLE)})\.\w+|tricks\.\w+\.\w+|batch|training\.({'|'.join(SETTINGS[1:])})", written
    ):
        raise suite_error(
            f"space: {shorten(written)!r} names no number; write optimizer.lr, network.width, loss.…, dataset.…, "
            "tricks.r1.gamma, batch, or training.n_critic",
            (written,),
            key=True,
        )
    return written


Space = dict[
    Annotated[str, AfterValidator(_path)],
    Annotated[Range, PlainValidator(read_range), WithJsonSchema({"type": "object", "maxProperties": 1})],
]


class Search(Strict):
    """Numbers to tune: `trials` draws from `space`, judged by a `metric` column.

    Attributes:
        metric: a column of one of the suite's metrics. mode: min or max; by default the column's own direction.
        searcher: `random`, or `optuna`, which learns from finished trials. seed: of the searcher.
        scheduler: `asha` ends trials that are behind others at the same step; `none` trains all to their end.
        grace: share of the steps that asha leaves alone. reduction: 1 of so many trials goes on at each rung.
    """

    what: ClassVar[str] = "key of search"
    metric: str
    mode: Literal["min", "max"] | None = None
    trials: Annotated[int, Interval(ge=1, le=10_000)]
    searcher: Literal["random", "optuna"] = "random"
    scheduler: Literal["none", "asha"] = "none"
    seed: Annotated[int, Interval(ge=0, lt=2**31)] = 0
    grace: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    reduction: Annotated[int, Interval(ge=2, le=10)] = 3
    space: Space

    @property
    def adaptive(self) -> bool:
        """Return whether the searcher draws trials from the results of earlier ones, so that no plan can list them."""
        return self.searcher == "optuna"

    @property
    def needs_ray(self) -> bool:
        """Return whether Ray Tune's searcher or scheduler is used."""
        return self.adaptive or self.scheduler != "none"

    @property
    def plain(self) -> Json:
        """Return what a suite writes."""
        fields = {name: value for name, value in self if name != "space" and value is not None}
        return {**fields, "space": {path: span.plain for path, span in self.space.items()}}


def direction(search: Search, metrics: Sequence[Choice]) -> Literal["min", "max"]:
    """Return whether smaller or larger is better.

    Raises:
        ValueError: no such column, or one without a direction.
    """
    return column_direction(search.metric, metrics, search.mode, remedy="; add `mode: min` or max")


def column_direction(
    metric: str, metrics: Sequence[Choice], mode: Literal["min", "max"] | None = None, remedy: str = ""
) -> Literal["min", "max"]:
    """Return whether smaller or larger values of a metric's column are better, or the `mode` that says so.

    `remedy` ends the error of a column without a direction.

    Raises:
        ValueError: no metric has the column, or it has no direction and there is no `mode`.
    """
    columns = {c.name: c for m in metrics for c in getattr(registry.find("metric", m.name), "columns", ())}
    if metric not in columns:
        raise ValueError(f"no metric of the suite has the column {shorten(metric)!r}; there are {', '.join(columns)}")
    way = columns[metric].direction
    if mode is None and not way:
        raise ValueError(f"{metric} is better neither higher nor lower{remedy}")
    return mode or ("max" if way == "higher" else "min")


def apply(trial: Trial, config: Mapping[str, object]) -> Trial:
    """Return the trial with these numbers; numbers of components that it does not have are ignored.

    Raises:
        PydanticCustomError: a value that its parameter cannot have.
    """
    for path, value in config.items():
        head, _, rest = path.partition(".")
        value = float(f"{value:.6g}") if isinstance(value, float) else value
        if head in SINGLE:
            trial = replace(trial, **{head: with_parameter(getattr(trial, head), rest, value)})
        elif head == "tricks":
            name, _, parameter = rest.partition(".")
            tricks = (with_parameter(t, parameter, value) if t.name == name else t for t in trial.tricks)
            trial = replace(trial, tricks=tuple(tricks))
        else:
            trial = replace(trial, **{rest or head: value})
    return trial


def with_parameter(choice: Choice, parameter: str, value: object) -> Choice:
    """Return a component with another value of one parameter, checked; one that has no such parameter as it is."""
    if parameter not in choice.parameters:
        return choice
    return choose(choice.kind, {choice.name: with_tuples({**choice.parameters, parameter: value})})


def identity(search: Search, cells: Sequence[Trial]) -> str:
    """Return ten hex digits that name a search: a hash of its settings, without `trials`, and of its cells' keys."""
    settings = {name: value for name, value in search.plain.items() if name != "trials"}
    text = json.dumps([settings, sorted(cell.key for cell in cells)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Sampler:
    """Makes trials of configurations such as `{"cell": 0, "optimizer.lr": 1e-3}`; under asha they name the search.

    Attributes:
        cells: the suite's trials as they stand, one of which each configuration changes.
    """

    search: Search
    cells: tuple[Trial, ...]

    def trial(self, config: Mapping[str, Any]) -> Trial:
        """Return a configuration's trial."""
        numbers = {path: config[path] for path in self.search.space}
        trial = apply(self.cells[config.get("cell", 0)], numbers)
        return replace(trial, search=self.name) if self.search.scheduler != "none" else trial

    def holds(self, config: Mapping[str, object]) -> bool:
        """Say whether a configuration, as JSON has it, is one that this search may try."""
        names = {*self.search.space, *(["cell"] if len(self.cells) > 1 else [])}
        cell = config.get("cell", 0)
        known = set(config) == names and type(cell) is int and 0 <= cell < len(self.cells)
        return known and all(span.holds(config[path]) for path, span in self.search.space.items())

    @property
    def name(self) -> str:
        """Return the search's identity."""
        return identity(self.search, self.cells)

    def draw(self, rng: random.Random) -> Config:
        """Return a random configuration."""
        cell = {"cell": rng.randrange(len(self.cells))} if len(self.cells) > 1 else {}
        return {**cell, **{path: span.draw(rng) for path, span in self.search.space.items()}}

    def draws(self) -> list[Trial]:
        """Return the trials of a random search, each once; the same for the same seed, fewer if there are no more."""
        rng = random.Random(self.search.seed)
        trials: dict[str, Trial] = {}
        for _ in range(ATTEMPTS * self.search.trials):
            trial = self.trial(self.draw(rng))
            trials.setdefault(repr(trial), trial)
            if len(trials) == self.search.trials:
                break
        return list(trials.values())


def score(values: Sequence[float], mode: str) -> float:
    """Return a trial's score: the mean over its seeds; one without a finite number counts as the worst, ±1e12."""
    worst = WORST if mode == "min" else -WORST
    return sum(v if math.isfinite(v) else worst for v in values) / len(values)
