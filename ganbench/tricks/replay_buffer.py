"""A buffer of generated samples from earlier steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick


@dataclass(frozen=True)
class ReplayBuffer(Trick):
    """Show the discriminator, with probability p, a fake of an earlier step instead of a new one, and keep the new one.

    (shown, kept) ← (kept, new) with probability p, shown = new otherwise. The first `size` fakes fill the buffer and
    are shown as they are. From then on each fake meets a slot drawn at random; `size` fakes at a time meet slots of
    their own, so that in a larger batch a fake kept from its beginning may be shown at its end. The generator's step is
    untouched.
    """

    name = "replay_buffer"
    aliases = ("image_pool", "experience_replay")
    version = 2
    group = "data"
    source = (
        "Shrivastava et al. 2017, arXiv:1612.07828, section 2.3; 50 and ½: Zhu et al. 2017, arXiv:1703.10593, section 4"
    )
    addresses = "oscillation: a discriminator that forgets what it has seen"
    strength = "p"
    strongest = 1.0
    lanes = ("p",)
    compiles = False  # it keeps samples

    size: Annotated[int, Ge(1)] = 50
    p: Annotated[float, Interval(gt=0, le=1)] = 0.5

    def inputs(self, x: Tensor, view: DiscriminatorView, side: Literal["real", "fake"]) -> Tensor:
        """Return fakes `[..., B, *sample]`, some of them of earlier steps, in the discriminator's step."""
        if side == "real" or view.player == "G":
            return x
        kept, batch = view.memory.get("replay buffer"), view.batch_dim
        held, n = 0 if kept is None else kept.shape[batch], x.shape[batch]
        if kept is None or held < self.size:
            new = x.narrow(batch, 0, min(n, self.size - held)).detach()
            view.memory["replay buffer"] = new.clone() if kept is None else torch.cat((kept, new), dim=batch)
            return x
        return torch.cat([self._exchanged(new, kept, view) for new in x.split(self.size, dim=batch)], dim=batch)

    def _exchanged(self, new: Tensor, kept: Tensor, view: DiscriminatorView) -> Tensor:
        """Return what is shown in place of at most `size` new fakes; move the buffer in place."""
        batch = view.batch_dim
        order, swap = view.noise.uniform("replay buffer", 2, self.size).unbind(-2)
        slots, swap = order.argsort(-1)[..., : new.shape[batch]], swap[..., : new.shape[batch]] < along(self.p, swap, 1)
        wide = (*slots.shape, *[1] * (new.dim() - slots.dim()))
        slots, swap = slots.view(wide).expand_as(new), swap.view(wide)
        old = kept.gather(batch, slots)
        kept.scatter_(batch, slots, torch.where(swap, new.detach(), old))
        return torch.where(swap, old, new)
