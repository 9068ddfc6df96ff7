"""What each trick asks for, in plain words: the objective of one seed as its paper writes it.

A second way of saying everything, for `test_gradients.py` to hold the engine to: samples one at a time, no stacked
axis, values alone. Its derivatives are taken by finite differences, never by autograd through these functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from ganbench.tricks.diff_augment import DiffAugment
from tests import losses
from tests.helpers.one_seed import View
from tests.helpers.oracles import collected

LOSSES = collected(losses)


@dataclass(frozen=True)
class Words:
    """What a trick changes, each part in words; `t` is the trick, `v` a `View`.

    Attributes:
        parameters: other than the defaults, so that a few small steps can tell.
        network: parameters of the network that it is tried with. images: it wants images.
        alone: objective(v, t, player, plain) -> value, where it says all by itself; plain() is the trick-free one.
    """

    parameters: dict | None = None
    images: bool = False
    latent: Callable | None = None
    see: Callable | None = None
    weights: Callable | None = None
    features: Callable | None = None
    targets: Callable | None = None
    penalty: Callable | None = None
    generator: Callable | None = None
    generator_penalty: Callable | None = None
    choose: Callable | None = None
    alone: Callable | None = None


def interpolates(v, name, real, fake):
    share = v.take(name)
    return torch.stack([e * x + (1 - e) * y for e, x, y in zip(share, real, fake, strict=True)])


def excess(v, t, real, fake):
    over = v.slopes(interpolates(v, "gradient penalty", real, fake)) - 1
    return t.weight * sum(max(o, 0) ** 2 if t.one_sided else o**2 for o in over) / len(over)


def dragan(v, t, real, fake):
    mean = real.sum() / real.numel()
    std = math.sqrt(sum((float(x) - mean) ** 2 for x in real.flatten()) / real.numel())
    share, noise = v.take("dragan share"), v.take("dragan noise")
    around = torch.stack([x + a * t.reach * std * u for x, a, u in zip(real, share, noise, strict=True)])
    return t.weight * ((v.slopes(around) - 1) ** 2).mean()


def lecam(v, t, real, fake):
    r, f = v.logits(real), v.logits(fake)
    anchors = []
    for side, logits in (("real", r), ("fake", f)):
        # The anchor is a constant: this minibatch's mean in it is that of the weights that are not moved.
        now = v.frozen.setdefault(side, float(logits.mean()))
        anchors.append(t.decay * float(v.memory[f"lecam {side}"][v.seed]) + (1 - t.decay) * now)
    return t.weight * (((r - anchors[1]) ** 2).mean() + ((f - anchors[0]) ** 2).mean())


def matrices(v):
    """Each weight as a matrix, one row an output."""
    found = [p for name, p in v.judged().items() if name.endswith(".weight")]
    return [w.T if w.dim() == 2 else w.reshape(len(w), -1) for w in found]


def orthogonal(v, t, real, fake):
    total = 0.0
    for rows in matrices(v):
        gram = torch.tensor([[float(a @ b) for b in rows] for a in rows])
        total += float((gram**2).sum() - (gram.diagonal() ** 2).sum())
    return t.beta * total


def noisy(v, t, x, side):
    return x + t.sigma * (1 - v.step / v.setup.trial.steps) * v.take("instance noise")


def packed(v, t, x, side):
    return torch.stack([torch.cat([x[t.m * i + j] for j in range(t.m)]) for i in range(len(x) // t.m)])


class Known:
    """The next numbers of one stream, as a trick asks for them."""

    def __init__(self, v):
        self.noise = self
        self.v = v

    def uniform(self, name, *shape):
        return self.v.take(name)


def augmented(v, t, x, side):
    return DiffAugment().inputs(x, Known(v), side)  # its values are held to slices of images in test_input_tricks


def sometimes_augmented(v, t, x, side):
    chosen = v.take("ada") < v.memory["ada"][v.seed]
    for which, kind in enumerate(("colour", "translation", "cutout")):
        other = DiffAugment((kind,)).inputs(x, Known(v), side)
        x = torch.stack([b if c else a for a, b, c in zip(x, other, chosen[:, which], strict=True)])
    return x


def replayed(v, t, x, side):
    if side == "real" or v.player == "G":
        return x
    kept, rows = list(v.memory["replay buffer"][v.seed]), []
    for b, new in enumerate(x):
        if b % t.size == 0:
            order, swap = v.take("replay buffer")
            slots = order.argsort()
        slot = slots[b % t.size]
        if swap[b % t.size] < t.p:
            kept[slot], new = new.detach(), kept[slot]
        rows.append(new)
    return torch.stack(rows)


def normalised(params):
    out = dict(params)
    for name, w in params.items():
        if name.endswith(".weight"):
            out[name] = w / torch.linalg.matrix_norm(w.reshape(len(w), -1), 2)
    return out


def closeness(t, h, params):
    m = (h @ params["minibatch.weight"]).reshape(len(h), t.kernels, t.dimensions)
    near = torch.exp(-torch.stack([torch.stack([(a - b).abs().sum(-1) for b in m]) for a in m]))
    return near.sum(1) - 1  # without oneself


def spread(t, h, params):
    groups = len(h) // t.size
    out = torch.zeros(len(h), 1)
    for i in range(groups):
        members = h[i::groups]
        out[i::groups] = torch.sqrt(((members - members.mean(0)) ** 2).mean(0) + 1e-8).mean()
    return out


def flipped(v, t, real, fake):
    on_real, on_fake = v.take("label flipping")
    return torch.where(on_real < t.p, fake, real), torch.where(on_fake < t.p, real, fake)


def matching(v, t, real, fake):
    return t.weight * ((v.hidden(real).mean(0) - v.hidden(fake).mean(0)) ** 2).sum()


def seeking(v, t, real, fake):
    half = len(fake) // 2
    moved = sum((fake[i] - fake[half + i]).abs().mean() for i in range(half)) / half
    apart = sum((v.z[i] - v.z[half + i]).abs().mean() for i in range(half)) / half
    return t.weight / (moved / apart + 1e-5)


def best(v, t, r, f):
    k = max(1, round(max(t.gamma ** (v.step // t.epoch), t.floor) * len(f)))
    order = sorted(range(len(f)), key=lambda i: -float(f[i]))[:k]
    return (None if r is None else r[:k]), f[order]


def drawn_back(v, t, player, plain):
    flat = v.d if player == "D" else v.g
    return plain(v) + t.weight * ((flat - v.histories[player][v.seed]) ** 2).sum()


def agreed(v, t, player, plain):
    """A player's loss and γ/2 ‖v‖², v both players' gradients on one minibatch."""
    d, g = v.d.detach().requires_grad_(), v.g.detach().requires_grad_()
    losses = {p: plain(v.moved(player=p, d=d, g=g)) for p in "DG"}
    of_d = torch.autograd.grad(losses["D"], d, retain_graph=True)[0]
    of_g = torch.autograd.grad(losses["G"], g)[0]
    return losses[player] + t.gamma / 2 * (of_d.square().sum() + of_g.square().sum())


def foreseen(v, t, player, plain):
    """D's own loss; G's loss at the weights where torch's Adam takes D in the next updates on this minibatch."""
    if player == "D":
        return plain(v.moved(player="D"))
    d = v.d.detach().clone().requires_grad_()
    inner = torch.optim.Adam([d], lr=1e-3, betas=(0.5, 0.999))
    inner.state[d] = {name: (m if name == "step" else m[v.seed]).clone() for name, m in v.moments.items()}
    for _ in range(t.steps):
        d.grad = torch.autograd.grad(plain(v.moved(player="D", d=d)), d)[0]
        inner.step()
    return plain(v.moved(player="G", d=d.detach()))


