"""Networks whose discriminator is an autoencoder."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Annotated

from annotated_types import Interval

from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Noise, Params
from ganbench.networks import Network
from ganbench.networks._initialisers import Initialisation, initialiser
from ganbench.networks._layers import Function, Layer, Linear, Sequential, activation

Size = Annotated[int, Interval(ge=1, le=65536)]


@dataclass(frozen=True)
class Autoencoder(Network):
    """Fully connected generator, and an autoencoder with a bottleneck of `code` numbers as discriminator.

    The logit is −E(x), E(x) = mean over coordinates of (x − Dec(Enc(x)))² ≥ 0, so that a higher logit is a more real
    one. Encoder and decoder have one hidden layer of `d_width`, the generator has `depth` of `width`. Images are
    flattened, and generated and reconstructed through tanh; points are left as they are.
    """

    name = "autoencoder"
    source = "Zhao et al. 2016, arXiv:1609.03126, section 2.3"
    addresses = "a discriminator with one number to say"
    traits = ("autoencoder",)
    compiles = True
    conflicts = {"couples samples": "an autoencoder's energy is one sample's own reconstruction error"}
    requires = {"energy": "an autoencoder answers with −energy ≤ 0, which only energy losses (ebgan) can read"}

    width: Size = 64
    depth: Annotated[int, Interval(ge=0, le=64)] = 2
    d_width: Size = 64
    code: Size = 1
    init: Initialisation = "default"
    init_scale: float = 1.0

    def generator(self, shape: tuple[int, ...]) -> Sequential:
        """Return the generator `[S, B, latent] → [S, B, *shape]`."""
        layers = self._layers("linear", [self.latent, *[self.width] * self.depth, prod(shape)], "relu")
        if len(shape) > 1:
            layers += [activation("tanh"), Function(lambda x: x.unflatten(-1, shape))]
        return Sequential(layers)

    def trunk(self, shape: tuple[int, ...]) -> tuple[SquaredError, int]:
        """Return each coordinate's squared reconstruction error `[S, B, *shape] → [S, B, F]`, and F = ∏ shape."""
        n = prod(shape)
        layers = self._layers("encoder", [n, self.d_width, self.code], "leaky_relu")
        layers += self._layers("decoder", [self.code, self.d_width, n], "leaky_relu")
        if len(shape) > 1:
            layers.append(activation("tanh"))
        return SquaredError(Sequential(layers)), n

    def head(self, width: int) -> Sequential:
        """Return minus the mean error, `[S, B, width] → [S, B, 1]`; it has no weights."""
        return Sequential([Function(lambda error: -error.mean(-1, keepdim=True))])

    def _layers(self, name: str, sizes: list[int], act: str) -> list[Layer]:
        """Return linear layers through these sizes with an activation between each two."""
        start = initialiser(self.init, self.init_scale)
        layers: list[Layer] = []
        for i, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
            if i > 0:
                layers.append(activation(act))
            layers.append(Linear(f"{name}{i}", fan_in, fan_out, start))
        return layers


@dataclass(frozen=True)
class SquaredError:
    """(x − reconstruction of x)², coordinate by coordinate."""

    autoencoder: Sequential

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return one seed's parameters and buffers, without the seed axis."""
        return self.autoencoder.init(generator)

    def apply(self, params: Params, buffers: Params, x: Tensor, *, training: bool, noise: Noise | None) -> Tensor:
        """Return the squared error `[S, B, F]` of `x` `[S, B, *shape]`."""
        x = torch.flatten(x, 2)
        return (x - self.autoencoder.apply(params, buffers, x, training=training, noise=noise)).square()
