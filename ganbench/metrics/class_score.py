"""The inception score with the data set's own classifier."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import judge_each, undefined


@dataclass(frozen=True)
class ClassScore(Metric):
    """exp(E KL(p(y|x) ‖ p(y))) with the extractor's class probabilities: from 1 to the number of classes.

    High where the class of every sample is certain and the classes are even; blind to variety within a class and to
    memorisation. It uses no real sample, so compare it with its floor. NaN for data without classes.
    """

    name = "class_score"
    aliases = ("inception_score", "is")
    source = "Salimans et al. 2016, arXiv:1606.03498, section 4"
    columns = (
        Column("class_score", "exp(mean KL of a sample's class probabilities from their mean)", "1", "higher", low=1.0),
    )

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the score of each leading index, `[...]`."""
        if fake.probabilities is None:
            return undefined(fake.features, ["class_score"])

        def judge(p: Tensor) -> list[Tensor]:
            return [(torch.xlogy(p, p) - torch.xlogy(p, p.mean(dim=0))).sum(dim=1).mean().exp()]

        return judge_each(fake.probabilities, ["class_score"], judge)
