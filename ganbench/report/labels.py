"""What a trial is called where only some of its axes vary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganbench.core.trial import AXES
from ganbench.report.numbers import listing, words

if TYPE_CHECKING:
    import pandas as pd

NO_TRICKS = "none"


@dataclass(frozen=True)
class Label:
    """A trial's name.

    Attributes:
        head: its loss. rest: its tricks and whatever else varies in the suite.
        spoken: how a sentence calls it: "plain hinge", "hinge with r1".
    """

    head: str
    rest: tuple[str, ...]
    spoken: str

    def __str__(self) -> str:
        return " ".join((self.head, *self.rest))


def varying(runs: pd.DataFrame) -> set[str]:
    """Return the axes that have more than one value."""
    return {axis for axis in AXES[1:] if len(set(runs[axis])) > 1}


def label(row: Mapping[str, Any], varies: set[str]) -> Label:
    """Return the label of a trial from its row of `runs`; loss and tricks are always named."""
    loss, tricks = str(row["loss"]), str(row["tricks"])
    others = tuple(f"· {row[axis]}" for axis in ("network", "optimizer", "schedule") if axis in varies)
    named = tuple(t for t in tricks.split("+") if t != NO_TRICKS)
    rest = ("+ " + " + ".join(named),) if named else ("plain",) if "tricks" in varies else ()
    return Label(loss, (*rest, *others), _spoken(loss, named, varies) + "".join(f" ({words(o[2:])})" for o in others))


def _spoken(loss: str, tricks: tuple[str, ...], varies: set[str]) -> str:
    said = listing([words(t) for t in tricks])
    if not tricks:
        return f"plain {words(loss)}" if "tricks" in varies else words(loss)
    return f"{words(loss)} with {said}" if "loss" in varies else said
