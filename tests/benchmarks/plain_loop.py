"""An ordinary single-seed PyTorch loop of the same work: what the engine's speed is measured against."""

from __future__ import annotations

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def plain_step(width: int, batch: int, latent: int = 8):
    """Return a function that does one step: ring of 8, two hidden layers, non-saturating loss, Adam."""
    generator = nn.Sequential(
        nn.Linear(latent, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)
    )
    critic = nn.Sequential(
        nn.Linear(2, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
    )
    of_g = torch.optim.Adam(generator.parameters(), 1e-3, (0.5, 0.999))
    of_d = torch.optim.Adam(critic.parameters(), 1e-3, (0.5, 0.999))
    angles = torch.arange(8) * (2 * math.pi / 8)
    centres = torch.stack((angles.cos(), angles.sin()), dim=1)

    def step() -> None:
        real = centres[torch.randint(8, (batch,))] + 0.01 * torch.randn(batch, 2)
        fake = generator(torch.randn(batch, latent)).detach()
        of_d.zero_grad()
        (F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()).backward()
        of_d.step()
        of_g.zero_grad()
        F.softplus(-critic(generator(torch.randn(batch, latent)))).mean().backward()
        of_g.step()

    return step