TRICKS: dict[str, Words] = {
    "one_sided_label_smoothing": Words(targets=lambda v, t, real, fake: (0 * real + t.real, fake)),
    "two_sided_label_smoothing": Words(targets=lambda v, t, real, fake: (0 * real + t.real, 0 * fake + t.fake)),
    "label_flipping": Words({"p": 0.4}, targets=flipped),
    "instance_noise": Words({"sigma": 0.5}, see=noisy),
    "packing": Words(see=packed),
    "diff_augment": Words(images=True, see=augmented),
    "ada": Words({"ramp": 12}, images=True, see=sometimes_augmented),
    "replay_buffer": Words({"size": 10}, see=replayed),
    "latent": Words(latent=lambda t, z: 2 * torch.distributions.Normal(0.0, 1.0).cdf(z) - 1),
    "spectral_norm": Words({"iterations": 400}, weights=normalised),
    "minibatch_discrimination": Words({"kernels": 4, "dimensions": 3}, features=closeness),
    "minibatch_stddev": Words(features=spread),
    # The discriminator's or the generator's network is another; tests/networks holds each layer to torch's own.
    "batch_norm": Words(),
    "layer_norm": Words(),
    "instance_norm": Words(images=True),
    "virtual_batch_norm": Words(),
    "weight_norm": Words(),
    "dropout": Words(),
    "residual": Words(),
    "self_attention": Words(images=True),
    "gradient_penalty": Words(penalty=excess),
    "dragan": Words(penalty=dragan),
    "r1": Words(penalty=lambda v, t, real, fake: t.gamma / 2 * (v.slopes(real) ** 2).mean()),
    "r2": Words(penalty=lambda v, t, real, fake: t.gamma / 2 * (v.slopes(fake) ** 2).mean()),
    "zero_centered_gp": Words(
        penalty=lambda v, t, real, fake: (
            t.gamma / 2 * (v.slopes(interpolates(v, "zero-centred penalty", real, fake)) ** 2).mean()
        )
    ),
    "lecam": Words({"warm_up": 0}, penalty=lecam),
    "l1_decay": Words({"weight": 0.1}, penalty=lambda v, t, *_: t.weight * sum(w.abs().sum() for w in matrices(v))),
    "l2_decay": Words({"weight": 0.1}, penalty=lambda v, t, *_: t.weight / 2 * sum((w**2).sum() for w in matrices(v))),
    "orthogonal_regularization": Words({"beta": 0.1}, penalty=orthogonal),
    "feature_matching": Words(generator=matching),
    "mode_seeking": Words(generator_penalty=seeking),
    "top_k": Words({"gamma": 0.8, "epoch": 1}, choose=best),
    "historical_averaging": Words(alone=drawn_back),
    "consensus": Words(alone=agreed),
    "unrolled": Words({"steps": 3}, alone=foreseen),
}

