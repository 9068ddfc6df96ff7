"""Tricks and losses are rank-polymorphic: with any leading axes they do what they do to each slice alone."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
import torch

from ganbench.core import registry
from ganbench.core.protocols import HARD
from ganbench.tricks import Trick

LEAD, BATCH, WIDTH = (2, 3), 8, 4
TRICKS = [cls for cls in registry.components(Trick).values() if cls.__module__.startswith("ganbench.")]
# Where a few uses of the default would not show what the trick does.
PARAMETERS = {
    "lecam": {"warm_up": 0},
    "replay_buffer": {"size": 5},
    "top_k": {"gamma": 0.5, "epoch": 1},
    "lookahead": {"k": 2},
    "gradient_clipping": {"limit": 0.1},
    "unrolled": {"steps": 2},
    "ada": {"ramp": 10},
}
# A network's own layers hold the seed axis (`ganbench.networks`); these tricks only name an option of it.
OPTIONS = {"batch_norm", "layer_norm", "instance_norm", "virtual_batch_norm", "weight_norm", "dropout", "residual"}
OPTIONS |= {"self_attention"}
PLAYED = {"rule", "before_step", "after_step", "gradients", "after"}
CALLED = ("latent", "evaluation_latent", "inputs", "weights", "targets", "penalty", "extra_hidden", "generator_logits")
CALLED += ("generator_loss", "generator_penalty")


def randn(*shape, seed):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


class Numbers:
    """Random numbers of one slice, or of all: the slice's own whatever is beside it."""

    def __init__(self, place):
        self.place, self.uses = place, 0

    def _all(self, make, shape):
        self.uses += 1
        whole = make(*LEAD, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(self.uses))
        return whole[self.place]

    def uniform(self, name, *shape):
        return self._all(torch.rand, shape)

    def normal(self, name, *shape):
        return self._all(torch.randn, shape)


def looking(place, trick, sample):
    """Return a critic tanh(x W) w with a slice's weights and minibatches, or with all slices'."""

    def of(*shape, seed):
        return randn(*LEAD, *shape, seed=seed)[place]

    lead = 0 if place else len(LEAD)
    weights = {"a.weight": of(sample.numel(), WIDTH, seed=1), "a.bias": of(WIDTH, seed=2)}
    if "extra_hidden_params" in trick.hooks:
        own, _ = trick.extra_hidden_params(WIDTH, torch.Generator().manual_seed(0))
        weights |= {n: p.double().expand(*LEAD, *p.shape)[place] for n, p in own.items()}
    see = SimpleNamespace(
        batch_dim=lead, noise=Numbers(place), memory={}, progress=0.25, step=3, player="D", params=weights
    )
    see.real, see.fake = of(BATCH, *sample.shape, seed=3), of(BATCH, *sample.shape, seed=4)
    see.z = of(BATCH, 3, seed=5)
    see.hidden = lambda x: torch.tanh(x.flatten(lead + 1) @ weights["a.weight"] + weights["a.bias"].unsqueeze(-2))

    def slope(x):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(see.hidden(x).sum(), x, create_graph=True)
        return gradient.flatten(lead + 1).square().sum(-1)

    see.squared_grad_norm = slope
    see.real_hidden, see.fake_hidden = see.hidden(see.real), see.hidden(see.fake)
    see.real_logits, see.fake_logits = see.real_hidden.sum(-1), see.fake_hidden.sum(-1)
    return see


def use(trick, hook, place):
    """Return what a hook makes of a slice, or of all, in two uses; what it remembers is in there."""
    sample = torch.zeros(3, 4, 4) if "images" in trick.requires else torch.zeros(5)
    see, out, buffers = looking(place, trick, sample), [], {}
    if hook == "weights":
        buffers = trick.weight_buffers({"a.weight": randn(sample.numel(), WIDTH, seed=6)}, torch.Generator())
        buffers = {n: b.expand(*LEAD, *b.shape)[place].clone() for n, b in buffers.items()}
    calls = {
        "latent": lambda: trick.latent(see.z),
        "evaluation_latent": lambda: trick.evaluation_latent(see.z),
        "inputs": lambda: [trick.inputs(x, see, side) for x, side in ((see.fake, "fake"), (see.real, "real"))],
        "weights": lambda: [*trick.weights(see.params, buffers, True).values(), *buffers.values()],
        "targets": lambda: vars(trick.targets(HARD, see.real_logits.shape, see.noise)).values(),
        "penalty": lambda: trick.penalty(see),
        "extra_hidden": lambda: trick.extra_hidden(see.real_hidden, see.params),
        "generator_logits": lambda: trick.generator_logits(see.fake_logits, see.real_logits, see),
        "generator_loss": lambda: trick.generator_loss(see),
        "generator_penalty": lambda: trick.generator_penalty(see),
    }
    if hook == "penalty" and "inputs" in trick.hooks:
        calls["inputs"]()  # what it reads is there only after it has looked
    for _ in range(2):
        made = calls[hook]()
        out += [made] if isinstance(made, torch.Tensor) else list(made)
    return [torch.as_tensor(x) for x in (*out, *see.memory.values())]


