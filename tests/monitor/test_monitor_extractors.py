"""Which extractor a monitor judges by: the data set's own choice, known by its weights."""

from __future__ import annotations

import platformdirs
import pytest
import torch

from ganbench.assets.data_folder import FOLDER_VARIABLE
from ganbench.datasets.mnist import MNIST as Digits
from ganbench.extractors import mnist
from ganbench.metrics.fid import FID
from ganbench.metrics.modes import Modes
from tests.engine import evaluator_of_dataset
from tests.helpers.mnist_digits import write_digits

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    write_digits(tmp_path / "data")


def test_the_data_sets_choice_is_followed():
    evaluator = evaluator_of_dataset(Digits(extractor="pixels", size=16), None, None, 40, CPU)
    assert (type(evaluator.extractor).__name__, evaluator.extractor_identity) == ("Pixels", "pixels")
    assert evaluator.real.features.shape == (40, 64)
    assert evaluator.real.probabilities is None


def test_weights_tell_extractors_apart(monkeypatch):
    monkeypatch.setattr(mnist, "LEAST_STEPS", 1)
    monkeypatch.setattr(mnist, "EPOCHS", 0)
    monkeypatch.setattr(mnist.MNIST, "least_accuracy", 0.0)
    evaluator = evaluator_of_dataset(Digits(size=16), None, [Modes(), FID()], 40, CPU)
    assert evaluator.extractor_identity == f"mnist {mnist.MNIST().weights_hash()}"
    assert evaluator.real.probabilities is not None and evaluator.real.probabilities.shape == (40, 10)
