"""An ordinary single-seed PyTorch loop of the same work: what the engine's speed is measured against."""

from ganbench.check.speed import reference_step as plain_step

__all__ = ["plain_step"]
