"""What the options of the built-in networks mean: which norm, weight norm, traits, and which images fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganbench.core.facts import TrialFacts
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Noise, Params
from ganbench.networks import Net
from ganbench.networks._each_seed import WIDE, OneByOne
from ganbench.networks._initialisers import Initialiser
from ganbench.networks._layers import Layer, Linear, Sequential
from ganbench.networks._norms import BatchNorm, ImageBatchNorm, ImageInstanceNorm, ImageLayerNorm, LayerNorm
from ganbench.networks._virtual import ImageVirtualBatchNorm, VirtualBatchNorm


def discriminator_traits(options: Mapping[str, object]) -> tuple[str, ...]:
    """Return the traits of a discriminator with these options, which other components may conflict with."""
    traits = {
        "couples samples": options.get("d_norm") == "batch",
        "normalised discriminator": options.get("d_norm", "none") != "none",
        "random discriminator": bool(options.get("d_dropout")),
        "weight norm": bool(options.get("d_weight_norm")),
    }
    return tuple(trait for trait, present in traits.items() if present)


def unfit_images(name: str, trial: TrialFacts) -> str | None:
    """Return why the network of that name cannot make the images of a trial's data set; None if it can."""
    shape = getattr(trial.dataset.build(), "shape", ())
    if len(shape) == 3 and (shape[1] != shape[2] or shape[1] not in (8, 16, 32, 64)):
        return f"{name} makes square images of 8, 16, 32 or 64 pixels, not {shape[1]}×{shape[2]}"
    return None


def point_norm(kind: str, name: str, features: int) -> list[Layer]:
    """Return the normalisation of that kind for points, as no or one layer."""
    kinds = {"batch": BatchNorm, "layer": LayerNorm, "virtual": VirtualBatchNorm}
    return [] if kind == "none" else [kinds[kind](name, features)]


def image_norm(kind: str, name: str, channels: int) -> list[Layer]:
    """Return the normalisation of that kind for images, as no or one layer."""
    kinds = {
        "batch": ImageBatchNorm,
        "layer": ImageLayerNorm,
        "instance": ImageInstanceNorm,
        "virtual": ImageVirtualBatchNorm,
    }
    return [] if kind == "none" else [kinds[kind](name, channels)]


def image_net(layers: Sequence[Layer], side: int, draws: bool = False) -> Net:
    """Return the layers as a network for images of that side; `draws`: whether one draws numbers for all seeds."""
    net = Sequential(layers)
    return OneByOne(net) if side >= WIDE and not draws else net


def absorbs_bias(kind: str) -> bool:
    """Return whether a norm removes any constant that the layer before it adds: a bias there would have no effect."""
    return kind in ("batch", "instance", "virtual")


def reparametrised(net: Net, weight_norm: bool) -> Net:
    """Return the network, with weight norm if asked for."""
    return WeightNormed(net) if weight_norm else net


def last_layer(width: int, start: Initialiser, weight_norm: bool) -> Net:
    """Return a discriminator's last layer `[S, B, width] → [S, B, 1]`, with weight norm if asked for."""
    return reparametrised(Sequential([Linear("head", width, 1, start)]), weight_norm)


@dataclass(frozen=True)
class WeightNormed:
    """Weight normalisation: w = g · v / ‖v‖ for each output of a network's weights.

    The weights are v, each with a parameter `<layer>.gain`, g, that starts at ‖v‖: the network starts as without it.
    """

    net: Net

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return one seed's parameters and buffers; g starts at ‖v‖."""
        params, buffers = self.net.init(generator)
        gains = {_gain(name): _squares(w).sqrt() for name, w in params.items() if name.endswith(".weight")}
        return params | gains, buffers

    def apply(self, params: Params, buffers: Params, x: Tensor, *, training: bool, noise: Noise | None) -> Tensor:
        """Return the network's output at w = g · v / ‖v‖."""
        changed = dict(params)
        for name in params:
            if _gain(name) in params:
                v = params[name]
                changed[name] = v * (params[_gain(name)] * _squares(v).rsqrt())
        return self.net.apply(changed, buffers, x, training=training, noise=noise)


def _gain(name: str) -> str:
    return f"{name.removesuffix('.weight')}.gain"


def _squares(weight: Tensor) -> Tensor:
    """Return ‖v‖² of each output: of `[…, in, out]` over the inputs, of kernels `[…, out, in, k, k]` over the rest."""
    dims = (-3, -2, -1) if weight.dim() >= 4 else (-2,)
    return weight.square().sum(dims, keepdim=True)
