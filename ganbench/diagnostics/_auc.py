"""The area under the ROC curve."""

from __future__ import annotations

from ganbench.core.lazy import Tensor, torch


def auc(high: Tensor, low: Tensor) -> Tensor:
    """Return P(h > l) + ½P(h = l) over all pairs of `[..., n]` and `[..., m]`, `[...]` in float64, in [0, 1].

    NaN where a value is not finite. By sorting: n·m pairs of a big minibatch would not fit.
    """
    ordered = low.detach().contiguous().sort(dim=-1).values
    wanted = high.detach().contiguous()
    below = torch.searchsorted(ordered, wanted, right=False)
    not_above = torch.searchsorted(ordered, wanted, right=True)
    share = (below + not_above).double().mean(-1) / (2 * low.shape[-1])
    finite = torch.isfinite(high).all(-1) & torch.isfinite(low).all(-1)
    return share.where(finite, torch.nan)
