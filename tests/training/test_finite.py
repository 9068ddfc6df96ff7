"""Until which step each seed is finite: losses looked at many at a time, beside one step after the other."""

from __future__ import annotations

import random

import pytest
import torch

from ganbench.training.finite import STEPS_AT_ONCE, FiniteSteps

SEEDS = 5
BAD = (float("inf"), -float("inf"), float("nan"))


def losses(steps, chosen):
    """Return both losses of each step, with a few that are not finite; the first seed's all are."""
    found = [(torch.zeros(SEEDS), torch.zeros(SEEDS)) for _ in range(steps)]
    for seed in range(1, SEEDS):
        for _ in range(chosen.randrange(3)):
            found[chosen.randrange(steps)][chosen.randrange(2)][seed] = chosen.choice(BAD)
    return found


def one_by_one(pairs):
    """Return the last finite step of each seed and whether it is alive, seed by seed and step by step."""
    last, alive = [0] * SEEDS, [True] * SEEDS
    for of_d, of_g in pairs:
        for seed in range(SEEDS):
            finite = all(abs(float(loss[seed])) < float("inf") for loss in (of_d, of_g))
            alive[seed] = alive[seed] and finite
            last[seed] += alive[seed]
    return last, alive


@pytest.mark.parametrize("every", [1, 7, STEPS_AT_ONCE, 10 * STEPS_AT_ONCE])
@pytest.mark.parametrize("number", range(5))
def test_it_is_what_looking_at_each_step_finds(every, number):
    pairs = losses(3 * STEPS_AT_ONCE + 5, random.Random(number))
    steps = FiniteSteps(SEEDS, torch.device("cpu"))
    for i, pair in enumerate(pairs, start=1):
        steps.add(*pair)
        if i % every == 0:
            last, alive = one_by_one(pairs[:i])
            assert steps.last.tolist() == last and steps.alive.tolist() == alive
    assert (steps.last.tolist(), steps.alive.tolist()) == one_by_one(pairs)


def test_a_seed_that_is_lost_was_not_finite_at_the_last_step():
    steps = FiniteSteps(3, torch.device("cpu"))
    steps.add(torch.zeros(3), torch.tensor([0.0, 0.0, float("nan")]))
    steps.add(torch.zeros(3), torch.zeros(3))
    steps.lose(torch.tensor([True, False, True]))
    assert steps.last.tolist() == [1, 2, 0]
    assert steps.alive.tolist() == [False, True, False]
    steps.add(torch.zeros(3), torch.zeros(3))
    assert steps.last.tolist() == [1, 3, 0]


def test_it_goes_on_from_where_it_was():
    first, second = FiniteSteps(2, torch.device("cpu")), FiniteSteps(2, torch.device("cpu"))
    first.add(torch.zeros(2), torch.tensor([0.0, float("inf")]))
    second.add(torch.ones(2), torch.ones(2))  # what waits there is forgotten
    second.restore(first.last, first.alive)
    second.add(torch.zeros(2), torch.zeros(2))
    assert second.last.tolist() == [2, 0] and second.alive.tolist() == [True, False]
