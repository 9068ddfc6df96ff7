"""The kernel distance of features."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import kernel_distance


@dataclass(frozen=True)
class KID(Metric):
    """Squared maximum mean discrepancy of features under the kernel (x·y/d + 1)³, without bias.

    Over all samples at once rather than over random subsets of them, which estimates the same number with less noise.
    It may be negative, and unlike FID it does not depend on the sample size on average. NaN for non-finite features
    or a single sample.
    """

    name = "kid"
    aliases = ("kernel_inception_distance",)
    source = "Bińkowski et al. 2018, arXiv:1801.01401, section 4"
    columns = (
        Column("kid", "unbiased squared MMD of features, cubic kernel; may be negative", "1", "lower", title="KID"),
    )

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the distance of each leading index, `[...]`."""
        return kernel_distance(fake.features, real.features.double(), "kid", _kernel)


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    k = x @ y.mT / x.shape[-1] + 1.0
    return k * k * k
