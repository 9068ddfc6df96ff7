"""Real samples in the generator's place are healthy, whatever the number of modes, and fewer modes are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from ganbench.analysis.verdicts import verdict_of
from ganbench.core.registry import build
from ganbench.datasets import Data, Dataset
from tests.engine import Unlabelled, evaluator_of_dataset

CPU = torch.device("cpu")
N, DRAWS, EVALUATIONS = 1000, 20, 8
KINDS = {"ring": {}, "grid": {"side": 30, "sigma": 0.05}, "stacked_digits": {}, "digits": {}}


def verdict(evaluator, points, facts):
    """Return the verdict of a run whose generator makes these points at every evaluation, after one far away."""
    measured = {name: float(value) for name, value in evaluator.measure(points).items()}
    rows = pd.DataFrame([measured] * EVALUATIONS)
    rows["position_1"] += np.linspace(0, 0.06, EVALUATIONS)[::-1]  # it has moved
    return verdict_of(rows.assign(step=range(EVALUATIONS)), facts).verdict


@pytest.mark.parametrize("name", KINDS)
def test_real_samples_are_healthy(name):
    """At most one in a thousand would not be by its modes: more than one of 20 in 0.02 % of repeats."""
    dataset = build(Dataset, name, KINDS[name])
    evaluator = evaluator_of_dataset(dataset, None, None, N, CPU)
    facts = {f"{key}_floor": value for key, value in evaluator.floors.items()} | evaluator.known_of_data(N)
    assert facts["known_modes"] == dataset.modes
    data, got = drawn_from(evaluator), []
    for seed in range(DRAWS):
        generator = torch.Generator().manual_seed(seed)
        got.append(verdict(evaluator, data.gather(data.sample_indices(generator, N)), facts))
    assert got.count("healthy") >= DRAWS - 1, got


def drawn_from(evaluator) -> Data:
    assert not isinstance(evaluator.data, Unlabelled)
    return evaluator.data


def test_a_generator_without_a_fifth_of_many_modes_is_not_healthy():
    dataset = build(Dataset, "grid", KINDS["grid"])
    evaluator = evaluator_of_dataset(dataset, None, None, N, CPU)
    facts = {f"{key}_floor": value for key, value in evaluator.floors.items()} | evaluator.known_of_data(N)
    points = drawn_from(evaluator).sample_indices(torch.Generator().manual_seed(0), 2 * N)
    mode, _ = evaluator.data.assign(points, None)
    assert verdict(evaluator, points[mode % 5 != 0][:N], facts) == "partial collapse"
