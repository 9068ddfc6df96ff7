"""One convolution of many seeds' images in four ways, and the rule that picks the fastest for a shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganbench.core.lazy import F, torch

if TYPE_CHECKING:
    from torch import Tensor

Way = Literal["grouped", "last", "loop", "columns"]
WIDE_MAP = 16
THIN = 3  # channels of an image


def fastest(channels: tuple[int, int], side: int, stride: int, transposed: bool, device: str) -> Way:
    """Return the way for `channels` (in, out) and an input `side` pixels wide.

    It depends on neither the seeds nor the batch, so that a seed takes the same path alone and packed with others. The
    rule is measured on a CPU (docs/performance.md); on other devices convolutions are grouped. In a loop a seed has the
    same bits alone and packed; channels last would be faster at stride 2 too, but by less than that is worth.
    """
    if device != "cpu":
        return "grouped"
    larger = side * stride if transposed else side
    if larger >= WIDE_MAP:
        return "last" if stride == 1 else "loop"
    return "columns" if stride == 2 and min(channels) <= THIN else "grouped"


def convolve(
    x: Tensor, weight: Tensor, *, stride: int, padding: int, transposed: bool, way: Way, groups: int = 1
) -> Tensor:
    """Return each seed's images `[B, S·in, H, W]` convolved with its own kernels, `[B, S·out, H', W']`.

    `weight` is `[S, out, in, k, k]`, or `[S, in, out, k, k]` where transposed. `way` is one grouped convolution, the
    same with channels last in memory (the result has them last too, ready for the next layer), a loop over seeds, or a
    batched matrix product of image columns; they are equal to rounding. Within a seed, channels may be in `groups` that
    see only each other (`weight` is then `[S, out, in/groups, k, k]`; never as columns).
    """
    if way == "columns" and groups == 1:
        return _from_columns(x, weight, stride, padding) if transposed else _of_columns(x, weight, stride, padding)
    function = F.conv_transpose2d if transposed else F.conv2d
    if way != "loop":
        kernels = weight.flatten(0, 1)
        if way == "last":
            x, kernels = (t.contiguous(memory_format=torch.channels_last) for t in (x, kernels))
        return function(x, kernels, stride=stride, padding=padding, groups=len(weight) * groups)
    images = zip(x.chunk(len(weight), dim=1), weight.unbind(0), strict=True)
    each = [function(image, kernel, stride=stride, padding=padding, groups=groups) for image, kernel in images]
    return torch.cat(each, dim=1)


def _of_columns(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    seeds, outputs, inputs, k, _ = weight.shape
    batch, (height, width) = len(x), ((n + 2 * padding - k) // stride + 1 for n in x.shape[-2:])
    padded = F.pad(x, (padding,) * 4).unflatten(1, (seeds, inputs))
    patches = padded.unfold(3, k, stride).unfold(4, k, stride)  # [B, S, in, h, w, k, k]
    columns = patches.permute(1, 2, 5, 6, 0, 3, 4).reshape(seeds, inputs * k * k, -1)
    y = torch.bmm(weight.flatten(2), columns).view(seeds, outputs, batch, height, width)
    return y.permute(2, 0, 1, 3, 4).reshape(batch, seeds * outputs, height, width)


def _from_columns(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    seeds, inputs, outputs, k, _ = weight.shape
    batch, places = len(x), x.shape[-2] * x.shape[-1]
    height, width = ((n - 1) * stride - 2 * padding + k for n in x.shape[-2:])
    flat = x.unflatten(1, (seeds, inputs)).permute(1, 2, 0, 3, 4).reshape(seeds, inputs, -1)
    columns = torch.bmm(weight.flatten(2).mT, flat).view(seeds, outputs * k * k, batch, places)
    columns = columns.permute(2, 0, 1, 3).reshape(batch * seeds, outputs * k * k, places)
    y = F.fold(columns, (height, width), k, padding=padding, stride=stride)
    return y.view(batch, seeds * outputs, height, width)
