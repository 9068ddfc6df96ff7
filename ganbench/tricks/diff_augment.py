"""Differentiable augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval, Len

from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick


@dataclass(frozen=True)
class DiffAugment(Trick):
    """Show the discriminator augmented images alone, real and fake, in both players' steps; one draw an image.

    colour: brightness x + U(−½, ½), saturation (distance to the mean of the channels) × U(0, 2), contrast (distance to
    the mean of the image) × U(½, 3/2). translation: up to ±`shift` of the side each way, zeros coming in.
    cutout: a square of `cutout` of the side is set to zero. All is differentiable in x,
    and R1 and R2 differentiate with respect to the images before it.
    """

    name = "diff_augment"
    aliases = ("diffaug", "diffaugment", "differentiable_augmentation")
    version = 2
    group = "inputs"
    source = "Zhao et al. 2020, arXiv:2006.10738, section 3.2 and the authors' code"
    addresses = "overfitting discriminator"
    traits = ("changed inputs",)
    requires = {"images": "colour, translation and cutout are those of images"}

    policy: Annotated[tuple[Literal["colour", "translation", "cutout"], ...], Len(1, 3)] = (
        "colour",
        "translation",
        "cutout",
    )
    shift: Annotated[float, Interval(gt=0, le=0.5)] = 0.125
    cutout: Annotated[float, Interval(gt=0, lt=1)] = 0.5

    def inputs(self, x: Tensor, view: DiscriminatorView, side: Literal["real", "fake"]) -> Tensor:
        """Return augmented images `[..., B, C, H, W]`."""
        draws = view.noise.uniform("augmentation", x.shape[-4], 7)[..., None, None, None].unbind(-4)
        if "colour" in self.policy:
            x = _colour(x, *draws[:3])
        if "translation" in self.policy:
            x = _translate(x, -2, self.shift, draws[3])
            x = _translate(x, -1, self.shift, draws[4])
        if "cutout" in self.policy:
            x = x * ~(_strip(x, -2, self.cutout, draws[5]) & _strip(x, -1, self.cutout, draws[6]))
        return x


def _colour(x: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    x = x + (brightness - 0.5)
    grey = x.mean(-3, keepdim=True)
    x = grey + (x - grey) * (2.0 * saturation)
    level = x.mean((-3, -2, -1), keepdim=True)
    return level + (x - level) * (contrast + 0.5)


def _along(x: Tensor, axis: int) -> Tensor:
    """Return 0 … side − 1 along that axis, shaped to broadcast."""
    places = torch.arange(x.shape[axis], device=x.device)
    return places.unsqueeze(-1) if axis == -2 else places


def _translate(x: Tensor, axis: int, share: float, draw: Tensor) -> Tensor:
    """Return each image moved by a whole number of pixels, −m … m with m = round(share · side)."""
    most = int(x.shape[axis] * share + 0.5)
    source = _along(x, axis) + ((2 * most + 1) * draw).floor().long() - most
    inside = (source >= 0) & (source < x.shape[axis])
    return x.gather(axis, source.clamp(0, x.shape[axis] - 1).expand(x.shape)) * inside


def _strip(x: Tensor, axis: int, share: float, draw: Tensor) -> Tensor:
    """Return where the cut-out lies along an axis; centred anywhere in the image, so it may hang over."""
    side = x.shape[axis]
    size = int(side * share + 0.5)
    start = ((side + 1 - size % 2) * draw).floor().long() - size // 2
    places = _along(x, axis)
    return (places >= start) & (places < start + size)
