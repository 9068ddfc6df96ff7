"""What the optimiser is handed is the gradient of what the papers write, for every loss and every trick.

The engine does some steps in float64. The gradients that the last one hands to the optimisers are compared with central
differences of `objectives.py`, a second way of writing each objective for one seed, along random directions of all
weights. Faults planted in the engine's own hooks must be seen.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch

from ganbench.core import registry
from ganbench.core.protocols import HARD
from ganbench.datasets import Data
from ganbench.suite.plan import incompatibility
from ganbench.tricks import HOOKS, Trick
from tests.engine import TrialSetup, gan_step
from tests.helpers import ROOT
from tests.helpers.objectives import LOSSES, OTHERS, TRICKS, objective
from tests.helpers.one_seed import Recorded, Snapshot, View
from tests.helpers.present import present
from tests.helpers.trials import small_trial

SEEDS, STEPS, BATCH = (0, 5), 3, 8
H = 1e-6
IMAGES = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 2, "latent": 3, "init_scale": 0.2})}
# Smooth activations: a difference across a kink is the gradient of neither side.
POINTS = {"network": ("mlp", {"latent": 3, "width": 8, "activation": "tanh", "d_activation": "tanh"})}
ENERGY = {"network": ("autoencoder", {"latent": 3, "width": 8, "d_width": 8})}
COMBINED = [
    ("r1", "r2"),
    ("packing", "r1"),
    ("instance_noise", "packing"),
    ("layer_norm", "gradient_penalty"),
    ("spectral_norm", "minibatch_stddev"),
    ("minibatch_stddev", "minibatch_discrimination"),
    ("gradient_penalty", "lecam", "l2_decay"),
    ("two_sided_label_smoothing", "label_flipping", "top_k"),
    ("weight_norm", "zero_centered_gp", "mode_seeking"),
    ("diff_augment", "self_attention", "r1"),
    ("latent", "unrolled"),
    ("consensus", "l2_decay"),
    ("minibatch_discrimination", "consensus"),
    ("minibatch_discrimination", "unrolled"),
    ("historical_averaging", "dropout"),
]


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def ours(kind):
    return {name: cls for name, cls in registry.components(kind).items() if cls.__module__.startswith("ganbench.")}


def of_loss(name):
    return small_trial(loss=(name, {}), batch=BATCH, **(ENERGY if "energy" in ours("loss")[name].traits else POINTS))


def of_tricks(*names):
    chosen = [(name, TRICKS[name].parameters) for name in names]
    trial = small_trial(*chosen, batch=BATCH, **(IMAGES if any(TRICKS[n].images for n in names) else POINTS))
    assert incompatibility(trial) is None
    return trial


class InDouble:
    """A data set whose samples are float64."""

    def __init__(self, data: Data) -> None:
        self._data = data

    def gather(self, drawn: torch.Tensor) -> torch.Tensor:
        return self._data.gather(drawn).double()

    def __getattr__(self, name: str) -> object:
        return getattr(self._data, name)


def one_step(setup):
    """Return each player's view of the last step and the gradient that its optimiser was handed `[S, P]`."""
    setup.data = InDouble(setup.data)
    d, g = setup.players(SEEDS)
    noise, last = Recorded(SEEDS), None
    before = {}
    for step in range(1, STEPS + 1):
        noise.drawn.clear()
        before = {p.name: Snapshot.of(p) for p in (d, g)}
        last = gan_step(setup, d, g, noise, step, previous=last)
    passes = noise.passes()
    alternating = setup.rule is None
    views = {}
    for seed in range(len(SEEDS)):
        for player, drawn in (("D", passes[0]), ("G", passes[-1])):
            seen = d.flat.detach() if player == "G" and alternating else before["D"].flat
            views[player, seed] = View(
                setup=setup,
                layouts={"D": d.layout.views, "G": g.layout.views},
                seed=seed,
                player=player,
                drawn=drawn,
                d=seen[seed],
                g=before["G"].flat[seed],
                buffers={name: b.buffers for name, b in before.items()},
                memory=d.memory if player == "G" else before["D"].memory,
                moments=before["D"].moments,
                histories={name: b.memory.get("historical average") for name, b in before.items()},
                step=STEPS - 1,
            )
    return views, {"D": present(d.flat.grad), "G": present(g.flat.grad)}


