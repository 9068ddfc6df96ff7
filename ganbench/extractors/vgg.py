"""The features in which precision and recall were first measured."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.extractors._fidelity import StateDict


@dataclass(frozen=True)
class VGG(StateDict):
    """4,096 features of VGG-16's second fully connected layer, the network of precision and recall's paper."""

    name = "vgg"
    source = "Kynkäänniemi et al. 2019, arXiv:1904.06991; torch-fidelity's vgg16"
    module, extractor = "feature_extractor_vgg16", "FeatureExtractorVGG16"
    network, layer = "vgg16", "fc2_relu"
    cached = "vgg16-397923af.pth"
