"""Which trial of one run is held against which of another, and what the pair is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ganbench.core.errors import IncomparableError
from ganbench.core.naming import AXES

if TYPE_CHECKING:
    import pandas as pd


def pairs(
    baseline: pd.DataFrame, now: pd.DataFrame
) -> tuple[list[tuple[pd.DataFrame, pd.DataFrame | None]], list[str]]:
    """Return each trial of the baseline with its counterpart, and the names of those without."""
    sides = [[part for _, part in runs.groupby("trial", sort=False)] for runs in (baseline, now)]
    for describe in (_trained(baseline, now), _with_steps, _name, _shared(baseline, now)):
        old, new = ({describe(part): part for part in side} for side in sides)
        unambiguous = len(old) == len(sides[0]) and len(new) == len(sides[1])
        if unambiguous and old.keys() & new.keys():
            break
    else:
        raise IncomparableError(
            "no trial is in both runs; compare runs of one suite, or of suites that share data set, network, loss, "
            "tricks and optimizer"
        )
    extra = [_name(runs) for key, runs in new.items() if key not in old]
    return [(runs, new.get(key)) for key, runs in old.items()], extra


def trial_key(runs: pd.DataFrame) -> str:
    """Return the identifier of the trial that these runs are of."""
    return str(runs["trial"].iloc[0])


def _trained(*sides: pd.DataFrame) -> Callable[[pd.DataFrame], str]:
    """Return trial → a name for what it trains: their key, or a method's place among its best settings.

    Which setting of a method is its best is a result: another one on the other side is the same trial of the suite.
    """
    places: dict[str, str] = {}
    for runs in sides:
        if "stage" in runs:
            best = runs.loc[runs["stage"] == "confirm"].drop_duplicates("trial")
            ranks = best.groupby("method").cumcount()
            places |= {str(t): f"{m} {rank}" for t, m, rank in zip(best["trial"], best["method"], ranks, strict=True)}
    return lambda runs: places.get(trial_key(runs), trial_key(runs))


def _with_steps(runs: pd.DataFrame) -> str:
    return f"{_name(runs)} · {runs['steps'].iloc[0]}"


def _name(runs: pd.DataFrame) -> str:
    return " · ".join(str(runs[axis].iloc[0]) for axis in AXES)


def pair_name(base: pd.DataFrame, now: pd.DataFrame) -> str:
    """Return a trial's axes, `none → r1` where it is held against another one."""
    sides = zip((str(base[axis].iloc[0]) for axis in AXES), (str(now[axis].iloc[0]) for axis in AXES), strict=True)
    return " · ".join(old if old == new else f"{old} → {new}" for old, new in sides)


def _shared(baseline: pd.DataFrame, now: pd.DataFrame) -> Callable[[pd.DataFrame], str]:
    """Return how trials are called by the axes that have the same values on both sides.

    So every trial with a trick is held against the same one without it, and one trial alone against any other.
    """
    axes = [axis for axis in AXES if set(baseline[axis]) == set(now[axis])]
    return lambda runs: " · ".join(str(runs[axis].iloc[0]) for axis in axes)
