"""The discriminator's binary cross-entropy, which several losses share."""

from __future__ import annotations

from ganbench.core.lazy import F, Tensor
from ganbench.core.protocols import Targets


def cross_entropy(real: Tensor, fake: Tensor, targets: Targets) -> Tensor:
    """Return E[s(−r) + (1 − t_r) r] + E[s(f) − t_f f], `[..., B] → [...]`, s = softplus.

    With hard targets this is E s(−r) + E s(f). softplus on logits stays exact where log(σ(·)) would underflow.
    """
    on_real, on_fake = F.softplus(-real), F.softplus(fake)
    if not (isinstance(targets.real, float) and targets.real == 1.0):
        on_real = on_real + (1.0 - targets.real) * real
    if not (isinstance(targets.fake, float) and targets.fake == 0.0):
        on_fake = on_fake - targets.fake * fake
    return on_real.mean(-1) + on_fake.mean(-1)
