"""Which plans are refused before a worker dies of them, on a machine of 16 GB."""

from __future__ import annotations

import pytest

from ganbench.core.errors import UsageError
from ganbench.suite import estimate
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import suite_of
from ganbench.suite.yaml import Document


@pytest.fixture(autouse=True)
def sixteen_gigabytes(monkeypatch):
    monkeypatch.setattr(estimate, "memory_bytes", lambda: 16e9)


def plan(dataset, network, seeds):
    keys = {"name": "s", "datasets": [dataset], "networks": [network], "losses": ["hinge"], "steps": 100}
    return make_plan(suite_of(Document("s", {**keys, "seeds": seeds})))


def test_convolutions_are_not_refused_for_weights_that_they_do_not_have():
    """A DCGAN of 64 channels at 64 pixels has 6 million weights and takes 200 million products a sample."""
    estimate.require_feasible(plan({"shapes": {"size": 64}}, {"dcgan": {"channels": 64}}, seeds=16))


def test_wide_layers_are_refused():
    with pytest.raises(
        UsageError, match="its weights take about 205 GB and this machine has 16 GB; lower the network's"
    ):
        estimate.require_feasible(plan("ring", {"mlp": {"width": 20000}}, seeds=16))


def test_seeds_that_train_one_pack_after_another_need_the_memory_of_one():
    """A seed of width 1,000 takes 32 MB, so all 640 would take 20 GB."""
    estimate.require_feasible(plan("ring", {"mlp": {"width": 1000}}, seeds=640))
