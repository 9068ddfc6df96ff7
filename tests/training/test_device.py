"""Nothing in training makes a tensor without saying where, so that what runs here runs on a GPU too.

While the trial trains, tensors that are made without a device land on `meta`, where any meeting with one that has
numbers is an error. What is computed on the CPU on purpose (optimal transport, fixed random numbers) says so.
"""

from __future__ import annotations

import pytest
import torch

from ganbench.core import registry
from ganbench.datasets import Dataset
from ganbench.suite.plan import incompatibility
from ganbench.training.trainer import Trainer
from tests.helpers.trials import choose, small_trial

TINY = {"seeds": (0, 1), "steps": 2, "evaluate_every": 2, "log_every": 1, "samples": 20, "metrics": ()}
IMAGES = {"dataset": ("digits", {}), "network": ("dcgan", {})}


def train_elsewhere(trial, first=0):
    assert incompatibility(trial) is None
    trainer = Trainer(trial)
    for _ in range(first):
        trainer.advance(0.0)
    with torch.device("meta"):
        trainer.advance(float("inf"))
        return trainer.tables()


def every(kind, *left_out):
    return [name for name in registry.components(kind) if name not in left_out]


@pytest.mark.parametrize("name", every("loss"))
def test_losses(name):
    network = {"network": ("autoencoder", {})} if incompatibility(small_trial(loss=(name, {}))) else {}
    train_elsewhere(small_trial(**TINY, loss=(name, {}), **network))


@pytest.mark.parametrize("name", every("trick"))
def test_tricks(name):
    trial = small_trial((name, {}), **TINY)
    train_elsewhere(small_trial((name, {}), **TINY, **IMAGES) if incompatibility(trial) else trial)


@pytest.mark.parametrize("name", every("optimizer"))
def test_optimizers(name):
    """Torch's optimisers keep their step counts on the CPU by themselves, from the first step on."""
    train_elsewhere(small_trial(**TINY, optimizer=(name, {})), first=1)


@pytest.mark.parametrize("name", every("network", "autoencoder", "dirac", "mlp"))
def test_networks(name):
    train_elsewhere(small_trial(**TINY, dataset=("digits", {}), network=(name, {})))


@pytest.mark.parametrize("kind", ["metric", "diagnostic"])
def test_what_reads_and_judges(kind):
    everything = tuple(choose(kind, name) for name in every(kind))
    train_elsewhere(small_trial(**{**TINY, f"{kind}s": everything}))


@pytest.mark.parametrize("name", ["ring", "grid", "gaussian", "gaussian_1d", "shapes", "stacked_digits"])
def test_data_sets(name):
    images = len(registry.build(Dataset, name, {}).shape) > 1
    train_elsewhere(small_trial(**TINY, dataset=(name, {}), **({"network": ("dcgan", {})} if images else {})))


def test_a_tensor_without_a_device_is_found(monkeypatch):
    """The check itself can fail."""
    from ganbench.losses.non_saturating import NonSaturating

    def careless(self, fake_logits, real_logits=None):
        return (fake_logits * torch.ones(fake_logits.shape[-1])).mean(-1)

    monkeypatch.setattr(NonSaturating, "generator", careless)
    with pytest.raises((RuntimeError, NotImplementedError)):
        train_elsewhere(small_trial(**TINY))
