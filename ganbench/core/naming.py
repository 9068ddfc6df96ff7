"""What trials and runs are called: identifiers in tables, names on one line, and names that only tell trials apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

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

    Loss and tricks are always named, the data set where there are several, another axis where its trials differ.

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

    return {
        key: SEPARATOR.join(text for axis, text in texts.items() if is_named(axis, texts["dataset"]))
        for key, texts in labels.items()
    }


def without_common_parts(names: Iterable[str]) -> dict[str, str]:
    """Return each one-line name without the parts that all of them share; names of different lengths stay whole."""
    parts = {name: name.split(SEPARATOR) for name in names}
    if len(parts) < 2 or len(set(map(len, parts.values()))) > 1:
        return {name: name for name in parts}
    differ = [i for i, column in enumerate(zip(*parts.values(), strict=True)) if len(set(column)) > 1]
    return {name: SEPARATOR.join(pieces[i] for i in differ) for name, pieces in parts.items()}


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
    """Return each component's text → its name without parameters, unless the name occurs with other parameters too."""
    variants: dict[str, set[str]] = {}
    for text in texts:
        variants.setdefault(text.partition("(")[0], set()).add(text)
    return {text: name if len(same) == 1 else text for name, same in variants.items() for text in same}
