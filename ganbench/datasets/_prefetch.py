"""Rows of images that do not lie on the device, fetched in the background while the steps before them compute."""

from __future__ import annotations

import threading
from collections import deque

from ganbench.core.lazy import Tensor, torch

# Steps are fetched in groups, so that a thread's start costs little; two groups lie in memory at a time.
GROUP_STEPS = 4
GROUP_BYTES = 1 << 24


class Prefetch:
    """Fetches the rows that training announces ahead of time; all others are fetched when they are gathered.

    Each group of steps is fetched by a new thread that ends afterwards, so nothing has to be closed, and a process that
    ends waits for at most one group.

    Args:
        rows: `[N, …]` in the memory of the CPU or mapped from a file.
        device: where the rows are needed.
    """

    def __init__(self, rows: Tensor, device: torch.device) -> None:
        self.rows, self.device = rows, device
        self._later: deque[tuple[Tensor, Tensor]] = deque()
        self._coming: _Group | None = None
        self._here: deque[tuple[Tensor, Tensor]] = deque()

    def prefetch(self, block: Tensor) -> None:
        """Start to fetch the rows of the next steps, indices `[steps, …]`; they replace those announced before."""
        numbers = block[0].numel() * self.rows[0].numel()
        steps = min(GROUP_STEPS, max(1, GROUP_BYTES // max(numbers, 1)))
        on_cpu = block.cpu()  # waits for a GPU once per block
        self._later = deque(zip(block.split(steps), on_cpu.split(steps), strict=True))
        self._here.clear()
        self._fetch_next()

    def gather(self, indices: Tensor) -> Tensor:
        """Return rows `[..., …]` of indices with any leading axes, on the device.

        Raises:
            Exception: fetching them failed, in this thread or in another one.
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
    """The rows of a few steps, which a thread fetches; `on_cpu` is a copy of `indices` beside the rows."""

    def __init__(self, rows: Tensor, indices: Tensor, on_cpu: Tensor, device: torch.device) -> None:
        self.indices = indices
        self._images: Tensor | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._fetch, args=(rows, on_cpu, device), name="ganbench prefetch")
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
        """Wait for the images and return them, `[steps, …]`."""
        self._thread.join()
        if self._images is None:
            raise self._error or RuntimeError("the thread that fetches images died")
        return self._images


def gathered(rows: Tensor, indices: Tensor, device: torch.device) -> Tensor:
    """Return the rows of indices with any leading axes, on `device`; rows and indices may be on other devices."""
    return rows[indices.to(rows.device)].to(device)


def _same(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors are the same memory, without reading values from a GPU."""
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride() and a.device == b.device
