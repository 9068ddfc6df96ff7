"""Suites from Python with ordinary modules, and short training of a trial."""

from __future__ import annotations

import dataclasses
from typing import Unpack

from torch import nn

import ganbench
from ganbench.api import Keys
from ganbench.core import registry
from ganbench.core.trial import Choice
from ganbench.datasets.ring import Ring
from tests.engine import begin, gan_step
from tests.helpers.trials import small_trial


def generator(width=16):
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))


def discriminator(*extra, width=16):
    hidden = nn.Linear(width, width)
    return nn.Sequential(nn.Linear(2, width), *extra, nn.LeakyReLU(0.2), hidden, nn.LeakyReLU(0.2), nn.Linear(width, 1))


class SinglePiece(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = discriminator()

    def forward(self, x):
        return self.inner(x).squeeze(-1)


def own_suite(name: str = "mine", **keys: Unpack[Keys]) -> ganbench.Suite:
    usual: Keys = {"datasets": [Ring()], "seeds": 2, "steps": 10, "batch": 16}
    return ganbench.Suite(name, **{**usual, "evaluate": {"samples": 50, "metrics": ["modes"]}, **keys})


def trained(trial, seeds, steps=5):
    """Return all weights and buffers after some steps."""
    game, d, g, noise = begin(trial, seeds)
    last = None
    for step in range(1, steps + 1):
        last = gan_step(game, d, g, noise, step, previous=last)
    return {f"{p.name}.{name}": t.detach().clone() for p in (d, g) for name, t in {**p.params, **p.buffers}.items()}


def trial_of(network, *tricks, **changes):
    registry.register(type(network))
    return dataclasses.replace(small_trial(*tricks, **changes), network=Choice.of(network))
