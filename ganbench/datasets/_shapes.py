"""Small figures that are drawn once as bytes, put into images by index, and recognised in images."""

from __future__ import annotations

from math import prod

from ganbench.core.lazy import F, Tensor, torch
from ganbench.core.streams import stream
from ganbench.datasets._bytes import scaled

SHAPES = ("disc", "square", "triangle", "cross", "ring", "bars")
# Red, green, blue, yellow, magenta, cyan, white: the corners of the colour cube but black, which is the ground.
COLOURS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1))
# Drawings of each figure, which differ in place and size; every fourth is kept from training.
VARIANTS, HELD_OUT_EVERY = 64, 4
SUBPIXELS = 4
CHUNK = 1 << 22


class Shapes:
    """Images of one figure each; mode (s·colours + c)·places² + p is figure s in colour c at place p, row by row.

    Args:
        size: of the image in pixels. shapes, colours: how many. places: how many each way.
        tolerance: largest distance from the nearest image of the data, in lengths of that image's figure, at which a
            sample is of high quality.
    """

    def __init__(
        self, size: int, shapes: int, colours: int, places: int, tolerance: float, device: torch.device
    ) -> None:
        self.places, self.tolerance = places, tolerance
        self.colours = torch.tensor(COLOURS[:colours], dtype=torch.float32, device=device)
        self.drawings = drawings(shapes, size // places).to(device)
        held = torch.arange(VARIANTS, device=device) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        self.variants, self.held = (~held).nonzero().squeeze(1), held.nonzero().squeeze(1)
        modes = shapes * colours * places**2
        self.weights = torch.full((modes,), 1 / modes, dtype=torch.float64, device=device)

    def sample_indices(self, generator: torch.Generator, n: int) -> Tensor:
        """Return `[n, 2]`: mode and drawing, each equally likely."""
        return self._draw(generator, n, self.variants)

    def gather(self, indices: Tensor) -> Tensor:
        """Return images `[..., 3, H, W]` in [-1, 1] of `[..., 2]` modes and drawings."""
        mode, variant = indices.unbind(-1)
        places, colours = self.places**2, len(self.colours)
        shape, colour, place = mode // (places * colours), mode // places % colours, mode % places
        drawing = self.drawings[shape, variant]
        is_place = F.one_hot(place, places).to(torch.uint8).unflatten(-1, (self.places, self.places))
        cells = is_place[..., :, None, :, None] * drawing[..., None, :, None, :]
        image = cells.flatten(-2).flatten(-3, -2)
        return scaled(self.colours[colour].to(torch.uint8)[..., None, None] * image.unsqueeze(-3))

    def heldout(self, generator: torch.Generator, n: int) -> Tensor:
        """Return `n` images of drawings that training never sees."""
        return self.gather(self._draw(generator, n, self.held))

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the mode of the nearest of all images of the data, and whether that is within the tolerance."""
        lead, images = samples.shape[:-3], samples.reshape(-1, *samples.shape[-3:])
        entries = 3 * self.places**2 * prod(self.drawings.shape[:2])
        nearest = [self._nearest(x) for x in images.split(max(1, CHUNK // entries))]
        mode, distance = (torch.cat(parts).reshape(lead) for parts in zip(*nearest, strict=True))
        return mode, distance <= self.tolerance

    def _draw(self, generator: torch.Generator, n: int, variants: Tensor) -> Tensor:
        device = self.weights.device
        mode = torch.randint(len(self.weights), (n,), generator=generator, device=device)
        return torch.stack((mode, variants[torch.randint(len(variants), (n,), generator=generator, device=device)]), 1)

    def _nearest(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mode of the nearest image of the data and ‖x − t‖ / ‖t‖, black being 0, `[n]` each."""
        n, shapes = len(images), len(self.drawings)
        light = (images + 1) / 2
        cell = self.drawings.shape[-1]
        cells = light.unflatten(-1, (self.places, cell)).unflatten(-3, (self.places, cell))  # [n, 3, P, c, P, c]
        cells = cells.movedim(-2, -3).reshape(n, 3, self.places**2, cell**2)
        figures = self.drawings.flatten(2).flatten(0, 1).float() / 255  # [shapes · variants, c²]
        in_colour = torch.einsum("nkpf,ck->ncpf", cells @ figures.T, self.colours)
        length = figures.square().sum(1) * self.colours.sum(1, keepdim=True)  # a colour is 0 or 1 in each channel
        gain = (2 * in_colour - length[:, None]).unflatten(-1, (shapes, VARIANTS))
        # ‖x − t‖² = ‖x‖² − gain, so the largest gain is the nearest; [n, shapes, colours, places, variants].
        best, at = gain.movedim(-2, 1).flatten(1).max(dim=1)
        mode, variant = at // VARIANTS, at % VARIANTS
        places = self.places**2
        shape, colour = mode // (places * len(self.colours)), mode // places % len(self.colours)
        squared = light.square().flatten(1).sum(1) - best
        squared_length = length.unflatten(-1, (shapes, VARIANTS))[colour, shape, variant]
        return mode, (squared.clamp(min=0) / squared_length).sqrt()


def drawings(shapes: int, cell: int) -> Tensor:
    """Return `[shapes, VARIANTS, cell, cell]` uint8: how much of each pixel the figure covers.

    A drawing's half-width is 0.6 to 0.85 of the cell's, its place anywhere that leaves it inside; the same for every
    figure. They come from a fixed stream.
    """
    generator = torch.Generator().manual_seed(stream(0, "shapes"))
    scale, across, down = torch.rand(3, VARIANTS, 1, 1, generator=generator)
    radius = (0.6 + 0.25 * scale) * cell / 2
    at = (torch.arange(cell * SUBPIXELS) + 0.5) / SUBPIXELS - cell / 2
    x = (at[None, None, :] - (2 * across - 1) * (cell / 2 - radius)) / radius
    y = (at[None, :, None] - (2 * down - 1) * (cell / 2 - radius)) / radius
    inside = torch.stack([covers(name, x, y) for name in SHAPES[:shapes]])
    return (F.avg_pool2d(inside.float(), SUBPIXELS) * 255).round().to(torch.uint8)


def covers(name: str, x: Tensor, y: Tensor) -> Tensor:
    """Return where a figure of half-width 1 covers the plane; y points down."""
    box = (x.abs() <= 1) & (y.abs() <= 1)
    distance = (x.square() + y.square()).sqrt()
    return {
        "disc": distance <= 1,
        "square": box,
        "triangle": box & (x.abs() <= (y + 1) / 2),
        "cross": box & ((x.abs() <= 0.3) | (y.abs() <= 0.3)),
        "ring": (distance <= 1) & (distance >= 0.55),
        "bars": box & (y.abs() >= 0.4),
    }[name]
