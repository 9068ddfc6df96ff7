"""A DCGAN whose methods bugs override one at a time, and healthy loops that override them as well."""

from __future__ import annotations

import copy
import gzip
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

import ganbench

LATENT, BATCH, STEPS, LOOKS, WIDTH = 32, 32, 300, 60, 16


@cache
def pictures(fashion: str = "") -> tuple[Tensor, Tensor]:
    """Return images `[n, 1, 28, 28]` in [0, 1] and their classes."""
    if fashion:
        with gzip.open(Path(fashion) / "train-images-idx3-ubyte.gz") as file:
            images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)[:10_000]
        with gzip.open(Path(fashion) / "train-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)[:10_000]
        return torch.from_numpy(images.copy()).float() / 255, torch.from_numpy(labels.copy())
    scans, classes = load_digits(return_X_y=True)
    images = torch.from_numpy(np.asarray(scans)).float().reshape(-1, 1, 8, 8) / 16
    return F.interpolate(images, 28, mode="bilinear"), torch.from_numpy(np.asarray(classes))


class Dcgan:
    """A plain DCGAN, healthy. A bug overrides one of its methods.

    Attributes:
        says: what a sentence must match that leads a person to the line; a healthy loop hears nothing.
    """

    says: ClassVar[str] = ""
    loss: ClassVar[str] = "non_saturating"
    rates: ClassVar[tuple[float, float]] = (5e-4, 5e-4)  # of G and of D
    betas: ClassVar[tuple[float, float]] = (0.5, 0.999)
    n_critic: ClassVar[int] = 1

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.labels, self.step = labels, 0
        self.images = self.prepared(images)
        self.g, self.d = self.generator(), self.discriminator()
        self.opt_g, self.opt_d = self.optimizers()
        self.loader = self.batches()
        self.real = self.images[:BATCH]

    def prepared(self, images: Tensor) -> Tensor:
        return images * 2 - 1

    def generator(self) -> nn.Sequential:
        return nn.Sequential(
            nn.Linear(LATENT, 2 * WIDTH * 49), nn.Unflatten(1, (2 * WIDTH, 7, 7)), nn.BatchNorm2d(2 * WIDTH), nn.ReLU(),
            nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, 2, 1), nn.BatchNorm2d(WIDTH), nn.ReLU(),
            nn.ConvTranspose2d(WIDTH, self.images.shape[1], 4, 2, 1), *self.end_of_g(),
        )  # fmt: skip

    def end_of_g(self) -> tuple[nn.Module, ...]:
        return (nn.Tanh(),)

    def discriminator(self) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(self.images.shape[1], WIDTH, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(WIDTH, 2 * WIDTH, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(2 * WIDTH * 49, 1),
        )  # fmt: skip

    def optimizers(self) -> tuple[Optimizer, Optimizer]:
        return Adam(self.g.parameters(), self.rates[0], self.betas), Adam(
            self.d.parameters(), self.rates[1], self.betas
        )

    def batches(self) -> Iterator[Tensor]:
        while True:
            yield self.images[torch.randint(len(self.images), (BATCH,))]

    def latents(self) -> Tensor:
        return torch.randn(BATCH, LATENT)

    def fake(self) -> Tensor:
        return self.g(self.latents())

    def d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def g_loss(self, fake: Tensor) -> Tensor:
        return F.softplus(-fake).mean()

    def penalty(self, real: Tensor, fake: Tensor) -> Tensor | float:
        return 0.0

    def update_d(self, real: Tensor) -> dict[str, Tensor]:
        """Make D's half of a step; return what the monitor is given of it."""
        fake = self.fake().detach()
        self.opt_d.zero_grad()
        real_logits, fake_logits = self.d(real), self.d(fake)
        loss = self.d_loss(real_logits, fake_logits) + self.penalty(real, fake)
        loss.backward()
        self.opt_d.step()
        return {"real_logits": real_logits, "fake_logits": fake_logits, "d_loss": loss}

    def update_g(self) -> dict[str, Tensor]:
        """Make G's half of a step; return what the monitor is given of it."""
        fake = self.fake()
        self.opt_g.zero_grad()
        loss = self.g_loss(self.d(fake))
        loss.backward()
        self.opt_g.step()
        return {"fake": fake, "g_loss": loss}

    def after(self) -> None:
        """Do what a loop does behind both."""

    def judged(self) -> nn.Module | None:
        return None

    def heldout(self) -> Tensor:
        return self.images[::4]

    def run(self, folder: Path, steps: int = STEPS, enough: Callable[[], bool] = lambda: False) -> ganbench.Monitor:
        """Train, and return the monitor; end where `enough` says so."""
        every = max(1, steps // LOOKS)
        monitor = ganbench.Monitor(
            self.g, self.d, folder, loss=self.loss, data=self.heldout(), latents=torch.randn(128, LATENT), samples=128,
            judged=self.judged(), log_every=every, evaluate_every=every,
        )  # fmt: skip
        for self.step in range(1, steps + 1):
            given: dict[str, Tensor] = {}
            for _ in range(self.n_critic):
                self.real = next(self.loader)
                given = self.update_d(self.real)
            given |= self.update_g()
            self.after()
            monitor.step(
                real=self.real, fake=given["fake"], real_logits=given.get("real_logits"),
                fake_logits=given.get("fake_logits"), d_loss=given.get("d_loss"), g_loss=given["g_loss"],
            )  # fmt: skip
            if enough():
                break
        monitor.close()
        return monitor


class Plain(Dcgan):
    """plain DCGAN"""


class HalvesApart(Dcgan):
    """D's losses of real and of fake go backward apart, as in PyTorch's example"""

    def update_d(self, real):
        fake = self.fake().detach()
        self.opt_d.zero_grad()
        real_logits = self.d(real)
        F.softplus(-real_logits).mean().backward()
        fake_logits = self.d(fake)
        F.softplus(fake_logits).mean().backward()
        self.opt_d.step()
        loss = self.d_loss(real_logits, fake_logits)
        return {"real_logits": real_logits, "fake_logits": fake_logits, "d_loss": loss}


class Undetached(Dcgan):
    """fake is not detached in D's step, which costs time alone: G is cleared before its own pass"""

    def update_d(self, real):
        self.opt_d.zero_grad()
        real_logits, fake_logits = self.d(real), self.d(self.fake())
        loss = self.d_loss(real_logits, fake_logits)
        loss.backward()
        self.opt_d.step()
        return {"real_logits": real_logits, "fake_logits": fake_logits, "d_loss": loss}


class Smoothed(Dcgan):
    """labels of 0.9 for real samples"""

    def d_loss(self, real, fake):
        return 0.9 * F.softplus(-real).mean() + 0.1 * F.softplus(real).mean() + F.softplus(fake).mean()


class WganGp(Dcgan):
    """WGAN-GP with 3 critic steps"""

    loss, n_critic, betas = "wasserstein", 3, (0.0, 0.9)

    def d_loss(self, real, fake):
        return fake.mean() - real.mean()

    def g_loss(self, fake):
        return -fake.mean()

    def penalty(self, real, fake) -> Tensor | float:
        mix = torch.rand(len(real), 1, 1, 1)
        return 10 * (self.slope(mix * real + (1 - mix) * fake) - 1).square().mean()

    def slope(self, x: Tensor, graph: bool = True) -> Tensor:
        x = x.detach().requires_grad_()
        (by_x,) = torch.autograd.grad(self.d(x).sum(), x, create_graph=graph)
        return by_x.flatten(1).norm(dim=1)


class HingeSpectral(Dcgan):
    """hinge with spectral norm"""

    loss = "hinge"

    def discriminator(self):
        norm = nn.utils.parametrizations.spectral_norm
        return nn.Sequential(*(norm(m) if isinstance(m, nn.Conv2d | nn.Linear) else m for m in super().discriminator()))

    def d_loss(self, real, fake):
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def g_loss(self, fake):
        return -fake.mean()


class Lsgan(Dcgan):
    """LSGAN"""

    loss = "least_squares"

    def d_loss(self, real, fake):
        return 0.5 * ((real - 1).square().mean() + fake.square().mean())

    def g_loss(self, fake):
        return 0.5 * (fake - 1).square().mean()


class R1(WganGp):
    """non-saturating with R1, AdamW"""

    loss, n_critic, betas = "non_saturating", 1, (0.5, 0.99)
    d_loss, g_loss = Dcgan.d_loss, Dcgan.g_loss

    def penalty(self, real, fake):
        return self.slope(real).square().mean()

    def optimizers(self):
        return torch.optim.AdamW(self.g.parameters(), 5e-4, self.betas), torch.optim.AdamW(
            self.d.parameters(), 5e-4, self.betas
        )


class Averaged(Dcgan):
    """an averaged copy is judged"""

    decay = 0.99

    def judged(self):
        self.copy = copy.deepcopy(self.g).requires_grad_(False)
        return self.copy

    def after(self):
        for mine, its in zip(self.copy.parameters(), self.g.parameters(), strict=True):
            mine.data.lerp_(its.data, 1 - self.decay)
        for mine, its in zip(self.copy.buffers(), self.g.buffers(), strict=True):
            mine.copy_(its)


class Epochs(Dcgan):
    """a loader that shuffles and goes on in epochs, clipping at 1, rates that fall with a cosine"""

    def batches(self):
        while True:
            for indices in torch.randperm(len(self.images)).split(BATCH)[:-1]:
                yield self.images[indices]

    def after(self):
        for opt, rate in zip((self.opt_g, self.opt_d), self.rates, strict=True):
            opt.param_groups[0]["lr"] = rate * 0.5 * (1 + np.cos(np.pi * self.step / 400))


class Linear(Dcgan):
    """no tanh: G's end is linear, real in [-1, 1]"""

    def end_of_g(self):
        return ()


HEALTHY = (Plain, HalvesApart, Undetached, Smoothed, WganGp, HingeSpectral, Lsgan, R1, Averaged, Epochs, Linear)
