"""Which trials are meant: the filter of `--only`, and the patterns of `exclude`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from ganbench.core.errors import UsageError, unknown
from ganbench.core.trial import Trial
from ganbench.suite.choices import AXIS_KEYS
from ganbench.suite.yaml import shorten


def matcher(only: str | None) -> Callable[[Trial], bool]:
    """Return the test of a filter: comma-separated terms that must all hold.

    `loss=hinge` holds where the loss's label or name is matched, `*` and `?` being wildcards; the axes are dataset,
    network, loss, tricks and optimizer. For tricks it is the whole cell, its tricks joined by `+`. A term without `=`
    is matched against the trial's name (`ring · mlp · hinge · r1 · adam`). Commas inside parentheses do not separate.
    None is every trial.

    Raises:
        UsageError: the filter is empty, as of a shell's variable without a value, or names no axis.
    """
    if only is not None and not only.strip():
        raise UsageError("--only: the filter is empty; leave it out to train every trial")
    terms = [_term(text) for text in _split(only or "*")]

    def holds(trial: Trial) -> bool:
        return all(
            fits(texts(trial), {axis: pattern}) if axis else matches(trial.name, pattern) for axis, pattern in terms
        )

    return holds


def instead(only: str, trials: Sequence[Trial]) -> str:
    """Return what a filter that fits none of these trials may say instead: "tricks here: none, r1(gamma=0.1)"."""
    terms = [_term(text) for text in _split(only)]
    wrong = [(axis, text) for axis, text in terms if axis and not any(fits(texts(t), {axis: text}) for t in trials)]
    if wrong:
        axis = wrong[0][0]
        return f"{axis} here: {shorten(', '.join(dict.fromkeys(texts(trial)[axis][0] for trial in trials)), 200)}"
    if any(not axis and not any(matches(trial.name, text) for trial in trials) for axis, text in terms):
        return f"a trial's name here: {trials[0].name}"
    return "each term fits trials, and none fits all terms"


def _term(text: str) -> tuple[str, str]:
    axis, equals, pattern = text.partition("=")
    if not equals or "(" in axis:
        return "", text.strip()
    axis = axis.strip()
    if axis not in AXIS_KEYS.values():
        raise UsageError(f"--only: {unknown('axis', shorten(axis), AXIS_KEYS.values())}")
    return axis, pattern.strip()


def _split(only: str) -> list[str]:
    """Split at the commas that are not inside parentheses."""
    parts, depth = [""], 0
    for character in only:
        depth += (character == "(") - (character == ")")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]


def matches(text: str, pattern: str) -> bool:
    """Return whether a pattern is the text or matches it as a glob (labels hold brackets, so equality comes first)."""
    return text == pattern or fnmatchcase(text, pattern)


def fits(texts: Mapping[str, tuple[str, str]], axes: Mapping[str, str]) -> bool:
    """Return whether each axis's label or name matches its pattern."""
    return all(any(matches(text, pattern) for text in texts[axis]) for axis, pattern in axes.items())


def texts(trial: Trial) -> dict[str, tuple[str, str]]:
    """Return label and name of each axis: `{"loss": ("hinge", "hinge"), …}`; those of tricks are joined by `+`."""
    labels = trial.labels
    names = {axis: getattr(trial, axis).name for axis in AXIS_KEYS.values() if axis != "tricks"}
    names["tricks"] = "+".join(trick.name for trick in trial.tricks) or "none"
    return {axis: (labels[axis], name) for axis, name in names.items()}
