"""Features of colour images: the digits classifier a colour, and averaged pixels."""

from __future__ import annotations

import pytest
import torch

from ganbench.assets.digits import digit_images
from ganbench.extractors.digits import Digits
from ganbench.extractors.pixels import Pixels
from ganbench.extractors.stacked_digits import StackedDigits


def uniform(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_each_colour_is_seen_by_the_digits_classifier():
    images = uniform(2, 7, 3, 8, 8)
    features = StackedDigits().extract(images)
    assert features.shape == (2, 7, 192)
    for colour in range(3):
        alone = Digits().extract(images[:, :, colour : colour + 1])
        assert torch.equal(features[..., 64 * colour : 64 * colour + 64], alone)


def test_a_set_has_the_same_bits_whatever_lies_beside_it():
    images = uniform(4, 33, 3, 8, 8)
    features = StackedDigits().extract(images)
    for together, alone in zip(features, images, strict=True):
        assert torch.equal(together, StackedDigits().extract(alone))


def test_class_probabilities_are_products_in_the_order_of_the_colours():
    _, (scans, _) = digit_images()
    images = scans[:30].reshape(10, 3, 8, 8)
    joint = StackedDigits().probabilities(StackedDigits().extract(images))
    single = Digits().probabilities(Digits().extract(scans[:30])).reshape(10, 3, 10)
    assert joint.shape == (10, 1000)
    for i in (0, 4, 9):
        for a, b, c in ((0, 0, 0), (1, 2, 3), (9, 0, 5)):
            wanted = single[i, 0, a] * single[i, 1, b] * single[i, 2, c]
            assert float(joint[i, 100 * a + 10 * b + c]) == pytest.approx(float(wanted), rel=1e-5, abs=1e-12)


def test_prepare_prepares_the_digits_classifier(monkeypatch):
    asked = []
    monkeypatch.setattr(Digits, "prepare", lambda self: asked.append(self))
    StackedDigits().prepare()
    assert asked == [Digits()]


@pytest.mark.parametrize("size, channels", [(8, 1), (16, 3), (20, 3)])
def test_pixels_are_means_over_places(size, channels):
    images = uniform(2, 5, channels, size, size)
    features = Pixels().extract(images).reshape(2, 5, channels, 8, 8)
    for row in range(8):
        for column in range(8):
            # A place is all pixels that it overlaps: at 20 pixels 2.5 each way, so neighbours share one.
            rows = slice(row * size // 8, -(-(row + 1) * size // 8))
            columns = slice(column * size // 8, -(-(column + 1) * size // 8))
            wanted = images[..., rows, columns].mean((-2, -1))
            torch.testing.assert_close(features[..., row, column], wanted)
    assert Pixels().probabilities(features) is None
