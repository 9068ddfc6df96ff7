"""The digits classifier: the same bits wherever it is trained, right on held-out digits, in a cache that may break."""

from __future__ import annotations

import platformdirs
import pytest
import torch

from ganbench.assets.digits import digit_images
from ganbench.core.errors import GanbenchError
from ganbench.datasets.digits import Digits as DigitImages
from ganbench.extractors import _trained, digits
from ganbench.extractors.coordinates import Coordinates
from ganbench.extractors.digits import Digits
from tests.helpers.mnist_digits import forget_classifiers
from tests.helpers.sealed import read_checkpoint, write_checkpoint


@pytest.fixture(scope="module")
def trained():
    return Digits().train(*digit_images()[0])


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    forget_classifiers()
    yield tmp_path / "ganbench"
    forget_classifiers()


@pytest.fixture
def extractor(cache, monkeypatch, trained):
    monkeypatch.setattr(Digits, "train", lambda *_: trained)
    return Digits()


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_two_trainings_give_the_same_bits(monkeypatch):
    monkeypatch.setattr(digits, "STEPS", 100)
    torch.manual_seed(7)  # whatever the global state is
    before = torch.get_rng_state()
    first, second = (Digits().train(*digit_images()[0]) for _ in range(2))
    assert equal(first, second)
    assert torch.equal(before, torch.get_rng_state())


def test_training_leaves_the_thread_count(monkeypatch):
    monkeypatch.setattr(digits, "STEPS", 1)
    torch.set_num_threads(2)
    Digits().train(*digit_images()[0])
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


def test_held_out_accuracy(trained):
    _, (images, labels) = digit_images()
    h = torch.relu(images.flatten(1) @ trained["w1"] + trained["b1"])
    h = torch.relu(h @ trained["w2"] + trained["b2"])
    right = ((h @ trained["w3"] + trained["b3"]).argmax(1) == labels).double().mean()
    assert right >= 0.97
    assert Digits().accuracy(trained, 8) == pytest.approx(float(right), abs=1e-6)


def test_certainty_means_quality(trained):
    """The shares are those of the data set's documentation; they are fixed numbers, because training is."""
    (_, _), (held, labels) = digit_images()
    noise = torch.rand(500, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(held, (1, 1, 1, 1), value=-1.0), 3, 1)
    other = labels.roll(1) != labels
    blended = (held + held.roll(1, 0))[other] / 2
    threshold = DigitImages().confidence

    def sure(images):
        logits = Digits().logits(trained, Digits().features(trained, images))
        return float((logits.softmax(-1).amax(-1) >= threshold).double().mean())

    assert 0.95 <= sure(held) <= 0.99
    assert sure(noise) <= 0.01
    assert sure(blurred) <= 0.01
    assert sure(1 - 2 * torch.ones_like(held[:1])) == 0
    assert sure(-held) == 0
    assert sure(blended) <= 0.1


def test_a_classifier_that_is_too_often_wrong_is_refused(cache, monkeypatch):
    monkeypatch.setattr(digits, "STEPS", 1)
    with pytest.raises(GanbenchError, match="0.97"):
        Digits().prepare()
    assert not list(cache.glob("*"))


def test_the_cache_spares_the_training(extractor, monkeypatch, trained):
    extractor.prepare()
    forget_classifiers()
    monkeypatch.setattr(Digits, "train", lambda *_: pytest.fail("trained although it was in the cache"))
    assert equal(_trained.kept_weights(Digits(), None), trained)


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"\x80\x04K.", b"half", b"other", b"wrong", b"renamed"],
    ids=["empty", "text", "pickle", "half", "other", "wrong", "renamed"],
)
def test_a_broken_cache_file_is_trained_anew(extractor, cache, trained, content):
    extractor.prepare()
    path = Digits().cache_file()
    whole = path.read_bytes()
    if content == b"other":
        write_checkpoint(path, {"w1": torch.zeros(2)}, path.name)
    elif content == b"wrong":
        write_checkpoint(path, {name: torch.full_like(w, torch.nan) for name, w in trained.items()}, path.name)
    elif content == b"renamed":  # whole and good enough, and of another recipe
        write_checkpoint(path, {name: 1.001 * w for name, w in trained.items()}, "digits-0123456789abcdef.pt")
    else:
        path.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    forget_classifiers()
    extractor.prepare()
    assert equal(read_checkpoint(path, path.name), trained)
    assert [file.name for file in cache.iterdir()] == [path.name]


def test_a_cache_that_cannot_be_written_is_no_error(extractor, cache):
    cache.write_text("a file where the folder should be")
    extractor.prepare()


def test_the_cache_name_follows_the_recipe(cache, monkeypatch):
    name = Digits().cache_file()
    monkeypatch.setattr(digits, "STEPS", digits.STEPS + 1)
    assert Digits().cache_file() != name


def test_features_and_probabilities(extractor):
    images, labels = digit_images()[1]
    sets = torch.stack((images[:200], images[200:400]))
    features = extractor.extract(sets)
    assert features.shape == (2, 200, 64)
    assert not features.requires_grad
    probabilities = extractor.probabilities(features)
    assert probabilities.shape == (2, 200, 10)
    assert torch.allclose(probabilities.sum(-1), torch.ones(2, 200))
    assert (probabilities[1].argmax(-1) == labels[200:400]).double().mean() > 0.95


@pytest.mark.parametrize("n", [1, 3, 301])
def test_a_set_has_the_same_bits_whatever_lies_beside_it(extractor, n):
    images = torch.rand(5, n, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    features = extractor.extract(images)
    for together, alone in zip(features, images, strict=True):
        assert torch.equal(together, extractor.extract(alone))


def test_nan_stays_in_its_set(extractor):
    images = digit_images()[0][0][:40].reshape(2, 20, 1, 8, 8)
    broken = images.clone()
    broken[0, 3] = torch.nan
    assert extractor.extract(broken)[0, 3].isnan().all()
    assert torch.equal(extractor.extract(broken)[1], extractor.extract(images)[1])


def test_coordinates_are_the_points():
    points = torch.randn(2, 5, 3)
    assert torch.equal(Coordinates().extract(points), points)
    assert Coordinates().probabilities(points) is None
