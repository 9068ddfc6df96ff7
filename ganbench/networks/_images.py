"""Image layers for many seeds at once, `[S·B, C, H, W]`: the images of one seed after those of another."""

from __future__ import annotations

from ganbench.core.lazy import F, Tensor, torch
from ganbench.core.protocols import Noise, Params
from ganbench.networks._convolution import convolve, way_for
from ganbench.networks._initialisers import Initialiser
from ganbench.networks._layers import Dropout, Function


def pack() -> Function:
    """Return the layer `[S, B, C, H, W] → [S·B, C, H, W]`."""
    return Function(lambda x: x.flatten(0, 1))


class Unpack:
    """The layer `[S·B, C, H, W] → [S, B, C, H, W]`, contiguous: what reads the images need not know their order."""

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return nothing: there are no parameters."""
        return {}, {}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return each seed's images; there are as many seeds as in the network's parameters."""
        return unpacked(params, x).contiguous()


def unpacked(params: Params, x: Tensor) -> Tensor:
    """Return `[S·B, C, H, W]` as `[S, B, C, H, W]`."""
    return x.unflatten(0, (len(next(iter(params.values()))), -1))


class Conv:
    """A convolution (or its transpose) of each seed's images with that seed's kernels."""

    def __init__(
        self,
        name: str,
        channels: tuple[int, int],
        initialise: Initialiser,
        *,
        kernel: int = 4,
        stride: int = 2,
        padding: int = 1,
        transposed: bool = False,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        self.weight, self.bias = f"{name}.weight", f"{name}.bias"
        self.channels, self.initialise, self.has_bias = channels, initialise, bias
        self.kernel, self.stride, self.padding, self.transposed = kernel, stride, padding, transposed
        self.groups = groups  # of channels that see only each other; not where transposed

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return the weight (output channels first, or input channels first where transposed) and the bias."""
        inputs, outputs = self.channels
        area = self.kernel**2
        first, second = (inputs, outputs) if self.transposed else (outputs, inputs // self.groups)
        shape = (first, second, self.kernel, self.kernel)
        weight, _ = self.initialise(shape, inputs // self.groups * area, outputs // self.groups * area, generator)
        return {self.weight: weight, self.bias: torch.zeros(outputs)} if self.has_bias else {self.weight: weight}, {}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return `[S·B, out, H', W']`."""
        way = way_for(
            self.channels,
            x.shape[-1],
            kernel=self.kernel,
            stride=self.stride,
            transposed=self.transposed,
            device=x.device.type,
            groups=self.groups,
        )
        return convolve(
            x,
            params[self.weight],
            params[self.bias] if self.has_bias else None,
            stride=self.stride,
            padding=self.padding,
            transposed=self.transposed,
            groups=self.groups,
            way=way,
        )


class ImageDropout(Dropout):
    """Dropout of single places and channels."""

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return `x` with one mask per seed."""
        return super().__call__(params, buffers, unpacked(params, x), training, noise).flatten(0, 1)


def upsample() -> Function:
    """Return the layer that doubles the side of images by repeating places."""
    return Function(lambda x: F.interpolate(x, scale_factor=2, mode="nearest"))


def downsample() -> Function:
    """Return the layer that halves the side of images by averaging."""
    return Function(lambda x: F.avg_pool2d(x, 2))