class Board:
    """Two players with a loss of each slice's own: min over g, max over d of Σ sin(d g) + (d² − g²)/4."""

    def __init__(self, trick, place):
        self.trick, self.noise = trick, Numbers(place)
        self.d, self.g = (
            self._player(name, randn(*LEAD, 6, seed=s)[place].clone()) for name, s in (("D", 7), ("G", 8))
        )

    def _player(self, name, flat):
        def views(x):
            return {"weight": x[..., :4], "bias": x[..., 4:]}

        params = {n: v.requires_grad_() for n, v in views(flat).items()}
        sgd = torch.optim.SGD([flat], 0.1)
        return SimpleNamespace(name=name, flat=flat, params=params, views=views, memory={}, buffers={}, optimizer=sgd)

    def minibatch(self):
        return self.noise.normal("shift", 6)

    def generated(self, g, batch):
        return batch

    def _value(self, d, g, batch):
        d, g = torch.cat([*d.values()], -1), torch.cat([*g.values()], -1)
        return (torch.sin(d * g + batch) + (g.square() - d.square()) / 4).sum(-1)

    def discriminator_loss(self, d, g, batch, through_generator=False):
        return SimpleNamespace(loss=-self._value(d, g, batch))

    def generator_loss(self, d, g, batch, whole_game=False):
        return SimpleNamespace(loss=self._value(d, g, batch))

    def update_of(self, name):
        player, loss = {"D": (self.d, self.discriminator_loss), "G": (self.g, self.generator_loss)}[name]
        losses = loss(self.d.params, self.g.params, self.minibatch())
        return self.make_update(player, losses, torch.autograd.grad(losses.loss.sum(), [*player.params.values()]))

    def differentiable_twice(self):
        return self

    def set_rate(self, player):
        pass

    def bound(self, player):
        self.trick.after(player.name, player.flat)

    def player(self, name):
        return self.d if name == "D" else self.g

    def make_update(self, player, losses, gradients):
        return SimpleNamespace(gradient=torch.cat([g.detach() for g in gradients], -1))

    def apply_update(self, player, update):
        player.flat.grad = self.trick.gradients(player, update.gradient)
        with torch.no_grad():
            player.optimizer.step()
            self.trick.after(player.name, player.flat)
        return update

    def apply_both(self, of_d, of_g):
        return self.apply_update(self.d, of_d), self.apply_update(self.g, of_g)

    def step(self, number):
        self.progress = (number - 1) / 5
        self.trick.before_step(self)
        if "rule" in self.trick.hooks:
            self.trick.rule(self)
        else:
            self.apply_update(self.d, self.update_of("D"))
            self.apply_update(self.g, self.update_of("G"))
        with torch.no_grad():
            self.trick.after_step(self, number)


def compare(whole, slices):
    for i, j in itertools.product(*map(range, LEAD)):
        for all_of_it, alone in zip(whole, slices[i, j], strict=True):
            here = all_of_it if all_of_it.dim() == 0 else all_of_it[i, j]  # a number holds for all slices
            torch.testing.assert_close(here, alone, rtol=1e-10, atol=1e-12)


PLACES = list(itertools.product(*map(range, LEAD)))
CASES = [(cls, hook) for cls in TRICKS for hook in CALLED if hook in cls().hooks]


@pytest.mark.parametrize(("cls", "hook"), CASES, ids=[f"{c.name}-{h}" for c, h in CASES])
def test_hooks_treat_each_slice_alone(cls, hook):
    trick = cls(**PARAMETERS.get(cls.name, {}))
    compare(use(trick, hook, ()), {place: use(trick, hook, place) for place in PLACES})


@pytest.mark.parametrize("cls", [c for c in TRICKS if PLAYED & c().hooks], ids=lambda c: c.name)
def test_rules_treat_each_slice_alone(cls):
    trick, finals = cls(**PARAMETERS.get(cls.name, {})), {}
    for place in ((), *PLACES):
        board = Board(trick, place)
        for number in range(1, 6):
            board.step(number)
        finals[place] = [board.d.flat.detach(), board.g.flat.detach(), *board.d.memory.values()]
    compare(finals[()], finals)


def test_every_trick_is_tried():
    tried = {c.name for c, _ in CASES} | {c.name for c in TRICKS if PLAYED & c().hooks}
    assert tried | OPTIONS == {c.name for c in TRICKS}
    assert not tried & OPTIONS
