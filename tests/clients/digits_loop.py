"""A loop of a small GAN on scikit-learn's digits, whose fields bugs change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

import ganbench

LATENT, BATCH, STEPS, LOOKS = 16, 64, 300, 60


@dataclass
class Parts:
    """What a loop trains and with what."""

    generator: nn.Module
    discriminator: nn.Module
    opt_g: torch.optim.Optimizer
    opt_d: torch.optim.Optimizer
    images: Tensor
    z_fixed: Tensor


@dataclass
class Shown:
    """What the discriminator saw in one update and what it answered; fakes still carry the generator's graph."""

    real: Tensor
    fake: Tensor
    z: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    d_loss: Tensor


@dataclass
class Loop:
    """A plain loop in the manner of PyTorch's DCGAN example; a bug changes one of its fields before it runs.

    Attributes:
        loss: what is trained. declared: what the monitor is told, nothing where it is empty. real: the images.
        flip: share of the labels that are exchanged. noise: on what D sees. silent: losses are not given.
    """

    loss: str = "non_saturating"
    declared: str | None = None
    scale: float = 1.0
    d_rate: float = 1e-3
    g_rate: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.999)
    n_critic: int = 1
    penalty: float = 0.0
    r1: float = 0.0
    output: type[nn.Module] = nn.Tanh
    d_output: type[nn.Module] = nn.Identity
    norm: bool = False
    detach: bool = True
    clear_d: bool = True
    clear_g: bool = True
    clear_early: bool = False
    swap: bool = False
    swap_given: bool = False
    probabilities: bool = False
    fixed_latents: bool = False
    same_batch: bool = False
    leave_eval: int = 0
    wrong_optimizer: bool = False
    copy_in_optimizer: bool = False
    no_graph: bool = False
    g_direction: float = 1.0
    decay: float = 1.0
    real: Callable[[Tensor], Tensor] = field(default=lambda pixels: pixels / 8 - 1)
    stop_d_at: int = 0
    d_advance: int = 0
    batch: int = BATCH
    d_width: int = 128
    flip: float = 0.0
    noise: float = 0.0
    silent: bool = False

    def networks(self) -> tuple[nn.Module, nn.Module]:
        hidden = [nn.BatchNorm1d(128)] if self.norm else []
        generator = nn.Sequential(
            nn.Linear(LATENT, 128), *hidden, nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64),
            self.output(), nn.Unflatten(1, (1, 8, 8)),
        )  # fmt: skip
        discriminator = nn.Sequential(
            nn.Flatten(), nn.Linear(64, self.d_width), nn.LeakyReLU(0.2), nn.Linear(self.d_width, self.d_width),
            nn.LeakyReLU(0.2), nn.Linear(self.d_width, 1), self.d_output(),
        )  # fmt: skip
        return generator, discriminator

    def losses(self, real: Tensor, fake: Tensor) -> Tensor:
        if self.swap:
            real, fake = fake, real
        if self.flip:
            flipped = torch.rand(len(real), 1) < self.flip
            real, fake = torch.where(flipped, fake, real), torch.where(flipped, real, fake)
        if self.probabilities:
            return F.binary_cross_entropy(real, torch.ones_like(real)) + F.binary_cross_entropy(
                fake, torch.zeros_like(fake)
            )
        if self.loss == "hinge":
            return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        if self.loss == "least_squares":
            return 0.5 * ((real - 1).square().mean() + fake.square().mean())
        if self.loss == "wasserstein":
            return fake.mean() - real.mean()
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def g_losses(self, fake: Tensor) -> Tensor:
        if self.probabilities:
            return F.binary_cross_entropy(fake, torch.ones_like(fake))
        if self.loss in ("hinge", "wasserstein"):
            return -fake.mean() * self.g_direction
        if self.loss == "least_squares":
            return 0.5 * (fake - 1).square().mean()
        if self.loss == "minimax":
            return -F.softplus(fake).mean()
        return F.softplus(-fake * self.g_direction).mean()

    def run(
        self, folder: Path, seed: int, steps: int = STEPS, enough: Callable[[], bool] = lambda: False
    ) -> ganbench.Monitor:
        """Train, and return the monitor; end where `enough` says so."""
        torch.manual_seed(seed)
        parts = self.parts()
        monitor = ganbench.Monitor(
            parts.generator, parts.discriminator, folder, data=parts.images[::2],
            loss=None if self.declared == "" else self.declared or self.loss,
            latents=torch.randn(256, LATENT), samples=256, log_every=max(1, steps // LOOKS),
            evaluate_every=max(1, steps // LOOKS),
        )  # fmt: skip
        for step in range(1, steps + 1):
            shown = self.d_step(parts, step)
            for _ in range(self.n_critic - 1):
                shown = self.d_step(parts, step)
            if step <= self.d_advance:
                continue
            fake, g_loss = self.g_step(parts, shown)
            if self.leave_eval and step >= self.leave_eval:
                parts.generator.eval()
            given = shown.real_logits, shown.fake_logits
            given = given[::-1] if self.swap_given else given
            losses = (None, None) if self.silent else (shown.d_loss, g_loss)
            monitor.step(
                real=shown.real, fake=fake, real_logits=given[0], fake_logits=given[1],
                d_loss=losses[0], g_loss=losses[1],
            )  # fmt: skip
            if enough():
                break
        monitor.close()
        return monitor

    def parts(self) -> Parts:
        pixels = torch.from_numpy(load_digits(return_X_y=True)[0].reshape(-1, 8, 8)).float().unsqueeze(1)
        images = self.real(pixels)
        generator, discriminator = self.networks()
        trained = generator if not self.copy_in_optimizer else self.networks()[0]
        opt_g = torch.optim.Adam(trained.parameters(), lr=self.g_rate, betas=self.betas)
        owner = generator if self.wrong_optimizer else discriminator
        opt_d = torch.optim.Adam(owner.parameters(), lr=self.d_rate, betas=self.betas)
        return Parts(generator, discriminator, opt_g, opt_d, images, torch.randn(self.batch, LATENT))

    def d_step(self, parts: Parts, step: int) -> Shown:
        images, discriminator, opt_d = parts.images, parts.discriminator, parts.opt_d
        indices = torch.arange(self.batch) if self.same_batch else torch.randint(len(images), (self.batch,))
        real = images[indices]
        z = parts.z_fixed if self.fixed_latents else torch.randn(self.batch, LATENT)
        fake = parts.generator(z)
        if self.clear_d and not self.clear_early:
            opt_d.zero_grad()
        shown = fake.detach() if self.detach else fake
        seen, shown = (x + self.noise * torch.randn_like(x) if self.noise else x for x in (real, shown))
        real_logits, fake_logits = discriminator(seen), discriminator(shown)
        d_loss = self.scale * self.losses(real_logits, fake_logits)
        if self.penalty:
            d_loss = d_loss + self.penalty * penalty(discriminator, real, fake.detach())
        if self.r1:
            d_loss = d_loss + 0.5 * self.r1 * slope(discriminator, real).square().mean()
        d_loss.backward(retain_graph=not self.detach)
        if not (self.stop_d_at and step > self.stop_d_at):
            opt_d.step()
        if self.clear_early:
            opt_d.zero_grad()
        return Shown(real, fake, z, real_logits, fake_logits, d_loss)

    def g_step(self, parts: Parts, shown: Shown) -> tuple[Tensor, Tensor]:
        """Move the generator; return the fakes that it was judged by, and its loss."""
        opt_g = parts.opt_g
        fake = shown.fake if self.detach else parts.generator(shown.z)
        if self.clear_g and self.detach:
            opt_g.zero_grad()
        g_loss = self.scale * self.g_losses(parts.discriminator(fake.detach() if self.no_graph else fake))
        if self.no_graph:
            g_loss = g_loss + 0.0 * sum(p.sum() for p in parts.generator.parameters())
        g_loss.backward()
        opt_g.step()
        if not self.detach:
            opt_g.zero_grad()
        for group in opt_g.param_groups:
            group["lr"] *= self.decay
        return fake, g_loss


def penalty(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    mix = torch.rand(len(real), 1, 1, 1)
    return (slope(discriminator, mix * real + (1 - mix) * fake) - 1).square().mean()


def slope(discriminator: nn.Module, x: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    (by_x,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return by_x.flatten(1).norm(dim=1)
