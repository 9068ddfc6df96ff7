"""What the hooks find, against what the loop itself sees; and that looking changes nothing."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn

import ganbench
from ganbench.tables.results import load
from tests.helpers.random_state import random_state
from tests.helpers.small_gan import BATCH, LATENT, Loop, networks, norm, ring

COLUMNS = ("grad_norm_g", "grad_norm_d", "update_ratio_g", "update_ratio_d")


def watch(folder, **options):
    return lambda g, d: ganbench.Monitor(g, d, folder / "run", **{"log_every": 1, **options})


def check(loop, folder, every=1, tolerance=2e-5):
    """Hold every logged row against the oracle."""
    loop.monitor.close()
    history = load(folder / "run").history
    steps = list(history["step"])
    assert steps[0] == 1 and [step // every for step in steps[every > 1 :]] == list(range(1, steps[-1] // every + 1))
    for row in history.to_dict("records"):
        for name in COLUMNS:
            assert row[name] == pytest.approx(loop.truth[row["step"] - 1][name], rel=tolerance), (row["step"], name)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clip": 0.01},
        {"n_critic": 3},
        {"accumulate": 3, "clip": 0.01},
        {"scaler": True},
        {"scaler": True, "clip": 0.01},
        {"scaler": True, "accumulate": 2, "clip": 0.01, "n_critic": 2},
        {"optimizer": torch.optim.SGD},
    ],
    ids=str,
)
def test_gradients_are_those_before_clipping_and_scaling(tmp_path, options):
    if options.get("scaler"):
        options = {**options, "scaler": torch.amp.GradScaler("cpu", init_scale=2.0**12, growth_interval=4)}
    check(Loop(watch(tmp_path), **options).run(12), tmp_path)


def test_rows_come_at_the_cadence(tmp_path):
    check(Loop(watch(tmp_path, log_every=7), clip=0.01).run(30), tmp_path, every=7)


@pytest.mark.parametrize("options", ["defaults", "latents", "slope"])
def test_the_loop_ends_in_the_same_bits(tmp_path, options):
    z = torch.ones(50, LATENT)
    options = {"defaults": {}, "latents": {"latents": z}, "slope": {"diagnostics": ["critic_slope", "overfitting"]}}[
        options
    ]
    if "diagnostics" in options:
        options["data"] = torch.eye(2).repeat(60, 1)

    def run(monitor):
        random.seed(0), np.random.seed(0)
        loop = Loop(monitor, clip=0.5, n_critic=2).run(60)
        state = [*loop.state(), *random_state()]
        if monitor is not None:
            loop.monitor.close()
        return state

    alone = run(None)
    watched = run(watch(tmp_path, log_every=5, evaluate_every=10, samples=40, loss="non_saturating", **options))
    assert len(alone) == len(watched)
    for a, b in zip(alone, watched, strict=True):
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
    history = load(tmp_path / "run").history
    assert bool(history["position_1"].notna().sum() == 6)  # it did look


def test_several_optimisers_share_a_network(tmp_path):
    loop = Loop(watch(tmp_path))
    one, other = loop.generator[:2].parameters(), loop.generator[2:].parameters()
    first, second = torch.optim.SGD(one, lr=0.1), torch.optim.Adam(other, lr=0.01)

    class Both(torch.optim.SGD):
        def zero_grad(self, set_to_none=True):
            first.zero_grad(), second.zero_grad()

        def step(self, closure=None):
            first.step(), second.step()

    loop.opt_g = Both(loop.generator.parameters())
    check(loop.run(6), tmp_path)
    assert "SGD" in load(tmp_path / "run").runs["optimizer"][0]


def test_a_closure_is_read_within_the_step(tmp_path):
    generator, discriminator = networks()
    optimisers = torch.optim.SGD(discriminator.parameters(), lr=0.1), torch.optim.SGD(generator.parameters(), lr=0.1)
    monitor = watch(tmp_path)(generator, discriminator)
    norms = []

    def closure(module):
        def compute():
            module.zero_grad()
            loss = discriminator(generator(torch.randn(BATCH, LATENT))).mean()
            loss.backward()
            norms.append(norm(module))
            return loss

        return compute

    for _ in range(3):
        optimisers[0].step(closure(discriminator))
        optimisers[1].step(closure(generator))
        monitor.step()
    monitor.close()
    history = load(tmp_path / "run").history
    assert history["grad_norm_d"].tolist() == pytest.approx(norms[::2], rel=1e-5)
    assert history["grad_norm_g"].tolist() == pytest.approx(norms[1::2], rel=1e-5)


def test_both_players_in_one_step_and_frozen_weights(tmp_path):
    """Both losses go backward before both steps; the discriminator is frozen while the generator's does."""
    generator, discriminator = networks()
    discriminator.requires_grad_(False)  # and is so when the monitor comes
    monitor = watch(tmp_path)(generator, discriminator)
    optimiser = torch.optim.SGD([*generator.parameters(), *discriminator.parameters()], lr=0.1)
    truth = []
    for _ in range(4):
        optimiser.zero_grad()
        discriminator.requires_grad_(True)
        real, fake = ring(BATCH), generator(torch.randn(BATCH, LATENT))
        (discriminator(fake.detach()).mean() - discriminator(real).mean()).backward()
        of_d = norm(discriminator)
        nn.utils.clip_grad_norm_(discriminator.parameters(), 0.01)
        discriminator.requires_grad_(False)
        (-discriminator(fake).mean()).backward()
        truth.append((of_d, norm(generator)))
        optimiser.step()
        monitor.step()
    monitor.close()
    history = load(tmp_path / "run").history
    found = list(zip(history["grad_norm_d"], history["grad_norm_g"], strict=True))
    assert found == [pytest.approx(row, rel=1e-5) for row in truth]


def test_calls_between_the_generators_updates_do_not_count(tmp_path):
    loop = Loop(watch(tmp_path))
    for i in range(12):
        loop.row = {}
        loop._discriminator()
        if i % 4 == 3:
            loop._generator()
            loop.truth.append(loop.row)
        loop.monitor.step(real=loop.real, real_logits=loop.real_logits, fake_logits=loop.fake_logits)
    assert loop.monitor.steps == 3
    check(loop, tmp_path)


def test_steps_that_the_scaler_skips_leave_no_row(tmp_path):
    """An overflow is the scaler's business and no divergence; the row comes with the next real update."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    loop = Loop(watch(tmp_path), scaler=scaler)
    loop.run(2)
    for parameter in loop.generator.parameters():
        parameter.register_hook(lambda g: g * torch.inf if scaler.get_scale() > 2.0**9 else g)
    loop.run(4)
    loop.monitor.close()
    results = load(tmp_path / "run")
    assert bool(results.runs["status"][0] == "OK")
    assert np.isfinite(results.history["grad_norm_g"]).all() and loop.monitor.steps == 5


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_networks(tmp_path, backend):
    loop = Loop()
    loop.call_g = g = torch.compile(loop.generator, backend=backend)
    loop.call_d = d = torch.compile(loop.discriminator, backend=backend)
    loop.monitor = watch(tmp_path, latents=torch.randn(20, LATENT), evaluate_every=3, samples=20)(g, d)
    torch._dynamo.utils.counters.clear()
    loop.run(3)
    compiled = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    check(loop.run(6), tmp_path)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == compiled  # watching compiles nothing again
    assert list(load(tmp_path / "run").layers["layer"].unique()) == ["0", "1", "4", "3"]
