"""Residual convolutional networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval

from ganbench.core.facts import TrialFacts
from ganbench.core.lazy import F
from ganbench.networks import Net, Network
from ganbench.networks._attention import SelfAttention
from ganbench.networks._images import Conv, ImageDropout, Unpack, downsample, pack, upsample
from ganbench.networks._initialisers import Initialisation, initialiser
from ganbench.networks._layers import Function, Layer, Linear, Residual, activation
from ganbench.networks._options import (
    absorbs_bias,
    discriminator_traits,
    image_net,
    image_norm,
    last_layer,
    reparametrised,
    unfit_images,
)

Size = Annotated[int, Interval(ge=1, le=4096)]


@dataclass(frozen=True)
class ResNet(Network):
    """The residual generator and discriminator of SNGAN for square images of 8, 16, 32 or 64 pixels.

    The generator doubles a 4×4 map in blocks of norm, ReLU, repeat, 3×3 convolution, norm, ReLU, 3×3 convolution; the
    discriminator halves the image by averaging in two such blocks (one for 8 pixels), goes on in two more, and sums
    each channel over its places. `channels` is the width of all maps; the paper's are 256 and 128 (`d_channels`).
    `init_scale` is that of the convolutions inside blocks, others have 1.
    """

    name = "resnet"
    aliases = ("sngan_resnet",)
    version = 7
    source = "Miyato et al. 2018, arXiv:1802.05957, table 4"
    requires = {"images": "resnet builds convolutions and the data set has no images"}
    convolutions = 14

    latent: Size = 128
    channels: Size = 32
    d_channels: Size | None = None
    norm: Literal["none", "batch", "layer", "instance"] = "batch"
    d_norm: Literal["none", "batch", "layer", "instance"] = "none"
    d_weight_norm: bool = False
    d_dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    attention: bool = False
    init: Initialisation = "xavier"
    init_scale: float = 1.4142

    def parameter_traits(self) -> tuple[str, ...]:
        """Return the traits of this discriminator, which other components may conflict with."""
        return discriminator_traits(self.parameters)

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why these networks cannot make the data set's images."""
        return unfit_images(self.name, trial)

    def _conv(
        self, name: str, inputs: int, outputs: int, *, kernel: int = 3, inside: bool = False, norm: str = ""
    ) -> Conv:
        """Return a convolution that keeps the map's side; `norm` is the one that follows it."""
        start = initialiser(self.init, self.init_scale if inside else 1.0)
        bias = not absorbs_bias(norm)
        return Conv(name, (inputs, outputs), start, kernel=kernel, stride=1, padding=kernel // 2, bias=bias)

    def _up(self, name: str, width: int) -> Residual:
        """Return a block of the generator, which doubles the side."""
        inner: list[Layer] = [
            *image_norm(self.norm, f"{name}_norm0", width),
            _relu(),
            upsample(),
            self._conv(f"{name}_conv0", width, width, inside=True, norm=self.norm),
            *image_norm(self.norm, f"{name}_norm1", width),
            _relu(),
            self._conv(f"{name}_conv1", width, width, inside=True, norm=self.norm),
        ]
        # The sum of both branches ends in a norm, at the latest in the last one, which takes out their biases.
        shortcut = self._conv(f"{name}_shortcut", width, width, kernel=1, norm=self.norm)
        return Residual(inner, [upsample(), shortcut])

    def _down(self, name: str, inputs: int, outputs: int, first: bool, half: bool) -> Residual:
        """Return a block of the discriminator; the first sees the image itself, without norm and activation."""
        before: list[Layer] = [] if first else [*image_norm(self.d_norm, f"{name}_norm0", inputs), _relu()]
        inner: list[Layer] = [
            *before,
            self._conv(f"{name}_conv0", inputs, outputs, inside=True, norm=self.d_norm),
            *image_norm(self.d_norm, f"{name}_norm1", outputs),
            _relu(),
            *([ImageDropout(f"{name}_dropout", self.d_dropout)] if self.d_dropout else []),
            self._conv(f"{name}_conv1", outputs, outputs, inside=True),
            *([downsample()] if half else []),
        ]
        if not half:
            return Residual(inner)
        # Averaging and a 1×1 convolution commute; averaging first is the cheaper order.
        return Residual(inner, [downsample(), self._conv(f"{name}_shortcut", inputs, outputs, kernel=1)])

    def generator(self, shape: tuple[int, ...]) -> Net:
        """Return the generator `[S, B, latent] → [S, B, C, H, W]`."""
        width = self.channels
        layers: list[Layer] = [
            Linear("linear", self.latent, width * 16, initialiser(self.init, 1.0)),
            Function(lambda x: x.flatten(0, 1).unflatten(-1, (width, 4, 4))),
        ]
        blocks = (shape[1] // 4).bit_length() - 1
        for i in range(blocks):
            if i == blocks - 1 and self.attention:
                layers.append(SelfAttention("attention", width, initialiser(self.init, 1.0)))
            layers.append(self._up(f"block{i}", width))
        layers += [*image_norm(self.norm, "norm", width), _relu(), self._conv("conv", width, shape[0])]
        return image_net([*layers, activation("tanh"), Unpack()], shape[1])

    def trunk(self, shape: tuple[int, ...]) -> tuple[Net, int]:
        """Return the discriminator up to its last hidden layer `[S, B, C, H, W] → [S, B, F]`, and F."""
        width = self.channels if self.d_channels is None else self.d_channels
        halvings = 1 if shape[1] == 8 else 2
        layers: list[Layer] = [pack()]
        for i in range(halvings + 2):
            first = i == 0
            layers.append(self._down(f"block{i}", shape[0] if first else width, width, first, i < halvings))
            if first and self.attention:
                layers.append(SelfAttention("attention", width, initialiser(self.init, 1.0)))
        layers += [_relu(), Unpack(), Function(lambda x: x.sum((-2, -1)))]
        net = image_net(layers, shape[1], draws=self.d_dropout > 0)
        return reparametrised(net, self.d_weight_norm), width

    def head(self, width: int) -> Net:
        """Return the discriminator's last layer `[S, B, width] → [S, B, 1]`."""
        return last_layer(width, initialiser(self.init, 1.0), self.d_weight_norm)


def _relu() -> Function:
    """Return a ReLU that leaves its input as it is, because a shortcut reads that too."""
    return Function(lambda x: F.relu(x))
