"""Minibatch discrimination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from ganbench.core.lazy import torch
from ganbench.tricks import Trick

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class MinibatchDiscrimination(Trick):
    """Let the discriminator see how close each sample's features are to the rest of its minibatch.

    M = h T as `[..., B, features, kernels]`; o_bf = Σ_{b' ≠ b} exp(−‖M_bf − M_b'f‖₁) is appended to the last hidden
    layer, `features` numbers a sample.
    """

    name = "minibatch_discrimination"
    group = "discriminator"
    source = "Salimans et al. 2016, arXiv:1606.03498, section 3.2"
    mends = "mode collapse: samples that are too alike give themselves away"
    traits = ("couples samples",)

    kernels: Annotated[int, Ge(1)] = 100
    dimensions: Annotated[int, Ge(1)] = 5

    def feature_params(self, width: int, generator: Generator) -> tuple[dict[str, Tensor], int]:
        """Return T `[width, kernels · dimensions]` of one seed, N(0, 1/width), and the number of new features."""
        columns = self.kernels * self.dimensions
        return {"minibatch.weight": torch.randn(width, columns, generator=generator) / width**0.5}, self.kernels

    def features(self, h: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Return the closeness of each sample to the others, `[..., B, kernels]`."""
        m = torch.matmul(h, params["minibatch.weight"])
        # [..., kernels, B, dimensions]: cdist works on pairs without a B × B × kernels × dimensions tensor.
        m = m.unflatten(-1, (self.kernels, self.dimensions)).transpose(-3, -2)
        return (torch.exp(-torch.cdist(m, m, p=1.0)).sum(-1) - 1.0).mT
