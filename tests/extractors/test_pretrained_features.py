"""torch-fidelity's own extractors, offline: their real code with random weights of the right shape."""

from __future__ import annotations

import importlib
import os
import pickle

import pytest
import torch

from ganbench.assets.fidelity import import_torchvision
from ganbench.cli.options import weight_variables
from ganbench.core.errors import UsageError
from ganbench.extractors import _fidelity
from ganbench.extractors.clip import CLIP
from ganbench.extractors.dinov2 import DINOv2
from ganbench.extractors.inception import Inception
from ganbench.extractors.vgg import VGG


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory):
    """A file of random weights, saved from torch-fidelity's own network."""
    import_torchvision()
    module = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        torch.manual_seed(0)
        patch.setattr(module, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(module.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = module.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(network.state_dict(), path)
    return path, network


@pytest.fixture
def weights(monkeypatch, tmp_path):
    """Return a function that names a file on the command line; torch hub's folder is empty."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    for name in ("INCEPTION", "CLIP", "VGG", "DINOV2"):
        monkeypatch.setenv(f"GANBENCH_WEIGHTS_{name}", "")

    def name_file(name, file):
        for variable, path in weight_variables((f"{name}={file}",)).items():
            monkeypatch.setenv(variable, path)

    return name_file


def images(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_features_are_the_networks_own_on_bytes(inception_file, weights):
    path, network = inception_file
    weights("inception", path)
    x = images(2, 2, 1, 16, 16)
    x[1, 1, 0, 3, 3] = torch.inf
    features = Inception().extract(x)
    assert features.shape == (2, 2, 2048)
    bytes_ = ((x[0, 0] + 1) / 2 * 255).round().to(torch.uint8).repeat(3, 1, 1)
    with torch.no_grad():
        (wanted,) = network(bytes_[None])
    torch.testing.assert_close(features[0, 0], wanted[0], rtol=1e-4, atol=1e-5)
    assert wanted.std() > 0
    assert features[1, 1].isnan().all() and features[:, 0].isfinite().all()


def test_an_image_is_scaled_by_itself_and_rounded_on_either_side(inception_file, weights, monkeypatch):
    """No image's colours depend on the others of its set, real and generated ones are rounded alike, and the last of
    unequal batches counts as any other."""
    path, _ = inception_file
    weights("inception", path)
    monkeypatch.setattr(_fidelity, "BATCH", 2)
    x = images(3, 3, 16, 16) / 2
    alone = torch.cat([Inception().extract(one[None]) for one in x])
    assert alone.std(0).max() > 0
    torch.testing.assert_close(Inception().extract(x), alone, rtol=1e-4, atol=1e-5)
    beside = x.clone()
    beside[1] *= 100  # far outside of [-1, 1]
    torch.testing.assert_close(Inception().extract(beside)[[0, 2]], alone[[0, 2]], rtol=1e-4, atol=1e-5)
    as_files = ((x + 1) * 127.5).round() / 127.5 - 1
    assert not torch.equal(as_files, x)
    assert torch.equal(Inception().extract(as_files), Inception().extract(x))


def test_the_extractor_is_known_by_its_weights(inception_file, weights, tmp_path):
    path, network = inception_file
    weights("inception", path)
    first = Inception().identity()
    other = tmp_path / "other.pth"
    torch.save({name: 2 * value for name, value in network.state_dict().items()}, other)
    weights("inception", other)
    assert first.startswith("inception ") and len(first) == len("inception ") + 8
    assert Inception().identity() != first


@pytest.mark.parametrize("extractor", [Inception(), VGG(), CLIP(), DINOv2()], ids=lambda f: f.name)
def test_missing_weights_are_one_line_with_the_command(extractor, weights):
    with pytest.raises(UsageError) as error:
        extractor.prepare()
    assert f"ganbench data get {extractor.name}" in str(error.value) and "\n" not in str(error.value)


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("extractor", [Inception(), VGG(), CLIP(), DINOv2()], ids=lambda f: f.name)
@pytest.mark.parametrize("content", ["code", "text", "empty", "tensors"])
def test_other_files_are_refused_and_run_nothing(extractor, content, weights, tmp_path, monkeypatch):
    path, mark = tmp_path / "file.pth", tmp_path / "ran"
    if content == "code":
        path.write_bytes(pickle.dumps(Bomb(mark)))
    elif content == "tensors":
        torch.save({"a": torch.zeros(2)}, path)
    else:
        path.write_text("not weights" if content == "text" else "")
    # As the nodes of a cluster are told; on the command line, dinov2 has no such choice.
    monkeypatch.setenv(f"GANBENCH_WEIGHTS_{extractor.name.upper()}", str(path))
    with pytest.raises(UsageError, match="holds no weights"):
        extractor.prepare()
    assert not mark.exists()


@pytest.mark.parametrize("text", ["inception", "inception=/nowhere.pth", "pixels=x", "=x", "dinov2=x"])
def test_a_wrong_option_is_one_line(text, weights):
    with pytest.raises(UsageError, match="--weights .*; write NAME=FILE, with one of clip, inception, vgg$"):
        weight_variables((text,))
