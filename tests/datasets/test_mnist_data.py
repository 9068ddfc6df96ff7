"""MNIST and stacked MNIST on files in MNIST's format: classes as modes, fixed triples, the choice of an extractor."""

from __future__ import annotations

import platformdirs
import pytest
import torch

from ganbench.assets.data_folder import FOLDER_VARIABLE
from ganbench.core.errors import UsageError
from ganbench.core.registry import build
from ganbench.datasets import _download
from ganbench.datasets._bytes import ByteImages, resized, scaled
from ganbench.datasets.mnist import MNIST
from ganbench.datasets.stacked_mnist import TRIPLES, StackedMNIST
from tests.helpers.mnist_digits import enlarged_digits, write_digits

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    return tmp_path / "data"


@pytest.fixture
def written(folder):
    write_digits(folder)
    return enlarged_digits()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def sure(mode, probability, classes):
    """Return probabilities `[1, classes]` with that of one mode."""
    p = torch.full((1, classes), (1 - probability) / (classes - 1))
    p[0, mode] = probability
    return p


def test_mnists_classes_are_its_modes(written):
    (scans, labels), (held, _) = written
    data = MNIST(confidence=0.8).load(CPU)
    assert torch.equal(data.rows, resized(scans.unsqueeze(1), 32))
    assert torch.equal(data.held, resized(held.unsqueeze(1), 32))
    assert data.weights.tolist() == pytest.approx([float((labels == k).double().mean()) for k in range(10)])
    x = torch.zeros(1, 1, 32, 32)
    assert [t.item() for t in data.assign(x, sure(3, 0.9, 10))] == [3, True]
    assert [t.item() for t in data.assign(x, sure(5, 0.7, 10))] == [5, False]
    with pytest.raises(ValueError, match="class probabilities"):
        data.assign(x, None)
    assert (MNIST().modes, MNIST().extractor_name) == (10, "mnist")


def test_streamed_scans_have_their_classes_too(written, monkeypatch):
    here = MNIST().load(CPU)
    monkeypatch.setenv("GANBENCH_IMAGE_MIB", "0")
    there = MNIST().load(CPU)
    drawn = here.sample_indices(generator(), 20)
    assert torch.equal(there.gather(drawn), here.gather(drawn))
    assert torch.equal(there.weights, here.weights)
    assert there.assign(torch.zeros(1, 1, 32, 32), sure(3, 0.9, 10))[0].tolist() == [3]


@pytest.mark.parametrize("cls", [MNIST, StackedMNIST])
@pytest.mark.parametrize("extractor", ["pixels", "inception"])
def test_another_extractor_knows_no_modes(written, cls, extractor):
    dataset = cls(extractor=extractor, size=8)
    assert (dataset.modes, dataset.extractor_name) == (0, extractor)
    data = dataset.load(CPU)
    assert len(data.weights) == 0
    samples = data.gather(data.sample_indices(generator(), 6).reshape(2, 3))
    assert samples.shape == (2, 3, *dataset.shape)
    mode, good = data.assign(samples, None)
    assert mode.shape == (2, 3)
    assert not good.any()
    assert cls is not MNIST or type(data) is ByteImages


@pytest.mark.parametrize("name", ["mnist", "stacked_mnist"])
def test_eight_pixels_are_too_few_for_the_classifier(name):
    with pytest.raises(ValueError, match=f"the extractor {name} needs 16 pixels; .*extractor: pixels"):
        build("dataset", name, {"size": 8})


@pytest.fixture
def stacked(written):
    return StackedMNIST(size=16).load(CPU)


def test_triples_are_fixed_and_scans_are_kept_once(written, stacked):
    (scans, _), _ = written
    again = StackedMNIST(size=16).load(CPU)
    assert stacked.triples.shape == (TRIPLES, 3) == (128_000, 3)
    assert torch.equal(stacked.triples, again.triples)
    assert stacked.scans.dtype == torch.uint8
    assert stacked.scans.shape == (len(scans), 16, 16)
    assert StackedMNIST().shape == (3, 32, 32)
    assert StackedMNIST().modes == 1000
    assert StackedMNIST().preparation.startswith("three scans as colours, middle square, 32 px")


def test_taken_images_are_the_triples_scans(written, stacked):
    (scans, _), _ = written
    small = scaled(resized(scans.unsqueeze(1), 16)).squeeze(1)
    drawn = stacked.sample_indices(generator(), 24).reshape(2, 12)
    images = stacked.gather(drawn)
    assert images.shape == (2, 12, 3, 16, 16)
    for seed in range(2):
        for i in range(12):
            for colour in range(3):
                assert torch.equal(images[seed, i, colour], small[stacked.triples[drawn[seed, i], colour]])


def test_every_triple_is_drawn(stacked):
    """Of 1,280,000 draws a triple is missed with probability e⁻¹⁰: 5.8 of 128,000; above 25 with probability 1e-8."""
    assert len(stacked.sample_indices(generator(), 10 * TRIPLES).unique()) > TRIPLES - 25


def test_weights_are_the_shares_of_the_triples(written, stacked):
    (_, labels), _ = written
    mode = 100 * labels[stacked.triples[:, 0]] + 10 * labels[stacked.triples[:, 1]] + labels[stacked.triples[:, 2]]
    counts = [0] * 1000
    for m in mode.tolist():
        counts[m] += 1
    assert stacked.weights.tolist() == pytest.approx([c / TRIPLES for c in counts])
    assert (stacked.weights > 0).all()


def test_held_out_triples_are_of_test_scans(written, stacked):
    (scans, _), (held, _) = written
    rows = lambda x: {tuple(s.flatten().tolist()) for s in x}  # noqa: E731
    test = rows(scaled(resized(held.unsqueeze(1), 16)).flatten(0, 1))
    real = stacked.heldout(generator(), 500)
    assert real.shape == (500, 3, 16, 16)
    assert rows(real.flatten(0, 1)) <= test
    assert not torch.equal(real, stacked.heldout(generator(1), 500))
    assert len(rows(scaled(resized(scans.unsqueeze(1), 16)).flatten(0, 1)) & test) < 20  # 16 grey levels: some agree


def test_quality_of_a_triple(stacked):
    x = torch.zeros(1, 3, 16, 16)
    assert [t.item() for t in stacked.assign(x, sure(123, 0.7, 1000))] == [123, True]
    assert [t.item() for t in stacked.assign(x, sure(7, 0.5, 1000))] == [7, False]
    every = StackedMNIST(size=16, confidence=0.0).load(CPU)
    assert every.assign(x, sure(7, 0.002, 1000))[1].all()


def test_downloaded_archives_are_unpacked_without_a_network(folder, monkeypatch):
    """Four `.gz` files with the MD5s that torchvision expects: the command only unpacks them."""
    import hashlib

    from ganbench.datasets._torchvision import torchvision_class

    cls = torchvision_class("MNIST")
    write_digits(folder / "MNIST/raw", compressed=True)
    files = {name: folder / "MNIST/raw" / name for name, _ in cls.resources}
    monkeypatch.setattr(cls, "resources", [(n, hashlib.md5(p.read_bytes()).hexdigest()) for n, p in files.items()])
    monkeypatch.setattr(cls, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(UsageError, match="ganbench data get stacked_mnist"):
        StackedMNIST().load(CPU)
    _download.download("stacked_mnist")
    (scans, _), _ = enlarged_digits()
    assert torch.equal(MNIST().load(CPU).rows, resized(scans.unsqueeze(1), 32))
