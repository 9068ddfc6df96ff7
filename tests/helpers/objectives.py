"""A player's objective with any set of tricks: what the test file of each trick and loss says of it, put together.

A second way of saying everything, for `contracts/test_gradients.py` to hold the engine to: samples one at a time, no
stacked axis, values alone. Its derivatives are taken by finite differences, never by autograd through these functions.
"""

from __future__ import annotations

from functools import partial

import torch

from tests import losses
from tests import tricks as trick_tests
from tests.helpers.one_seed import View
from tests.helpers.oracles import collected
from tests.helpers.present import present

LOSSES = collected(losses)
ALL_TRICKS = collected(trick_tests)
TRICKS = {name: oracle for name, oracle in ALL_TRICKS.items() if not oracle.elsewhere}
OTHERS = {name: oracle.elsewhere for name, oracle in ALL_TRICKS.items() if oracle.elsewhere}


def _plain(tricks, v):
    return objective(v, tricks, v.player)


def objective(v: View, tricks, player: str) -> torch.Tensor:
    """Return a player's objective with these tricks, one number."""
    words = [TRICKS[t.name] for t in tricks]
    for t, w in zip(tricks, words, strict=True):
        if w.alone is not None:
            others = [other for other in tricks if other is not t]
            return w.alone(v, t, player, partial(_plain, others))
    each = list(zip(tricks, words, strict=True))
    v.weights = [w.weights for w in words if w.weights]
    v.features = [partial(w.features, t) for t, w in each if w.features]
    for t, w in each:
        v.z = w.latent(t, v.z) if w.latent else v.z
    fake, real = v.generate(v.z), v.real
    made, v.shown = fake, []
    for side in ("fake", "real"):
        source = x = fake if side == "fake" else real
        if player == "D" and any(w.see and w.images for w in words) and any(w.penalty for w in words):
            source = x = present(x).detach().requires_grad_()
        for t, w in each:
            x = w.see(v, t, x, side) if w.see and x is not None else x
        if source is not x and source is not None and source.requires_grad and player == "D":
            v.shown.append((source, present(x)))
        fake, real = (x, real) if side == "fake" else (fake, x)
    loss = LOSSES[v.setup.loss.name]
    r = None if real is None else v.logits(real)
    f = v.logits(present(fake))
    if player == "D":
        r = present(r)
        on_real, on_fake = torch.ones_like(r), torch.zeros_like(f)
        for t, w in each:
            on_real, on_fake = w.targets(v, t, on_real, on_fake) if w.targets else (on_real, on_fake)
        value = loss.on_discriminator(v, r, f, on_real, on_fake)
        return value + sum(w.penalty(v, t, real, fake) for t, w in each if w.penalty)
    for t, w in each:
        if w.generator:
            return w.generator(v, t, real, fake)
        r, f = w.choose(v, t, r, f) if w.choose else (r, f)
    return loss.generator(r, f) + sum(w.generator_penalty(v, t, real, made) for t, w in each if w.generator_penalty)
