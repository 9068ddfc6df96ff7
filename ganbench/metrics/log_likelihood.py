"""The log-likelihood of samples under the data's own distribution."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import judge_each, undefined


@dataclass(frozen=True)
class LogLikelihood(Metric):
    """Mean log-density of generated samples under the known distribution of the data, in nats.

    It sees quality only: a generator that makes nothing but the centre of one mode exceeds real data, so read it
    beside the modes and its floor. NaN where the density is not known and for non-finite samples.
    """

    name = "log_likelihood"
    source = "Metz et al. 2016, arXiv:1611.02163, section 3.1, reports the data's own density of samples"
    requires_fields = ("log_density",)
    columns = (
        Column("log_likelihood", "mean log-density of samples under the data's own distribution", "nat", "higher"),
    )

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the mean of each leading index, `[...]`."""
        if fake.log_density is None:
            return undefined(fake.features, ["log_likelihood"])
        return judge_each(fake.log_density.unsqueeze(-1), ["log_likelihood"], lambda x: [x.mean()])
