"""The star of a failing trial: the trial itself in the middle, and around it one trial for each remedy that fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from ganbench.analysis.verdict_remedies import REMAINDER, Remedy, used_by
from ganbench.analysis.verdict_rules import LOW_QUALITY, RULES
from ganbench.core import registry
from ganbench.core.trial import Trial
from ganbench.cures.change import Changed, UnfitError
from ganbench.cures.changes import CHANGES, GENERAL, changed_by
from ganbench.suite.estimate import trial_seconds
from ganbench.suite.plan import incompatibility


class Arm(NamedTuple):
    """A remedy that is trained.

    Attributes:
        name: of the change. title: what it is, in this trial. trial: the base with it.
    """

    name: str
    title: str
    trial: Trial

    def cost(self, base: Trial) -> float:
        """Return what it takes, in times of the base, as `ganbench plan` estimates it."""
        return trial_seconds(self.trial) / trial_seconds(base)


class LeftOut(NamedTuple):
    """A remedy that is not trained, and why."""

    title: str
    reason: str


@dataclass(frozen=True)
class Star:
    """A failing trial with the remedies that fit.

    Attributes:
        base: the trial. verdicts: (verdict, cause) → how many of its runs have it, the most frequent first.
        arms: what its verdicts propose, then what helps in general.
    """

    base: Trial
    verdicts: dict[tuple[str, str], int]
    arms: tuple[Arm, ...]
    left_out: tuple[LeftOut, ...]


def star(base: Trial, verdicts: dict[tuple[str, str], int]) -> Star:
    """Return the star of a trial with these verdicts.

    A remedy is left out, with its reason, where the trial has it, where it conflicts with another component, or where
    it is nothing that a suite can say. Two that come to the same trial are one.
    """
    arms: list[Arm] = []
    left_out: dict[str, LeftOut] = {}
    seen = {repr(base)}
    for name, reason in _proposed(base, verdicts):
        if name not in CHANGES or reason:
            left_out.setdefault(name, LeftOut(_title(name), reason))
            continue
        try:
            changed = _as_planned(changed_by(name, base))
        except UnfitError as unfit:
            left_out.setdefault(name, LeftOut(_title(name), str(unfit)))
            continue
        if why := incompatibility(changed.trial):
            left_out.setdefault(name, LeftOut(changed.title, why.removeprefix(f"{changed.title} ")))
        elif repr(changed.trial) not in seen:
            seen.add(repr(changed.trial))
            arms.append(Arm(name, changed.title, changed.trial))
    kept = {arm.name for arm in arms}
    return Star(base, verdicts, tuple(arms), tuple(one for name, one in left_out.items() if name not in kept))


def _title(name: str) -> str:
    """Return what to call a remedy that has no place in the trial: components by their names, others in words."""
    named = any(name in registry.components(kind) for kind in ("trick", "loss"))
    return name if named else name.replace("_", " ")


def _as_planned(changed: Changed) -> Changed:
    """Return a change as a suite's plan has it: an update rule moves both players from the same weights."""
    if any("rule" in choice.build().hooks for choice in changed.trial.tricks):
        return changed._replace(trial=replace(changed.trial, update="simultaneous"))
    return changed


def _proposed(base: Trial, verdicts: dict[tuple[str, str], int]) -> Iterator[tuple[str, str]]:
    """Yield changes with the reason against them, if any: what the verdicts propose in turn, then the general ones."""
    has = used_by({**base.labels})
    for verdict, cause in verdicts:
        for proposal in remedy_of(verdict, cause).proposals:
            if proposal.has and not has & {*proposal.has}:
                continue  # it lessens what the trial does not have
            blocked = sorted(has & {*proposal.components, *proposal.lacks})
            reason = f"the trial has {blocked[0]}" if blocked else ""
            if not proposal.changes:
                yield proposal.text, "it is nothing that a suite can change"
            for name in proposal.changes:
                yield name, reason
    for name in GENERAL:
        yield name, ""


def remedy_of(verdict: str, cause: str) -> Remedy:
    """Return what is proposed for a verdict of this cause."""
    if verdict == LOW_QUALITY:
        return REMAINDER
    return next(rule.remedy for rule in RULES if (rule.verdict, rule.cause) == (verdict, cause))
