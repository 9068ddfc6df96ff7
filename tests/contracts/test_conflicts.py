"""Combinations without meaning: every declared one is found before anything runs, with its reason, in any order."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import typing

import pytest

from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.suite.plan import incompatibility
from tests.engine import begin
from tests.helpers.trials import small_trial

KINDS = ("dataset", "network", "loss", "trick", "optimizer")
OURS = {
    (kind, name): cls
    for kind in KINDS
    for name, cls in registry.components(kind).items()
    if cls.__module__.startswith("ganbench.")
}
IMAGES = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 4})}
ENERGY = {"network": ("autoencoder", {"width": 8})}


def variants(cls):
    """Return a component as it is and with every value of each option of a few, since traits may depend on them."""
    yield cls()
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        values = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
        for value in (True, False) if hint is bool else values:
            with contextlib.suppress(ValueError):  # a value that needs another option beside it
                yield cls(**{field.name: value})
        if field.name == "d_dropout":
            yield cls(d_dropout=0.5)


OWNERS: dict[str, list] = {}
for _cls in OURS.values():
    for _variant in variants(_cls):
        for _trait in _variant.all_traits:
            OWNERS.setdefault(_trait, []).append(_variant)
CONFLICTS = [(cls, trait) for cls in OURS.values() for trait in cls.conflicts]
NEEDS = [(cls, trait) for cls in OURS.values() for trait in cls.requires]
# Traits that only others' components can have: ordinary modules (`ganbench.networks.modules`) find out theirs.
FOUND_OUT = {"no second gradient"}


def trial_of(*components):
    """Return a trial with these components, and for the rest whatever goes with them."""
    images = any("images" in c.requires or "images" in c.all_traits for c in components)
    energy = any(
        "energy" in {*c.requires, *c.all_traits} or "autoencoder" in {*c.requires, *c.all_traits} for c in components
    )
    axes = dict(IMAGES) if images else dict(ENERGY) if energy else {}
    if energy:
        axes["loss"] = ("ebgan", {})
        axes["network"] = ENERGY["network"]
    axes |= {c.kind: (c.name, c.parameters) for c in components if c.kind != "trick"}
    tricks = [(c.name, c.parameters) for c in components if c.kind == "trick"]
    return small_trial(*tricks, **axes)


def test_every_trait_that_is_named_exists():
    named = {trait for _, trait in (*CONFLICTS, *NEEDS)}
    assert named <= OWNERS.keys() | FOUND_OUT


@pytest.mark.parametrize(("cls", "trait"), CONFLICTS, ids=[f"{c.name}-{t}" for c, t in CONFLICTS])
def test_a_conflict_is_found_whoever_has_the_trait(cls, trait):
    reason, met = cls.conflicts[trait], 0
    for other in OWNERS.get(trait, ()):
        one = cls()
        if (other.kind == one.kind != "trick") or other.name == one.name:
            continue  # a trial has one of each kind, and no trick twice
        for pair in {(one, other), (other, one)} if other.kind == "trick" == one.kind else [(one, other)]:
            found = incompatibility(trial_of(*pair))
            assert found is not None, f"{one.label} with {other.label}"
            said = {r for c in pair for r in (*c.conflicts.values(), *c.requires.values())}
            met += reason in found
            assert any(r in found for r in said) or "has no" in found, found
    assert met or trait in FOUND_OUT, "no combination gives this reason"


@pytest.mark.parametrize(("cls", "trait"), NEEDS, ids=[f"{c.name}-{t}" for c, t in NEEDS])
def test_a_need_that_nobody_meets_is_found(cls, trait):
    axes = {cls.kind: (cls.name, {})} if cls.kind != "trick" else {}
    tricks = [(cls.name, {})] if cls.kind == "trick" else []
    assert cls.requires[trait] in (incompatibility(small_trial(*tricks, **axes)) or "")


# A trial of each kind that a component's own `skip` refuses, with a word of its reason.
SKIPS = {
    "packing": [
        ((("packing", {"m": 3}),), {}, "not divisible"),
        ((("packing", {}), ("ada", {})), IMAGES, "list it after"),
    ],
    "mode_seeking": [((("mode_seeking", {}),), {"batch": 15}, "two halves")],
    "minibatch_stddev": [
        ((("minibatch_stddev", {}),), {"batch": 18}, "groups of 4"),
        ((("packing", {}), ("minibatch_stddev", {})), {"batch": 12}, "a batch of 6"),
    ],
    "label_flipping": [((("label_flipping", {}), ("one_sided_label_smoothing", {})), {}, "list it after")],
    "unrolled": [((("unrolled", {}),), {"optimizer": ("rmsprop", {})}, "cannot be unrolled")],
    **{
        name: [(((name, {}),), {"dataset": ("dirac", {}), "network": ("dirac", {})}, "has no")]
        for name in ("layer_norm", "batch_norm", "virtual_batch_norm", "weight_norm", "dropout", "residual")
    },
    **{
        name: [(((name, {}),), {"dataset": ("digits", {}), "network": ("mlp", {})}, "has no")]
        for name in ("instance_norm", "self_attention")
    },
}


@pytest.mark.parametrize("name", sorted(n for k, n in OURS if k == "trick" and OURS[k, n].skip is not Component.skip))
def test_every_skip_of_a_trick_has_a_case(name):
    for tricks, changes, word in SKIPS[name]:
        assert word in (incompatibility(small_trial(*tricks, **changes)) or "")


TRICKS = sorted(n for k, n in OURS if k == "trick")
SMALL_IMAGES = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 2, "latent": 4})}
SMALL_POINTS = {"network": ("mlp", {"latent": 4, "width": 8})}
CHEAP = {"unrolled": {"steps": 1}, "head_start": {"steps": 1}, "minibatch_discrimination": {"kernels": 4}}


def together(*names):
    """Return a small trial with these tricks in the first order that is not refused, or None."""
    images = any("images" in OURS["trick", name].requires for name in names)
    for order in (names, names[::-1]):
        tricks = [(name, CHEAP.get(name, {})) for name in order]
        trial = small_trial(*tricks, batch=12, **(SMALL_IMAGES if images else SMALL_POINTS))
        if incompatibility(trial) is None:
            return trial
    return None


@pytest.mark.parametrize("first", TRICKS)
def test_what_is_not_refused_trains(first):
    """A trick with each that comes after it: a reason whichever is listed first, or two steps to finite weights."""
    partners = TRICKS[TRICKS.index(first) + 1 :]
    for trial in filter(None, (together(first, name) for name in partners)):
        begun = begin(trial, (0,))
        begun.train(2)
        names = [choice.name for choice in trial.tricks]
        assert begun.d.flat.isfinite().all() and begun.g.flat.isfinite().all(), names


def test_most_pairs_are_not_refused():
    pairs = list(itertools.combinations(TRICKS, 2))
    assert sum(together(*pair) is not None for pair in pairs) > 0.7 * len(pairs)
