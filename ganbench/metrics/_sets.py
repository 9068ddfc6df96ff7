"""What metrics share: computing one set at a time, in float64, distances between sets, and counts of modes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ganbench.core.lazy import Tensor, torch
from ganbench.metrics import LARGEST

if TYPE_CHECKING:
    from ganbench.metrics import Sample

# Up to here differences are about as fast as matrix products, and they lose no digits to cancellation.
FEW_DIMENSIONS = 8
# Pairs at a time, 2 MB, which a core's cache holds: 10,000 samples against as many would be 800 MB.
ENTRIES = 1 << 18

Pairs = Callable[["Tensor", "Tensor"], "Tensor"]


def judge_each(
    features: Tensor, names: Sequence[str], judge: Callable[[Tensor], Sequence[float | Tensor]]
) -> dict[str, Tensor]:
    """Return `[...]` values by name of feature sets `[..., n, d]`, NaN for a set that is not finite (or beyond 1e48).

    `judge` sees one set `[n, d]` in float64, so a set's numbers do not depend on those beside it, to the last bit. The
    set is a copy, which `judge` may overwrite, and which the next one overwrites: new memory costs as much as the copy.
    """
    lead = features.shape[:-2]
    table = torch.full((lead.numel(), len(names)), torch.nan, dtype=torch.float64, device="cpu")
    copy = torch.empty(features.shape[-2:], dtype=torch.float64, device=features.device)
    for row, x in zip(table, features.reshape(-1, *features.shape[-2:]), strict=True):
        low, high = x.aminmax()
        if -LARGEST < float(low) and float(high) < LARGEST:
            values = judge(copy.copy_(x))
            row[:] = torch.tensor([float(v) for v in values], dtype=torch.float64, device="cpu")
    return {name: table[:, i].reshape(lead).to(features.device) for i, name in enumerate(names)}


def in_range(features: Tensor) -> Tensor:
    """Return which sets of `[..., n, d]` are finite and below 1e48, `[...]`."""
    low, high = features.flatten(-2).aminmax(dim=-1)  # NaN where there is one
    return (low.double() > -LARGEST) & (high.double() < LARGEST)


def undefined(features: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
    """Return NaN by name for every feature set of `[..., n, d]`."""
    return judge_each(features, names, lambda x: [torch.nan for _ in names])


def judge_each_histogram(
    sample: Sample, modes: int, names: Sequence[str], judge: Callable[[Tensor], Sequence[Tensor]]
) -> dict[str, Tensor]:
    """Return `[...]` values by name of each set's shares of nearest modes `[K]`, which `judge` sees, good or not.

    NaN for a set that is not finite, and where no modes are known (K = 0).
    """
    if modes == 0:
        return undefined(sample.features, names)
    finite = torch.isfinite(sample.features).all(-1, keepdim=True)
    return judge_each(
        sample.mode.unsqueeze(-1).double().where(finite, torch.nan),
        names,
        lambda mode: judge(mode[:, 0].long().bincount(minlength=modes).double() / len(mode)),
    )


def mode_counts(mode: Tensor, good: Tensor | None, modes: int) -> Tensor:
    """Return how many (good) samples each mode has, `[..., n] → [..., K]`."""
    weight = torch.ones_like(mode, dtype=torch.float64) if good is None else good.double()
    zeros = torch.zeros(*mode.shape[:-1], modes, dtype=torch.float64, device=mode.device)
    return zeros.scatter_add_(-1, mode, weight)


def captured(good_counts: Tensor, threshold: Tensor) -> Tensor:
    """Return which modes have at least a threshold `[K]` of good samples, and at least one, `[..., K]`."""
    # Rounding must not lift a threshold that is a whole number above it.
    return (good_counts >= threshold - 1e-6) & (good_counts > 0)


def kernel_distance(features: Tensor, y: Tensor, name: str, kernel: Pairs) -> dict[str, Tensor]:
    """Return the unbiased squared maximum mean discrepancy between each set of `[..., n, d]` and `y` `[m, d]`."""
    within = mean_within(y, kernel)
    return judge_each(features, [name], lambda x: [mean_within(x, kernel) + within - 2 * mean_between(x, y, kernel)])


def distances(x: Tensor, y: Tensor) -> Tensor:
    """Return Euclidean distances `[n, m]` between rows of `[n, d]` and `[m, d]`."""
    if x.shape[-1] <= FEW_DIMENSIONS:
        return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    centre = y.mean(dim=0)  # |x|² + |y|² − 2xy loses the fewest digits near the origin
    return torch.cdist(x - centre, y - centre, compute_mode="use_mm_for_euclid_dist")


def blocks(x: Tensor, y: Tensor, of: Pairs = distances) -> Iterator[tuple[int, Tensor]]:
    """Yield `of(rows of x, y)` `[r, m]` a few rows at a time, each after the number of its first row."""
    rows = max(1, ENTRIES // max(1, len(y)))
    for start in range(0, len(x), rows):
        yield start, of(x[start : start + rows], y)


def mean_between(x: Tensor, y: Tensor, of: Pairs = distances) -> Tensor:
    """Return the mean of `of` over all pairs of a row of `[n, d]` and one of `[m, d]`."""
    total = sum((block.sum() for _, block in blocks(x, y, of)), start=x.new_zeros(()))
    return total / (len(x) * len(y))


def mean_within(x: Tensor, of: Pairs = distances) -> Tensor:
    """Return the mean of the symmetric `of` over all pairs of different rows: a U-statistic; NaN for n = 1."""
    n, total = len(x), x.new_zeros(())
    rows = max(1, ENTRIES // max(1, n))
    for start in range(0, n, rows):
        block = of(x[start : start + rows], x[start:])
        # Pairs within the block are there both ways round; the others are seen here alone and count twice.
        square = block[:, : len(block)]
        total += 2 * block.sum() - square.sum() - square.diagonal().sum()
    return total / (n * (n - 1)) if n > 1 else x.new_tensor(torch.nan)


def neighbour_distances(x: Tensor, k: int) -> Tensor:
    """Return each row's distance to its k-th nearest other row, `[n, d] → [n]`; n > k."""
    # Filled in place: small results kept between the large blocks would leave holes that no next block fits into.
    kth = x.new_empty(len(x))
    for start, block in blocks(x, x):
        block.diagonal(offset=start).fill_(torch.inf)
        kth[start : start + len(block)] = block.topk(k, dim=1, largest=False).values[:, -1]
    return kth
