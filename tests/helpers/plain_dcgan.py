"""An ordinary single-seed PyTorch DCGAN loop: what the engine's speed on images is measured against."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def plain_dcgan_step(
    channels: int,
    size: int,
    width: int = 16,
    batch: int = 64,
    latent: int = 32,
    last: bool = False,
    compile: bool = False,
):
    """Return a function that does one step of the network `dcgan` written with modules, on images of uniform noise.

    Args:
        channels, size, width, batch, latent: of images and networks.
        last: channels last in memory. compile: both networks by `torch.compile`.
    """
    side = 2 if size == 8 else 4
    widths = [width * 2**i for i in range((size // side).bit_length() - 1)]
    layers = [nn.Linear(latent, widths[-1] * side**2), nn.Unflatten(1, (widths[-1], side, side))]
    for inputs, outputs in zip(widths[::-1], [*widths[-2::-1], channels], strict=True):
        layers += [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True), nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)]
    generator = nn.Sequential(*layers, nn.Tanh())
    inner = []
    for inputs, outputs in zip([channels, *widths], widths, strict=False):
        inner += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
    critic = nn.Sequential(*inner, nn.Flatten(), nn.Linear(widths[-1] * side**2, 1))
    order = torch.channels_last if last else torch.contiguous_format
    for network in (generator, critic):
        network.to(memory_format=order)  # pyright: ignore[reportCallIssue] - torch's stubs lack it
    of_g = torch.optim.Adam(generator.parameters(), 2e-3, (0.5, 0.9))
    of_d = torch.optim.Adam(critic.parameters(), 2e-3, (0.5, 0.9))
    if compile:
        generator, critic = torch.compile(generator), torch.compile(critic)
    images = torch.randint(256, (1000, channels, size, size), dtype=torch.uint8)

    def step() -> None:
        real = images[torch.randint(len(images), (batch,))].float() / 127.5 - 1
        real = real.contiguous(memory_format=order)
        fake = generator(torch.randn(batch, latent)).detach()
        of_d.zero_grad()
        (F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()).backward()
        of_d.step()
        of_g.zero_grad()
        F.softplus(-critic(generator(torch.randn(batch, latent)))).mean().backward()
        of_g.step()

    return step
