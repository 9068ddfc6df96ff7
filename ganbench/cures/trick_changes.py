"""Remedies that add tricks, take them away, or change how strong they are."""

from __future__ import annotations

from dataclasses import replace

from ganbench.core.trial import Choice, Trial
from ganbench.cures.change import Change, Changed, UnfitError
from ganbench.suite.choices import choose
from ganbench.tricks import Trick

PENALTIES = ("r1", "r2", "gradient_penalty", "zero_centered_gp", "dragan")
WEAKER = 1 / 10  # of what is too strong: a penalty, noise, flipped labels


def adding(name: str, points: dict[str, float] | None = None, images: dict[str, float] | None = None) -> Change:
    """Return the change that adds a trick, with parameters for points and for images."""

    def change(trial: Trial) -> Changed:
        if name in tricks_of(trial):
            raise UnfitError("the trial has it already")
        beside = [one for one in tricks_of(trial) if one in PENALTIES]
        if name in PENALTIES and beside:
            raise UnfitError(f"the trial has another gradient penalty, {beside[0]}")
        trick: Choice[Trick] = choose("trick", {name: strengths(trial, points, images)})
        return Changed(inserted(trial, trick), trick.label)

    return change


def strengths(trial: Trial, points: dict[str, float] | None, images: dict[str, float] | None) -> dict[str, float]:
    """Return the parameters for points or for images, as the trial's data are."""
    return dict((points if len(trial.dataset.build().shape) == 1 else images) or {})


def inserted(trial: Trial, *added: Choice[Trick]) -> Trial:
    """Return a trial with more tricks, before a packing, which means single samples before it."""
    tricks = [*trial.tricks]
    at = next((i for i, one in enumerate(tricks) if one.name == "packing"), len(tricks))
    tricks[at:at] = added
    return replace(trial, tricks=tuple(tricks))


def tricks_of(trial: Trial) -> list[str]:
    """Return the names of a trial's tricks."""
    return [one.name for one in trial.tricks]


def tuned(name: str, parameter: str, factor: float) -> Change:
    """Return the change that multiplies a trick's parameter, of a trial that has the trick."""

    def change(trial: Trial) -> Changed:
        if name not in tricks_of(trial):
            raise UnfitError(f"the trial has no {name}")
        old = next(one for one in trial.tricks if one.name == name)
        new: Choice[Trick] = Choice.of(replace(old.build(), **{parameter: old.parameters[parameter] * factor}))
        tricks = tuple(new if one is old else one for one in trial.tricks)
        title = f"{name}'s {parameter} {old.parameters[parameter]:g} → {new.parameters[parameter]:g}"
        return Changed(replace(trial, tricks=tricks), title)

    return change


def weaker_penalty(trial: Trial) -> Changed:
    """Return the trial's first penalty a tenth as strong."""
    for choice in trial.tricks:
        strength = choice.build().strength
        if "penalty" in choice.build().all_traits and strength:
            return tuned(choice.name, strength, WEAKER)(trial)
    raise UnfitError("the trial has no penalty")


def without(name: str, *then: Change) -> Change:
    """Return the change that takes a trick away and makes further ones."""

    def change(trial: Trial) -> Changed:
        if name not in tricks_of(trial):
            raise UnfitError(f"the trial has no {name}")
        made = Changed(replace(trial, tricks=tuple(one for one in trial.tricks if one.name != name)), "")
        titles = []
        for one in then:
            made = one(made.trial)
            titles.append(made.title)
        return Changed(made.trial, " and ".join(titles) + f" instead of {name}" if titles else f"no {name}")

    return change
