"""The defaults are those of the papers; where a paper leaves one open, the oracle says so.

Every parameter of every trick is in its oracle (in the trick's own test file), so that none gets its default by
accident; a loss is held to its own by its test. Values marked with a repository were read in the authors' public code.
"""

from __future__ import annotations

import pytest

from ganbench.core import registry
from ganbench.optimizers import Optimizer
from ganbench.tricks import Trick
from tests.helpers.objectives import ALL_TRICKS

OURS = [cls for cls in registry.components(Trick).values() if cls.__module__.startswith("ganbench.")]


@pytest.mark.parametrize("cls", OURS, ids=lambda cls: cls.name)
def test_every_default_comes_from_a_paper_or_is_said_to_be_open(cls):
    oracle, parameters = ALL_TRICKS[cls.name], cls().parameters
    assert oracle.defaults.keys().isdisjoint(oracle.open)
    assert {**parameters} == {**oracle.defaults, **{name: parameters[name] for name in oracle.open}}


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        ("adam", {"betas": [0.5, 0.999], "eps": 1e-8}),  # Radford 2016, section 4
        ("sgd", {"momentum": 0.0}),
    ],
)
def test_defaults_of_optimisers(name, defaults):
    parameters = registry.build(Optimizer, name).parameters
    assert {key: parameters[key] for key in defaults} == defaults


def test_label_flipping_is_rare():
    assert 0 < registry.build(Trick, "label_flipping").parameters["p"] <= 0.05
