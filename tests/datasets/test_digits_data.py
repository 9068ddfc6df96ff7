"""The digits: real scans, split once for all."""

from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits

from ganbench.assets.digits import digit_images
from ganbench.datasets.digits import Digits

CPU = torch.device("cpu")


def rows(images):
    return {tuple(image.flatten().tolist()) for image in images}


def test_the_split_loses_nothing_and_shares_nothing():
    (train, _), (held, _) = digit_images()
    scans = torch.from_numpy(load_digits(return_X_y=True)[0]).float().reshape(-1, 1, 8, 8) / 8 - 1
    assert train.shape == (1352, 1, 8, 8)
    assert held.shape == (445, 1, 8, 8)
    assert rows(train) | rows(held) == rows(scans)
    assert not rows(train) & rows(held)
    assert train.min() == -1
    assert train.max() == 1


def test_the_split_is_stratified():
    (_, labels), (_, held) = digit_images()
    total = (labels.bincount() + held.bincount()).tolist()
    assert held.bincount().tolist() == [n // 4 for n in total]


def test_labels_belong_to_their_images():
    scans, labels = load_digits(return_X_y=True)
    of = {tuple((scan / 8 - 1).tolist()): label for scan, label in zip(scans, labels, strict=True)}
    (train, targets), (held, others) = digit_images()
    for images, given in ((train, targets), (held, others)):
        assert [of[tuple(i.flatten().tolist())] for i in images] == given.tolist()


def test_training_draws_from_training_and_heldout_from_the_rest():
    data = Digits().load(CPU)
    (train, _), (held, _) = digit_images()
    drawn = data.sample_indices(torch.Generator().manual_seed(0), 600).reshape(2, 300)
    assert data.gather(drawn).shape == (2, 300, 1, 8, 8)
    assert rows(data.gather(drawn).flatten(0, 1)) <= rows(train)
    assert rows(data.heldout(torch.Generator().manual_seed(0), 10_000)) == rows(held)
    some = data.heldout(torch.Generator().manual_seed(0), 50)
    assert len(rows(some)) == 50


def test_weights_are_the_classes_shares():
    (_, labels), _ = digit_images()
    weights = Digits().load(CPU).weights
    assert weights.sum().item() == pytest.approx(1, abs=1e-12)
    assert weights.tolist() == pytest.approx([float((labels == k).double().mean()) for k in range(10)])


def test_quality_is_the_classifiers_certainty():
    data = Digits(confidence=0.8).load(CPU)
    sure = torch.full((10,), 0.1 / 9)
    sure[3] = 0.9
    unsure = torch.full((10,), 0.3 / 9)
    unsure[5] = 0.7
    mode, good = data.assign(torch.zeros(2, 1, 8, 8), torch.stack((sure, unsure)))
    assert mode.tolist() == [3, 5]
    assert good.tolist() == [True, False]
    with pytest.raises(ValueError, match="class probabilities"):
        data.assign(torch.zeros(2, 1, 8, 8), None)


def test_the_global_random_state_stays():
    before = torch.get_rng_state()
    data = Digits().load(CPU)
    data.heldout(torch.Generator().manual_seed(0), 10)
    data.sample_indices(torch.Generator().manual_seed(0), 10)
    assert torch.equal(before, torch.get_rng_state())
