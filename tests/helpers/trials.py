"""Small trials that tests are made of."""

from __future__ import annotations

import dataclasses
from typing import Any

from ganbench.core import registry
from ganbench.core.trial import Choice, Trial

SMALL: dict[str, Any] = {
    "dataset": ("ring", {}),
    "network": ("mlp", {"latent": 4, "width": 16}),
    "loss": ("non_saturating", {}),
    "optimizer": ("adam", {}),
}
DIAGNOSTICS = ("gradients", "losses", "logits", "updates")


def choose(kind: str, name: str, **parameters: Any) -> Choice:
    """Return a choice with all of its parameters."""
    return Choice.of(registry.build(kind, name, parameters))


def small_trial(*tricks: tuple[str, dict[str, Any]], **changes: Any) -> Trial:
    """Return a trial of seconds; `loss=("hinge", {})` or `steps=5` change it."""
    axes: dict[str, Any] = {kind: choose(kind, *[spec[0]], **spec[1]) for kind, spec in SMALL.items()}
    for kind in SMALL:
        if kind in changes:
            name, parameters = changes.pop(kind)
            axes[kind] = choose(kind, name, **parameters)
    trial = Trial(
        **axes,
        tricks=tuple(choose("trick", name, **parameters) for name, parameters in tricks),
        seeds=(0, 1, 2),
        steps=20,
        batch=16,
        log_every=5,
        evaluate_every=10,
        samples=200,
        metrics=(choose("metric", "modes"), choose("metric", "fid")),
        diagnostics=tuple(choose("diagnostic", name) for name in DIAGNOSTICS),
    )
    return dataclasses.replace(trial, **changes)
