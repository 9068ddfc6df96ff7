"""The Fréchet distance of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.core.fidelity import fid_distance, fid_statistics
from ganbench.core.lazy import torch
from ganbench.metrics import Metric, Sample

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class FID(Metric):
    """Fréchet distance ‖μ_f − μ_r‖² + tr(Σ_f + Σ_r − 2(Σ_f Σ_r)^½) between Gaussians fitted to the features.

    Computed by torch-fidelity in float64 on the data set's own extractor: comparable within one extractor and one pair
    of sample sizes only. It is biased upwards by about 2d/n + d(d + 1)/2n, so compare it with its floor, that of as
    many real samples. NaN for non-finite features; at n ≤ d the covariances are singular and it still has a value.
    """

    name = "fid"
    source = "Heusel et al. 2017, arXiv:1706.08500, eq. 6; torch-fidelity"
    columns = (Column("fid", "Fréchet distance between features of generated and held-out real samples", "1", "lower"),)

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the distance of each leading index, `[...]`."""
        reference = fid_statistics(real.features)
        lead = fake.features.shape[:-2]
        values = [
            fid_distance(fid_statistics(x), reference) if bool(torch.isfinite(x).all()) else torch.nan
            for x in fake.features.reshape(-1, *fake.features.shape[-2:])
        ]
        return {"fid": torch.tensor(values, dtype=torch.float64, device=fake.features.device).reshape(lead)}
