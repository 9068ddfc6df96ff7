"""One convolution of many seeds' images, by seeds or as a matrix, and the rule that picks one for a shape."""

from __future__ import annotations

import functools
from typing import Literal

from ganbench.core.lazy import F, Tensor, torch
from ganbench.networks._each_seed import each_seed

Way = Literal["dense", "phases", "pointwise", "seeds"]
SMALL_MAP, TINY_MAP = 8, 4
THIN = 3  # channels of an image
NARROW = 32  # channels up to which one call for each seed weighs more than its arithmetic


def way_for(
    channels: tuple[int, int], side: int, *, kernel: int, stride: int, transposed: bool, device: str, groups: int = 1
) -> Way:
    """Return the way for `channels` (in, out) and an input `side` pixels wide: the faster one, as measured.

    In all of them a seed has the same bits alone and packed with others (docs/performance.md has the figures).
    """
    single = kernel == stride == groups == 1
    if device == "cpu" and single and side <= SMALL_MAP and min(channels) <= NARROW and _aligned(*channels):
        return "pointwise"
    larger = side * stride if transposed else side
    if device == "cpu" and transposed and (kernel, stride) == (4, 2) and channels[1] <= THIN and larger > SMALL_MAP:
        return "phases"
    most = SMALL_MAP if stride == 2 and min(channels) <= THIN else TINY_MAP
    return "dense" if device == "cpu" and larger <= most and kernel > 1 and groups == 1 else "seeds"


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
    """Return each seed's square images `[S·B, in, H, H]` convolved with its own kernels, `[S·B, out, H', H']`.

    `weight` is `[S, out, in, k, k]`, or `[S, in, out, k, k]` where transposed, `bias` `[S, out]`. `way` is a batched
    product with the convolution's matrix, one with kernels that see a single place ("pointwise"), a plain convolution
    in place of a transposed one ("phases"), or one call for each seed; they are equal to rounding. What a way does not
    fit (images that are not square, another padding) goes seed by seed. Channels may be in `groups` that see only each
    other (`weight` is then `[S, out, in/groups, k, k]`), seed by seed as well.

    Images are kept with channels last in memory, the fastest order on a CPU, and go on to the next layer so, uncopied
    (docs/performance.md).
    """
    if way == "dense" and x.shape[-1] == x.shape[-2]:
        return _dense(x, weight, bias, stride, padding, transposed)
    if way == "pointwise" and padding == 0:
        return _pointwise(x, weight, bias)
    if way == "phases" and padding == 1:
        return _by_phases(x, weight, bias)
    function, channels = F.conv_transpose2d if transposed else F.conv2d, x.shape[1]

    def one(images: Tensor, kernels: Tensor, biases: Tensor | None = None) -> Tensor:
        together = images.shape[1] // channels * groups
        return function(images, kernels, biases, stride=stride, padding=padding, groups=together)

    x, weight = channels_last(x), channels_last(weight)
    return each_seed(one, x, weight) if bias is None else each_seed(one, x, weight, bias)


def _aligned(rows: int, columns: int) -> bool:
    """Say whether a batched product of so many rows and columns has the same bits wherever a matrix of it lies.

    Without AVX-512, MKL's do not where neither is a multiple of four, unless both are even or there are few columns.
    """
    return columns <= 4 or rows % 4 == 0 or columns % 4 == 0 or rows % 2 == columns % 2 == 0


def channels_last(x: Tensor) -> Tensor:
    """Return `[…, C, H, W]` with channels last in memory, copied only where they are not."""
    if x.shape[-3] == 1:
        # The stride of one channel says nothing about the order but is read by libraries: it is always the same here.
        return x.squeeze(-3).contiguous().unsqueeze(-3)
    return x.movedim(-3, -1).contiguous().movedim(-1, -3)


def product(a: Tensor, b: Tensor) -> Tensor:
    """Return the matrix products `[S, m, k] · [S, k, n] → [S, m, n]`, each with the bits that it has alone.

    Where a matrix is one row or column, a batch of one takes another path than a larger batch; it is made one of two.
    """
    if len(a) == 1 and 1 in (*a.shape, *b.shape)[1:]:
        both = torch.bmm(a.expand(2, -1, -1), b.expand(2, -1, -1))
        return both[:1]
    return torch.bmm(a, b)


def _pointwise(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return the product of each place's channels with the kernels; channels last in memory, nothing is copied."""
    seeds, outputs = weight.shape[:2]
    places = channels_last(x).movedim(1, -1)
    y = product(places.reshape(seeds, -1, places.shape[-1]), weight.flatten(2).mT)
    if bias is not None:
        y = y + bias.unsqueeze(1)
    return y.view(*places.shape[:-1], outputs).movedim(-1, 1)


def _by_phases(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return a transposed convolution with 4×4 kernels at stride 2 and padding 1 as a plain one with 3×3 kernels.

    Place 2i + p of the larger map is phase p of place i: two phases a side, four times the channels. Index 2d + p + 1
    of the kernels joins it to place i − d of the smaller map, d = −1, 0, 1.
    """
    kernels = F.pad(weight, (1, 1, 1, 1)).unflatten(-1, (3, 2)).unflatten(-3, (3, 2))  # [S, in, out, d, p, e, q]
    kernels = kernels.flip(3, 5).permute(0, 2, 4, 6, 1, 3, 5).flatten(1, 3)
    biases = None if bias is None else bias.repeat_interleave(4, 1)
    y = convolve(x, kernels, biases, stride=1, padding=1, transposed=False, way="seeds")
    return y.unflatten(1, (-1, 2, 2)).permute(0, 1, 4, 2, 5, 3).flatten(4).flatten(2, 3)


def _dense(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, transposed: bool) -> Tensor:
    """Return the convolution as a product with its matrix `[S, H·H·in, H'·H'·out]`, most of it full on a small map."""
    seeds, first, second, k, _ = weight.shape
    side = x.shape[-1]
    outer = (side - 1) * stride - 2 * padding + k if transposed else (side + 2 * padding - k) // stride + 1
    large, small = (outer, side) if transposed else (side, outer)
    table = _places(large, small, k, stride, padding).to(weight)
    spread = product(table.expand(seeds, -1, -1), weight.reshape(seeds, first * second, k * k).mT.contiguous())
    spread = spread.view(seeds, large**2, small**2, first, second)
    if transposed:  # from the small map's first channels to the large map's second
        matrix, outputs = spread.permute(0, 2, 3, 1, 4), second
    else:
        matrix, outputs = spread.permute(0, 1, 4, 2, 3), first
    flat = x.movedim(1, -1).flatten(1).unflatten(0, (seeds, -1))
    y = product(flat, matrix.reshape(seeds, flat.shape[-1], -1))
    if bias is not None:
        y = y + bias.repeat(1, outer**2).unsqueeze(1)
    # A copy, because an activation in place of a view makes its backward pass copy more.
    return y.flatten(0, 1).unflatten(1, (outer, outer, outputs)).movedim(-1, 1).clone()


@functools.cache
def _places(large: int, small: int, k: int, stride: int, padding: int) -> Tensor:
    """Return 1 where a place of the kernel joins a place of the large map and one of the small, `[L·L·l·l, k·k]`."""
    joined = torch.zeros(k, large, small, device="cpu")
    for at in range(small):
        for j in range(k):
            if 0 <= (place := at * stride + j - padding) < large:
                joined[j, place, at] = 1.0
    return torch.einsum("jyo,ixp->yxopji", joined, joined).reshape(-1, k * k)
