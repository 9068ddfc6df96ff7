"""What went wrong with each run, and the evidence for it; from the tables alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ganbench.analysis.intervals import wilson
from ganbench.analysis.verdict_features import FEWEST, Feature, features
from ganbench.analysis.verdict_rules import FAILED, LOW_QUALITY, RULES, THRESHOLDS, UNCLEAR, Condition, Rule
from ganbench.core.status import Status
from ganbench.tables.results import Results

TEXTS = ("run", "trial", "verdict", "cause", "column", "evidence", "secondary", "remedy")
_NEEDED = ("good", "spread", "oscillation")


def verdicts(results: Results) -> pd.DataFrame:
    """Return a row a run, in the order of the runs: its verdict and why.

    Columns: run, trial, seed; verdict, cause (where a rule can tell); column, from_step, value, threshold: which
    series, since when, which value against which limit; evidence, the same as a sentence; secondary, the other
    verdicts that hold, in order; remedy. A run that no rule fits has "low quality", or "unclear" where columns are
    missing; a run without results has "failed".

    Needs the metrics `modes` and `position`, evaluated eight times or more and better sixty; each of the diagnostics
    `gradients`, `loss_slope`, `critic_slope`, `excess` and `overfitting` adds the verdicts that read it.
    """
    by_run = {str(name): frame for name, frame in results.history.groupby("run")}
    empty = results.history.iloc[:0]
    rows = [
        _row(run, by_run[str(run["run"])] if str(run["run"]) in by_run else empty)
        for run in results.runs.to_dict("records")
    ]
    types = {name: "string" for name in TEXTS} | {"seed": "Int64", "from_step": "Int64"}
    types |= {"value": "float64", "threshold": "float64"}
    order = ["run", "trial", "seed", "verdict", "cause", "column", "from_step", "value", "threshold"]
    order += ["evidence", "secondary", "remedy"]
    return pd.DataFrame(rows, columns=order).astype(types)


def verdict_shares(found: pd.DataFrame) -> pd.DataFrame:
    """Return how often each trial has each verdict: trial, verdict, runs, share, low, high (Wilson, 95 %).

    Failed runs do not count.
    """
    rows = []
    for trial, own in found[found["verdict"] != FAILED].groupby("trial", sort=False):
        for verdict, count in Counter(own["verdict"]).most_common():
            interval = wilson(count, len(own))
            rows.append((trial, verdict, count, count / len(own), interval.low, interval.high))
    return pd.DataFrame(rows, columns=["trial", "verdict", "runs", "share", "low", "high"])


def _row(run: Mapping[Hashable, Any], history: pd.DataFrame) -> dict[str, object]:
    row: dict[str, object] = {name: run[name] for name in ("run", "trial", "seed")}
    status = Status(str(run["status"]))
    if status in (Status.FAILED, Status.TIMEOUT):
        return row | {"verdict": FAILED, "evidence": f"status {status}", "remedy": status.remedy}
    found = features(run, history)
    matching = [rule for rule in RULES if _matches(rule, found)]
    if not matching:
        return row | _remainder(found)
    first = matching[0]
    others = dict.fromkeys(rule.verdict for rule in matching[1:] if rule.verdict != first.verdict)
    shown = _evidence(first.conditions[0], found[first.conditions[0].feature])
    if first.verdict == "diverged":
        shown |= {
            "from_step": run["diverged_at"],
            "evidence": f"not finite, or beyond ±1e6, at step {run['diverged_at']}",
        }
    return (
        row
        | {"verdict": first.verdict, "cause": first.cause, **shown}
        | {
            "secondary": ", ".join(others),
            "remedy": first.remedy,
        }
    )


def _matches(rule: Rule, found: dict[str, Feature]) -> bool:
    return all(c.feature in found and c.holds(found[c.feature].value) for c in rule.conditions)


def _remainder(found: dict[str, Feature]) -> dict[str, object]:
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        text = f"no {', '.join(missing)}: too few evaluations or missing columns"
        remedy = f"evaluate by the metrics modes and position, {FEWEST} times or more and better 60"
        return {"verdict": UNCLEAR, "evidence": text, "remedy": remedy}
    quality = found["quality"]
    limit = THRESHOLDS["good quality"].value
    text = f"no failure that has a name; hq_fraction is {quality.value:.3g}"
    shown = {"column": quality.column, "value": quality.value, "threshold": limit, "evidence": text}
    return {"verdict": LOW_QUALITY, **shown, "remedy": "train longer, widen the networks, or try other losses"}


def _evidence(condition: Condition, feature: Feature) -> dict[str, object]:
    """Return the columns of the evidence; the feature holds since its series stayed on that side."""
    limit, since = THRESHOLDS[condition.threshold].value, _since(condition, feature)
    text = f"{condition.feature} of {feature.column} is {feature.value:.3g}, {_SIDES[condition.side]} {limit:g}"
    if since is not None:
        text += f", since step {since}"
    return {
        "column": feature.column,
        "from_step": since,
        "value": feature.value,
        "threshold": limit,
        "evidence": text,
    }


_SIDES = {"<": "below", ">": "at least"}


def _since(condition: Condition, feature: Feature) -> int | None:
    """Return the first step at which the series held and from which it held at nine steps of ten.

    Without a series it is the first step of what was summarised; None of what is of the run as a whole.
    """
    if not len(feature.series):
        return int(feature.steps[0]) if len(feature.steps) else None
    held = np.array([condition.holds(float(value)) for value in feature.series])
    share = held[::-1].cumsum()[::-1] / np.arange(len(held), 0, -1)
    lasting = np.flatnonzero(held & (share >= 0.9))
    at = lasting[0] if len(lasting) else np.flatnonzero(held)[0] if held.any() else len(held) // 2
    return int(feature.steps[at])
