"""An example suite for any component, which `ganbench plan` accepts."""

from __future__ import annotations

import dataclasses
import itertools
import typing
from collections.abc import Iterator

from ganbench.cli.describe import as_yaml
from ganbench.core import registry
from ganbench.core.component import Component

AXES = {"dataset": "datasets", "network": "networks", "loss": "losses", "trick": "tricks", "optimizer": "optimizers"}
USUAL = {"dataset": "ring", "network": "mlp", "loss": "non_saturating", "optimizer": "adam"}
SHOWN = 3


def snippet(cls: type[Component]) -> str:
    """Return a suite with this component in it and as few others as it needs; its parameters are its defaults.

    Features are an option of data sets, or what these always use: theirs has such a data set. Empty where no suite has
    a meaning, or the usual components are not installed.
    """
    usual = {kind: name for kind, name in USUAL.items() if name in registry.components(kind)}
    if len(usual) < len(USUAL):
        return ""
    if cls.kind == "extractor":
        return _with_feature(cls.name)
    for axes in _companions(cls.kind, usual):
        if _has_meaning(cls, axes):
            return _text(cls, {kind: name for kind, name in axes.items() if name != usual[kind] or kind == "dataset"})
    return ""


def _with_feature(name: str) -> str:
    """Return a suite with a data set that uses this extractor, as it stands or when told to; empty if there is none."""
    sets = registry.components("dataset").values()
    for cls in sets:
        if getattr(cls, "default_extractor", "") == name:
            return snippet(cls)
    for cls in sets:
        if name in typing.get_args(typing.get_type_hints(cls).get("extractor")):
            return f"datasets: [{cls.name}: {{extractor: {name}}}]"
    return ""


def _companions(kind: str, usual: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield components for the other axes: the usual ones, then with one of them changed, then with two."""
    others = [k for k in ("dataset", "network", "loss") if k != kind]
    base = {k: name for k, name in usual.items() if k != kind}
    for changed in range(3):
        for kinds in itertools.combinations(others, changed):
            for names in itertools.product(*(registry.components(k) for k in kinds)):
                yield {**base, **dict(zip(kinds, names, strict=True))}


def _has_meaning(cls: type[Component], axes: dict[str, str]) -> bool:
    from ganbench.core.trial import Choice, Trial
    from ganbench.suite.plan import incompatibility

    chosen = {kind: Choice.of(registry.find(kind, name)()) for kind, name in axes.items()}
    choice = Choice.of(cls())
    if cls.kind in USUAL:
        chosen[cls.kind] = choice
    several = {f"{cls.kind}s": (choice,)} if cls.kind not in USUAL else {}
    trial = Trial(**{"tricks": (), **chosen, **several}, seeds=(0,), steps=1)  # type: ignore[arg-type]
    return incompatibility(trial) is None


def _text(cls: type[Component], others: dict[str, str]) -> str:
    given = [f"{f.name}: {as_yaml(f.default)}" for f in dataclasses.fields(cls) if f.default is not None][:SHOWN]
    # The parameters of a component's base class come first; those that it adds are more telling.
    added = [f"{n}: {as_yaml(getattr(cls, n))}" for n in vars(cls).get("__annotations__", {}) if _has_default(cls, n)][
        :SHOWN
    ]
    written = added or given
    choice = f"{cls.name}: {{{', '.join(written)}}}" if written else cls.name
    lines = {AXES[kind]: f"[{name}]" for kind, name in others.items()}
    if cls.kind == "metric":
        lines["evaluate"] = f"{{metrics: [{choice}]}}"
    else:
        cells = f"[none, {choice}]" if cls.kind == "trick" else f"[{choice}]"
        lines[AXES.get(cls.kind, "diagnostics")] = cells
    order = [*AXES.values(), "evaluate", "diagnostics"]
    return "\n".join(f"{key}: {lines[key]}" for key in order if key in lines)


def _has_default(cls: type[Component], name: str) -> bool:
    return any(f.name == name and f.default is not None for f in dataclasses.fields(cls))