def check(trial, plant=None):
    """Raise AssertionError unless every gradient of one step is that of its objective."""
    setup = TrialSetup(trial, torch.device("cpu"))
    tricks = [choice.build() for choice in trial.tricks]
    if plant is not None:
        plant(setup)
    views, handed = one_step(setup)
    generator = torch.Generator().manual_seed(1)
    for (player, seed), view in views.items():
        weights, gradient = (view.d if player == "D" else view.g), handed[player][seed]
        objective(view.moved(), tricks, player)  # what counts as a constant is noted here
        for _ in range(2):
            way = torch.randn(weights.shape, generator=generator)
            moved = (view.moved(**{player.lower(): weights + sign * H * way}) for sign in (1, -1))
            ahead, behind = (objective(v, tricks, player).item() for v in moved)
            difference, ours = (ahead - behind) / (2 * H), float(way @ gradient)
            assert abs(difference - ours) <= 1e-5 * float(gradient.norm()) + 1e-7, (player, seed, difference, ours)


@pytest.mark.parametrize("name", sorted(ours("loss")))
def test_losses(name):
    check(of_loss(name))


@pytest.mark.parametrize("name", sorted(TRICKS))
def test_tricks(name):
    check(of_tricks(name))


@pytest.mark.parametrize("names", COMBINED, ids="+".join)
def test_tricks_together(names):
    check(of_tricks(*names))


def test_every_trick_is_held_to_an_objective_or_to_an_oracle_of_its_own():
    assert sorted([*TRICKS, *OTHERS]) == sorted(ours("trick"))
    assert sorted(LOSSES) == sorted(ours("loss"))
    root = ROOT
    for name, place in OTHERS.items():
        file, _, test = place.partition("::")
        assert f"def {test}(" in (root / file).read_text(encoding="utf-8"), name


def twice(hook):
    return lambda *args: 2 * hook(*args)


def detached(hook):
    return lambda *args: hook(*args).detach()


def idle(hook):
    """Let the hook draw its random numbers and return what came in."""
    return lambda x, *args: (hook(x, *args), x)[1]


def hard(hook):
    return lambda *args: (hook(*args), HARD)[1]


def all_logits(hook):
    return lambda fake, real, critic: (fake, real)


def plain_gradient(hook):
    return lambda player, gradient: gradient


# hook: how it may be broken.
FAULTS = {
    "penalty": (twice, detached),
    "generator_penalty": (twice, detached),
    "generator_loss": (twice,),
    "generator_logits": (all_logits,),
    "inputs": (twice,),
    "latent": (idle,),
    "gradients": (plain_gradient,),
    "targets": (hard,),
    "weights": (idle,),
    "extra_hidden": (twice,),
}
PLANTED = [
    (name, hook, fault)
    for name, words in TRICKS.items()
    for hook in HOOKS
    for fault in FAULTS.get(hook, ())
    if hook in registry.build(Trick, name).hooks and (name, hook) != ("ada", "penalty")  # it returns 0
]


def plant(hook, fault, setup):
    (trick,) = setup.hooks[hook]
    setup.hooks[hook] = [SimpleNamespace(all_traits=trick.all_traits, **{hook: fault(getattr(trick, hook))})]


@pytest.mark.parametrize(("name", "hook", "fault"), PLANTED, ids=[f"{n}-{h}-{f.__name__}" for n, h, f in PLANTED])
def test_a_planted_fault_is_seen(name, hook, fault):
    with pytest.raises(AssertionError):
        check(of_tricks(name), partial(plant, hook, fault))


@pytest.mark.parametrize("player", ["discriminator", "generator"])
@pytest.mark.parametrize("name", sorted(ours("loss")))
def test_a_planted_fault_in_a_loss_is_seen(name, player):
    def wrong(setup):
        loss = setup.loss
        named = "stateful_discriminator" if player == "discriminator" and setup.stateful_discriminator else player
        broken = {n: getattr(loss, n) for n in ("discriminator", "generator", "requires_real", "name")}
        setup.loss = SimpleNamespace(**broken | {named: twice(getattr(loss, named))})
        setup.stateful_discriminator = (
            twice(setup.stateful_discriminator) if named == "stateful_discriminator" else setup.stateful_discriminator
        )

    with pytest.raises(AssertionError):
        check(of_loss(name), wrong)
