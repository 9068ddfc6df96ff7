"""A finite training set that fits into memory: its samples are rows of one tensor."""

from __future__ import annotations

from ganbench.core.lazy import Tensor, torch


class InMemory:
    """The training samples `[N, *shape]`, on their device."""

    train: Tensor

    def sample_indices(self, generator: torch.Generator, n: int) -> Tensor:
        """Return `n` row indices, each equally likely, with replacement."""
        return torch.randint(len(self.train), (n,), generator=generator, device=self.train.device)

    def gather(self, indices: Tensor) -> Tensor:
        """Return the samples of row indices with any leading axes."""
        return self.train[indices]
