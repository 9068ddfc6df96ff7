"""One convolution of many seeds' images in four ways, and the rule that picks one for a shape."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Literal

from ganbench.core.lazy import F, torch

if TYPE_CHECKING:
    from torch import Tensor

Way = Literal["dense", "loop", "last", "grouped"]
WIDE_MAP, SMALL_MAP, TINY_MAP = 16, 8, 4
THIN = 3  # channels of an image


def way_for(
    channels: tuple[int, int], side: int, *, kernel: int, stride: int, transposed: bool, device: str, groups: int = 1
) -> Way:
    """Return the way for `channels` (in, out) and an input `side` pixels wide.

    On a CPU only ways are chosen in which a seed has the same bits alone and packed with others; among those the
    fastest by shape, as measured (docs/performance.md). A grouped convolution is not one of them: a library picks its
    kernel by the number of groups. On other devices, where a loop would cost what packing gains, it is the one way.
    """
    if device != "cpu":
        return "grouped"
    larger = side * stride if transposed else side
    most = SMALL_MAP if stride == 2 and min(channels) <= THIN else TINY_MAP
    if larger <= most and kernel > 1 and groups == 1:
        return "dense"
    # Channels last say nothing where there is one channel: a library then takes one path or another.
    return "last" if larger >= WIDE_MAP and stride == 1 and min(channels) > 1 else "loop"


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int,
    padding: int,
    transposed: bool,
    way: Way,
    groups: int = 1,
) -> Tensor:
    """Return each seed's square images `[B, S·in, H, H]` convolved with its own kernels, `[B, S·out, H', H']`.

    `weight` is `[S, out, in, k, k]`, or `[S, in, out, k, k]` where transposed, `bias` `[S, out]`. `way` is a batched
    product with the convolution's matrix, a loop over seeds, the same with channels last in memory, or one grouped
    convolution; they are equal to rounding. Within a seed, channels may be in `groups` that see only each other
    (`weight` is then `[S, out, in/groups, k, k]`; never dense). Images that are not square go seed by seed.
    """
    if way == "dense" and x.shape[-1] == x.shape[-2]:
        return _dense(x, weight, bias, stride, padding, transposed)
    function = F.conv_transpose2d if transposed else F.conv2d
    options = {"stride": stride, "padding": padding}
    if way == "grouped":
        flat = None if bias is None else bias.flatten()
        return function(x, weight.flatten(0, 1), flat, groups=len(weight) * groups, **options)
    memory = torch.channels_last if way == "last" else torch.contiguous_format
    images = (image.contiguous(memory_format=memory) for image in x.chunk(len(weight), dim=1))
    kernels = (kernel.contiguous(memory_format=memory) for kernel in weight.unbind(0))
    biases = [None] * len(weight) if bias is None else bias.unbind(0)
    each = [function(*one, groups=groups, **options) for one in zip(images, kernels, biases, strict=True)]
    return torch.cat(each, dim=1)


def product(a: Tensor, b: Tensor) -> Tensor:
    """Return the matrix products `[S, m, k] · [S, k, n] → [S, m, n]`, each with the bits that it has alone.

    Where a matrix is one row or column, a batch of one takes another path than a larger batch; it is made one of two.
    """
    if len(a) == 1 and 1 in (*a.shape, *b.shape)[1:]:
        both = torch.bmm(a.expand(2, -1, -1), b.expand(2, -1, -1))
        return both[:1]
    return torch.bmm(a, b)


def _dense(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, transposed: bool) -> Tensor:
    """Return the convolution as a product with its matrix `[S, in·H·H, out·H'·H']`, most of it full on a small map."""
    seeds, first, second, k, _ = weight.shape
    side = x.shape[-1]
    outer = (side - 1) * stride - 2 * padding + k if transposed else (side + 2 * padding - k) // stride + 1
    large, small = (outer, side) if transposed else (side, outer)
    table = _places(large, small, k, stride, padding).to(weight)
    spread = product(weight.reshape(seeds, first * second, k * k), table.expand(seeds, -1, -1))
    spread = spread.view(seeds, first, second, large**2, small**2)
    if transposed:  # from the small map's first channels to the large map's second
        matrix, outputs = spread.permute(0, 1, 4, 2, 3), second
    else:
        matrix, outputs = spread.permute(0, 2, 3, 1, 4), first
    flat = torch.stack(x.chunk(seeds, dim=1)).flatten(2)
    y = product(flat, matrix.reshape(seeds, flat.shape[-1], -1))
    if bias is not None:
        y = y + bias.repeat_interleave(outer**2, dim=1).unsqueeze(1)
    return torch.cat(y.unflatten(2, (outputs, outer, outer)).unbind(0), dim=1)


@functools.cache
def _places(large: int, small: int, k: int, stride: int, padding: int) -> Tensor:
    """Return 1 where a place of the kernel joins a place of the large map and one of the small, `[k·k, L·L·l·l]`."""
    joined = torch.zeros(k, large, small, device="cpu")
    for at in range(small):
        for j in range(k):
            if 0 <= (place := at * stride + j - padding) < large:
                joined[j, place, at] = 1.0
    return torch.einsum("jyo,ixp->jiyxop", joined, joined).reshape(k * k, -1)
