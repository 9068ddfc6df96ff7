"""Penalties beside everything that changes the discriminator, against Jacobians of single samples by brute force.

One number of one sample is moved by ±h with all random numbers fixed, in float64, and every logit is looked at: R1 is
right exactly where a logit depends on its own sample alone and answers the same twice. What the plan refuses beside a
penalty must fail that, and what it allows must pass it and give γ/2 times the mean squared norm of those slopes.
"""

from __future__ import annotations

import dataclasses

import pytest
import torch

from ganbench.core import registry
from ganbench.suite.plan import incompatibility
from ganbench.tricks import Trick
from tests.engine import PackedNoise, PackedStep, TrialSetup
from tests.helpers.present import present
from tests.helpers.trials import choose, small_trial

CPU, BATCH, GAMMA, H = torch.device("cpu"), 8, 3.0, 1e-5
PARAMETERS = {
    "minibatch_discrimination": {"kernels": 3, "dimensions": 2},
    "lecam": {"weight": 0.0},
    "l1_decay": {"weight": 0.0},
    "l2_decay": {"weight": 0.0},
    "orthogonal_regularization": {"beta": 0.0},
}
PENALTIES = {"gradient_penalty", "dragan", "r1", "r2", "zero_centered_gp"}  # each is held to its own oracle
TRICKS = {
    name: cls
    for name, cls in registry.components(Trick).items()
    if cls.__module__.startswith("ganbench.") and name not in PENALTIES
}
SEEING = {"inputs", "network", "weights", "extra_hidden", "latent"}
CASES = [(name, {}, ()) for name, cls in sorted(TRICKS.items()) if SEEING & cls().hooks]
CASES += [("", {"d_norm": norm}, ()) for norm in ("batch", "layer")]
CASES += [("", {"d_dropout": 0.4}, ()), ("", {"norm": "batch"}, ()), ("", {"d_maxout": 3}, ())]
CASES += [
    ("diff_augment", {}, ("packing",)),
    ("ada", {}, ("spectral_norm",)),
    ("replay_buffer", {}, ("instance_noise",)),
]

IDS = ["+".join(filter(None, (name, *options, *more))) for name, options, more in CASES]


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def built(names, options):
    images = any("images" in TRICKS[name].requires for name in names)
    net = ("dcgan", {"channels": 2, "latent": 4}) if images else ("mlp", {"latent": 4, "width": 8, **options})
    changes = {"dataset": ("digits", {})} if images else {}
    tricks = [choose("trick", name, **PARAMETERS.get(name, {})) for name in names] + [
        choose("trick", "r1", gamma=GAMMA)
    ]
    trial = dataclasses.replace(small_trial(network=net, seeds=(0,), batch=BATCH, **changes), tricks=tuple(tricks))
    return trial, incompatibility(trial)


class Bench:
    """One discriminator step's logits of real samples as a function of the samples, everything else fixed."""

    def __init__(self, trial):
        setup = TrialSetup(trial, CPU)
        self.d, self.g = setup.players((0,))
        self.context = PackedStep(setup, self.d, self.g, PackedNoise((0,), CPU), 0.25)
        batch = self.context.minibatch()
        self.batch = batch._replace(real=present(batch.real).double())
        if "ada" in [t.name for t in trial.tricks]:
            self.d.memory["ada"] = torch.tensor([0.5])
        self.setup = setup
        self.kept = dict(self.d.memory), {n: t.clone() for n, t in self.d.buffers.items()}
        self.saved = self.context.noise.state_dict()
        self.view(self.batch.real)  # opens every stream, which only then can be put back
        self.saved = self.context.noise.state_dict()

    def view(self, real):
        self.context.noise.load_state_dict(self.saved)
        self.d.memory.clear()
        self.d.memory.update({n: t.clone() for n, t in self.kept[0].items()})
        for name, tensor in self.kept[1].items():
            self.d.buffers[name].copy_(tensor)
        with torch.no_grad():
            fake = self.setup.generate(self.g.params, self.g.buffers, self.batch.z, training=True, noise=None)
        return self.context.discriminator_view(self.d.params, self.batch._replace(real=real), fake)

    def logits(self, real):
        return self.view(real).real_logits.detach()[0]

    def jacobian(self):
        """Return d logit_i / d number_j of the samples, `[logits, B, numbers]`."""
        real = present(self.batch.real)
        flat = real.flatten(2)
        columns = []
        for j in range(flat.shape[1]):
            for k in range(flat.shape[2]):
                ends = []
                for sign in (1, -1):
                    moved = flat.clone()
                    moved[0, j, k] += sign * H
                    ends.append(self.logits(moved.view_as(real)))
                columns.append((ends[0] - ends[1]) / (2 * H))
        return torch.stack(columns, -1).unflatten(-1, flat.shape[1:])


@pytest.mark.parametrize(("name", "options", "more"), CASES, ids=IDS)
def test_a_penalty_is_that_of_single_samples_or_is_refused(name, options, more):
    trial, reason = built([n for n in (name, *more) if n], options)
    bench = Bench(trial)
    jacobian = bench.jacobian()
    logits, batch = jacobian.shape[:2]
    own = torch.eye(logits).repeat_interleave(batch // logits, 1).bool()  # packed samples lie side by side
    coupled = jacobian[~own].abs().max() > 1e-6 * jacobian.abs().max() if logits > 1 else False
    view = bench.view(bench.batch.real)
    random = not torch.equal(view(view.real), view.real_logits)
    if reason is not None:
        assert coupled or random, f"refused without need: {reason}"
        return
    assert not coupled and not random
    slopes = jacobian[own].reshape(logits, -1).square().sum(-1)
    found = bench.setup.hooks["penalty"][-1].penalty(view)
    assert found.item() == pytest.approx(GAMMA / 2 * slopes.mean().item(), rel=1e-5)
    assert found.item() > 0
