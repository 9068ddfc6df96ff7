"""Small loops in the manner of public trainers, each with the lines that a monitor adds; those hold the word monitor.

A loop is a function of `make`, which makes a monitor or a stand-in that does nothing, and of the steps. It returns the
networks that it trained.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from tests.clients.loops_with_aims import cyclegan, distillation, hifigan, pix2pix, reversal, srgan, vqgan
from tests.clients.small_networks import BATCH, LATENT, Made, images, small_d, small_g


def dcgan(make: Made, steps: int) -> list[nn.Module]:
    """PyTorch's example: two backward passes of the discriminator, cross-entropy on probabilities' logits."""
    g = nn.Sequential(
        nn.ConvTranspose2d(LATENT, 8, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh()
    )
    d = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4), nn.Flatten(0))
    opt_d, opt_g = Adam(d.parameters(), 2e-4, (0.5, 0.999)), Adam(g.parameters(), 2e-4, (0.5, 0.999))
    bce = nn.BCEWithLogitsLoss()
    monitor = make(g, d, loss="vanilla")
    for _ in range(steps):
        real, one, zero = images(), torch.ones(BATCH), torch.zeros(BATCH)
        d.zero_grad()
        real_logits = d(real)
        d_real = bce(real_logits, one)
        d_real.backward()
        fake = g(torch.randn(BATCH, LATENT, 1, 1))
        fake_logits = d(fake.detach())
        d_fake = bce(fake_logits, zero)
        d_fake.backward()
        opt_d.step()
        g.zero_grad()
        g_loss = bce(d(fake), one)
        g_loss.backward()
        opt_g.step()
        monitor.step(
            real=real,
            fake=fake,
            real_logits=real_logits,
            fake_logits=fake_logits,
            d_loss=d_real + d_fake,
            g_loss=g_loss,
        )
    return [g, d]


def wgan_gp(make: Made, steps: int) -> list[nn.Module]:
    """Five critic updates a step, gradient penalty; the call lies behind each iteration of the critic."""
    g, d = small_g(), small_d()
    opt_d, opt_g = Adam(d.parameters(), 1e-4, (0.0, 0.9)), Adam(g.parameters(), 1e-4, (0.0, 0.9))
    monitor = make(g, d, loss="wgan")
    for i in range(5 * steps):
        real, fake = images().flatten(1)[:, :16], g(torch.randn(BATCH, LATENT))
        mix = torch.rand(BATCH, 1)
        x = (mix * real + (1 - mix) * fake.detach()).requires_grad_()
        (slope,) = torch.autograd.grad(d(x).sum(), x, create_graph=True)
        real_logits, fake_logits = d(real), d(fake.detach())
        d_loss = fake_logits.mean() - real_logits.mean() + 10 * (slope.norm(dim=1) - 1).square().mean()
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
        if i % 5 == 4:
            opt_g.zero_grad()
            (-d(g(torch.randn(BATCH, LATENT))).mean()).backward()
            opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


class AuxiliaryD(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.validity, self.classes = nn.Linear(16, 16), nn.Linear(16, 1), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.leaky_relu(self.trunk(x), 0.2)
        return self.validity(hidden), self.classes(hidden)


class ConditionalG(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.net = nn.Embedding(3, LATENT), small_g()

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        return self.net(z * self.embedding(label))


def acgan(make: Made, steps: int) -> list[nn.Module]:
    """The discriminator answers (validity, class)."""
    g, d = ConditionalG(), AuxiliaryD()
    opt_d, opt_g = Adam(d.parameters(), 2e-4), Adam(g.parameters(), 2e-4)
    monitor = make(g, d)
    for _ in range(steps):
        real, label = images().flatten(1)[:, :16], torch.randint(3, (BATCH,))
        fake = g(torch.randn(BATCH, LATENT), label)
        opt_g.zero_grad()
        validity, classes = d(fake)
        (F.softplus(-validity).mean() + F.cross_entropy(classes, label)).backward()
        opt_g.step()
        opt_d.zero_grad()
        on_real, on_fake = d(real), d(fake.detach())
        loss = F.softplus(-on_real[0]).mean() + F.softplus(on_fake[0]).mean() + F.cross_entropy(on_real[1], label)
        loss.backward()
        opt_d.step()
        monitor.step(real=real, fake=fake, real_logits=on_real, fake_logits=on_fake, d_loss=loss)
    return [g, d]


def stylegan2(make: Made, steps: int) -> list[nn.Module]:
    """Lazy R1 and path length as optimiser steps of their own, and an averaged copy that is judged."""
    g, d = small_g(), small_d()
    ema = copy.deepcopy(g)
    opt_g, opt_d = Adam(g.parameters(), 2e-3, (0.0, 0.99)), Adam(d.parameters(), 2e-3, (0.0, 0.99))
    monitor = make(g, d, loss="logistic", judged=ema, latents=torch.randn(16, LATENT, generator=torch.Generator()))
    for i in range(steps):
        real, fake = images().flatten(1)[:, :16], g(torch.randn(BATCH, LATENT))
        d.requires_grad_(True), g.requires_grad_(False)
        real_logits, fake_logits = d(real), d(fake.detach())
        d_loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        d.zero_grad()
        d_loss.backward()
        opt_d.step()
        if i % 4 == 0:
            x = real.clone().requires_grad_()
            (slope,) = torch.autograd.grad(d(x).sum(), x, create_graph=True)
            d.zero_grad()
            (50 * slope.square().sum(1).mean() + 0 * d(x).mean()).backward()
            opt_d.step()
        d.requires_grad_(False), g.requires_grad_(True)
        g_loss = F.softplus(-d(g(torch.randn(BATCH, LATENT)))).mean()
        g.zero_grad()
        g_loss.backward()
        opt_g.step()
        if i % 2 == 0:
            z = torch.randn(BATCH, LATENT, requires_grad=True)
            (slope,) = torch.autograd.grad((g(z) * torch.randn(BATCH, 16)).sum(), z, create_graph=True)
            g.zero_grad()
            (20 * (slope.norm(dim=1) - 1).square().mean()).backward()
            opt_g.step()
        with torch.no_grad():
            for average, weight in zip(ema.parameters(), g.parameters(), strict=True):
                average.lerp_(weight, 0.1)
        monitor.step(
            real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss, g_loss=g_loss
        )
    return [g, d, ema]


def ada(make: Made, steps: int) -> list[nn.Module]:
    """Few images, all augmented with a probability that follows the signs of the logits."""
    g, d = small_g(), small_d()
    opt_g, opt_d = Adam(g.parameters(), 2e-3, (0.0, 0.99)), Adam(d.parameters(), 2e-3, (0.0, 0.99))
    few, p = images(20).flatten(1)[:, :16], 0.0

    def augmented(x: Tensor) -> Tensor:
        return torch.where(torch.rand(len(x), 1) < p, x.flip(1), x)

    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        real, fake = few[torch.randint(20, (BATCH,))], g(torch.randn(BATCH, LATENT))
        real_logits, fake_logits = d(augmented(real)), d(augmented(fake.detach()))
        d_loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
        p = min(max(p + 0.01 * float((real_logits.sign().mean() - 0.6).sign()), 0), 0.8)
        opt_g.zero_grad()
        F.softplus(-d(augmented(fake))).mean().backward()
        opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def biggan(make: Made, steps: int) -> list[nn.Module]:
    """Spectral norm, hinge, two updates of the discriminator, each of two accumulated minibatches."""
    g = small_g()
    d = nn.Sequential(nn.utils.spectral_norm(nn.Linear(16, 16)), nn.ReLU(), nn.utils.spectral_norm(nn.Linear(16, 1)))
    opt_g, opt_d = Adam(g.parameters(), 5e-5, (0.0, 0.999)), Adam(d.parameters(), 2e-4, (0.0, 0.999))
    monitor, given = make(g, d, loss="hinge"), {}
    for _ in range(steps):
        for _ in range(2):
            opt_d.zero_grad()
            for _ in range(2):
                real, fake = images().flatten(1)[:, :16], g(torch.randn(BATCH, LATENT))
                real_logits, fake_logits = d(real), d(fake.detach())
                d_loss = F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
                (d_loss / 2).backward()
                given = {"real": real, "real_logits": real_logits, "fake_logits": fake_logits, "d_loss": d_loss}
            opt_d.step()
        opt_g.zero_grad()
        for _ in range(2):
            fake = g(torch.randn(BATCH, LATENT))
            (-d(fake).mean() / 2).backward()
            given["fake"] = fake
        opt_g.step()
        monitor.step(**given)
    return [g, d]


def progressive(make: Made, steps: int) -> list[nn.Module]:
    """Both networks grow halfway, and the images with them."""
    g = nn.Sequential(nn.Linear(LATENT, 16), nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 1, 3, 1, 1))
    d = nn.Sequential(nn.Conv2d(1, 1, 3, 1, 1), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16, 1))
    opt_g, opt_d = Adam(g.parameters(), 1e-3, (0.0, 0.99)), Adam(d.parameters(), 1e-3, (0.0, 0.99))
    monitor = make(g, d, loss="wgan")
    for i in range(steps):
        if i == steps // 2:
            grown = nn.Conv2d(1, 1, 3, 1, 1), nn.Conv2d(1, 1, 3, 1, 1)
            g.extend([nn.Upsample(scale_factor=2), grown[0]])
            d.insert(0, grown[1])
            opt_g.add_param_group({"params": grown[0].parameters()})
            opt_d.add_param_group({"params": grown[1].parameters()})
        fake = g(torch.randn(BATCH, LATENT))
        real = images(side=fake.shape[-1])
        real_logits, fake_logits = d(real), d(fake.detach())
        d_loss = fake_logits.mean() - real_logits.mean() + 1e-3 * real_logits.square().mean()
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
        opt_g.zero_grad()
        (-d(fake).mean()).backward()
        opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def r3gan(make: Made, steps: int) -> list[nn.Module]:
    """Relativistic pairs with R1 and R2 in one backward pass."""
    g, d = small_g(), small_d()
    opt_g, opt_d = Adam(g.parameters(), 2e-4, (0.0, 0.99)), Adam(d.parameters(), 2e-4, (0.0, 0.99))
    monitor = make(g, d, loss="relativistic_paired")
    for _ in range(steps):
        real = images().flatten(1)[:, :16].requires_grad_()
        fake = g(torch.randn(BATCH, LATENT)).detach().requires_grad_()
        real_logits, fake_logits = d(real), d(fake)
        slopes = [
            torch.autograd.grad(f.sum(), x, create_graph=True)[0] for f, x in ((real_logits, real), (fake_logits, fake))
        ]
        d_loss = F.softplus(fake_logits - real_logits).mean() + sum(0.5 * s.square().sum(1).mean() for s in slopes)
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
        opt_g.zero_grad()
        fake = g(torch.randn(BATCH, LATENT))
        F.softplus(d(real.detach()) - d(fake)).mean().backward()
        opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def tabular(make: Made, steps: int) -> list[nn.Module]:
    """A table with empty cells, which are NaN and are filled for the discriminator."""
    g, d = small_g(LATENT, 6), small_d(6)
    opt_g, opt_d = Adam(g.parameters(), 2e-4), Adam(d.parameters(), 2e-4)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        real, fake = torch.randn(BATCH, 6), g(torch.randn(BATCH, LATENT))
        real[torch.rand(BATCH, 6) < 0.1] = torch.nan
        opt_d.zero_grad()
        real_logits, fake_logits = d(real.nan_to_num()), d(fake.detach())
        d_loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        d_loss.backward()
        opt_d.step()
        opt_g.zero_grad()
        F.softplus(-d(fake)).mean().backward()
        opt_g.step()
        monitor.step(real=real.nan_to_num(), fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


LOOPS = (
    dcgan, wgan_gp, acgan, cyclegan, srgan, pix2pix, vqgan, hifigan, stylegan2, ada, biggan, progressive, r3gan,
    distillation, tabular, reversal,
)  # fmt: skip
