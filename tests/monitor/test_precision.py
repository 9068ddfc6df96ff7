"""Gradients under scalers, in half precision, and changed between the backward pass and the update."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import ganbench
from ganbench.monitor.clipping import as_trained
from ganbench.tables.results import load
from tests.helpers.present import present
from tests.helpers.small_gan import Loop, norm


def watch(folder, **options):
    return lambda g, d: ganbench.Monitor(g, d, folder / "run", **{"log_every": 1, **options})


class Fused(torch.optim.Adam):
    """Adam that is told of infinite gradients and of the scale, and skips in its own kernel."""

    def __init__(self, params, lr):
        super().__init__(params, lr=lr, fused=True)


def test_a_fused_optimiser_that_skips_has_not_diverged(tmp_path):
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    loop = Loop(watch(tmp_path), scaler=scaler, optimizer=Fused).run(2)
    for parameter in loop.generator.parameters():
        parameter.register_hook(lambda g: g * torch.inf if scaler.get_scale() > 2.0**9 else g)
    loop.run(4).monitor.close()
    results = load(tmp_path / "run")
    assert results.runs["status"].tolist() == ["OK"] and loop.monitor.steps == 5
    truth = [row["grad_norm_g"] for row in loop.truth if np.isfinite(row["grad_norm_g"])]
    assert results.history["grad_norm_g"].tolist() == pytest.approx(truth, rel=2e-5)


def changed_by(change):
    class It(Loop):
        def _update(self, name, module, optimizer):
            parameters = [p for p in module.parameters() if p.grad is not None]
            change(parameters)
            self.row[f"grad_norm_{name}"] = norm(module)
            optimizer.step()

    return It


def repair(parameters):
    parameters[0].grad.view(-1)[0] = torch.nan  # what half precision does
    for p in parameters:
        p.grad.nan_to_num_(0.0)


def average(parameters):
    """As a manual all-reduce with another process, whose gradient is its own."""
    for p in parameters:
        p.grad.add_(torch.linspace(-1, 1, p.numel()).view_as(p)).div_(2)


def orthogonal(parameters):
    """As BigGAN adds it behind the backward pass."""
    for p in parameters:
        if p.dim() == 2:
            p.grad.add_(2e-1 * (p.detach() @ p.detach().T * (1 - torch.eye(len(p)))) @ p.detach())


@pytest.mark.parametrize("change", [repair, average, orthogonal])
def test_gradients_that_were_changed_are_those_that_train(tmp_path, change):
    loop = changed_by(change)(watch(tmp_path)).run(5)
    loop.monitor.close()
    results = load(tmp_path / "run")
    assert results.runs["status"].tolist() == ["OK"]
    for name in ("grad_norm_g", "grad_norm_d"):
        assert results.history[name].tolist() == pytest.approx([row[name] for row in loop.truth], rel=2e-5)


def test_gradients_of_infinite_backward_passes_that_are_repaired_do_not_diverge(tmp_path):
    loop = changed_by(repair)(watch(tmp_path))
    for p in loop.generator.parameters():
        p.register_hook(lambda g: torch.full_like(g, torch.nan))
    loop.run(4).monitor.close()
    assert load(tmp_path / "run").runs["status"].tolist() == ["OK"] and loop.monitor.steps == 4


@pytest.mark.parametrize("clip", ["norm", "value", "none"])
def test_clipping_is_told_from_other_changes(clip):
    generator = torch.Generator().manual_seed(0)
    before = [torch.randn(50, generator=generator), torch.randn(7, 3, generator=generator)]
    parameters = [nn.Parameter(torch.zeros_like(g)) for g in before]
    for p, g in zip(parameters, before, strict=True):
        p.grad = g.clone()
    if clip == "norm":
        nn.utils.clip_grad_norm_(parameters, 0.1)
    elif clip == "value":
        nn.utils.clip_grad_value_(parameters, 0.3)
    now = [p.grad for p in parameters if p.grad is not None]
    assert all(torch.equal(a, b) for a, b in zip(as_trained(before, now), before, strict=True))
    doubled = [2 * g for g in before]  # a sum over two processes that agree
    assert all(torch.equal(a, b) for a, b in zip(as_trained(before, doubled), doubled, strict=True))


def test_bfloat16_networks(tmp_path):
    generator, discriminator = nn.Linear(4, 2).bfloat16(), nn.Linear(2, 1).bfloat16()
    optimizer = torch.optim.SGD([*generator.parameters(), *discriminator.parameters()], lr=0.1)
    norms = []
    with watch(tmp_path, evaluate_every=2, samples=10)(generator, discriminator) as monitor:
        for _ in range(6):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                fake = generator(torch.randn(10, 4))
                answers = discriminator(fake)
            answers.mean().backward()
            norms.append(float(sum(present(p.grad).double().square().sum() for p in generator.parameters()) ** 0.5))
            optimizer.step()
            monitor.step(real=torch.randn(10, 2), fake=fake, fake_logits=answers, real_logits=answers)
    history = load(tmp_path / "run").history
    assert history["grad_norm_g"].tolist() == pytest.approx(norms, rel=1e-5)
    assert len(history["total_spread"].dropna()) >= 2


def test_norms_of_many_weights_are_added_in_float64():
    from ganbench.diagnostics._norms import MANY, vector_norm

    x = torch.randn(1, 8 * MANY + 5, generator=torch.Generator().manual_seed(0))
    exact = float(np.sqrt((x.numpy().astype(np.float64) ** 2).sum()))
    assert float(vector_norm(x)) == pytest.approx(exact, rel=1e-7)
    few = x[:, :MANY]
    assert torch.equal(vector_norm(few), torch.linalg.vector_norm(few, dim=-1))
