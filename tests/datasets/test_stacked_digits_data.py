"""Stacked digits: independent scans in three colours, a thousand modes, and no scan on both sides."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import chi2

from ganbench.assets.digits import digit_images
from ganbench.datasets.stacked_digits import StackedDigits
from ganbench.extractors.stacked_digits import StackedDigits as Extractor

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data():
    return StackedDigits().load(CPU)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def channels(images):
    return {tuple(scan.flatten().tolist()) for scan in images.flatten(0, 1)}


def test_drawn_are_row_indices_and_taken_are_their_scans(data):
    drawn = data.sample_indices(generator(), 24).reshape(2, 12, 3)
    images = data.gather(drawn)
    (scans, _), _ = digit_images()
    assert images.shape == (2, 12, 3, 8, 8)
    for seed in range(2):
        for i in range(12):
            for colour in range(3):
                assert torch.equal(images[seed, i, colour], scans[drawn[seed, i, colour], 0])


def test_training_and_heldout_share_no_scan(data):
    (train, _), (held, _) = digit_images()
    assert channels(data.gather(data.sample_indices(generator(), 5000))) <= channels(train)
    real = data.heldout(generator(), 5000)
    assert real.shape == (5000, 3, 8, 8)
    assert channels(real) <= channels(held)
    assert not channels(train) & channels(held)


def test_weights_are_products_of_the_classes_shares(data):
    (_, labels), _ = digit_images()
    share = [float((labels == k).double().mean()) for k in range(10)]
    wanted = [share[a] * share[b] * share[c] for a in range(10) for b in range(10) for c in range(10)]
    assert data.weights.tolist() == pytest.approx(wanted, rel=1e-12)
    assert StackedDigits().modes == len(data.weights) == 1000


def test_the_drawn_triples_have_those_weights(data):
    """Pearson's chi-squared over the 1,000 triples; false alarms 1e-6."""
    (_, labels), _ = digit_images()
    triple = labels[data.sample_indices(generator(1), 200_000)] @ torch.tensor([100, 10, 1])
    expected = data.weights * 200_000
    statistic = ((triple.bincount(minlength=1000) - expected).square() / expected).sum()
    assert chi2.sf(float(statistic), 999) > 1e-6


def test_the_mode_names_the_digits_in_order(data):
    """Held-out scans with their labels: as often right as three independent colours, 0.97³ at the least."""
    _, (held, labels) = digit_images()
    rows = torch.randint(len(held), (2000, 3), generator=generator(2))
    images = held[rows, 0]
    extractor = Extractor()
    mode, good = data.assign(images, extractor.probabilities(extractor.extract(images)))
    wanted = labels[rows] @ torch.tensor([100, 10, 1])
    assert (mode == wanted).double().mean() > 0.97**3
    assert 0.86 < good.double().mean() < 0.91


def test_noise_and_blends_are_of_low_quality(data):
    """Fixed numbers, because the classifier's training is: the shares are well below any real set's."""
    extractor = Extractor()
    noise = torch.rand(1000, 3, 8, 8, generator=generator(3)) * 2 - 1
    one_blank = data.heldout(generator(4), 1000)
    one_blank[:, 1] = -1
    for images, most in ((noise, 0.001), (one_blank, 0.001)):
        _, good = data.assign(images, extractor.probabilities(extractor.extract(images)))
        assert good.double().mean() <= most


def test_classes_are_needed(data):
    with pytest.raises(ValueError, match="class probabilities"):
        data.assign(torch.zeros(2, 3, 8, 8), None)
