"""Clothes in the format of MNIST."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.datasets._torchvision import TorchvisionImages


@dataclass(frozen=True)
class FashionMNIST(TorchvisionImages):
    """Fashion-MNIST: 60,000 grey pictures of clothes and 10,000 held out, resized from 28 pixels.

    No classifier knows them here, so the modes are not known and features are pixels.
    """

    name = "fashion_mnist"
    aliases = ("fmnist",)
    source = "Xiao et al. 2017, arXiv:1708.07747"
    torchvision_name = "FashionMNIST"
    folder_name = "FashionMNIST"
    channels = 1
