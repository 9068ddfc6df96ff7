"""Small photographs of ten kinds of things."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.datasets._torchvision import TorchvisionImages


@dataclass(frozen=True)
class CIFAR10(TorchvisionImages):
    """CIFAR-10: 50,000 colour photographs of 32 pixels and 10,000 held out.

    No classifier knows them here, so the modes are not known and features are pixels. The files are pickles, which are
    read only if their MD5 is right.
    """

    name = "cifar10"
    aliases = ("cifar",)
    source = "Krizhevsky 2009, Learning multiple layers of features from tiny images"
    torchvision_name = "CIFAR10"
    folder_name = "cifar-10-batches-py"
    channels_last = True
