"""Random numbers for many seeds: one generator per seed and name, drawn many steps ahead.

A call to a generator costs microseconds however little it draws, and each seed makes several calls per step; so each
stream draws a block of steps at once. A block's length depends on the shape alone: a run's numbers are the same
whatever trains beside it, and a checkpoint holds the generators as they were at the start of the block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypedDict

import torch
from torch import Generator, Tensor

from ganbench.core.streams import stream

BLOCK_NUMBERS = 2**15
MAX_BLOCK_STEPS = 64

Draw = Callable[[Generator, int], Tensor]
BlockCallback = Callable[[Tensor], None]


class StreamState(TypedDict):
    """What a checkpoint keeps of a stream: the generators at the start of its block, the block's length, the place."""

    start: Tensor
    steps: int
    position: int


@dataclass
class _Stream:
    generators: list[Generator]
    steps: int
    start: list[Tensor]
    block: Tensor | None = None
    position: int = 0


class PackedNoise:
    """The named streams of a trial's seeds (`ganbench.core.protocols.Noise`).

    Args:
        seeds: of each place of the seed axis; the same seed has the same numbers at all of its places.
        device: where numbers are drawn.
        prefetch: name → a function that is called with that stream's next uses, `[steps, S, …]` from the current one
            on, as soon as a block of them is drawn.
    """

    def __init__(
        self, seeds: Sequence[int], device: torch.device, prefetch: Mapping[str, BlockCallback] | None = None
    ) -> None:
        self.seeds, self.device, self.prefetch = tuple(dict.fromkeys(seeds)), device, prefetch or {}
        # A seed that is there several times, with several settings, is drawn once.
        places = [self.seeds.index(seed) for seed in seeds]
        repeated = len(places) > len(self.seeds)
        self._places = torch.tensor(places, device=device) if repeated else None
        self._streams: dict[str, _Stream] = {}

    def normal(self, name: str, *shape: int) -> Tensor:
        """Return standard normal numbers."""
        return self.draw(
            f"{name}:normal{list(shape)}",
            prod(shape),
            lambda g, n: torch.randn(n, *shape, generator=g, device=self.device),
        )

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Return uniform numbers in [0, 1)."""
        return self.draw(
            f"{name}:uniform{list(shape)}",
            prod(shape),
            lambda g, n: torch.rand(n, *shape, generator=g, device=self.device),
        )

    def draw(self, name: str, numbers: int, draw: Draw) -> Tensor:
        """Return the next `[S, …]` of a stream: `draw(generator, n)` makes `n` uses of one seed, `[n, …]`.

        `numbers` is how many numbers one use has: it decides how many uses are drawn at once.
        """
        opened = self._streams.get(name)
        if opened is None:
            opened = self._open(name, numbers)
        fresh = opened.block is None or opened.position == opened.steps
        if opened.block is None:
            opened.block = _draw_block(opened, draw)
        if opened.position == opened.steps:
            opened.start, opened.position = [g.get_state() for g in opened.generators], 0
            opened.block = _draw_block(opened, draw)
        if fresh and name in self.prefetch:
            self.prefetch[name](self._of_lanes(opened.block[opened.position :], 1))
        opened.position += 1
        return self._of_lanes(opened.block[opened.position - 1], 0)

    def _of_lanes(self, drawn: Tensor, axis: int) -> Tensor:
        """Return what was drawn for each seed, for each lane."""
        return drawn if self._places is None else drawn.index_select(axis, self._places)

    def _open(self, name: str, numbers: int) -> _Stream:
        generators = [Generator(self.device).manual_seed(stream(seed, name)) for seed in self.seeds]
        steps = min(MAX_BLOCK_STEPS, max(1, BLOCK_NUMBERS // max(numbers, 1)))
        opened = _Stream(generators, steps, [g.get_state() for g in generators])
        self._streams[name] = opened
        return opened

    def state_dict(self) -> dict[str, StreamState]:
        """Return what a checkpoint keeps of each stream."""
        return {
            name: {"start": torch.stack(s.start), "steps": s.steps, "position": s.position}
            for name, s in self._streams.items()
        }

    def load_state_dict(self, state: Mapping[str, StreamState]) -> None:
        """Go on where `state_dict` was taken; the blocks are drawn again at their first use."""
        for name, kept in state.items():
            generators = [Generator(self.device) for _ in self.seeds]
            starts = [row.clone() for row in kept["start"].cpu()]  # set_state crashes on a view into a larger tensor
            for generator, start in zip(generators, starts, strict=True):
                generator.set_state(start)
            self._streams[name] = _Stream(generators, kept["steps"], starts, position=kept["position"])


def _draw_block(opened: _Stream, draw: Draw) -> Tensor:
    """Return the next block `[steps, S, …]`."""
    return torch.stack([draw(generator, opened.steps) for generator in opened.generators], dim=1)