# What is no objective: the update rule, the weights after it, or evaluation. The test that holds each to an oracle.
OTHERS = {
    "head_start": (
        "the start",
        "tests/tricks/test_starts.py",
        "test_a_head_start_is_so_many_updates_of_the_discriminator_alone",
    ),
    "displaced_start": (
        "the start",
        "tests/tricks/test_starts.py",
        "test_a_displaced_generator_makes_the_same_samples_elsewhere",
    ),
    "extragradient": ("the update rule", "tests/contracts/test_rules.py", "test_rules_are_those_of_a_notebook"),
    "optimistic": ("the update rule", "tests/contracts/test_rules.py", "test_rules_are_those_of_a_notebook"),
    "lookahead": ("the update rule", "tests/contracts/test_rules.py", "test_rules_are_those_of_a_notebook"),
    "gradient_clipping": ("the gradient itself", "tests/contracts/test_rules.py", "test_clipping_is_that_of_torch"),
    "weight_clipping": ("the weights after it", "tests/contracts/test_rules.py", "test_clipped_weights_stay_inside"),
    "truncation": ("evaluation alone", "tests/tricks/test_latent_tricks.py", "test_truncated_quantiles"),
}


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
    v.features = [lambda h, p, t=t, w=w: w.features(t, h, p) for t, w in each if w.features]
    for t, w in each:
        v.z = w.latent(t, v.z) if w.latent else v.z
    fake, real = v.generate(v.z), v.real
    made, v.shown = fake, []
    for side in ("fake", "real"):
        source = x = fake if side == "fake" else real
        if player == "D" and any(w.see and w.images for w in words) and any(w.penalty for w in words):
            source = x = x.detach().requires_grad_()
        for t, w in each:
            x = w.see(v, t, x, side) if w.see and x is not None else x
        if source is not x and source is not None and source.requires_grad and player == "D":
            v.shown.append((source, x))
        fake, real = (x, real) if side == "fake" else (fake, x)
    loss = LOSSES[v.setup.loss.name]
    r = None if real is None else v.logits(real)
    f = v.logits(fake)
    if player == "D":
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
