"""Small convolutional networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval

from ganbench.core.facts import TrialFacts
from ganbench.networks import Net, Network
from ganbench.networks._attention import SelfAttention
from ganbench.networks._images import Conv, ImageDropout, Unpack, pack
from ganbench.networks._initialisers import Initialisation, initialiser
from ganbench.networks._layers import Function, Layer, Linear, activation
from ganbench.networks._options import (
    absorbs_bias,
    discriminator_traits,
    image_net,
    image_norm,
    last_layer,
    reparametrised,
    unfit_images,
)
from ganbench.networks._virtual import Reference, without_reference

Size = Annotated[int, Interval(ge=1, le=4096)]


@dataclass(frozen=True)
class DCGAN(Network):
    """Deep convolutional generator and discriminator for square images of 8, 16, 32 or 64 pixels.

    The generator doubles a 4×4 map (or 2×2 for 8 pixels) by transposed convolutions with batch norm and ends in tanh;
    the discriminator mirrors it with strided convolutions and leaky ReLU, no norm on its first. `channels` is the width
    beside the image; the paper's network is `{latent: 100, channels: 128, d_norm: batch}` at 64 pixels. `attention`
    puts self-attention into both, on the map of half the image's side.
    """

    name = "dcgan"
    version = 7
    source = "Radford et al. 2016, arXiv:1511.06434, section 3"
    requires = {"images": "dcgan builds convolutions and the data set has no images"}
    convolutions = 6

    latent: Size = 32
    channels: Size = 16
    norm: Literal["none", "batch", "layer", "instance", "virtual"] = "batch"
    d_norm: Literal["none", "batch", "layer", "instance"] = "none"
    d_weight_norm: bool = False
    d_dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    attention: bool = False
    init: Initialisation = "normal"
    init_scale: float = 0.02

    def parameter_traits(self) -> tuple[str, ...]:
        """Return the traits of this discriminator, which other components may conflict with."""
        return discriminator_traits(self.parameters)

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why these networks cannot make the data set's images."""
        return unfit_images(self.name, trial)

    def _widths(self, size: int) -> tuple[int, list[int]]:
        """Return the side of the smallest map and the widths from the image's side inwards."""
        side = 2 if size == 8 else 4
        doublings = (size // side).bit_length() - 1
        return side, [self.channels * 2**i for i in range(doublings)]

    def generator(self, shape: tuple[int, ...]) -> Net:
        """Return the generator `[S, B, latent] → [S, B, C, H, W]`."""
        side, widths = self._widths(shape[1])
        start = initialiser(self.init, self.init_scale)
        width, free = widths[-1], absorbs_bias(self.norm)
        layers: list[Layer] = [
            Linear("linear", self.latent, width * side**2, start),
            Function(lambda x: x.flatten(0, 1).unflatten(-1, (width, side, side))),
        ]
        stages = list(zip(widths[::-1], [*widths[-2::-1], shape[0]], strict=True))
        for i, (inputs, outputs) in enumerate(stages):
            last = i == len(stages) - 1
            layers += [*image_norm(self.norm, f"norm{i}", inputs), activation("relu")]
            if last and self.attention:
                layers.append(SelfAttention("attention", inputs, start))
            layers.append(Conv(f"conv{i}", (inputs, outputs), start, transposed=True, bias=last or not free))
        layers += [activation("tanh"), Unpack()]
        if self.norm == "virtual":
            layers = [Reference(self.latent), *layers, without_reference()]
        return image_net(layers, shape[1])

    def trunk(self, shape: tuple[int, ...]) -> tuple[Net, int]:
        """Return the discriminator up to its last hidden layer `[S, B, C, H, W] → [S, B, F]`, and F."""
        side, widths = self._widths(shape[1])
        start = initialiser(self.init, self.init_scale)
        layers: list[Layer] = [pack()]
        for i, (inputs, outputs) in enumerate(zip([shape[0], *widths], widths, strict=False)):
            norm = self.d_norm if i > 0 else "none"
            layers.append(Conv(f"conv{i}", (inputs, outputs), start, bias=not absorbs_bias(norm)))
            layers += [*image_norm(norm, f"norm{i}", outputs), activation("leaky_relu")]
            if self.d_dropout:
                layers.append(ImageDropout(f"dropout{i}", self.d_dropout))
            if i == 0 and self.attention:
                layers.append(SelfAttention("attention", outputs, start))
        width = widths[-1]
        layers += [Unpack(), Function(lambda x: x.flatten(2))]
        net = image_net(layers, shape[1], draws=self.d_dropout > 0)
        return reparametrised(net, self.d_weight_norm), width * side**2

    def head(self, width: int) -> Net:
        """Return the discriminator's last layer `[S, B, width] → [S, B, 1]`."""
        return last_layer(width, initialiser(self.init, self.init_scale), self.d_weight_norm)
