"""A buffer of generated samples from earlier steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Interval

from ganbench.core.lazy import torch
from ganbench.tricks import Critic, Trick

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ReplayBuffer(Trick):
    """Show the discriminator, with probability p, a fake of an earlier step instead of a new one, and keep the new one.

    The first `size` fakes fill the buffer and are shown as they are. From then on each of the first `size` fakes of a
    batch meets a slot of its own, drawn at random. The generator's step is untouched.
    """

    name = "replay_buffer"
    group = "data"
    source = "Shrivastava et al. 2017, arXiv:1612.07828, section 2.3; 50 and ½: Zhu et al. 2017, arXiv:1703.10593, 4"
    mends = "oscillation: a discriminator that forgets what it has seen"

    size: Annotated[int, Ge(1)] = 50
    p: Annotated[float, Interval(gt=0, le=1)] = 0.5

    def inputs(self, x: Tensor, critic: Critic, side: Literal["real", "fake"]) -> Tensor:
        """Return fakes `[S, B, *sample]`, some of them of earlier steps, in the discriminator's step."""
        if side == "real" or critic.player == "G":
            return x
        kept = critic.memory.get("replay buffer")
        held = 0 if kept is None else kept.shape[1]
        if held < self.size:
            new = x[:, : self.size - held].detach()
            critic.memory["replay buffer"] = new.clone() if kept is None else torch.cat((kept, new), dim=1)
            return x
        n = min(x.shape[1], self.size)
        draws = critic.noise.uniform("replay buffer", 2, self.size)
        slots, swap = draws[:, 0].argsort(-1)[:, :n], draws[:, 1, :n] < self.p
        wide = (*slots.shape, *[1] * (x.dim() - 2))
        slots, swap = slots.view(wide).expand_as(x[:, :n]), swap.view(wide)
        old, new = critic.memory["replay buffer"].gather(1, slots), x[:, :n]
        critic.memory["replay buffer"].scatter_(1, slots, torch.where(swap, new.detach(), old))
        return torch.cat((torch.where(swap, old, new), x[:, n:]), dim=1)
