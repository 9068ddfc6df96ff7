"""Small convolutional networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.lazy import torch
from ganbench.core.trial import Trial
from ganbench.networks import Network
from ganbench.networks._images import Conv, ImageBatchNorm, pack, unpack
from ganbench.networks._initialisers import Initialisation, initialiser
from ganbench.networks._layers import Function, Layer, Linear, Net, activation

Size = Annotated[int, Interval(ge=1, le=4096)]


@dataclass(frozen=True)
class DCGAN(Network):
    """Deep convolutional generator and discriminator for square images of 8, 16 or 32 pixels.

    The generator doubles a 4×4 map (or 2×2 for 8 pixels) by transposed convolutions with batch norm and ends in tanh;
    the discriminator mirrors it with strided convolutions and leaky ReLU. `channels` is the width beside the image.
    """

    name = "dcgan"
    source = "Radford et al. 2016, arXiv:1511.06434, section 3"
    needs = {"images": "dcgan builds convolutions and the data set has no images"}

    latent: Size = 32
    channels: Size = 16
    batch_norm: bool = True
    d_batch_norm: bool = False
    init: Initialisation = "normal"
    init_scale: float = 0.02

    def parameter_traits(self) -> tuple[str, ...]:
        """Say what others may object to in this discriminator."""
        return ("couples samples",) if self.d_batch_norm else ()

    def skip(self, trial: Trial) -> str | None:
        """Return why these networks cannot make the data set's images."""
        shape = getattr(trial.dataset.build(), "shape", ())
        if len(shape) == 3 and (shape[1] != shape[2] or shape[1] not in (8, 16, 32)):
            return f"dcgan makes square images of 8, 16 or 32 pixels, not {shape[1]}×{shape[2]}"
        return None

    def _widths(self, size: int) -> tuple[int, list[int]]:
        """Return the side of the smallest map and the widths from the image's side inwards."""
        side = 2 if size == 8 else 4
        doublings = (size // side).bit_length() - 1
        return side, [self.channels * 2**i for i in range(doublings)]

    def generator(self, shape: tuple[int, ...]) -> Net:
        """Return the generator `[S, B, latent] → [S, B, C, H, W]`."""
        side, widths = self._widths(shape[1])
        start = initialiser(self.init, self.init_scale)
        width = widths[-1]
        layers: list[Layer] = [
            Linear("linear", self.latent, width * side**2, start),
            Function(lambda x: pack(x.unflatten(-1, (width, side, side)))),
        ]
        for i, (inputs, outputs) in enumerate(zip(widths[::-1], [*widths[-2::-1], shape[0]], strict=True)):
            if self.batch_norm:
                layers.append(ImageBatchNorm(f"norm{i}", inputs))
            layers += [activation("relu"), Conv(f"conv{i}", (inputs, outputs), start, transposed=True)]
        return Net([*layers, activation("tanh"), Function(lambda x: unpack(x, shape[0]))])

    def trunk(self, shape: tuple[int, ...]) -> tuple[Net, int]:
        """Return the discriminator up to its last hidden layer `[S, B, C, H, W] → [S, B, F]`, and F."""
        side, widths = self._widths(shape[1])
        start = initialiser(self.init, self.init_scale)
        layers: list[Layer] = [Function(pack)]
        for i, (inputs, outputs) in enumerate(zip([shape[0], *widths], widths, strict=False)):
            layers.append(Conv(f"conv{i}", (inputs, outputs), start))
            if self.d_batch_norm and i > 0:
                layers.append(ImageBatchNorm(f"norm{i}", outputs))
            layers.append(activation("leaky_relu"))
        width = widths[-1]
        return Net([*layers, Function(lambda x: torch.flatten(unpack(x, width), 2))]), width * side**2

    def head(self, width: int) -> Net:
        """Return the discriminator's last layer `[S, B, width] → [S, B, 1]`."""
        return Net([Linear("head", width, 1, initialiser(self.init, self.init_scale))])
