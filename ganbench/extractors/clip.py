"""Features learned from images with their captions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganbench.core.lazy import torch
from ganbench.extractors._fidelity import FidelityExtractor


@dataclass(frozen=True)
class CLIP(FidelityExtractor):
    """512 features of CLIP's ViT-B/32, by torch-fidelity; less drawn to ImageNet's classes than Inception."""

    name = "clip"
    source = "Kynkäänniemi et al. 2023, arXiv:2203.06026; torch-fidelity's clip-vit-b-32"
    module, extractor = "feature_extractor_clip", "FeatureExtractorCLIP"
    network, layer = "clip-vit-b-32", "clip"
    cached = "clip-vit-b-32-40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af.pt"

    def check(self, file: Path) -> None:
        """Read the file as TorchScript, which holds no pickled code."""
        torch.jit.load(str(file), map_location="cpu")
