"""Residual networks without normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Annotated

from annotated_types import Interval

from ganbench.core.facts import TrialFacts
from ganbench.core.lazy import F, Tensor, torch
from ganbench.core.protocols import Noise, Params
from ganbench.networks import Net, Network
from ganbench.networks._images import Conv, Unpack, downsample, pack
from ganbench.networks._initialisers import Initialiser, initialiser
from ganbench.networks._layers import Function, Layer, Linear, Residual, Sequential, activation
from ganbench.networks._options import image_net, unfit_images

Size = Annotated[int, Interval(ge=1, le=4096)]
EXPANSION = 2  # of a block's inner width over its outer
SIDE = 4  # of the smallest map
PLAIN = initialiser("he", sqrt(1 / 2))  # N(0, 1/fan_in), for layers that no activation follows
LEAKY = sqrt(1 / (1 + 0.2**2))  # the same variance after a leaky ReLU of slope 0.2, as a factor of he's


@dataclass(frozen=True)
class R3GAN(Network):
    """The small network of R3GAN for square images of 8, 16, 32 or 64 pixels: residual blocks, no norm, no attention.

    A block is x + conv 1×1 (leaky ReLU (grouped conv 3×3 (leaky ReLU (conv 1×1 (x))))), twice as wide inside. The
    generator scales a learnt 4×4 map by a projection of the latent and doubles it bilinearly, blocks at each side; the
    discriminator mirrors it with averages, and both read and write colours by 1×1 convolutions, without tanh. Blocks
    start as the identity (Fixup: the last convolution 0, the others times blocks^−¼). The paper's at 32 pixels is
    `{latent: 64, channels: 768, blocks: 2}`, with the loss `relativistic_paired` and the tricks `r1` and `r2`.
    """

    name = "r3gan"
    version = 6
    source = "Huang et al. 2024, arXiv:2501.05441, section 3; Zhang et al. 2019, arXiv:1901.09321 for the start"
    traits = ("no last bias", "zero start")
    requires = {"images": "r3gan builds convolutions and the data set has no images"}
    convolutions = 6

    latent: Size = 64
    channels: Size = 32
    blocks: Annotated[int, Interval(ge=1, le=16)] = 1
    group_width: Size = 16

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why these networks cannot make the data set's images."""
        if EXPANSION * self.channels % min(self.group_width, EXPANSION * self.channels):
            return (
                f"r3gan's inner width {EXPANSION * self.channels} is no multiple of its group_width {self.group_width}"
            )
        return unfit_images(self.name, trial)

    def _stage(self, index: int, stages: int) -> list[Layer]:
        """Return the blocks at one side of the map."""
        width, inner = self.channels, EXPANSION * self.channels
        start = initialiser("he", LEAKY * (stages * self.blocks) ** -0.25)
        groups = max(1, inner // self.group_width)

        def block(name: str) -> Residual:
            return Residual(
                [
                    _conv(f"{name}_conv0", width, inner, start),
                    activation("leaky_relu"),
                    Conv(f"{name}_conv1", (inner, inner), start, kernel=3, stride=1, padding=1, groups=groups),
                    activation("leaky_relu"),
                    _conv(f"{name}_conv2", inner, width, initialiser("he", 0.0), bias=False),
                ]
            )

        return [block(f"stage{index}_block{i}") for i in range(self.blocks)]

    def generator(self, shape: tuple[int, ...]) -> Net:
        """Return the generator `[S, B, latent] → [S, B, C, H, W]`."""
        stages = _stages(shape[1])
        layers: list[Layer] = [
            Linear("linear", self.latent, self.channels, PLAIN, bias=False),
            Basis("basis", self.channels),
        ]
        for i in range(stages):
            layers += [*([_double()] if i else []), *self._stage(i, stages)]
        layers.append(_conv("colours", self.channels, shape[0], PLAIN, bias=False))
        return image_net([*layers, Unpack()], shape[1])

    def trunk(self, shape: tuple[int, ...]) -> tuple[Net, int]:
        """Return the discriminator up to its last hidden layer `[S, B, C, H, W] → [S, B, F]`, and F."""
        width, stages = self.channels, _stages(shape[1])
        layers: list[Layer] = [pack(), _conv("colours", shape[0], width, PLAIN, bias=False)]
        for i in range(stages):
            layers += [*([downsample()] if i else []), *self._stage(i, stages)]
        layers.append(Conv("basis", (width, width), PLAIN, kernel=SIDE, stride=1, padding=0, groups=width, bias=False))
        return image_net([*layers, Unpack(), Function(lambda x: x.flatten(2))], shape[1]), width

    def head(self, width: int) -> Net:
        """Return the discriminator's last layer `[S, B, width] → [S, B, 1]`."""
        return Sequential([Linear("head", width, 1, PLAIN, bias=False)])


class Basis:
    """A learnt map whose channels are scaled by the input, `[S, B, C] → [S·B, C, 4, 4]`."""

    def __init__(self, name: str, channels: int) -> None:
        self.weight, self.channels = f"{name}.weight", channels

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return the map `[C, 4, 4]`, standard normal."""
        return {self.weight: torch.randn(self.channels, SIDE, SIDE, generator=generator)}, {}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the scaled maps."""
        return (x[..., None, None] * params[self.weight].unsqueeze(1)).flatten(0, 1)


def _conv(name: str, inputs: int, outputs: int, start: Initialiser, *, bias: bool = True) -> Conv:
    """Return a convolution 1×1."""
    return Conv(name, (inputs, outputs), start, kernel=1, stride=1, padding=0, bias=bias)


def _double() -> Function:
    """Return the layer that doubles the side of images by bilinear interpolation."""
    return Function(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))


def _stages(size: int) -> int:
    """Return how many sides a map has between 4 and the image's, both counted."""
    return (size // SIDE).bit_length()
