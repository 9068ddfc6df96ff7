"""What the game looks like along the way that training went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.diagnostics import Scheduled, Step, VectorField

OUT = 0.1  # how far the line goes beyond both ends


@dataclass(frozen=True)
class PathAngle(Scheduled):
    """The cosine of the way ω′ − ω with v(ω_α), and ‖v‖, along ω_α = ω + α(ω′ − ω), α in [−0.1, 1.1].

    ω are the weights when training began and ω′ those of now, v = (−∇L_D, −∇L_G) on one fixed minibatch. Near an
    attractor the cosine goes from +1 before ω′ to −1 behind it; where players circle about ω′ it has a bump there, and
    is 0 far off. Four numbers stand for the curve:

    - `path_angle_flip` = (mean cosine on [0.9, 1) − on (1, 1.1]) / 2: 1 attraction, 0 rotation, −1 repulsion
    - `path_angle_bump` = the largest |cosine| on [0.8, 1.1] less the larger at its two ends: 0 for none
    - `path_norm` = ‖v‖ at ω′; `path_norm_low` = the α at which ‖v‖ is smallest: 1 where training came to rest

    Null while nothing moved, and beside an update rule that descends something else than the losses. One gradient of
    both players a point.
    """

    name = "path_angle"
    source = "Berard et al. 2020, arXiv:1906.04848, section 4"
    requires_fields = ("field",)
    columns = (
        Column("path_angle_flip", "half the fall of the path-angle's cosine at the weights of now"),
        Column("path_angle_bump", "height of the |cosine| near the weights of now above its surroundings"),
        Column("path_norm", "norm of both players' gradients at the weights of now, on the fixed minibatch"),
        Column("path_norm_low", "place of the smallest gradient between the start (0) and now (1)"),
    )

    points: Annotated[int, Ge(13), Le(1201)] = 25

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return the four numbers, `[...]`."""
        field = step.field
        if field is None:
            raise ValueError("path_angle: the game was not kept")
        if field.undefined:
            return {}
        shares = torch.linspace(-OUT, 1 + OUT, self.points, dtype=torch.float64, device=field.weights.device)
        cosine, norm = path(field, shares)
        before, after, near = (shares >= 0.9 - 1e-9) & (shares < 1 - 1e-9), shares > 1 + 1e-9, shares >= 0.8 - 1e-9
        around = cosine[near].abs()
        return {
            "path_angle_flip": (cosine[before].mean(0) - cosine[after].mean(0)) / 2,
            "path_angle_bump": around.amax(0) - torch.maximum(around[0], around[-1]),
            "path_norm": field.velocity(field.weights).norm(dim=-1),
            "path_norm_low": shares.to(norm.device)[norm.argmin(0)].where(norm.isfinite().all(0), torch.nan),
        }


def path(field: VectorField, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cosine and ‖v‖ at each share of the way from the start to now, `[n, ...]` each.

    The cosine is 0 where v is, and NaN where the weights never moved.
    """
    start, way = field.start, field.weights - field.start
    velocities = torch.stack([field.velocity(start + float(share) * way) for share in shares])
    norm, length = velocities.norm(dim=-1), way.norm(dim=-1)
    cosine = (velocities * way).sum(-1) / (norm * length)
    return cosine.where(norm != 0, 0.0).where(length > 0, torch.nan), norm
