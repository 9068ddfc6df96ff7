"""Whether gradients keep their direction."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import PlayerName, PlayerUpdate
from ganbench.diagnostics import Diagnostic, Step


@dataclass(frozen=True)
class Cosine(Diagnostic):
    """Cosine of a player's gradient with its gradient one step before, in [-1, 1].

    Persistently negative: the players push each other back and forth. Not evidence alone: the noise of small
    minibatches brings it to 0. Null at the first step and where a player did not move in between; 0 where a gradient
    is zero.
    """

    name = "cosine"
    source = "Mescheder et al. 2017, arXiv:1705.10461, for the rotation it hints at"
    requires_fields = ("earlier",)
    columns = (
        Column("grad_cosine_g", "cosine of the generator's gradient with that of the step before"),
        Column("grad_cosine_d", "cosine of the discriminator's gradient with that of the step before"),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return the cosines of the players that moved, `[...]`."""
        updates: dict[PlayerName, PlayerUpdate] = {"G": step.g, "D": step.d}
        return {
            f"grad_cosine_{name.lower()}": _cosine(update.gradient, step.earlier[name])
            for name, update in updates.items()
            if name in step.earlier
        }


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    """Return a·b / (‖a‖‖b‖); PyTorch's own takes gradients below 1e-8 for zero."""
    lengths = torch.linalg.vector_norm(a, dim=-1).double() * torch.linalg.vector_norm(b, dim=-1).double()
    dot = (a * b).sum(-1).double()
    return (dot / lengths).where(lengths > 0, 0.0)
