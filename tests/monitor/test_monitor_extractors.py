"""Which extractor a monitor judges by: the data set's own choice, known by its weights."""

from __future__ import annotations

import platformdirs
import pytest
import torch
from mnist_digits import write_digits

from ganbench.assets.data_folder import FOLDER_VARIABLE
from ganbench.datasets.mnist import MNIST as Digits
from ganbench.extractors import mnist
from ganbench.monitor.judge import SampleEvaluator

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    write_digits(tmp_path / "data")


def test_the_data_sets_choice_is_followed():
    judge = SampleEvaluator(Digits(extractor="pixels", size=16), None, None, 40, CPU)
    assert (judge.extractor, judge.identity) == ("pixels", "pixels")
    assert judge.real is not None and judge.real.features.shape == (40, 64)
    assert judge.real.probabilities is None


def test_weights_tell_extractors_apart(monkeypatch):
    monkeypatch.setattr(mnist, "LEAST_STEPS", 1)
    monkeypatch.setattr(mnist, "EPOCHS", 0)
    monkeypatch.setattr(mnist.MNIST, "least_accuracy", 0.0)
    judge = SampleEvaluator(Digits(size=16), None, ["modes", "fid"], 40, CPU)
    assert judge.identity == f"mnist {mnist.MNIST().weights_hash()}"
    assert judge.real is not None and judge.real.probabilities.shape == (40, 10)
