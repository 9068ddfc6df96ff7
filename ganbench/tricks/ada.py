"""Adaptive discriminator augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick
from ganbench.tricks.diff_augment import DiffAugment

_EACH = (DiffAugment(("colour",)), DiffAugment(("translation",)), DiffAugment(("cutout",)))


@dataclass(frozen=True)
class ADA(Trick):
    """Augment each image with a probability p that rises while the discriminator is too sure of real images.

    Colour, translation and cutout each happen with probability p, independently of one another. r = E sign(D(x)) on
    each discriminator step; p ← clamp(p + sign(r − target) · B / ramp, 0, 1), a seed its own p, from 0: it takes `ramp`
    images from never to always. The augmentations are those of `diff_augment`, fewer than the paper's pipeline of 18.
    """

    name = "ada"
    aliases = ("adaptive_discriminator_augmentation",)
    version = 2
    group = "inputs"
    source = "Karras et al. 2020, arXiv:2006.06676, section 3.1, heuristic r_t"
    addresses = "overfitting discriminator, without leaking augmentations into the samples"
    traits = ("changed inputs",)
    requires = {"images": "colour, translation and cutout are those of images"}
    compiles = False  # it keeps p

    target: Annotated[float, Interval(ge=0, le=1)] = 0.6
    ramp: Annotated[int, Ge(1)] = 500_000

    def inputs(self, x: Tensor, view: DiscriminatorView, side: Literal["real", "fake"]) -> Tensor:
        """Return images `[..., B, C, H, W]`, each augmented with probability p."""
        p = view.memory.get("ada")
        if p is None:
            p = view.memory["ada"] = torch.zeros(x.shape[:-4], device=x.device)
        chosen = view.noise.uniform("ada", x.shape[-4], len(_EACH)) < p[..., None, None]
        for augmentation, which in zip(_EACH, chosen[..., None, None, None].unbind(-4), strict=True):
            x = torch.where(which, augmentation.inputs(x, view, side), x)
        return x

    def penalty(self, view: DiscriminatorView) -> Tensor:
        """Move p by what the discriminator said of the real images; return 0, `[...]`."""
        real = view.real_logits.detach()
        step = torch.sign(real.sign().mean(-1) - self.target) * (real.shape[-1] / self.ramp)
        view.memory["ada"] = (view.memory["ada"] + step).clamp(0.0, 1.0)
        return torch.zeros_like(step)
