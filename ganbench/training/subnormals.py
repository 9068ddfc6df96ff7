"""Numbers too small to matter and dear to compute with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_SUBNORMAL = 1e-310  # Python computes with the same mode of the same processor


@contextmanager
def subnormals_as_zero() -> Iterator[None]:
    """Let numbers below 1.2e-38 (float32) or 2.2e-308 (float64) count as 0 in this thread, within the block.

    A run that has collapsed has gradients and moments of that size. A processor multiplies them ten to a hundred times
    more slowly than others, so that its steps take twice as long. They change no weight: an optimiser adds 1e-8 to what
    it divides by. Where a processor has no such mode, nothing changes.
    """
    before = _counted_as_zero()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _counted_as_zero() -> bool:
    """Say whether they count as 0 now, which torch does not tell."""
    return _SUBNORMAL * 2 == 0
