"""Coloured figures on a grid of places: images whose modes are exactly known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt, Interval

from ganbench.core.lazy import torch
from ganbench.datasets import Dataset
from ganbench.datasets._shapes import Shapes


@dataclass(frozen=True)
class ShapeImages(Dataset):
    """Images of one figure on black: `shapes` figures × `colours` colours × `places`² places, all equally likely.

    Figures: disc, square, triangle, cross, ring, bars; colours: red, green, blue, yellow, magenta, cyan, white. Each
    place is a cell of at least 8 pixels, in which a figure has 64 drawings of different size and position; every fourth
    is kept from training. A sample's mode is that of the nearest image of the data, by its pixels, and it is of high
    quality within `tolerance` times the length of that image (black being 0): at 0.4 all real images are, none of
    noise or black, and a figure half as bright is not.
    """

    name = "shapes"
    source = "synthetic, after the idea of dSprites: Matthey et al. 2017, github.com/google-deepmind/dsprites-dataset"
    traits = ("images",)
    default_extractor = "pixels"

    size: Literal[16, 32, 64] = 16
    shapes: Annotated[int, Interval(ge=1, le=6)] = 3
    colours: Annotated[int, Interval(ge=1, le=7)] = 3
    places: Literal[1, 2, 4, 8] = 2
    tolerance: Annotated[float, Gt(0)] = 0.4

    def __post_init__(self) -> None:
        """Check that every place has 8 pixels, so that figures can be told apart."""
        if self.size < 8 * self.places:
            raise ValueError(f"{self.places} places of 8 pixels need a size of {8 * self.places}, not {self.size}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (3, size, size)."""
        return (3, self.size, self.size)

    @property
    def modes(self) -> int:
        """Return shapes · colours · places²."""
        return self.shapes * self.colours * self.places**2

    @property
    def preparation(self) -> str:
        """Return how a drawing becomes an image."""
        return f"drawn antialiased at {self.size} px, bytes, x/127.5-1, no dequantisation"

    def load(self, device: torch.device) -> Shapes:
        """Return the figures, drawn once, on a device."""
        return Shapes(self.size, self.shapes, self.colours, self.places, self.tolerance, device)
