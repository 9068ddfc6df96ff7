"""The Fréchet distance of features."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.assets.fidelity import fid_distance, fid_statistics
from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import judge_each


@dataclass(frozen=True)
class FID(Metric):
    """Fréchet distance ‖μ_f − μ_r‖² + tr(Σ_f + Σ_r − 2(Σ_f Σ_r)^½) between Gaussians fitted to the features.

    Computed in float64 as torch-fidelity does, on the data set's own extractor: comparable within one extractor and one
    pair of sample sizes only. It is biased upwards by about 2d/n + d(d + 1)/2n, so compare it with its floor, that of
    as many real samples. At n ≤ d the covariances are singular and it still has a value.
    NaN for non-finite features or a single sample.
    """

    name = "fid"
    aliases = ("frechet_distance", "frechet_inception_distance")
    source = "Heusel et al. 2017, arXiv:1706.08500, eq. 6; torch-fidelity"
    columns = (
        Column(
            "fid",
            "Fréchet distance between features of generated and held-out real samples",
            "1",
            "lower",
            title="FID",
            scale="log",
            curve=True,
            leading=3,
            low=0.0,
        ),
    )

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the distance of each leading index, `[...]`."""
        enough = min(fake.features.shape[-2], len(real.features)) > 1
        reference = fid_statistics(real.features) if enough else {}

        def judge(x: Tensor) -> list[float]:
            return [fid_distance(fid_statistics(x, overwrite=True), reference) if enough else torch.nan]

        return judge_each(fake.features, ["fid"], judge)
