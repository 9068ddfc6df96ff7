"""Images as bytes: the numbers they stand for, those held out, and smaller ones."""

from __future__ import annotations

import torch

from ganbench.datasets._bytes import ByteImages, resized, scaled

CPU = torch.device("cpu")


def generator():
    return torch.Generator().manual_seed(0)


def test_bytes_become_numbers_when_taken():
    train, held = torch.arange(256, dtype=torch.uint8).reshape(64, 1, 2, 2), torch.zeros(9, 1, 2, 2, dtype=torch.uint8)
    data = ByteImages(train, held, CPU)
    drawn = data.sample_indices(generator(), 30).reshape(2, 15)
    assert torch.equal(data.gather(drawn), train[drawn] / 127.5 - 1)
    assert len(data.train) == 64
    assert torch.equal(data.train[:], scaled(train))
    assert torch.equal(data.train[10:20], scaled(train[10:20]))
    assert (scaled(train).min(), scaled(train).max()) == (-1, 1)
    assert data.heldout(generator(), 5).shape == (5, 1, 2, 2)
    assert data.heldout(generator(), 50).shape == (9, 1, 2, 2)
    assert (data.heldout(generator(), 9) == -1).all()
    mode, good = data.assign(data.gather(drawn), None)
    assert mode.shape == good.shape == (2, 15)
    assert len(data.weights) == 0
    assert not good.any()


def test_heldout_is_a_random_order():
    held = torch.arange(200, dtype=torch.uint8).reshape(200, 1, 1, 1)
    real = ByteImages(held, held, CPU).heldout(generator(), 200)
    assert torch.equal(real.flatten().sort().values, scaled(held).flatten())
    assert not torch.equal(real, scaled(held))


def test_resizing_is_antialiased():
    """Lines one pixel wide become grey; without antialiasing they stay, or vanish."""
    lines = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    lines[..., ::2] = 255
    assert (resized(lines, 8)[..., 1:-1].int() - 127).abs().max() <= 8
