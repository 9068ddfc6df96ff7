"""Procedural figures: every image is of the mode it was drawn from, and nothing else is of high quality."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import chi2

from ganbench.datasets import _shapes
from ganbench.datasets.shapes import ShapeImages

CPU = torch.device("cpu")
SMALL = ShapeImages(shapes=6, colours=7)
SETTINGS = (SMALL, ShapeImages(size=32, shapes=2, colours=2, places=4), ShapeImages(size=64, places=1))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def brightness(image):
    return (image + 1) / 2


@pytest.fixture(params=SETTINGS, ids=lambda dataset: dataset.label)
def dataset(request):
    return request.param


def test_a_sample_is_decoded_to_the_mode_it_was_drawn_from(dataset):
    data = dataset.load(CPU)
    drawn = data.sample_indices(generator(), 300)
    mode, good = data.assign(data.gather(drawn), None)
    assert torch.equal(mode, drawn[:, 0])
    assert good.all()
    assert data.assign(data.heldout(generator(1), 300), None)[1].all()


def test_an_image_is_its_drawing_in_its_colour_at_its_place(dataset):
    data = dataset.load(CPU)
    cell = dataset.size // dataset.places
    drawn = data.sample_indices(generator(2), 40).reshape(2, 20, 2)
    figures = _shapes.drawings(dataset.shapes, cell).float() / 255
    images = data.gather(drawn)
    assert images.shape == (2, 20, 3, dataset.size, dataset.size)
    for image, (mode, variant) in zip(images.flatten(0, 1), drawn.flatten(0, 1).tolist(), strict=True):
        rest, place = divmod(mode, dataset.places**2)
        shape, colour = divmod(rest, dataset.colours)
        row, column = divmod(place, dataset.places)
        wanted = torch.zeros(3, dataset.size, dataset.size)
        for channel in range(3):
            part = wanted[channel, row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
            part += figures[shape, variant] * _shapes.COLOURS[colour][channel]
        torch.testing.assert_close(brightness(image), wanted)


def test_assign_is_the_nearest_of_all_images():
    """Against the plain search through every image, on samples that are none of them."""
    dataset = ShapeImages(shapes=3, colours=3, tolerance=0.6)
    data = dataset.load(CPU)
    every = torch.cartesian_prod(torch.arange(dataset.modes), torch.arange(_shapes.VARIANTS))
    bank = brightness(data.gather(every)).flatten(1).double()
    spread = torch.linspace(0, 0.4, 60)[:, None, None, None]
    samples = data.heldout(generator(3), 60) + spread * torch.randn(60, 3, 16, 16, generator=generator(4))
    samples[40:] = torch.rand(20, 3, 16, 16, generator=generator(5)) * 2 - 1
    distance, at = torch.cdist(brightness(samples).flatten(1).double(), bank).min(dim=1)
    near = distance / bank[at].norm(dim=1) <= dataset.tolerance
    mode, good = data.assign(samples.reshape(2, 30, 3, 16, 16), None)
    assert torch.equal(mode.flatten(), every[at, 0])
    assert torch.equal(good.flatten(), near)
    assert near.any()
    assert not near.all()


@pytest.mark.parametrize("shapes", [2, 6])
def test_chunks_change_nothing(monkeypatch, shapes):
    data = ShapeImages(shapes=shapes).load(CPU)
    samples = data.heldout(generator(6), 30) + 0.3 * torch.randn(30, 3, 16, 16, generator=generator(7))
    whole = data.assign(samples, None)
    monkeypatch.setattr(_shapes, "CHUNK", 1)
    one_by_one = data.assign(samples, None)
    assert torch.equal(whole[0], one_by_one[0])
    assert torch.equal(whole[1], one_by_one[1])


def test_what_is_no_figure_is_of_low_quality():
    data = SMALL.load(CPU)
    real = data.heldout(generator(8), 500)
    noise = torch.rand(real.shape, generator=generator(9)) * 2 - 1
    for samples in (noise, -torch.ones_like(real), brightness(real) - 1, torch.full_like(real, torch.nan), -real):
        mode, good = data.assign(samples, None)
        assert not good.any()
        assert 0 <= mode.min() <= mode.max() < SMALL.modes


def test_training_and_heldout_share_no_image():
    data = SMALL.load(CPU)
    train, held = data.gather(data.sample_indices(generator(10), 3000)), data.heldout(generator(11), 3000)

    def rows(images):
        return {image.numpy().tobytes() for image in images}

    assert len(rows(train)) > 2000
    assert not rows(train) & rows(held)
    # 64 drawings a figure, all different, and no two figures alike.
    assert len(torch.unique(_shapes.drawings(6, 8).flatten(2).flatten(0, 1), dim=0)) == 6 * 64


def test_modes_and_drawings_are_equally_likely():
    """Pearson's chi-squared over modes, then over drawings; false alarms 1e-6 each."""
    data = ShapeImages().load(CPU)
    drawn = data.sample_indices(generator(12), 36_000)
    assert data.weights.tolist() == pytest.approx([1 / 36] * 36)
    for counts in (drawn[:, 0].bincount(minlength=36), drawn[:, 1].bincount()[data.variants]):
        expected = 36_000 / len(counts)
        assert chi2.sf(float((counts - expected).square().sum() / expected), len(counts) - 1) > 1e-6
    assert set(drawn[:, 1].tolist()) == {i for i in range(64) if i % 4 != 3}


@pytest.mark.parametrize("name, share", [("disc", 0.7854), ("square", 1), ("triangle", 0.5), ("cross", 0.51)])
def test_figures_cover_what_geometry_says(name, share):
    at = (torch.arange(400) + 0.5) / 200 - 1
    inside = _shapes.covers(name, at[None, :], at[:, None])
    assert float(inside.double().mean()) == pytest.approx(share, abs=0.01)


def test_places_need_pixels():
    with pytest.raises(ValueError, match="8 places of 8 pixels need a size of 64, not 16"):
        ShapeImages(places=8)


def test_figures_are_kept_as_bytes():
    assert SMALL.load(CPU).drawings.dtype == torch.uint8
