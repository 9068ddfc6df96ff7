"""One function on every seed's images, so that a seed's bits do not depend on how many others are beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Noise, Params

if TYPE_CHECKING:
    from ganbench.networks import Net

WIDE = 32  # pixels of an image's side from which on calls cost nothing beside what they compute


def each_seed(function: Callable[..., Tensor], x: Tensor, *params: Tensor) -> Tensor:
    """Return `function(images, *params)` of each seed, `[S·B, C, H, W] → [S·B, C', H', W']`.

    A parameter is `[S, F, …]`. The function treats channels in groups: where it is given the images `[B, k·C, H, W]`
    and the parameters `[k·F, …]` of k seeds, it returns theirs, `[B, k·C', H', W']`.

    On a CPU it is called seed by seed: a library picks its kernel by the number of groups, so k seeds at once would
    have other bits than each alone. On other devices, where many small calls would cost what stacking gains, it is
    called once, for all seeds.
    """
    seeds = len(params[0])
    if seeds == 1:
        return function(x, *(p.squeeze(0) for p in params))  # views: gradients go back without a copy
    if x.device.type == "cpu":
        return torch.cat([function(*one) for one in zip(x.chunk(seeds), *params, strict=True)])
    together = x.unflatten(0, (seeds, -1)).transpose(0, 1).flatten(1, 2)
    y = function(together, *(p.flatten(0, 1) for p in params))
    return y.unflatten(1, (seeds, -1)).transpose(0, 1).flatten(0, 1)


@dataclass(frozen=True)
class OneByOne:
    """A network that one seed after another goes through on a CPU, for images of `WIDE` pixels or more.

    A seed's maps then stay in the processor's cache from layer to layer, where those of all seeds would not. The
    numbers are those of all seeds together, to the last bit.
    """

    net: Net

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return one seed's parameters and buffers, without the seed axis."""
        return self.net.init(generator)

    def apply(self, params: Params, buffers: Params, x: Tensor, *, training: bool, noise: Noise | None) -> Tensor:
        """Return the output for `x` `[S, B, …]`; in training it may move `buffers` in place."""
        if x.device.type != "cpu":
            return self.net.apply(params, buffers, x, training=training, noise=noise)
        rows = zip(_rows(params, len(x)), _rows(buffers, len(x)), x.split(1), strict=True)
        return torch.cat([self.net.apply(*row, training=training, noise=noise) for row in rows])


def _rows(stacked: Params, seeds: int) -> list[Params]:
    """Return the tensors `[S, …]` of each seed, with a seed axis of 1."""
    split = {name: tensor.split(1) for name, tensor in stacked.items()}
    return [{name: rows[s] for name, rows in split.items()} for s in range(seeds)]
