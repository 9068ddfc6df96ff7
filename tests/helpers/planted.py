"""Training that goes well, or wrong in a known way, under a monitor."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import ganbench
from ganbench.datasets.ring import Ring


def train(folder: Path, kind: str, steps: int, seed: int = 0) -> ganbench.Monitor:
    """Train on the ring of 8 as a planted failure or well, and return the monitor, closed."""
    torch.manual_seed(seed)
    wide, loss, penalty = (128, "non_saturating", 0.0) if kind == "collapse" else (64, "non_saturating", 0.1)
    generator = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    hidden = [
        layer for _ in range(3 if kind == "collapse" else 2) for layer in (nn.LazyLinear(wide), nn.LeakyReLU(0.2))
    ]
    discriminator = nn.Sequential(*hidden, nn.LazyLinear(1))
    discriminator(torch.zeros(1, 2))
    adam = {"lr": 1e-3, "betas": (0.5, 0.9)}
    opt_g = torch.optim.Adam(generator.parameters(), **adam)
    opt_d = torch.optim.Adam(discriminator.parameters(), **adam)
    every = steps // 60
    data, latents = Ring(radius=2.0, sigma=0.05), torch.randn(300, 8)
    monitor = ganbench.Monitor(
        generator, discriminator, folder, loss=loss, data=data, latents=latents, log_every=every, evaluate_every=every
    )
    real = real_logits = fake_logits = d_loss = torch.zeros(())
    for _ in range(steps):
        for _ in range(5 if kind == "collapse" else 1):
            angle = torch.randint(8, (128,)) * (torch.pi / 4)
            real = 2 * torch.stack((angle.cos(), angle.sin()), dim=1) + 0.05 * torch.randn(128, 2)
            real.requires_grad_()
            real_logits, fake_logits = discriminator(real), discriminator(generator(torch.randn(128, 8)).detach())
            d_loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
            if penalty:
                (slope,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
                d_loss = d_loss + penalty / 2 * slope.square().sum(1).mean()
            opt_d.zero_grad()
            d_loss.backward()
            opt_d.step()
        fake = generator(torch.randn(128, 8))
        g_loss = F.softplus(-discriminator(fake)).mean()
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
        monitor.step(
            real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss, g_loss=g_loss
        )
    monitor.close()
    return monitor
