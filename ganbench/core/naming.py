"""What trials and runs are called: identifiers in tables, names on one line, and names that only tell trials apart."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
# What tells the trials of a table apart, in the order of `Trial.labels`.
AXES = ("dataset", "network", "loss", "tricks", "optimizer", "schedule")
NO_TRICKS = "none"
DEFAULT_SCHEDULE = "default"
SEPARATOR = " · "


def trial_id(key: str) -> str:
    """Return how tables name the trial with this key: its first twelve hex digits."""
    return key[:12]


def run_name(trial: str, seed: int, setting: int | None = None) -> str:
    """Return how tables name one run of the trial with this identifier: `<trial>-<seed>`.

    Under `vary` it is `<trial>-s<setting>-<seed>`.
    """
    return f"{trial}-{seed}" if setting is None else f"{trial}-s{setting}-{seed}"


def run_id(keys: Iterable[str]) -> str:
    """Return a run's name from its trials' keys: ten hex digits that do not depend on the order of the trials."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:10]


def trial_name(labels: Mapping[str, str]) -> str:
    """Return one line that names a trial by its labels: `ring · mlp · hinge · r1 · adam`."""
    return SEPARATOR.join(t for axis, t in labels.items() if axis != "schedule" or t != DEFAULT_SCHEDULE)


def short_names(labels: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return for each key what tells its trial from the others of its data set: `hinge · r1`.

    Loss and tricks are always named, the data set where there are several, another axis where its trials differ. Of
    several components of one name, and of settings, what all of them share goes unsaid (`told_apart`).

    Args:
        labels: key → `Trial.labels`.
    """
    values: dict[tuple[str, str], set[str]] = {}  # of each data set and axis
    for texts in labels.values():
        for axis, text in texts.items():
            values.setdefault((texts["dataset"], axis), set()).add(text)
    several = len({texts["dataset"] for texts in labels.values()}) > 1

    def is_named(axis: str, dataset: str) -> bool:
        return several if axis == "dataset" else axis in ("loss", "tricks") or len(values[dataset, axis]) > 1

    def short(axis: str, dataset: str) -> dict[str, str]:
        texts = sorted(values[dataset, axis])
        if axis == "dataset":
            return {text: text for text in texts}
        return settings_apart(texts) if axis == "schedule" else told_apart(texts)

    called = {(dataset, axis): short(axis, dataset) for dataset, axis in values}
    return {
        key: SEPARATOR.join(
            name
            for axis, text in texts.items()
            if is_named(axis, texts["dataset"]) and (name := called[texts["dataset"], axis][text])
        )
        for key, texts in labels.items()
    }


def without_common_parts(names: Iterable[str]) -> dict[str, str]:
    """Return each one-line name without the parts and parameters that all share; those of other lengths stay whole."""
    parts = {name: name.split(SEPARATOR) for name in names}
    if len(parts) < 2 or len(set(map(len, parts.values()))) > 1:
        return {name: name for name in parts}
    columns = enumerate(zip(*parts.values(), strict=True))
    differ = {i: told_apart(dict.fromkeys(column)) for i, column in columns if len(set(column)) > 1}
    return {name: SEPARATOR.join(short[pieces[i]] for i, short in differ.items()) for name, pieces in parts.items()}


def plain(text: str) -> str:
    """Return what is the same however people write a name: `WGAN-GP`, `wgan gp` and `wgan_gp` are `wgangp`.

    Case, spaces, hyphens and a plural's s do not count; British spelling is American; normalization is norm.
    """
    letters = "".join(c for c in text.lower() if c.isalnum())
    return letters.replace("isation", "ization").replace("normalization", "norm").removesuffix("s")


def is_named(text: str, *names: str) -> bool:
    """Return whether a text is one of these names, alone or with a noun: `Hinge loss`, `R1 regularization`."""
    first, _, last = text.strip().rpartition(" ")
    written = {plain(text), plain(first) if plain(last) in _NOUNS else plain(text)}
    return not written.isdisjoint(map(plain, names))


_NOUNS = set(map(plain, ("GAN", "loss", "trick", "regularization", "regularizer", "optimizer", "metric", "dataset")))


def bare_names(texts: Iterable[str]) -> dict[str, str]:
    """Return each component's text → its name, with the parameters that tell it from others of that name."""
    short = told_apart(known := list(dict.fromkeys(texts)))
    times = Counter(text.partition("(")[0] for text in known)
    return {text: name if times[name := text.partition("(")[0]] == 1 else short[text] for text in known}


def told_apart(texts: Iterable[str]) -> dict[str, str]:
    """Return texts of an axis → without the parameters that all components of one name have with the same value.

    A name that only one component has keeps its parameters.

    Example:
        >>> list(told_apart(["adam(lr=0.1, beta1=0.5)", "adam(lr=0.2, beta1=0.5)", "sgd(lr=0.1)"]).values())
        ['adam(lr=0.1)', 'adam(lr=0.2)', 'sgd(lr=0.1)']
    """
    pieces = {text: split(text, "+") for text in texts}
    variants: dict[str, dict[str, list[str]]] = {}
    for text in dict.fromkeys(one for several in pieces.values() for one in several):
        name, bracket, rest = text.partition("(")
        variants.setdefault(name, {})[text] = split(rest.removesuffix(")"), ", ") if bracket else []
    short: dict[str, str] = {}
    for name, same in variants.items():
        common = set.intersection(*map(set, same.values())) if len(same) > 1 else set()
        own = {text: [one for one in parameters if one not in common] for text, parameters in same.items()}
        named = {text: f"{name}({', '.join(left)})" if left else name for text, left in own.items()}
        apart = len(same) > 1 and len(set(named.values())) == len(same)
        short |= named if apart else {text: text for text in same}
    return {text: "+".join(short[one] for one in several) for text, several in pieces.items()}


def settings_apart(texts: Iterable[str]) -> dict[str, str]:
    """Return schedules, settings with commas between them → those settings that not all of them have; may be empty.

    Example:
        >>> settings_apart(["n_critic=5, batch=128", "batch=128"])
        {'n_critic=5, batch=128': 'n_critic=5', 'batch=128': ''}
    """
    settings = {text: text.split(", ") for text in texts}
    common = set.intersection(*map(set, settings.values())) if settings else set()
    return {text: ", ".join(one for one in each if one not in common) for text, each in settings.items()}


def split(text: str, separator: str) -> list[str]:
    """Return the parts of a text between the separators that no bracket holds."""
    parts, depth, begun = [], 0, 0
    for i, letter in enumerate(text):
        depth += _BRACKETS.get(letter, 0)
        if depth <= 0 and i >= begun and text.startswith(separator, i):
            parts.append(text[begun:i])
            begun = i + len(separator)
    return [*parts, text[begun:]]
