"""Minibatch discrimination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.lazy import Tensor, torch
from ganbench.tricks import Trick


@dataclass(frozen=True)
class MinibatchDiscrimination(Trick):
    """Let the discriminator see how close each sample's features are to the rest of its minibatch.

    M = h T as `[..., B, kernels, dimensions]`; o_bk = Σ_{b' ≠ b} exp(−‖M_bk − M_b'k‖₁) is appended to the last hidden
    layer, `kernels` numbers per sample in (0, B − 1].
    """

    name = "minibatch_discrimination"
    aliases = ("mbd",)
    group = "discriminator"
    source = "Salimans et al. 2016, arXiv:1606.03498, section 3.2"
    addresses = "mode collapse: samples that are too alike give themselves away"
    version = 2
    cost_per = {"kernels": 0.27}
    traits = ("couples samples",)

    kernels: Annotated[int, Interval(ge=1, le=65_536)] = 100
    dimensions: Annotated[int, Interval(ge=1, le=65_536)] = 5

    def extra_hidden_params(self, width: int, generator: torch.Generator) -> tuple[dict[str, Tensor], int]:
        """Return T `[width, kernels · dimensions]` of one seed, N(0, 1/width), and the number of new features."""
        columns = self.kernels * self.dimensions
        return {"minibatch.weight": torch.randn(width, columns, generator=generator) / width**0.5}, self.kernels

    def extra_hidden(self, h: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Return the closeness of each sample to the others, `[..., B, kernels]`."""
        from ganbench.tricks._closeness import Closeness

        m = torch.matmul(h, params["minibatch.weight"]).unflatten(-1, (self.kernels, self.dimensions))
        lead = m.shape[:-3]
        planes = m.flatten(0, -4) if lead else m.unsqueeze(0)
        # [D, B, N·K]: the rows are the innermost axis, so that all arithmetic runs along it.
        closeness = Closeness.apply(planes.permute(3, 1, 0, 2).flatten(2))
        return closeness.unflatten(1, (-1, self.kernels)).transpose(0, 1).reshape(*lead, m.shape[-3], self.kernels)
