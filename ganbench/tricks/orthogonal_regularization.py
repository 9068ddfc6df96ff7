"""Orthogonal regularisation of the discriminator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick


@dataclass(frozen=True)
class OrthogonalRegularization(Trick):
    """Add β Σ_W ‖W Wᵀ ⊙ (1 − I)‖²_F over the discriminator's weights, a row of W being what feeds one output.

    The diagonal is left out: rows are kept apart but their lengths are free. A convolution's kernel counts as the
    matrix (out, in · k · k).
    """

    name = "orthogonal_regularization"
    aliases = ("ortho",)
    group = "penalty"
    source = "Brock et al. 2019, arXiv:1809.11096, eq. 3; Brock et al. 2017, arXiv:1609.07093, section 3.2"
    addresses = "features that grow alike; ill-conditioned weights"
    strength = "beta"
    lanes = ("beta",)

    beta: Annotated[float, Ge(0)] = 1e-4

    def penalty(self, view: DiscriminatorView) -> Tensor:
        """Return β Σ_W ‖W Wᵀ ⊙ (1 − I)‖²_F, `[...]`."""
        lead = view.real_logits.dim() - 1
        total = view.real_logits.new_zeros(())
        for name, weight in view.params.items():
            if name.endswith(".weight") and weight.dim() >= lead + 2:
                # A linear layer's weight is (in, out), a kernel (out, in, k, k).
                rows = weight.mT if weight.dim() == lead + 2 else weight.flatten(lead + 1)
                gram = torch.matmul(rows, rows.mT)
                apart = gram.square().sum((-2, -1)) - gram.diagonal(dim1=-2, dim2=-1).square().sum(-1)
                total = total + apart
        return along(self.beta, total) * total
