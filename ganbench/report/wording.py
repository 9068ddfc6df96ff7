"""What a reader is told in words: numbers, columns, and the names of trials, which say only what tells them apart."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.core.naming import bare_names, settings_apart, split

if TYPE_CHECKING:
    import pandas as pd

NONE = "–"
NO_TRICKS = "none"
MOST_LETTERS = 24  # of the axes that a sentence names in full
BESIDE = ("network", "optimizer", "schedule")  # the axes that are named where loss and tricks are not enough


def number(value: float, digits: int = 3) -> str:
    """Return three digits: 7.50, 10.25, 0.0123, 1.2e−5, 12,300; a dash where there is no value."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-3 or size >= 1e6:
        mantissa, exponent = f"{value:.{max(digits - 2, 0)}e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    # Tens keep the decimals of ones, so that a column of counts lines up.
    magnitude = math.floor(math.log10(size))
    decimals = max(0, digits - 1 - (0 if magnitude == 1 else magnitude))
    return f"{value:,.{decimals}f}".replace("-", "−")


def mean(value: float) -> str:
    """Return an average count as a sentence gives it: 4.6, but 8 for a whole number and 798 for a large one."""
    if value >= 100 or abs(value - round(value)) < 1e-9:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 0.1 else f"{value:.1f}"


def count(n: int, one: str) -> str:
    """Return "1 run", "8 runs"."""
    return f"{n:,} {one if n == 1 else one + 's'}"


def listing(words: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def words(name: str) -> str:
    """Return a label in words: `least_squares` is "least squares", `non_saturating` "non-saturating".

    What a suite sets keeps its spelling, for its reader to find: `n_critic=5`, `adam(d_lr=0.1)`.
    """
    head, bracket, parameters = name.partition("(")
    spoken = head if "=" in head else head.replace("non_", "non-").replace("_", " ")
    return spoken + bracket + parameters


def all_of(n: int, many: str) -> str:
    """Return "all 8 modes", "both modes", "the only mode"."""
    return f"the only {many.removesuffix('s')}" if n == 1 else f"both {many}" if n == 2 else f"all {n} {many}"


def title_of(column: Column) -> str:
    """Return the heading of a column: its declared title, else its name in words."""
    text = words(column.name)
    return column.title or text[:1].upper() + text[1:]


def name_of(column: Column) -> str:
    """Return how a sentence or a table calls a column: its title with a small first letter, unless that is FID's."""
    title = title_of(column)
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


@dataclass(frozen=True)
class Label:
    """A trial's name.

    Attributes:
        head: its loss. rest: its tricks and whatever else it takes to tell it apart.
        spoken: how a sentence calls it: "plain hinge", "hinge with r1".
    """

    head: str
    rest: tuple[str, ...]
    spoken: str

    def __str__(self) -> str:
        return " ".join((self.head, *self.rest))


@dataclass(frozen=True)
class Naming:
    """How the trials of a data set are told apart.

    Attributes:
        axes: those that are named, `loss` and `tricks` where they vary, others where trials read alike without them.
        short: a component's full text → its bare name, where no other parameters of it are about.
    """

    axes: Collection[str]
    short: Mapping[str, str] = field(default_factory=dict)

    def text(self, value: object) -> str:
        """Return what a component is called."""
        return self.short.get(str(value), str(value))


def naming(runs: pd.DataFrame) -> Naming:
    """Return the naming of these rows of `runs`, of one data set."""
    trials = [tuple(map(str, row)) for row in runs[["loss", "tricks", *BESIDE]].drop_duplicates().to_numpy()]
    losses, tricks, *others = list(zip(*trials, strict=True)) or [()] * (2 + len(BESIDE))
    axes = {axis for axis, texts in (("loss", losses), ("tricks", tricks)) if len(set(texts)) > 1}
    names: list[tuple[str, ...]] = list(zip(losses, tricks, strict=True))
    for axis, texts in zip(BESIDE, others, strict=True):
        finer = [(*name, text) for name, text in zip(names, texts, strict=True)]
        if len(set(finer)) > len(set(names)):
            axes.add(axis)
            names = finer
    *components, schedules = others
    axes_of_components = losses, [trick for text in tricks for trick in split(text, "+")], *components
    short = {t: bare for texts in axes_of_components for t, bare in bare_names(texts).items() if t != bare}
    return Naming(axes, short | settings_apart(schedules))


def label(row: Mapping[str, object], named: Naming) -> Label:
    """Return the label of a trial from its row of `runs`; loss and tricks are always named."""
    loss = named.text(row["loss"])
    others = tuple(f"· {text}" for axis in BESIDE if axis in named.axes and (text := named.text(row[axis])))
    tricks = tuple(named.text(t) for t in split(str(row["tricks"]), "+") if t != NO_TRICKS)
    rest = ("+ " + " + ".join(tricks),) if tricks else ("plain",) if "tricks" in named.axes else ()
    return Label(loss, (*rest, *others), _spoken(loss, tricks, named) + _where(others))


def _spoken(loss: str, tricks: tuple[str, ...], named: Naming) -> str:
    if not tricks:
        return f"plain {words(loss)}" if "tricks" in named.axes else words(loss)
    names = listing([words(trick) for trick in tricks])
    return f"{words(loss)} with {names}" if "loss" in named.axes else names


def _where(others: tuple[str, ...]) -> str:
    """Return the other axes in brackets, as a sentence names them; long parameters are left to the table."""
    names = [words(other[2:]) for other in others]
    if sum(map(len, names)) > MOST_LETTERS:
        names = [name.partition("(")[0] for name in names]
    return f" ({', '.join(names)})" if names else ""
