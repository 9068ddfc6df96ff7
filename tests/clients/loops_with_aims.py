"""Small loops whose generator is given samples, or has another aim besides: translation, compression, speech, adapters.

They are made as those of `loops.py`.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from tests.clients.small_networks import BATCH, LATENT, Made, images, small_d, small_g


def cyclegan(make: Made, steps: int) -> list[nn.Module]:
    """Two generators in one chained optimiser, two discriminators in another, a pool of old images."""
    g_ab, g_ba = (nn.Sequential(nn.Conv2d(1, 4, 3, 1, 1), nn.ReLU(), nn.Conv2d(4, 1, 3, 1, 1), nn.Tanh()) for _ in "ab")
    d_a, d_b = (nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3, 1, 1)) for _ in "ab")
    opt_g = Adam(itertools.chain(g_ab.parameters(), g_ba.parameters()), 2e-4, (0.5, 0.999))
    opt_d = Adam(itertools.chain(d_a.parameters(), d_b.parameters()), 2e-4, (0.5, 0.999))
    pool: list[Tensor] = []
    monitor = make([g_ab, g_ba], {"a": d_a, "b": d_b}, loss="lsgan")
    for _ in range(steps):
        a, b = images(), images()
        for d in (d_a, d_b):
            d.requires_grad_(False)
        fake_b, fake_a = g_ab(a), g_ba(b)
        adversarial = (d_b(fake_b) - 1).square().mean() + (d_a(fake_a) - 1).square().mean()
        cycle = 10 * (F.l1_loss(g_ba(fake_b), a) + F.l1_loss(g_ab(fake_a), b))
        opt_g.zero_grad()
        monitor.terms({"adversarial": adversarial, "cycle": cycle})
        (adversarial + cycle).backward()
        opt_g.step()
        for d in (d_a, d_b):
            d.requires_grad_(True)
        pool = [*pool[-3:], fake_b.detach()]
        shown = pool[int(torch.randint(len(pool), ()))]
        opt_d.zero_grad()
        real_logits, fake_logits = [d_a(a), d_b(b)], [d_a(fake_a.detach()), d_b(shown)]
        both = zip(real_logits, fake_logits, strict=True)
        loss = sum((0.5 * ((r - 1).square().mean() + f.square().mean()) for r, f in both), torch.zeros(()))
        loss.backward()
        opt_d.step()
        monitor.step(real=b, fake=fake_b, real_logits=real_logits, fake_logits=fake_logits, d_loss=loss)
    return [g_ab, g_ba, d_a, d_b]


def srgan(make: Made, steps: int) -> list[nn.Module]:
    """The generator is trained alone by the pixel loss first; the discriminator joins halfway."""
    g = nn.Sequential(nn.Conv2d(1, 8, 3, 1, 1), nn.PReLU(), nn.Conv2d(8, 4, 3, 1, 1), nn.PixelShuffle(2))
    d = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(128, 1))
    opt_g, opt_d = Adam(g.parameters(), 1e-4), Adam(d.parameters(), 1e-4)
    monitor = make(g, d, loss="bce")
    for i in range(steps):
        high = images()
        fake = g(F.avg_pool2d(high, 2))
        loss, given = F.mse_loss(fake, high), {}
        if i >= steps // 2:
            opt_d.zero_grad()
            given = {"real_logits": d(high), "fake_logits": d(fake.detach())}
            d_loss = F.softplus(-given["real_logits"]).mean() + F.softplus(given["fake_logits"]).mean()
            d_loss.backward()
            opt_d.step()
            loss = loss + 1e-3 * F.softplus(-d(fake)).mean()
        opt_g.zero_grad()
        loss.backward()
        opt_g.step()
        monitor.step(real=high, fake=fake, **given)
    return [g, d]


def pix2pix(make: Made, steps: int) -> list[nn.Module]:
    """A map of patches, D(x, y), the discriminator frozen in the generator's pass, and an L1 term."""
    g = nn.Sequential(nn.Conv2d(1, 4, 3, 1, 1), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, 1, 3, 1, 1), nn.Tanh())
    d = nn.Sequential(nn.Conv2d(2, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3, 1, 1))
    opt_g, opt_d = Adam(g.parameters(), 2e-4, (0.5, 0.999)), Adam(d.parameters(), 2e-4, (0.5, 0.999))
    monitor = make(g, d, loss="vanilla")
    for _ in range(steps):
        x, y = images(), images()
        fake = g(x)
        d.requires_grad_(True)
        opt_d.zero_grad()
        real_logits, fake_logits = d(torch.cat((x, y), 1)), d(torch.cat((x, fake.detach()), 1))
        d_loss = 0.5 * (F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean())
        d_loss.backward()
        opt_d.step()
        d.requires_grad_(False)
        opt_g.zero_grad()
        adversarial, l1 = F.softplus(-d(torch.cat((x, fake), 1))).mean(), 100 * F.l1_loss(fake, y)
        monitor.terms({"adversarial": adversarial, "l1": l1})
        (adversarial + l1).backward()
        opt_g.step()
        monitor.step(real=y, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def vqgan(make: Made, steps: int) -> list[nn.Module]:
    """The discriminator joins late, with a weight adapted at the last layer."""
    encoder, decoder = nn.Linear(16, 4), nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16))
    g, d = nn.Sequential(encoder, decoder), small_d()
    opt_g, opt_d = Adam(g.parameters(), 4e-4, (0.5, 0.9)), Adam(d.parameters(), 4e-4, (0.5, 0.9))
    monitor, last = make(g, d, loss="hinge"), decoder[-1].get_parameter("weight")
    for i in range(steps):
        real, factor = images().flatten(1)[:, :16], float(i >= steps // 2)
        fake = g(real)
        reconstruction, adversarial = F.l1_loss(fake, real), -d(fake).mean()
        by = [torch.autograd.grad(term, last, retain_graph=True)[0].norm() for term in (reconstruction, adversarial)]
        adversarial = factor * (by[0] / (by[1] + 1e-4)).clamp(0, 1e4).detach() * adversarial
        opt_g.zero_grad()
        monitor.terms({"reconstruction": reconstruction, "gan": adversarial}, at=last)
        (reconstruction + adversarial).backward()
        opt_g.step()
        opt_d.zero_grad()
        real_logits, fake_logits = d(real), d(fake.detach())
        d_loss = factor * 0.5 * (F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean())
        if factor:
            d_loss.backward()
            opt_d.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits)
    return [g, d]


