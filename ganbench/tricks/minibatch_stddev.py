"""Minibatch standard deviation."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod
from typing import Annotated

from annotated_types import Ge

from ganbench.core.facts import TrialFacts
from ganbench.core.lazy import Tensor, torch
from ganbench.tricks import Trick

_UNDER_ROOT = 1e-8  # the paper's code; the root's slope is infinite at equal samples


@dataclass(frozen=True)
class MinibatchStddev(Trick):
    """Let the discriminator see how much its features vary within groups of `size` samples of its minibatch.

    The standard deviation √(var + 1e-8) of each feature of the last hidden layer over a group, averaged over the
    features, is one more feature of each of the group's samples. Sample b is in group b mod (B / size), as in the
    paper's code; where a batch of another size is looked at, groups are as large as divide both.
    """

    name = "minibatch_stddev"
    aliases = ("mbstd", "minibatch_std")
    group = "discriminator"
    source = "Karras et al. 2018, arXiv:1710.10196, section 3"
    addresses = "mode collapse: minibatches that vary too little give themselves away"
    cost = 3.4
    traits = ("couples samples",)

    size: Annotated[int, Ge(2)] = 4

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the minibatch has no groups."""
        seen, shape = trial.batch, trial.dataset.build().shape
        for trick in (choice.build() for choice in trial.tricks):
            packed = trick.shape(shape)
            seen, shape = seen * prod(shape) // prod(packed), packed  # as many numbers in fewer, larger samples
        return f"a batch of {seen} cannot be divided into groups of {self.size}" if seen % self.size else None

    def extra_hidden_params(self, width: int, generator: torch.Generator) -> tuple[dict[str, Tensor], int]:
        """Return no parameters and one new feature."""
        return {}, 1

    def extra_hidden(self, h: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Return each sample's group's mean standard deviation, `[..., B, F] → [..., B, 1]`."""
        size = gcd(h.shape[-2], self.size)
        groups = h.unflatten(-2, (size, -1))  # [..., size, B / size, F]
        # Seven times as fast as `torch.var` with its backward pass.
        variance = (groups - groups.mean(-3, keepdim=True)).square().mean(-3)
        deviation = (variance + _UNDER_ROOT).sqrt().mean(-1, keepdim=True)
        return torch.cat([deviation] * size, dim=-2)
