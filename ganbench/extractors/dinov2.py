"""Features learned from images alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganbench.core.lazy import torch
from ganbench.extractors._fidelity import FidelityExtractor


@dataclass(frozen=True)
class DINOv2(FidelityExtractor):
    """768 features of DINOv2's ViT-B/14, by torch-fidelity.

    torch-fidelity takes network and weights from torch hub's folder only: a file named on the command line is refused.
    """

    name = "dinov2"
    source = "Stein et al. 2023, arXiv:2306.04675; torch-fidelity's dinov2-vit-b-14"
    module, extractor = "feature_extractor_dinov2", "FeatureExtractorDinoV2"
    network, layer = "dinov2-vit-b-14", "dinov2"
    cached = "dinov2_vitb14_pretrain.pth"
    from_file = False

    def check(self, file: Path) -> None:
        """Refuse a named file, which torch-fidelity does not read; read the downloaded one as tensors alone."""
        if self.weights()[1]:
            raise ValueError("torch-fidelity reads DINOv2 from torch hub's folder only")
        torch.load(file, map_location="meta", weights_only=True)
