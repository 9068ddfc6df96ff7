"""Rows of images that do not lie on the device, fetched in the background while the steps before them compute."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from ganbench.core.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

# Steps are fetched in groups, so that a thread's start costs little; two groups lie in memory at a time.
GROUP_STEPS = 4
GROUP_BYTES = 1 << 24


class Prefetch:
    """Fetches what training says that it will ask for; anything else is fetched when it is asked for.

    Each group of steps is fetched by a thread of its own that ends with it: nothing has to be closed, and a process
    that ends waits for one group at most.

    Args:
        rows: `[N, …]` in the memory of the CPU or mapped from a file.
        device: where the rows are wanted.
    """

    def __init__(self, rows: Tensor, device: torch.device) -> None:
        self.rows, self.device = rows, device
        self._later: deque[tuple[Tensor, Tensor]] = deque()
        self._coming: _Group | None = None
        self._here: deque[tuple[Tensor, Tensor]] = deque()

    def prefetch(self, block: Tensor) -> None:
        """Hear which rows come next, `[steps, …]`, one step after the other; what was said before is forgotten."""
        numbers = block[0].numel() * self.rows[0].numel()
        steps = min(GROUP_STEPS, max(1, GROUP_BYTES // max(numbers, 1)))
        here = block.cpu()  # of a GPU's numbers, which waits for it once a block
        self._later = deque(zip(block.split(steps), here.split(steps), strict=True))
        self._here.clear()
        self._fetch_next()

    def gather(self, indices: Tensor) -> Tensor:
        """Return rows `[..., …]` of indices with any leading axes, on the device.

        Raises:
            Exception: whatever fetching them raised, in whichever thread.
        """
        if self._coming is not None and any(_same(indices, step) for step in self._coming.indices):
            group = self._coming
            fetched = group.wait()
            self._here = deque(zip(group.indices, fetched, strict=True))
            self._fetch_next()
        if any(_same(indices, step) for step, _ in self._here):
            while True:
                step, images = self._here.popleft()
                if _same(indices, step):
                    return images.to(self.device, non_blocking=True)
        return gathered(self.rows, indices, self.device)

    def _fetch_next(self) -> None:
        self._coming = _Group(self.rows, *self._later.popleft(), self.device) if self._later else None


class _Group:
    """A few steps' rows on their way: those of `indices`, whose numbers are also `here`, where the rows are."""

    def __init__(self, rows: Tensor, indices: Tensor, here: Tensor, device: torch.device) -> None:
        self.indices = indices
        self._images: Tensor | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._fetch, args=(rows, here, device), name="ganbench prefetch")
        self._thread.start()

    def _fetch(self, rows: Tensor, indices: Tensor, device: torch.device) -> None:
        try:
            shape = (*indices.shape, *rows.shape[1:])
            images = torch.empty(shape, dtype=rows.dtype, pin_memory=device.type == "cuda")
            torch.index_select(rows, 0, indices.flatten(), out=images.view(-1, *rows.shape[1:]))
            self._images = images
        except BaseException as error:  # noqa: BLE001 - it is raised again where the rows are asked for
            self._error = error

    def wait(self) -> Tensor:
        """Return the images `[steps, …]` once they are there."""
        self._thread.join()
        if self._images is None:
            raise self._error or RuntimeError("the thread that fetches images died")
        return self._images


def gathered(rows: Tensor, which: Tensor, device: torch.device) -> Tensor:
    """Return rows of indices with any leading axes on the device, wherever the rows lie."""
    if rows.device == which.device:
        return rows[which].to(device)
    return rows[which.to(rows.device)].to(device)


def _same(a: Tensor, b: Tensor) -> bool:
    """Say whether two tensors are the same place in memory, without looking at a number of a GPU."""
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride() and a.device == b.device
