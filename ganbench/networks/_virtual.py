"""Virtual batch norm: a generator's samples normalised by a reference batch that never changes.

The reference latents travel as the last rows of every batch from `Reference` to `without_reference`, so that each
normalisation sees the reference as the layers before it have transformed it.
"""

from __future__ import annotations

from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Noise, Params
from ganbench.networks._each_seed import each_seed
from ganbench.networks._layers import Function
from ganbench.networks._norms import EPS, Affine

ROWS = 64  # a multiple of a vector register, as batches are


class Reference:
    """Append each seed's reference latents N(0, I), drawn once, to the batch: `[S, B, Z] → [S, B + ROWS, Z]`."""

    def __init__(self, latent: int) -> None:
        self.latent = latent

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return no parameters and the reference as a buffer."""
        return {}, {"reference": torch.randn(ROWS, self.latent, generator=generator)}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the longer batch."""
        return torch.cat((x, buffers["reference"]), dim=-2)


def without_reference() -> Function:
    """Return a layer that removes the reference, from `[S, B + ROWS, …]`."""
    return Function(lambda x: x[:, :-ROWS])


class VirtualBatchNorm(Affine):
    """(x − mean) / √(var + ε) · g + b with the statistics of the reference and the sample itself, n + 1 in all.

    A sample does not see the others of its batch, and evaluation is as training.
    """

    batch, places = -2, ()

    def shape(self, parameter: Tensor) -> Tensor:
        """Return a parameter `[S, F]` so that it broadcasts against the batch."""
        return parameter.unsqueeze(-2)

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised batch, the reference as its last rows."""
        return self.normalise(x, params[self.scale], params[self.bias])

    def normalise(self, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        """Return the normalised batch with a scale and a bias `[…, F]`."""
        rows, last = x.shape[self.batch], (self.batch, x.shape[self.batch] - ROWS, ROWS)
        mean, within = x, None  # mean and variance of each sample over its places; a point has none
        if self.places:
            mean = x.mean(self.places, keepdim=True)
            within = (x - mean).square().mean(self.places, keepdim=True)
        away = mean - mean.narrow(*last).mean(self.batch, keepdim=True)
        share = torch.full((rows,), 1 / (ROWS + 1), dtype=x.dtype, device=x.device)
        share[-ROWS:] = 0.0  # the reference is normalised by itself alone
        share = share.view([-1 if i == self.batch % x.dim() else 1 for i in range(x.dim())])
        squares = away.square()
        var = (1 - share) * (squares.narrow(*last).mean(self.batch, keepdim=True) + share * squares)
        if within is not None:
            var = var + (1 - share) * within.narrow(*last).mean(self.batch, keepdim=True) + share * within
        centred = away if within is None else x - mean + away
        gain = self.shape(scale) * torch.rsqrt(var + EPS)
        return (centred - share * away) * gain + self.shape(bias)


class ImageVirtualBatchNorm(VirtualBatchNorm):
    """Virtual batch norm of each channel over the reference's places and the image's own."""

    batch, places = 0, (2, 3)

    def shape(self, parameter: Tensor) -> Tensor:
        """Return a parameter `[C]` as `[C, 1, 1]`."""
        return parameter[:, None, None]

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return the normalised images; seeds go one by one, since the order of the sums would depend on S."""
        return each_seed(self.normalise, x, params[self.scale], params[self.bias])
