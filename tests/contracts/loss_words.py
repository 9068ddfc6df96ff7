"""What each loss asks for, in plain words: values of one seed's logits as its paper writes them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch


def log_sigmoid(x):
    return -torch.log(1 + torch.exp(-x))


def cross_entropy(r, f, on_real, on_fake):
    """−E[t log σ + (1 − t) log(1 − σ)] of both sides, t each sample's own target."""
    real = -(on_real * log_sigmoid(r) + (1 - on_real) * log_sigmoid(-r)).mean()
    return real - (on_fake * log_sigmoid(f) + (1 - on_fake) * log_sigmoid(-f)).mean()


def began(v, r, f):
    k = v.memory.get("k")
    return -r.mean() + (0.0 if k is None else k[v.seed]) * f.mean()


E = math.e
# loss: (discriminator(view, r, f), generator(r, f)); those with targets are in `TARGETED`.
LOSSES: dict[str, tuple[Callable, Callable]] = {
    "minimax": (None, lambda r, f: log_sigmoid(-f).mean()),
    "non_saturating": (None, lambda r, f: -log_sigmoid(f).mean()),
    "least_squares": (None, lambda r, f: ((f - 1) ** 2).mean() / 2),
    "wasserstein": (lambda v, r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "hinge": (
        lambda v, r, f: torch.where(r < 1, 1 - r, 0.0).mean() + torch.where(f > -1, 1 + f, 0.0).mean(),
        lambda r, f: -f.mean(),
    ),
    "relativistic_paired": (
        lambda v, r, f: -log_sigmoid(r - f).mean(),
        lambda r, f: -log_sigmoid(f - r).mean(),
    ),
    "relativistic_average": (
        lambda v, r, f: -(log_sigmoid(r - f.mean()).mean() + log_sigmoid(r.mean() - f).mean()) / 2,
        lambda r, f: -(log_sigmoid(f - r.mean()).mean() + log_sigmoid(f.mean() - r).mean()) / 2,
    ),
    # T = activation(logit), D minimises −E T(r) + E f*(T(f)): table 2 of the paper.
    "fgan_kl": (lambda v, r, f: -r.mean() + (E ** (f - 1)).mean(), lambda r, f: -(E ** (f - 1)).mean()),
    "fgan_reverse_kl": (
        lambda v, r, f: (E**-r).mean() + (-1 - torch.log(E**-f)).mean(),
        lambda r, f: -(-1 - torch.log(E**-f)).mean(),
    ),
    "fgan_pearson": (lambda v, r, f: -r.mean() + (f * f / 4 + f).mean(), lambda r, f: -(f * f / 4 + f).mean()),
    "fgan_hellinger": (
        lambda v, r, f: -(1 - E**-r).mean() + ((1 - E**-f) / (1 - (1 - E**-f))).mean(),
        lambda r, f: -((1 - E**-f) / (1 - (1 - E**-f))).mean(),
    ),
    "fgan_js": (
        lambda v, r, f: -(math.log(2) + log_sigmoid(r)).mean() - torch.log(2 - 2 * torch.sigmoid(f)).mean(),
        lambda r, f: torch.log(2 - 2 * torch.sigmoid(f)).mean(),
    ),
    "ebgan": (lambda v, r, f: -r.mean() + torch.where(f > -10, 10 + f, 0.0).mean(), lambda r, f: -f.mean()),
    "began": (began, lambda r, f: -f.mean()),
}
TARGETED = {
    "minimax": cross_entropy,
    "non_saturating": cross_entropy,
    "least_squares": lambda r, f, a, b: ((r - a) ** 2).mean() / 2 + ((f - b) ** 2).mean() / 2,
}
