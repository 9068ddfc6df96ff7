"""Update rules in every schedule and beside every trick: defined, or refused with a reason.

Every trial here is one of the product rule × (n_critic, n_generator, update, EMA) × trick.
"""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from ganbench.core import registry
from ganbench.suite.plan import incompatibility, make_plan
from ganbench.suite.schema import read_suite
from ganbench.training.noise import PackedNoise
from ganbench.training.setup import TrialSetup
from ganbench.training.step import gan_step
from ganbench.training.trainer import Trainer
from ganbench.tricks import Trick
from tests.helpers.trials import choose, small_trial

CPU = torch.device("cpu")
TRICKS = {n: c for n, c in registry.components(Trick).items() if c.__module__.startswith("ganbench.")}
RULES = sorted(name for name, cls in TRICKS.items() if "rule" in cls().hooks)
OTHERS = sorted(TRICKS.keys() - set(RULES))
CHEAP = {"unrolled": {"steps": 2}, "head_start": {"steps": 1}, "minibatch_discrimination": {"kernels": 4}}
H = 0.1


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def dirac_path(*tricks, steps, start=(0.7, -0.4), loss="non_saturating", **changes):
    """Return (θ, ψ) after each step of the Dirac-GAN, D(x) = ψx, data at 0, fakes at θ."""
    axes = {"dataset": ("dirac", {}), "network": ("dirac", {}), "loss": (loss, {}), "optimizer": ("sgd", {"lr": H})}
    setup = TrialSetup(small_trial(*tricks, **axes, batch=2, steps=steps, **changes), CPU)
    d, g = setup.players((0,))
    g.flat[:, 0], d.flat[:, 0] = start
    noise, last, path = PackedNoise((0,), CPU), None, []
    for step in range(1, steps + 1):
        last = gan_step(setup, d, g, noise, step, previous=last)
        path.append((g.flat[0, 0].item(), d.flat[0, 0].item()))
    return path


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def slopes(theta, psi):
    """Return (dL_G/dθ, dL_D/dψ) of L_D = s(0) + s(θψ), L_G = s(−θψ)."""
    return -psi * sigmoid(-theta * psi), theta * sigmoid(theta * psi)


def agreed(theta, psi, gamma):
    """Return both slopes with those of γ/2 ‖v‖², by central differences."""

    def energy(a, b):
        return 0.5 * sum(v * v for v in slopes(a, b))

    e = 1e-5
    along = energy(theta + e, psi) - energy(theta - e, psi), energy(theta, psi + e) - energy(theta, psi - e)
    return [v + gamma * pull / (2 * e) for v, pull in zip(slopes(theta, psi), along, strict=True)]


def written_down(name, steps, n_critic, n_generator):
    """Return the path by hand: D alone n_critic − 1 times, both at once, then G alone where D waits."""
    (x, y), path = (0.7, -0.4), []
    last = {"G": None, "D": None}

    def moved(at, slope, player):
        if name == "optimistic":
            before = slope if last[player] is None else last[player]
            last[player] = slope
            return at - H * (2 * slope - before)
        return at - H * slope

    def field(a, b):
        return agreed(a, b, 1.0) if name == "consensus" else slopes(a, b)

    for step in range(steps):
        if step % n_generator:
            ahead = x - H * slopes(x, y)[0] if name == "extragradient" else x
            x = moved(x, field(ahead, y)[0], "G")
        else:
            for _ in range(n_critic - 1):
                ahead = y - H * slopes(x, y)[1] if name == "extragradient" else y
                y = moved(y, field(x, ahead)[1], "D")
            a, b = slopes(x, y)
            to = (x - H * a, y - H * b) if name == "extragradient" else (x, y)
            a, b = field(*to)
            x, y = moved(x, a, "G"), moved(y, b, "D")
        path.append((x, y))
    return path


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("n_critic", "n_generator"), [(1, 1), (3, 1), (1, 3)])
@pytest.mark.parametrize("name", ["consensus", "extragradient", "optimistic"])
def test_a_player_that_moves_alone_keeps_to_the_rule(name, n_critic, n_generator):
    parameters = {"gamma": 1.0} if name == "consensus" else {}
    path = dirac_path((name, parameters), steps=12, n_critic=n_critic, n_generator=n_generator)
    for ours, theirs in zip(path, written_down(name, 12, n_critic, n_generator), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-8)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("n_critic", [1, 2, 5])
