"""Verdicts and symptoms for `list` and `explain`: what each failure is, by which numbers it is found, what to try."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ganbench.analysis.verdict_rules import RULES, THRESHOLDS, VERDICTS
from ganbench.core.naming import plain

# What people call a failure → the verdicts that it may be.
SYMPTOMS = {
    "mode collapse": ("total collapse", "partial collapse", "mode hopping"),
    "mode dropping": ("partial collapse",),
    "missing modes": ("partial collapse",),
    "no diversity": ("total collapse", "partial collapse", "mode hopping"),
    "all samples look alike": ("total collapse", "mode hopping"),
    "vanishing gradients": ("vanishing gradient",),
    "discriminator too strong": ("discriminator wins", "vanishing gradient", "discriminator overfit"),
    "discriminator loss is zero": ("discriminator wins", "vanishing gradient"),
    "loss goes to zero": ("discriminator wins", "vanishing gradient"),
    "exploding gradients": ("exploding gradient", "diverged"),
    "loss explodes": ("exploding gradient", "diverged"),
    "nan": ("diverged", "exploding gradient"),
    "divergence": ("diverged", "exploding gradient"),
    "overfitting": ("discriminator overfit",),
    "memorisation": ("discriminator overfit",),
    "cycling": ("oscillation", "mode hopping"),
    "oscillating": ("oscillation", "mode hopping"),
    "non-convergence": ("oscillation", "no signal", "under-trained"),
    "unstable training": ("oscillation", "exploding gradient", "diverged"),
    "blurry samples": ("low quality", "under-trained"),
    "noisy samples": ("low quality", "under-trained"),
    "checkerboard": ("low quality",),
    "too few steps": ("under-trained",),
}


class Verdict(NamedTuple):
    """A verdict: its name, one line, and the symptoms that it may be behind."""

    name: str
    summary: str
    symptoms: tuple[str, ...]


def verdicts() -> list[Verdict]:
    """Return every verdict that a run can have."""
    return [
        Verdict(name, text, tuple(symptom for symptom, names in SYMPTOMS.items() if name in names))
        for name, (text, _) in VERDICTS.items()
    ]


def of_symptom(text: str) -> list[Verdict]:
    """Return the verdicts of that name, or else those behind the symptoms whose words the text has: `NaN loss`."""
    if named := [verdict for verdict in verdicts() if plain(verdict.name) == plain(text)]:
        return named
    words = set(map(plain, text.replace("-", " ").replace("_", " ").split()))
    meant = [
        verdicts
        for symptom, verdicts in SYMPTOMS.items()
        if plain(symptom) == plain(text) or set(map(plain, symptom.split())) <= words
    ]
    return [verdict for verdict in verdicts() if any(verdict.name in names for names in meant)]


def names() -> list[str]:
    """Return every verdict and symptom."""
    return [*VERDICTS, *SYMPTOMS]


def lines(verdict: Verdict) -> Iterator[str]:
    """Yield what `explain` prints: the rules with their numbers, and what to try."""
    yield f"{verdict.name} (a verdict)"
    yield f"  {verdict.summary}"
    if verdict.symptoms:
        yield f"symptoms: {', '.join(verdict.symptoms)}"
    rules = [rule for rule in RULES if rule.verdict == verdict.name]
    if rules:
        yield "found where all of a line holds, of numbers without units (docs/verdicts.md):"
    for rule in rules:
        parts = [
            f"{c.statistic} {'<' if c.side == '<' else '≥'} {THRESHOLDS[c.threshold].value:g}" for c in rule.conditions
        ]
        yield f"  {', '.join(parts)}{f': {rule.cause}' if rule.cause else ''}"
    proposals = dict.fromkeys(p.text for rule in rules for p in rule.remedy.proposals)
    if proposals and verdict.name != "healthy":
        yield "what to try; a run is told what fits it:"
        yield from (f"  {text}" for text in proposals)
    yield "what cured planted failures: docs/cure.md; what a trick claims to fix: `ganbench list tricks`"
