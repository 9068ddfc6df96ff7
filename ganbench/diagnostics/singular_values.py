"""The largest singular values of each layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import PlayerName, PlayerUpdate
from ganbench.diagnostics import Scheduled, Step


@dataclass(frozen=True)
class SingularValues(Scheduled):
    """The three largest singular values of each layer's weight, a convolution's as the matrix of its first axis.

    More than twice their running median: the layer is about to run away; σ₀ alone growing is the collapse of the
    spectrum that comes before training collapse in big networks. Weights are as the optimiser has them: spectral norm
    divides by σ₀ afterwards. Null where the matrix has fewer.
    """

    name = "singular_values"
    source = "Brock et al. 2019, arXiv:1809.11096, section 4.1"
    layer_columns = tuple(
        Column(f"sigma_{i}", f"singular value {i} of the layer's weight, the largest is 0") for i in range(3)
    )

    every: Annotated[int, Ge(1)] = 200

    def __post_init__(self) -> None:
        """Refuse two schedules.

        Raises:
            ValueError: both are given.
        """
        if self.at and self.every != 200:
            raise ValueError("give every (steps) or at (shares of the training), not both")

    def layers(self, step: Step) -> dict[tuple[PlayerName, str], dict[str, Tensor]]:
        """Return every weight's singular values, `[...]`; vectors (biases, scales) have none."""
        by_place: dict[tuple[PlayerName, str], dict[str, Tensor]] = {}
        updates: dict[PlayerName, PlayerUpdate] = {"G": step.g, "D": step.d}
        for network, update in updates.items():
            rank = update.after.dim() - 1
            for name, weight in update.views(update.after).items():
                if weight.dim() >= rank + 2:
                    values = _largest(weight.detach().flatten(rank + 1))
                    layer = name.rpartition(".")[0]
                    by_place[network, layer] = {f"sigma_{i}": value for i, value in enumerate(values)}
        return by_place


def _largest(matrix: Tensor) -> tuple[Tensor, ...]:
    """Return up to three singular values of matrices `[..., m, n]`, `[...]` each; NaN of a matrix that is not finite.

    The routine raises for a matrix with a NaN, and one seed's divergence must not stop the others.
    """
    finite = torch.isfinite(matrix).flatten(-2).all(-1)
    values = torch.linalg.svdvals(matrix.where(finite[..., None, None], 0.0))
    return values[..., :3].where(finite[..., None], torch.nan).unbind(-1)
