"""Modules as public code has them, which vmap cannot run, train one seed after another: each as it would alone."""

from __future__ import annotations

import logging

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

import ganbench
from ganbench.networks import _trying
from ganbench.networks.modules import ModuleNet

SEEDS = (0, 1, 2)


class ResidualD(nn.Module):
    """In the manner of mimicry: a residual block with spectral norm, then the sum over the image."""

    def __init__(self, norm) -> None:
        super().__init__()
        self.c1, self.c2 = norm(nn.Conv2d(1, 4, 3, 1, 1)), norm(nn.Conv2d(4, 4, 3, 1, 1))
        self.shortcut, self.last = norm(nn.Conv2d(1, 4, 1)), norm(nn.Linear(4, 1))

    def forward(self, x):
        h = F.avg_pool2d(self.c2(F.relu(self.c1(x))), 2) + F.avg_pool2d(self.shortcut(x), 2)
        return self.last(F.relu(h).sum((2, 3)))


class GroupedD(nn.Module):
    """In the manner of R3GAN: grouped convolutions, and what was transposed is laid flat by `view`."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.grouped, self.basis = nn.Conv2d(1, 8, 1), nn.Conv2d(8, 8, 3, 1, 1, groups=4), nn.Linear(512, 1)

    def forward(self, x):
        h = F.leaky_relu(self.grouped(self.first(x)), 0.2).transpose(1, 2).contiguous()
        return self.basis(h.view(len(x), -1)).view(x.shape[0])


class Branching(nn.Module):
    """Control flow that depends on values."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))

    def forward(self, x):
        y = self.net(x)
        return y if float(y.detach().mean()) > 0 else 2.0 * y


KINDS = {
    "parametrizations.spectral_norm": (lambda: ResidualD(parametrizations.spectral_norm), False),
    "utils.spectral_norm": (lambda: ResidualD(nn.utils.spectral_norm), False),
    "parametrizations.weight_norm": (lambda: ResidualD(parametrizations.weight_norm), None),
    "utils.weight_norm": (lambda: ResidualD(nn.utils.weight_norm), None),
    "views of what was laid out otherwise": (GroupedD, None),
    "branches on values": (Branching, False),
}


@pytest.fixture(autouse=True)
def nothing_said_before(monkeypatch):
    monkeypatch.setattr(_trying, "_told", set())


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_each_seed_answers_and_learns_as_the_module_alone(kind, caplog):
    make, packs = KINDS[kind]
    with caplog.at_level(logging.WARNING, "ganbench.networks"):
        net = ModuleNet("d", make, (1, 8, 8))
    assert packs is None or net.packs is packs
    assert len(caplog.records) == (0 if net.packs else 1)
    states = [net.init(torch.Generator().manual_seed(seed)) for seed in SEEDS]
    params, buffers = ({n: torch.stack([s[j][n] for s in states]) for n in states[0][j]} for j in (0, 1))
    params = {name: tensor.requires_grad_() for name, tensor in params.items()}
    x = torch.randn(len(SEEDS), 4, 1, 8, 8, generator=torch.Generator().manual_seed(7)).requires_grad_()
    net.apply(params, buffers, x, training=True, noise=None)
    y = net.apply(params, buffers, x, training=True, noise=None)  # the power iteration goes on
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (y.sum() + slope.square().sum()).backward()  # as a gradient penalty does
    for i, seed in enumerate(SEEDS):
        draw = torch.randint(2**62, (), generator=torch.Generator().manual_seed(seed))
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(int(draw))
            alone = make().train()
        own = x[i].detach().requires_grad_()
        alone(own)
        answer = alone(own).reshape(4)
        (by_input,) = torch.autograd.grad(answer.sum(), own, create_graph=True)
        (answer.sum() + by_input.square().sum()).backward()
        torch.testing.assert_close(y[i].reshape(4), answer)
        for name, parameter in alone.named_parameters():
            moved = params[f"d.{name}"]
            assert moved.grad is not None and parameter.grad is not None
            grad = moved.grad[i].mT if name in net.linear else moved.grad[i]
            torch.testing.assert_close(grad, parameter.grad, rtol=1e-5, atol=1e-5)
        for name, buffer in alone.named_buffers():
            torch.testing.assert_close(buffers[f"d.{name}"][i], buffer)


def test_it_is_said_once_with_its_cost_when_the_network_is_made(caplog):
    def small_g():
        return nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))

    with caplog.at_level(logging.WARNING, "ganbench.networks"):
        network = ganbench.modules(small_g, lambda: ResidualD(parametrizations.spectral_norm), latent=4)
        network.trunk((1, 8, 8))
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("ResidualD: torch.vmap cannot run it (") and "the time of n trials of one" in line


def test_what_vmap_runs_is_told_nothing(caplog):
    with caplog.at_level(logging.WARNING, "ganbench.networks"):
        net = ModuleNet("d", lambda: nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 1)), (1, 8, 8))
    assert net.packs and not caplog.records
