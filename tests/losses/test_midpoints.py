"""The midpoint of each loss, by brute force: the middle of the logits v that minimise L_D(v, v)."""

from __future__ import annotations

import pytest
import torch

from ganbench.core import registry
from ganbench.core.protocols import PlayerUpdate
from ganbench.diagnostics import Step
from ganbench.diagnostics.logits import Logits
from ganbench.losses import Loss

# Their losses are of differences, or a constant, at equal logits.
WITHOUT = {"wasserstein", "relativistic_paired", "relativistic_average", "began"}
GRID = torch.linspace(-12.0, 12.0, 48001, dtype=torch.float64)


@pytest.mark.parametrize("name", sorted(set(registry.components(Loss)) - WITHOUT))
def test_it_is_the_middle_of_what_is_best_where_real_and_generated_agree(name):
    loss = registry.build(Loss, name)
    v = GRID[GRID <= 0] if "energy" in loss.traits else GRID  # minus an energy
    at = loss.discriminator(v.unsqueeze(-1), v.unsqueeze(-1))
    best = v[at <= at.min() + 1e-12]
    assert loss.midpoint == pytest.approx(float(best[0] + best[-1]) / 2, abs=1e-3)


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_a_loss_of_differences_has_none(name):
    assert registry.build(Loss, name).midpoint == 0.0


@pytest.mark.parametrize(("name", "shares"), [("least_squares", (0.75, 0.5)), ("hinge", (1.0, 0.25))])
def test_accuracy_is_cut_there(name, shares):
    real, fake = torch.tensor([[0.9, 0.6, 0.4, 1.2]]), torch.tensor([[0.1, 0.7, -0.2, 0.6]])
    nothing = torch.zeros(1, 1)
    update = PlayerUpdate(nothing[0], real, fake, nothing, lambda _: {}, nothing, nothing)
    values = Logits().observe(Step(update, update, registry.build(Loss, name)))
    assert (float(values["d_accuracy_real"]), float(values["d_accuracy_fake"])) == shares
