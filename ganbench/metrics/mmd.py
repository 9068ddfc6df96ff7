"""The maximum mean discrepancy with a Gaussian kernel."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import distances, kernel_distance

BANDWIDTH_SAMPLES = 2000


@dataclass(frozen=True)
class MMD(Metric):
    """Squared maximum mean discrepancy of features under exp(−‖x − y‖²/2h²), without bias.

    The bandwidth h is the median distance between the first 2,000 real samples. It may be negative. Unlike the cubic
    kernel of `kid` this one sees every difference between distributions, if enough samples are there. NaN for
    non-finite features, a single sample, or real samples most of which are equal.
    """

    name = "mmd"
    aliases = ("maximum_mean_discrepancy",)
    source = "Gretton et al. 2012, Journal of Machine Learning Research 13, lemma 6; section 8 for the bandwidth"
    columns = (
        Column(
            "mmd",
            "unbiased squared MMD of features, Gaussian kernel; may be negative",
            "1",
            "lower",
            title="MMD",
            low=-2.0,
            high=2.0,
        ),
    )

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the discrepancy of each leading index, `[...]`."""
        y = real.features.double()
        h = torch.pdist(y[:BANDWIDTH_SAMPLES]).median() if len(y) > 1 else y.new_tensor(torch.nan)

        def kernel(a: Tensor, b: Tensor) -> Tensor:
            return (-(distances(a, b) / h).square() / 2).exp()

        return kernel_distance(fake.features, y, "mmd", kernel)
