"""Photographs of 96 pixels, few of them."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.datasets._torchvision import TorchvisionImages


@dataclass(frozen=True)
class STL10(TorchvisionImages):
    """STL-10: 5,000 colour photographs to train on and 8,000 held out, resized from 96 pixels.

    Its 100,000 unlabelled pictures are not used. No classifier knows any of them here, so the modes are not known and
    features are pixels.
    """

    name = "stl10"
    source = "Coates et al. 2011, AISTATS, An analysis of single-layer networks in unsupervised feature learning"
    torchvision_name = "STL10"
    folder_name = "stl10_binary"
    named_splits = True
