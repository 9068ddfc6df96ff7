"""Small loops that make an update in another way than one pass and one step, or hand over other things than tensors.

They are made as those of `strangers.py`.
"""

# Several calls stand in one line.
# pyright: reportUnusedExpression=false

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import LBFGS, SGD, Adam, Optimizer, SparseAdam

from tests.clients.strangers import BATCH, LATENT, d_loss_of, mlp, plain, z


def normal() -> Tensor:
    return torch.randn(BATCH, 4)


def step_of(optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(), loss.backward(), optimizer.step()


class Sharp:
    """Sharpness-aware minimisation (Foret et al. 2021): the gradient where the loss is worse nearby."""

    def __init__(self, inner: Optimizer) -> None:
        self.inner, self.weights = inner, inner.param_groups[0]["params"]

    @torch.no_grad()
    def climb(self) -> None:
        self.old = [p.clone() for p in self.weights]
        norm = torch.stack([p.grad.norm() for p in self.weights]).norm()
        for p in self.weights:
            p.data.add_(p.grad, alpha=float(0.05 / norm))
        self.inner.zero_grad()

    @torch.no_grad()
    def step(self) -> None:
        for p, old in zip(self.weights, self.old, strict=True):
            p.data = old
        self.inner.step(), self.inner.zero_grad()


def sharpness_aware(make, steps):
    """Two backward passes an update, the first of which is cleared."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    opt_g, opt_d = Sharp(Adam(g.parameters(), 1e-3)), Sharp(SGD(d.parameters(), 1e-2))
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        x, latent = normal(), z()
        fake = g(latent).detach()
        real_logits, fake_logits = d(x), d(fake)
        d_loss_of(real_logits, fake_logits).backward(), opt_d.climb()
        d_loss_of(d(x), d(fake)).backward(), opt_d.step()
        F.softplus(-d(g(latent))).mean().backward(), opt_g.climb()
        F.softplus(-d(g(latent))).mean().backward(), opt_g.step()
        opt_d.inner.zero_grad()
        monitor.step(real=x, fake=fake, real_logits=real_logits, fake_logits=fake_logits)
    return [g, d]


def searched(make, steps):
    """LBFGS with a search along a line for the discriminator."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    opt_g = Adam(g.parameters(), 1e-2)
    opt_d = LBFGS(d.parameters(), lr=0.02, max_iter=3, line_search_fn="strong_wolfe")
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        x, fake = normal(), g(z())

        def closure(x=x, fake=fake):
            opt_d.zero_grad()
            loss = d_loss_of(d(x), d(fake.detach())) + sum(p.square().sum() for p in d.parameters())
            loss.backward()
            return loss

        opt_d.step(closure)
        step_of(opt_g, F.softplus(-d(fake)).mean())
        monitor.step(real=x, fake=fake)
    return [g, d]


def gathered(make, steps):
    """Both players gather the gradients of four minibatches, and step together; zeros stay in `.grad`."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for i in range(4 * steps):
        x, fake = normal(), g(z())
        real_logits, fake_logits = d(x), d(fake.detach())
        d_loss = d_loss_of(real_logits, fake_logits)
        (d_loss / 4).backward()
        d.requires_grad_(False)
        (F.softplus(-d(fake)).mean() / 4).backward()
        d.requires_grad_(True)
        if i % 4 == 3:
            for optimizer in (opt_d, opt_g):
                optimizer.step(), optimizer.zero_grad(set_to_none=False)
        monitor.step(real=x, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def gradients_by_hand(make, steps):
    """`.grad` is set to what `torch.autograd.grad` returns, and never cleared."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        x, fake = normal(), g(z())
        real_logits, fake_logits = d(x), d(fake.detach())
        for player, optimizer in ((d, opt_d), (g, opt_g)):
            loss = d_loss_of(real_logits, fake_logits) if player is d else F.softplus(-d(fake)).mean()
            for p, slope in zip(player.parameters(), torch.autograd.grad(loss, list(player.parameters())), strict=True):
                p.grad = slope
            optimizer.step()
        monitor.step(real=x, fake=fake, real_logits=real_logits, fake_logits=fake_logits)
    return [g, d]


def one_backbone(make, steps):
    """Both players hold the same first layers, and both optimisers move them."""
    body = mlp(4, 16, 8)
    g, d = nn.Sequential(mlp(LATENT, 4), body, nn.Linear(8, 4)), nn.Sequential(body, nn.Linear(8, 1))
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        x, fake = normal(), g(z()).detach()
        real_logits, fake_logits = d(x), d(fake)
        step_of(opt_d, d_loss_of(real_logits, fake_logits))
        step_of(opt_g, F.softplus(-d(g(z()))).mean())
        monitor.step(real=x, fake=fake, real_logits=real_logits, fake_logits=fake_logits)
    return [g, d]


def sparse_rows(make, steps):
    """The generator is a table of embeddings with sparse gradients."""
    g, d = nn.Embedding(20, 4, sparse=True), mlp(4, 16, 1)
    opt_g, opt_d = SparseAdam(list(g.parameters()), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        x, fake = normal(), g(torch.randint(20, (BATCH,)))
        real_logits, fake_logits = d(x), d(fake.detach())
        step_of(opt_d, d_loss_of(real_logits, fake_logits))
        step_of(opt_g, F.softplus(-d(fake)).mean())
        monitor.step(real=x, fake=fake, real_logits=real_logits, fake_logits=fake_logits)
    g.weight.grad = None  # a sparse one is compared by its own means
    return [g, d]


class Spectral(nn.Module):
    """A linear layer of complex weights."""

    def __init__(self, n: int, m: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.3 * torch.randn(n, m, dtype=torch.complex64))

    def forward(self, x: Tensor) -> Tensor:
        return (x.to(torch.complex64) @ self.weight).abs()


def complex_weights(make, steps):
    g, d = nn.Sequential(Spectral(LATENT, 16), nn.Linear(16, 4)), nn.Sequential(Spectral(4, 16), nn.Linear(16, 1))
    return plain(make, steps, g, d, normal, z, loss="ns")


def moved_by_hand(make, steps):
    """No optimiser of torch's: weights move by `p.data.sub_(rate * p.grad)`."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        x, fake = normal(), g(z())
        real_logits, fake_logits = d(x), d(fake.detach())
        for player in (d, g):
            loss = d_loss_of(real_logits, fake_logits) if player is d else F.softplus(-d(fake)).mean()
            player.zero_grad(), loss.backward()
            for p in player.parameters():
                p.data.sub_(torch.zeros(()) if p.grad is None else 1e-2 * p.grad)
        monitor.step(real=x, fake=fake, real_logits=real_logits, fake_logits=fake_logits)
    return [g, d]


def single_numbers(make, steps):
    """Samples [B], without an axis for their one number."""
    g, d = nn.Sequential(mlp(LATENT, 16, 1), nn.Flatten(0)), nn.Sequential(nn.Unflatten(0, (-1, 1)), mlp(1, 16, 1))
    return plain(make, steps, g, d, lambda: 2 * torch.randn(BATCH), z, loss="ns", latents=torch.randn(40, LATENT))


@dataclass
class Molecules:
    """A padded batch of graphs."""

    bonds: Tensor
    atoms: Tensor

    def flat(self) -> Tensor:
        return torch.cat((self.bonds.flatten(1), self.atoms.flatten(1)), 1)


class MakesMolecules(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(LATENT, 16, 36 + 18)

    def forward(self, latent: Tensor) -> Molecules:
        bonds, atoms = self.body(latent).split((36, 18), 1)
        return Molecules(bonds.sigmoid().view(-1, 6, 6), atoms.view(-1, 6, 3))


def batches_of_parts(make, steps):
    """The loader gives a dict, the generator a dataclass; the latents are NumPy's, in double precision."""
    g, d = MakesMolecules(), mlp(54, 16, 1)
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns", latents=np.random.default_rng(0).normal(size=(40, LATENT)))
    for _ in range(steps):
        label, real = torch.randint(3, (BATCH,)), torch.rand(BATCH, 6, 6) < 0.3
        batch = {"label": label, "bonds": real, "atoms": torch.randn(BATCH, 6, 3)}
        fake = g(z())
        real_logits = d(Molecules(batch["bonds"].float(), batch["atoms"]).flat())
        fake_logits = d(fake.flat().detach())
        step_of(opt_d, d_loss_of(real_logits, fake_logits))
        step_of(opt_g, F.softplus(-d(fake.flat())).mean())
        monitor.step(real=batch, fake=fake, real_logits={"a": real_logits}, fake_logits=fake_logits)
    return [g, d]


class Average:
    """An averaged copy that is no module; its copy stays in training mode, with a layer that counts."""

    def __init__(self, network: nn.Module) -> None:
        self.copy = copy.deepcopy(network)

    def __call__(self, latent: Tensor) -> Tensor:
        return self.copy(latent)

    def update(self, network: nn.Module) -> None:
        for mine, its in zip(self.copy.parameters(), network.parameters(), strict=True):
            mine.data.lerp_(its.data, 0.1)


def averaged_by_an_object(make, steps):
    g, d = nn.Sequential(nn.Linear(LATENT, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4)), mlp(4, 16, 1)
    opt_g, opt_d, average = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3), Average(g)
    monitor = make(g, d, loss="ns", latents=torch.randn(40, LATENT), judged=average, ema=lambda x: average(x))
    for _ in range(steps):
        x, fake = normal(), g(z())
        real_logits, fake_logits = d(x), d(fake.detach())
        step_of(opt_d, d_loss_of(real_logits, fake_logits))
        step_of(opt_g, F.softplus(-d(fake)).mean())
        average.update(g)
        monitor.step(real=x, fake=fake, real_logits=real_logits, fake_logits=fake_logits)
    return [g, d, average.copy]


class Counting(nn.Module):
    """Counts its calls in an attribute, which its answers depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.calls = mlp(LATENT, 16, 4), 0

    def forward(self, latent: Tensor) -> Tensor:
        self.calls += 1
        self.last = self.body(latent) * (1 + 0.001 * self.calls)
        return self.last


def counting(make, steps):
    return plain(make, steps, Counting(), mlp(4, 16, 1), normal, z, loss="ns", latents=torch.randn(40, LATENT))


def scripted(make, steps):
    """Networks of TorchScript, one with running statistics."""
    g = nn.Sequential(nn.Linear(LATENT, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
    both = torch.jit.script(g), torch.jit.script(mlp(4, 16, 1))
    return plain(make, steps, *both, normal, z, loss="ns", latents=torch.randn(40, LATENT))


def in_inference_mode(make, steps):
    """The monitor is called where no tensor takes part in a graph, with samples that were made there."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        x, fake = normal(), g(z())
        d_loss = d_loss_of(d(x), d(fake.detach()))
        step_of(opt_d, d_loss)
        step_of(opt_g, F.softplus(-d(fake)).mean())
        with torch.inference_mode():
            sampled = g(z())
            monitor.step(real=x, fake=sampled, real_logits=d(x), fake_logits=d(sampled), d_loss=d_loss)
    return [g, d]


LOOPS = (
    *(sharpness_aware, searched, gathered, gradients_by_hand, one_backbone, sparse_rows, complex_weights),
    *(moved_by_hand, single_numbers, batches_of_parts, averaged_by_an_object, counting, scripted, in_inference_mode),
)
