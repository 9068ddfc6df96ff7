"""What a trial is called beside the others of its data set: only what tells them apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ganbench.report.numbers import listing, words

if TYPE_CHECKING:
    import pandas as pd

NO_TRICKS = "none"
MOST_SAID = 24  # letters
BESIDE = ("network", "optimizer", "schedule")  # the axes that are named where loss and tricks are not enough


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
    values = list(zip(*trials, strict=True)) or [()] * (2 + len(BESIDE))
    axes = {axis for axis, found in zip(("loss", "tricks"), values, strict=False) if len(set(found)) > 1}
    told = list(zip(*values[:2], strict=True))
    for axis, found in zip(BESIDE, values[2:], strict=True):
        finer = [(*before, value) for before, value in zip(told, found, strict=True)]
        if len(set(finer)) > len(set(told)):
            axes.add(axis)
            told = finer
    short = _short([values[0], [t for cell in values[1] for t in cell.split("+")], *values[2:4]])
    return Naming(axes, short | _without_common(values[4]))


def _without_common(schedules: Collection[str]) -> dict[str, str]:
    """Return each schedule → its settings that not all of them have."""
    settings = {text: text.split(", ") for text in schedules}
    common = set.intersection(*map(set, settings.values())) if settings else set()
    return {text: ", ".join(s for s in own if s not in common) for text, own in settings.items()}


def short_names(texts: Collection[str]) -> dict[str, str]:
    """Return each component's text → its bare name where no other parameters of it are about, else the text."""
    short = _short([list(texts)])
    return {text: short.get(text, text) for text in texts}


def _short(axes: list[Any]) -> dict[str, str]:
    """Return full text → bare name of each component that has one set of parameters on its axis."""
    short = {}
    for found in axes:
        variants: dict[str, set[str]] = defaultdict(set)
        for text in found:
            variants[text.partition("(")[0]].add(text)
        short |= {text: name for name, texts in variants.items() if len(texts) == 1 for text in texts if text != name}
    return short


def label(row: Mapping[str, Any], named: Naming) -> Label:
    """Return the label of a trial from its row of `runs`; loss and tricks are always named."""
    loss = named.text(row["loss"])
    others = tuple(f"· {text}" for axis in BESIDE if axis in named.axes and (text := named.text(row[axis])))
    tricks = tuple(named.text(t) for t in str(row["tricks"]).split("+") if t != NO_TRICKS)
    rest = ("+ " + " + ".join(tricks),) if tricks else ("plain",) if "tricks" in named.axes else ()
    return Label(loss, (*rest, *others), _spoken(loss, tricks, named) + _where(others))


def _spoken(loss: str, tricks: tuple[str, ...], named: Naming) -> str:
    said = listing([words(t) for t in tricks])
    if not tricks:
        return f"plain {words(loss)}" if "tricks" in named.axes else words(loss)
    return f"{words(loss)} with {said}" if "loss" in named.axes else said


def _where(others: tuple[str, ...]) -> str:
    """Return what a sentence says of the other axes; long parameters are left to the table."""
    said = [words(other[2:]) for other in others]
    if sum(map(len, said)) > MOST_SAID:
        said = [text.partition("(")[0] for text in said]
    return f" ({', '.join(said)})" if said else ""
