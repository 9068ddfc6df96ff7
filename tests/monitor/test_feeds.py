"""Minibatches that are drawn at random are left in peace, at a rate that is known; those in order are named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ganbench.monitor.feeds import Feeds
from ganbench.monitor.findings import Findings
from ganbench.monitor.windows import EARLY

RUNS = 300  # none accused: fewer than 1 % are, at 95 % confidence


def said(batches, latents=None, image=None) -> list[str]:
    """Return the keys of what is said of real minibatches, and of the images of latents, one a step."""
    findings = Findings()
    feeds = Feeds(findings)
    for step, real in enumerate(batches, 1):
        given = {"real": [real]} | ({"fake": [image(latents(step))]} if latents and image else {})
        feeds.step(step, given)
    return list(findings.sentences)


@pytest.mark.parametrize("batch", [8, 64])
@pytest.mark.parametrize("kind", ["digits", "one number", "heavy tails"])
def test_minibatches_drawn_at_random_are_left_in_peace(kind, batch):
    source = torch.Generator().manual_seed(batch)
    digits = torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0])).float()
    draws = {
        "digits": lambda: digits[torch.randint(len(digits), (batch,), generator=source)],
        "one number": lambda: torch.randn(batch, 1, generator=source),
        "heavy tails": lambda: torch.randn(batch, 5, generator=source).exp() ** 2,
    }[kind]
    assert sum(bool(said(draws() for _ in range(EARLY))) for _ in range(RUNS)) == 0


def test_classes_in_order_are_named():
    scans, classes = (torch.from_numpy(np.asarray(part)) for part in load_digits(return_X_y=True))
    digits = scans.float()[torch.argsort(classes, stable=True)]
    assert said(digits[i * 32 % 1600 :][:32] for i in range(53)) == ["not shuffled"]


@pytest.mark.parametrize("pool", [2, 5])
def test_a_few_latents_again_and_again_are_named(pool):
    torch.manual_seed(0)
    weights, few = torch.randn(8, 100), [torch.randn(16, 8) for _ in range(pool)]
    reals = (torch.randn(16, 100) for _ in range(EARLY))
    assert said(reals, lambda step: few[step % pool], lambda z: torch.tanh(z @ weights)) == ["same latents"]


def test_inputs_that_come_with_the_real_samples_again_are_none_of_the_latents():
    """Image translation on a data set of a few minibatches."""
    torch.manual_seed(0)
    weights, few = torch.randn(100, 100), [torch.randn(16, 100) for _ in range(4)]
    reals = (few[step % 4] for step in range(1, EARLY + 1))
    assert said(reals, lambda step: few[step % 4], lambda x: torch.tanh(x @ weights)) == []


def test_new_latents_of_a_generator_that_has_collapsed_are_no_old_ones():
    torch.manual_seed(0)
    weights, point = 1e-3 * torch.randn(8, 100), torch.randn(100)
    reals = (torch.randn(16, 100) for _ in range(EARLY))
    assert said(reals, lambda step: torch.randn(16, 8), lambda z: point + z @ weights) == []


@pytest.mark.parametrize("begin", range(1, 8))
def test_a_run_that_goes_on_within_a_window_is_looked_at_from_there(begin):
    """At its end too little was seen to say anything."""
    findings, image = Findings(), torch.randn(16, 100)
    feeds = Feeds(findings)
    for step in range(begin, 8):
        feeds.step(step, {"real": [image], "fake": [image]})
    assert bool(findings.sentences) == (begin == 1)
