"""The features in which most papers measure FID."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.extractors._fidelity import StateDict


@dataclass(frozen=True)
class Inception(StateDict):
    """2,048 features of Inception v3, the network of the papers' FID, by torch-fidelity.

    Its covariance has full rank from 2,049 samples on; FID of fewer is mostly bias.
    """

    name = "inception"
    source = "Heusel et al. 2017, arXiv:1706.08500; torch-fidelity's inception-v3-compat"
    module, extractor = "feature_extractor_inceptionv3", "FeatureExtractorInceptionV3"
    network, layer = "inception-v3-compat", "2048"
    cached = "weights-inception-2015-12-05-6726825d.pth"