def test_consensus_comes_to_rest_however_often_the_discriminator_moves(n_critic):
    path = dirac_path(("consensus", {"gamma": 1.0}), steps=500, start=(1.0, 1.0), loss="wasserstein", n_critic=n_critic)
    assert math.hypot(*path[-1]) < 1e-3


SUITE = """
name: rules
datasets: [ring]
networks: [mlp: {latent: 4, width: 8}]
losses: [non_saturating]
tricks: [none, consensus, extragradient, optimistic, unrolled, lookahead]
seeds: [0]
steps: 20
batch: 8
"""


def test_the_plan_says_that_a_rule_moves_both_players_at_once(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(SUITE)
    updates = {trial.labels["tricks"]: trial.update for trial in make_plan(read_suite(path)).trials}
    assert {name: update for name, update in updates.items() if update == "simultaneous"}.keys() == set(RULES)
    assert updates["none"] == updates["lookahead"] == "alternating"


SCHEDULES = [
    {"n_critic": 3, "ema": 0.9},
    {"n_generator": 2},
    {"n_critic": 2, "n_generator": 2, "update": "simultaneous"},
]


def with_network(*names):
    images = any("images" in TRICKS[name].requires for name in names)
    small = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 2, "latent": 4})}
    axes = small if images else {"network": ("mlp", {"latent": 4, "width": 8})}
    return small_trial(**axes, seeds=(0,), batch=8, steps=4, log_every=1, evaluate_every=4, samples=16, metrics=())


@pytest.mark.parametrize("rule", [None, *RULES])
def test_each_rule_beside_each_trick_in_each_schedule_trains_or_says_why_not(rule):
    """Finite weights that moved, or a reason why the two do not go together."""
    refused = {}
    for other in OTHERS:
        names = [name for name in (rule, other) if name]
        trial = with_network(*names)
        trial = dataclasses.replace(trial, tricks=tuple(choose("trick", n, **CHEAP.get(n, {})) for n in names))
        if (reason := incompatibility(trial)) is not None:
            refused[other] = reason
            continue
        for schedule in SCHEDULES:
            trainer = Trainer(dataclasses.replace(trial, **schedule))
            start = trainer.d.flat.clone(), trainer.g.flat.clone()
            trainer.advance(float("inf"))
            for before, player in zip(start, (trainer.d, trainer.g), strict=True):
                assert player.flat.isfinite().all(), (names, schedule)
                assert not torch.equal(before, player.flat), (names, schedule)
            if other == "weight_clipping":
                assert trainer.d.flat.abs().max() <= 0.01 + 1e-9, (names, schedule)
    assert all(reason for reason in refused.values())
    expected = {"gradient_clipping", "historical_averaging", "weight_clipping"} if rule == "unrolled" else set()
    assert expected <= refused.keys()
    assert len(refused) <= 4 + len(expected), refused


@pytest.mark.parametrize("name", ["replay_buffer", "ada", "lecam", "spectral_norm", "batch_norm"])
def test_what_is_foreseen_leaves_no_trace(name):
    """What a trick or a layer of D remembers after an unrolled step is what D's one update leaves behind."""
    parameters = {"replay_buffer": {"size": 4}, "ada": {"ramp": 24}, "lecam": {"warm_up": 0}}.get(name, {})
    memories = []
    for steps in (1, 3):
        trial = dataclasses.replace(
            with_network(name),
            tricks=(choose("trick", name, **parameters), choose("trick", "unrolled", steps=steps)),
        )
        setup = TrialSetup(trial, CPU)
        d, g = setup.players((0,))
        gan_step(setup, d, g, PackedNoise((0,), CPU), 1)
        memories.append({**d.memory, **d.buffers})
    one, three = memories
    assert one and one.keys() == three.keys()
    assert all(torch.equal(one[key], three[key]) for key in one)
