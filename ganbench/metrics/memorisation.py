"""Whether the generator repeats its training set."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.core.streams import stream
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import blocks, distances, judge_each, neighbour_distances, undefined


@dataclass(frozen=True)
class Memorisation(Metric):
    """Whether generated samples lie nearer to training samples than to ones that training never saw.

    memorisation: P(d_train < d_heldout) of a generated sample's distances to the nearest of as many training as
    held-out samples, ties half; 0.5 without memorisation. authenticity: share of generated samples that are farther
    from their nearest training sample than that one is from its own nearest; near 0 for copies.
    A collapsed generator is near one side or the other by chance: read both beside the modes.
    NaN for endless data, for non-finite features and with fewer than two training samples.
    """

    name = "memorisation"
    aliases = ("memorization",)
    source = "Alaa et al. 2022, arXiv:2102.08921, section 3.3 (authenticity)"
    requires_fields = ("training",)
    columns = (
        Column("memorisation", "P(nearer to a training than to a held-out sample, as many of each); honest 0.5"),
        Column("authenticity", "share of samples farther from their nearest training sample than that from its own"),
    )

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return both columns, `[...]` each."""
        names = [column.name for column in self.columns]
        if real.training is None or len(real.training) < 2:
            return undefined(fake.features, names)
        train, heldout = real.training.double(), real.features.double()
        n = min(len(train), len(heldout))
        generator = torch.Generator().manual_seed(stream(0, "memorisation"))
        some = torch.randperm(len(train), generator=generator)[:n].to(train.device)
        apart = neighbour_distances(train, 1)

        def judge(x: Tensor) -> list[Tensor]:
            nearer, authentic = x.new_zeros(()), x.new_zeros(())
            for start, to_train in blocks(x, train):
                to_heldout = distances(x[start : start + len(to_train)], heldout[:n]).amin(dim=1)
                to_some = to_train[:, some].amin(dim=1)
                nearer += (to_some < to_heldout).sum() + 0.5 * (to_some == to_heldout).sum()
                nearest, which = to_train.min(dim=1)
                authentic += (nearest > apart[which]).sum()
            return [nearer / len(x), authentic / len(x)]

        return judge_each(fake.features, names, judge)
