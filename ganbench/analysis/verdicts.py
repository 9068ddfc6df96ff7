"""What went wrong with each run, and the evidence for it; from the tables alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from ganbench.analysis.statistics import wilson
from ganbench.analysis.verdict_remedies import REMAINDER, Remedy, used_by
from ganbench.analysis.verdict_rules import (
    FAILED,
    LOW_QUALITY,
    RULES,
    THRESHOLDS,
    UNCLEAR,
    WORDS,
    Condition,
    Rule,
)
from ganbench.analysis.verdict_statistics import (
    FEWEST,
    GOOD_QUALITY,
    Facts,
    History,
    Statistic,
    by_run,
    in_order,
    statistics,
)
from ganbench.core.status import Status
from ganbench.tables.results import Results

TEXTS = ("run", "trial", "verdict", "cause", "column", "comparison", "evidence", "secondary", "remedy")
NUMBERS = ("value", "threshold", "level")
COLUMNS = (
    *("run", "trial", "seed", "verdict", "cause", "column", "from_step", "value", "comparison", "threshold", "level"),
    *("evidence", "secondary", "remedy", "components", "details"),
)
_NEEDED = {  # statistic → what it tells
    "good": "how good and how varied samples are",
    "spread": "how far they spread",
    "oscillation": "how they move",
}


class Evidence(NamedTuple):
    """One condition that holds: what was read, from where, since when, against which limit.

    Attributes:
        statistic: the number that was compared. column: of the history (or runs) table that it is read from.
        from_step: since when; None of what is of the run as a whole. value: of the statistic.
        comparison: `<` or `>=`. threshold: the limit of the statistic. name: the threshold's, in `THRESHOLDS`.
        level: the same limit in the column's own units, for a line on its curve; None where it has no place there.
    """

    statistic: str
    column: str
    from_step: int | None
    value: float
    comparison: str
    threshold: float
    name: str
    level: float | None

    @property
    def text(self) -> str:
        """Return the evidence as a sentence: what was read, from which column, against which limit, since when.

        Example: "the samples' mean swings by 0.745 (position_2, limit 0.12), since step 2,050".
        """
        words = WORDS.get(self.statistic, f"{self.statistic} is {{value}}").format(value=f"{self.value:.3g}")
        limit = "" if self.name == "yes" else f", limit {self.threshold:g}"  # a flag needs none
        since = "" if self.from_step is None else f", since step {self.from_step:,}"
        return f"{words} ({self.column}{limit}){since}"


@dataclass(frozen=True)
class Verdict:
    """What a history says.

    Attributes:
        verdict: its name. cause: what is behind it, where a rule can tell; else empty.
        evidence: every condition of the rule, the deciding one first; empty where no rule fits.
        text: the evidence as a sentence. secondary: the other verdicts that hold, in order.
        remedy: what to try next. components: the names in it that the catalogue has.
    """

    verdict: str
    text: str
    remedy: str
    cause: str = ""
    evidence: tuple[Evidence, ...] = ()
    secondary: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


def verdict_of(history: pd.DataFrame, facts: Facts | None = None) -> Verdict:
    """Return the verdict of one run; it may still be under way.

    Args:
        history: one row per logged step with `step` and whatever columns of the history table there are; missing
            columns, NaN and infinities take verdicts away and are never errors.
        facts: what the runs table knows, all of it optional: `status` (OK), `diverged_at`; of the data `known_modes`,
            `fewest_modes` and the floors `hq_fraction_floor`, `precision_floor`, `recall_floor`,
            `total_spread_floor`; and, so that a remedy is nothing that the trial has, `loss tricks optimizer schedule`.
    """
    return _judged(in_order(history), {} if facts is None else facts)


def _judged(history: History, facts: Facts) -> Verdict:
    status = Status(str(facts.get("status", Status.OK)))
    if status in (Status.FAILED, Status.TIMEOUT):
        return Verdict(FAILED, f"status {status}", status.remedy)
    known = statistics({**facts, "status": status}, history)
    matching = [rule for rule in RULES if _matches(rule, known)]
    if not matching:
        return _remainder(known, used_by(facts))
    first, trial = matching[0], used_by(facts)
    evidence = tuple(_evidence(condition, known[condition.statistic]) for condition in first.conditions)
    text = evidence[0].text
    if first.verdict == "diverged":
        at = facts.get("diverged_at")
        at = None if at is None or pd.isna(at) else int(at)
        evidence = tuple(one._replace(from_step=at) for one in evidence)
        text = "not finite, or a million times the data's" + ("" if at is None else f", at step {at}")
    others = dict.fromkeys(rule.verdict for rule in matching[1:] if rule.verdict != first.verdict)
    return _with(first.remedy, trial, Verdict(first.verdict, text, "", first.cause, evidence, tuple(others)))


def verdicts(results: Results) -> pd.DataFrame:
    """Return one row per run, in the order of the runs: its verdict and why.

    Columns: run, trial, seed; verdict, cause (where a rule can tell); column, from_step, value, comparison, threshold,
    level: the deciding `Evidence`; evidence, the same as a sentence; secondary, the other verdicts that hold, in
    order; remedy, and components, the names in it; details, every `Evidence` of the rule. A run that no rule fits has
    "low quality", or "unclear" where columns are missing; a run without results has "failed".

    Needs the metrics `modes` (or, where modes are not known, `precision_recall`) and `position`, evaluated eight times
    or more and better sixty; each of the diagnostics `gradients`, `loss_slope`, `critic_slope`, `excess` and
    `overfitting` adds the verdicts that read it.
    """
    histories = by_run(results.history)
    rows = [_row(run, _judged(histories.get(str(run["run"]), {}), run)) for run in results.runs.to_dict("records")]
    types = {name: "string" for name in TEXTS} | {"seed": "Int64", "from_step": "Int64"}
    types |= {name: "float64" for name in NUMBERS}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)


def verdict_shares(judged: pd.DataFrame) -> pd.DataFrame:
    """Return how often each trial has each verdict: trial, verdict, runs, share, low, high (Wilson, 95 %).

    Failed runs do not count.
    """
    rows = []
    for trial, runs in judged[judged["verdict"] != FAILED].groupby("trial", sort=False):
        for verdict, count in Counter(runs["verdict"]).most_common():
            interval = wilson(count, len(runs))
            rows.append((trial, verdict, count, count / len(runs), interval.low, interval.high))
    return pd.DataFrame(rows, columns=["trial", "verdict", "runs", "share", "low", "high"])


def _row(run: Facts, verdict: Verdict) -> dict[str, object]:
    row: dict[str, object] = {name: run[name] for name in ("run", "trial", "seed")}
    if verdict.evidence:
        first = verdict.evidence[0]._asdict()
        row |= {name: first[name] for name in ("column", "from_step", "comparison", *NUMBERS)}
    return row | {
        "verdict": verdict.verdict,
        "cause": verdict.cause,
        "evidence": verdict.text,
        "secondary": ", ".join(verdict.secondary),
        "remedy": verdict.remedy,
        "components": verdict.components,
        "details": verdict.evidence,
    }


def _with(remedy: Remedy, trial: frozenset[str], verdict: Verdict) -> Verdict:
    """Return a verdict with the proposals that are nothing the trial has."""
    chosen = remedy.chosen(trial)
    components = tuple(name for proposal in chosen for name in proposal.components)
    return replace(verdict, remedy="; or ".join(proposal.text for proposal in chosen), components=components)


def _matches(rule: Rule, known: dict[str, Statistic]) -> bool:
    return all(c.statistic in known and c.holds(known[c.statistic].value) for c in rule.conditions)


def _remainder(known: dict[str, Statistic], trial: frozenset[str]) -> Verdict:
    missing = [words for name, words in _NEEDED.items() if name not in known]
    if missing:
        text = f"it is not known {', '.join(missing)}: evaluations are fewer than {FEWEST}, or columns are missing"
        remedy = (
            f"evaluate {FEWEST} times or more, better 60, by the metrics position and modes (precision_recall where "
            "modes are not known)"
        )
        return Verdict(UNCLEAR, text, remedy)
    quality = known["quality"]
    limit = f", and a healthy run has {GOOD_QUALITY:g} or more" if quality.value < GOOD_QUALITY else ""
    text = f"{quality.column} is {quality.value:.3g} of that of real samples{limit}; no failure that has a name fits"
    return _with(REMAINDER, trial, Verdict(LOW_QUALITY, text, ""))


def _evidence(condition: Condition, statistic: Statistic) -> Evidence:
    """Return a condition that holds, as evidence."""
    limit = THRESHOLDS[condition.threshold].value
    level = statistic.in_column(limit)
    return Evidence(
        statistic=condition.statistic,
        column=statistic.column,
        from_step=_since(condition, statistic),
        value=statistic.value,
        comparison="<" if condition.side == "<" else ">=",
        threshold=limit,
        name=condition.threshold,
        level=None if np.isnan(level) else level,
    )


def _since(condition: Condition, statistic: Statistic) -> int | None:
    """Return the first step at which the series held and from which it held at nine steps of ten.

    Without a series it is the first step of what was summarised; None of what is of the run as a whole, and of modes
    that were never held.
    """
    if not len(statistic.series):
        return int(statistic.steps[0]) if len(statistic.steps) else None
    held = np.array([condition.holds(float(value)) for value in statistic.series])
    share = held[::-1].cumsum()[::-1] / np.arange(len(held), 0, -1)
    lasting = np.flatnonzero(held & (share >= 0.9))
    if condition.statistic == "modes_lost" and len(lasting) and lasting[0] == 0:
        return None  # they were never there: nothing was lost at a step
    at = lasting[0] if len(lasting) else np.flatnonzero(held)[0] if held.any() else len(held) // 2
    return int(statistic.steps[at])