class WaveD(nn.Module):
    def __init__(self, pool: int) -> None:
        super().__init__()
        self.pool = pool
        self.first, self.last = nn.Conv1d(1, 4, 5, 2, 2), nn.Conv1d(4, 1, 3, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        hidden = F.leaky_relu(self.first(F.avg_pool1d(x, self.pool)), 0.1)
        return self.last(hidden).flatten(1), [hidden]


def hifigan(make: Made, steps: int) -> list[nn.Module]:
    """Two discriminators in a list with one optimiser; each answers with logits and feature maps."""
    g = nn.Sequential(nn.Linear(LATENT, 64), nn.Tanh(), nn.Unflatten(1, (1, 64)))
    scales = nn.ModuleList([WaveD(1), WaveD(2)])
    opt_g, opt_d = Adam(g.parameters(), 2e-4, (0.8, 0.99)), Adam(scales.parameters(), 2e-4, (0.8, 0.99))
    monitor = make(g, scales, loss="lsgan")
    for _ in range(steps):
        real, fake = torch.randn(BATCH, 1, 64) / 4, g(torch.randn(BATCH, LATENT))
        opt_d.zero_grad()
        on_real, on_fake = [d(real) for d in scales], [d(fake.detach()) for d in scales]
        both = zip(on_real, on_fake, strict=True)
        d_loss = sum(((r - 1).square().mean() + f.square().mean() for (r, _), (f, _) in both), torch.zeros(()))
        d_loss.backward()
        opt_d.step()
        opt_g.zero_grad()
        answers = [d(fake) for d in scales]
        features = sum(F.l1_loss(a[0], r[0].detach()) for (_, a), (_, r) in zip(answers, on_real, strict=True))
        adversarial = sum(((a - 1).square().mean() for a, _ in answers), torch.zeros(()))
        monitor.terms({"adversarial": adversarial, "features": 2 * features})
        (adversarial + 2 * features).backward()
        opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=on_real, fake_logits=on_fake, d_loss=d_loss)
    return [g, scales]


def distillation(make: Made, steps: int) -> list[nn.Module]:
    """A frozen network with a small adapter as generator, and a trained head on a frozen backbone as discriminator."""
    g, d = nn.Sequential(small_g(), nn.Linear(16, 16)), nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    g[0].requires_grad_(False), d[0].requires_grad_(False)
    opt_g, opt_d = torch.optim.AdamW(g[1].parameters(), 1e-3), torch.optim.AdamW(d[2].parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        real, fake = images().flatten(1)[:, :16], g(torch.randn(BATCH, LATENT))
        opt_g.zero_grad()
        F.softplus(-d(fake)).mean().backward()
        nn.utils.clip_grad_norm_(g[1].parameters(), 10.0)
        opt_g.step()
        opt_d.zero_grad()
        real_logits, fake_logits = d(real), d(fake.detach())
        d_loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        d_loss.backward()
        opt_d.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return -grads[0]


def reversal(make: Made, steps: int) -> list[nn.Module]:
    """One backward pass and one optimiser for both, with the gradient reversed in between."""
    g, d = small_g(16), small_d()
    optimizer = Adam(itertools.chain(g.parameters(), d.parameters()), 1e-3)
    monitor = make(g, d)
    for _ in range(steps):
        real, source = images().flatten(1)[:, :16], images().flatten(1)[:, :16]
        fake = g(source)
        real_logits, fake_logits = d(real), d(Reverse.apply(fake))
        loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=loss)
    return [g, d]
