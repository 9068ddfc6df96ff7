"""A DCGAN on scikit-learn's digits in plain PyTorch, with one line for ganbench: `python examples/dcgan_digits.py`."""

import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

import ganbench

LATENT = 32


def networks():
    """Return a generator of 8×8 images and its discriminator."""
    generator = nn.Sequential(
        nn.Unflatten(1, (LATENT, 1, 1)),
        nn.ConvTranspose2d(LATENT, 64, 4),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, 32, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 64, 4),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(64, 1),
    )
    return generator, discriminator


def train(folder="my_run", steps=2000, batch=64, **options):
    """Train and return the monitor."""
    torch.manual_seed(0)
    images = torch.from_numpy(load_digits().images).float().unsqueeze(1) / 8 - 1
    generator, discriminator = networks()
    opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))

    monitor = ganbench.Monitor(
        generator,
        discriminator,
        folder,
        loss="non_saturating",
        data="digits",
        latents=torch.randn(500, LATENT),
        **{"evaluate_every": max(1, steps // 60), **options},  # verdicts are steady from 60 looks on
    )
    for _ in range(steps):
        real = images[torch.randint(len(images), (batch,))]
        fake = generator(torch.randn(batch, LATENT))

        real_logits, fake_logits = discriminator(real), discriminator(fake.detach())
        d_loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()

        g_loss = F.softplus(-discriminator(fake)).mean()
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()

        monitor.step(
            real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss, g_loss=g_loss
        )
    monitor.close()
    return monitor


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="my_run")
    parser.add_argument("--steps", type=int, default=2000)
    arguments = parser.parse_args()
    print(f"now: ganbench report {train(arguments.folder, arguments.steps).folder}")
