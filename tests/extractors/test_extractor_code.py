"""The real code of torch-fidelity's CLIP, VGG and DINOv2 on random weights, offline.

CLIP's code takes its widths from the file, so a narrow one will do. VGG has one size, half a gigabyte: `verify`. The
network of DINOv2 is no part of torch-fidelity, which takes it from torch hub: here a stand-in of the same interface.
"""

from __future__ import annotations

import importlib
import urllib.error

import pytest
import torch
from torch import nn

from ganbench.assets.fidelity import import_torchvision
from ganbench.cli.options import weight_variables
from ganbench.extractors.clip import CLIP
from ganbench.extractors.dinov2 import DINOv2
from ganbench.extractors.vgg import VGG
from tests.helpers.present import present


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Return torch hub's folder, empty and without a network; no file is named."""
    for name in ("CLIP", "VGG", "DINOV2"):
        monkeypatch.setenv(f"GANBENCH_WEIGHTS_{name}", "")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))

    def offline(*_, **__):
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr(torch.hub, "urlopen", offline)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub"


@pytest.fixture
def use_weights(hub, monkeypatch):
    """Return a function that names a file as on the command line."""

    def use(text):
        for variable, path in weight_variables((text,)).items():
            monkeypatch.setenv(variable, path)

    return use


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def images():
    return torch.rand(2, 3, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1


def colours(x):
    """Grey images as bytes in three colours."""
    return ((x.flatten(0, 1) + 1) * 127.5).round().to(torch.uint8).repeat(1, 3, 1, 1)


class Clip(nn.Module):
    """A CLIP's tensors by name, with one layer of 64 features and 16-pixel patches; it computes nothing."""

    def __init__(self):
        import_torchvision()
        module = importlib.import_module("torch_fidelity.feature_extractor_clip")
        super().__init__()
        self.visual = module.CLIPVisual(24, 32, 1, 64, 16).visual
        self.text_projection = nn.Parameter(torch.randn(8, 24))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def saved_clip(path):
    torch.jit.save(torch.jit.trace(Clip(), torch.zeros(1)), str(path))
    return path


def test_clip(use_weights, tmp_path):
    path = saved_clip(tmp_path / "clip.pt")
    use_weights(f"clip={path}")
    CLIP().prepare()
    features = CLIP().extract(images())
    module = importlib.import_module("torch_fidelity.feature_extractor_clip")
    own = module.FeatureExtractorCLIP(CLIP.network, ["clip"], feature_extractor_weights_path=str(path), verbose=False)
    (wanted,) = own(colours(images()))
    assert features.shape == (2, 3, 24)
    torch.testing.assert_close(features.flatten(0, 1), wanted, rtol=1e-4, atol=1e-5)
    assert wanted.std(0).max() > 0
    first = CLIP().identity()
    use_weights(f"clip={saved_clip(tmp_path / 'other.pt')}")
    assert CLIP().identity() != first
    assert not torch.equal(CLIP().extract(images()), features)


HUB = '''
import torch
dependencies = ["torch"]

def dinov2_vitb14():
    """Return a stand-in: each patch of 14 pixels to 768 numbers, averaged."""
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 768, 14, 14), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    file = torch.hub.get_dir() + "/checkpoints/dinov2_vitb14_pretrain.pth"
    network.load_state_dict(torch.load(file, weights_only=True))
    return network
'''


def test_dinov2_by_the_interface_of_torch_hub(hub):
    code = hub / "facebookresearch_dinov2_main"
    code.mkdir()
    (code / "hubconf.py").write_text(HUB)
    convolution = nn.Conv2d(3, 768, 14, 14)
    weights = {"0.weight": convolution.weight.detach(), "0.bias": present(convolution.bias).detach()}
    torch.save(weights, hub / "checkpoints" / DINOv2.cached)
    DINOv2().prepare()
    features = DINOv2().extract(images())
    assert features.shape == (2, 3, 768)
    # Resizing and normalising are torch-fidelity's: a black image is −mean/deviation of each colour everywhere.
    black = DINOv2().extract(torch.full((1, 3, 16, 16), -1.0))
    colour = -torch.tensor([0.485, 0.456, 0.406]) / torch.tensor([0.229, 0.224, 0.225])
    wanted = weights["0.weight"].sum((-2, -1)) @ colour + weights["0.bias"]
    torch.testing.assert_close(black[0], wanted, rtol=1e-4, atol=1e-5)
    first = DINOv2().identity()
    torch.save({n: 2 * w for n, w in weights.items()}, hub / "checkpoints" / DINOv2.cached)
    assert DINOv2().identity() != first


@pytest.mark.verify
def test_vgg(use_weights, tmp_path):
    import_torchvision()
    vgg16 = importlib.import_module("torchvision.models").vgg16
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in vgg16().state_dict().items()}
    torch.save({n: torch.randn(s) * (2 / s[1:].numel()) ** 0.5 for n, s in shapes.items()}, tmp_path / "vgg.pth")
    use_weights(f"vgg={tmp_path / 'vgg.pth'}")
    VGG().prepare()
    features = VGG().extract(images())
    assert features.shape == (2, 3, 4096)
    assert (features >= 0).all()
    module = importlib.import_module("torch_fidelity.feature_extractor_vgg16")
    path = str(tmp_path / "vgg.pth")
    own = module.FeatureExtractorVGG16("vgg16", ["fc2_relu"], feature_extractor_weights_path=path)
    torch.testing.assert_close(features.flatten(0, 1), own(colours(images()))[0], rtol=1e-4, atol=1e-5)
    assert features.std((0, 1)).max() > 0
