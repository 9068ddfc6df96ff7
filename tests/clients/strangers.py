"""Small loops of kinds that are far from the usual one: functional calls, dicts, point clouds, text, growing networks.

Each takes `make(generator, discriminator, **options)`, which returns a monitor or what stands where none is, and a
number of steps; it returns its networks.
"""

# Several calls stand in one line.
# pyright: reportUnusedExpression=false

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import LBFGS, SGD, Adam
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, IterableDataset

BATCH, LATENT = 8, 6


def mlp(*widths: int) -> nn.Sequential:
    layers = [layer for a, b in zip(widths, widths[1:], strict=False) for layer in (nn.Linear(a, b), nn.LeakyReLU(0.2))]
    return nn.Sequential(*layers[:-1])


def d_loss_of(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def plain(make, steps: int, g: nn.Module, d: nn.Module, real: Callable[[], Tensor], latent: Callable[[], Tensor], **o):
    """The usual step, for loops that differ elsewhere."""
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, **o)
    for _ in range(steps):
        x, fake = real(), g(latent())
        real_logits, fake_logits = d(x), d(fake.detach())
        d_loss = d_loss_of(real_logits, fake_logits)
        opt_d.zero_grad(), d_loss.backward(), opt_d.step()
        opt_g.zero_grad(), F.softplus(-d(fake)).mean().backward(), opt_g.step()
        monitor.step(real=x, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def z() -> Tensor:
    return torch.randn(BATCH, LATENT)


def functional(make, steps):
    """torch.func: weights are a dict of tensors that the loop moves by hand; no optimiser steps."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        for player in (d, g):
            weights = {n: p.detach().requires_grad_() for n, p in player.named_parameters()}
            fake = functional_call(g, weights, (z(),)) if player is g else g(z()).detach()
            answer = d(fake) if player is g else functional_call(d, weights, (fake,))
            loss = F.softplus(-answer).mean() if player is g else F.softplus(answer).mean()
            for p, slope in zip(player.parameters(), torch.autograd.grad(loss, list(weights.values())), strict=True):
                with torch.no_grad():
                    p.sub_(0.01 * slope)
        monitor.step(fake=fake)
    return [g, d]


def dict_of_samples(make, steps):
    """The generator returns a dict, on a sphere of latents with one-hot labels; clipping by norm and by hooks."""

    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = mlp(LATENT + 3, 16, 4)

        def forward(self, z, y):
            return {"sample": self.body(torch.cat((F.normalize(z), y), 1)), "z": z}

    g, d = G(), mlp(4, 16, 1)
    opt_g, opt_d = Adam(g.parameters(), 1e-3), SGD(d.parameters(), 1e-2)
    for p in g.parameters():
        p.register_hook(lambda slope: slope.clamp(-0.01, 0.01))
    labels = F.one_hot(torch.arange(40) % 3, 3).float()
    monitor = make(g, d, loss="hinge", latents=(torch.randn(40, LATENT), labels))
    for _ in range(steps):
        real, y = torch.randn(BATCH, 4), labels[:BATCH]
        fake = g(z(), y)["sample"]
        real_logits, fake_logits = d(real), d(fake.detach())
        d_loss = F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
        opt_d.zero_grad(), d_loss.backward()
        nn.utils.clip_grad_norm_(d.parameters(), 0.1)
        opt_d.step()
        opt_g.zero_grad(), (-d(fake).mean()).backward(), opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def gumbel_text(make, steps):
    """Sequences of one-hot tokens by Gumbel-softmax; the real ones are integers."""
    g, d = nn.Sequential(mlp(LATENT, 16, 60), nn.Unflatten(1, (12, 5))), nn.Sequential(nn.Flatten(), mlp(60, 16, 1))
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        tokens = torch.randint(5, (BATCH, 12), dtype=torch.int16)
        fake = F.gumbel_softmax(g(z()), hard=True)
        real_logits, fake_logits = d(F.one_hot(tokens.long(), 5).float()), d(fake.detach())
        d_loss = d_loss_of(real_logits, fake_logits)
        opt_d.zero_grad(), d_loss.backward(), opt_d.step()
        opt_g.zero_grad(), F.softplus(-d(fake)).mean().backward(), opt_g.step()
        monitor.step(real=tokens, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def vae_gan(make, steps):
    """An encoder beside the generator, in one optimiser with it."""
    encoder, g, d = mlp(16, 16, 2 * LATENT), mlp(LATENT, 16, 16), mlp(16, 16, 1)
    opt_g, opt_d = Adam([*encoder.parameters(), *g.parameters()], 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make({"encoder": encoder, "decoder": g}, d, loss="ns")
    for _ in range(steps):
        real = torch.randn(BATCH, 16)
        mean, log = encoder(real).chunk(2, 1)
        fake = g(mean + log.exp() * torch.randn_like(mean))
        real_logits, fake_logits = d(real), d(fake.detach())
        d_loss = d_loss_of(real_logits, fake_logits)
        opt_d.zero_grad(), d_loss.backward(), opt_d.step()
        adversarial, l2 = F.softplus(-d(fake)).mean(), F.mse_loss(fake, real)
        monitor.terms({"adversarial": adversarial, "l2": l2})
        opt_g.zero_grad(), (adversarial + l2).backward(), opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [encoder, g, d]


def spectrograms(make, steps):
    """Complex samples [B, 9, 7]."""

    class ToComplex(nn.Module):
        def forward(self, x):
            return torch.view_as_complex(x.unflatten(1, (9, 7, 2)))

    class ToReal(nn.Module):
        def forward(self, x):
            return torch.view_as_real(x).flatten(1)

    g, d = nn.Sequential(mlp(LATENT, 16, 126), ToComplex()), nn.Sequential(ToReal(), mlp(126, 16, 1))
    return plain(make, steps, g, d, lambda: torch.randn(BATCH, 9, 7, dtype=torch.complex64), z, loss="ns")


def point_clouds(make, steps):
    """Sets of points [B, N, 3], of another number at each step; the last batches are of one and of no sample."""
    g, d = nn.Sequential(mlp(LATENT, 16, 96), nn.Unflatten(1, (32, 3))), mlp(3, 16, 1)
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for step in range(steps):
        size = {steps - 2: 1, steps - 1: 0}.get(step, BATCH)
        real, fake = torch.randn(size, 24 + step % 3, 3), g(torch.randn(size, LATENT))
        real_logits, fake_logits = d(real).mean(1), d(fake.detach()).mean(1)
        d_loss = F.softplus(-real_logits).sum() + F.softplus(fake_logits).sum()
        opt_d.zero_grad(), d_loss.backward(), opt_d.step()
        opt_g.zero_grad(), F.softplus(-d(fake).mean(1)).sum().backward(), opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def graphs(make, steps):
    """Adjacency matrices, 0 or 1 as booleans in the data and relaxed by the generator."""
    g = nn.Sequential(mlp(LATENT, 16, 36), nn.Sigmoid(), nn.Unflatten(1, (6, 6)))
    d = nn.Sequential(nn.Flatten(), mlp(36, 16, 1))
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        real, fake = torch.rand(BATCH, 6, 6) < 0.3, g(z())
        real_logits, fake_logits = d(real.float()), d(fake.detach())
        d_loss = d_loss_of(real_logits, fake_logits)
        opt_d.zero_grad(), d_loss.backward(), opt_d.step()
        opt_g.zero_grad(), F.softplus(-d(fake)).mean().backward(), opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


class Stream(IterableDataset[dict[str, object]]):
    """Yields dicts of 16-bit images and labels, without an end."""

    def __iter__(self) -> Iterator[dict[str, object]]:
        source = torch.Generator().manual_seed(1)
        while True:
            image = torch.randint(65536, (1, 8, 8), generator=source).to(torch.uint16)
            yield {"image": image, "label": torch.tensor(3, dtype=torch.uint8), "name": "a"}


def stream_of_dicts(make, steps):
    """An IterableDataset behind a loader that yields dicts; the monitor is given the 16-bit images as they are."""
    g, d = nn.Sequential(mlp(LATENT, 16, 64), nn.Unflatten(1, (1, 8, 8))), nn.Sequential(nn.Flatten(), mlp(64, 16, 1))
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for _, batch in zip(range(steps), DataLoader(Stream(), batch_size=BATCH), strict=False):
        real, fake = batch["image"], g(z())
        real_logits, fake_logits = d(real.to(torch.float32) / 32768 - 1), d(fake.detach())
        d_loss = d_loss_of(real_logits, fake_logits)
        opt_d.zero_grad(), d_loss.backward(), opt_d.step()
        opt_g.zero_grad(), F.softplus(-d(fake)).mean().backward(), opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


class Lazy:
    """Samples in a file: slices alone are read (as h5py's)."""

    def __len__(self) -> int:
        return 60

    def __getitem__(self, which):
        return torch.randn(60, 4, generator=torch.Generator().manual_seed(2)).numpy()[which]


def lazy_data(make, steps):
    """Real samples that lie in a file are given as data=."""
    return plain(make, steps, mlp(LATENT, 16, 4), mlp(4, 16, 1), lambda: torch.randn(BATCH, 4), z, data=Lazy())


def growing(make, steps):
    """Progressive growing: both networks get a layer halfway, and their optimisers its weights."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for step in range(steps):
        if step == steps // 2:
            for network, optimizer, width in ((g, opt_g, 4), (d, opt_d, 1)):
                network.append(nn.Linear(width, width))
                optimizer.add_param_group({"params": network[-1].parameters()})
        real, fake = torch.randn(BATCH, 4), g(z())
        real_logits, fake_logits = d(real), d(fake.detach())
        d_loss = d_loss_of(real_logits, fake_logits)
        opt_d.zero_grad(), d_loss.backward(), opt_d.step()
        opt_g.zero_grad(), F.softplus(-d(fake)).mean().backward(), opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def replaced(make, steps):
    """The discriminator is thrown away and begun anew; moments of the generator's optimiser are set to 0."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for step in range(steps):
        if step == steps // 2:
            d = mlp(4, 16, 1)
            opt_d = Adam(d.parameters(), 1e-3)
            for state in opt_g.state.values():
                state["exp_avg"].zero_()
        real, fake = torch.randn(BATCH, 4), g(z())
        real_logits, fake_logits = d(real), d(fake.detach())
        d_loss = d_loss_of(real_logits, fake_logits)
        opt_d.zero_grad(), d_loss.backward(), opt_d.step()
        opt_g.zero_grad(), F.softplus(-d(fake)).mean().backward(), opt_g.step()
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def copied_and_saved(make, steps):
    """Networks are copied, pickled and saved while they are watched, and samples drawn in inference mode."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    opt_g, opt_d = Adam(g.parameters(), 1e-3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns", latents=torch.randn(40, LATENT))
    for _ in range(steps):
        average = copy.deepcopy(g)
        pickle.loads(pickle.dumps(d)), torch.save({"d": d, "opt": opt_d.state_dict()}, io.BytesIO())
        with torch.inference_mode():
            sampled = average(z())
        real, fake = torch.randn(BATCH, 4), g(z())
        real_logits, fake_logits = d(real), d(fake.detach())
        d_loss = d_loss_of(real_logits, fake_logits)
        opt_d.zero_grad(), d_loss.backward(), opt_d.step()
        opt_g.zero_grad(), F.softplus(-d(fake)).mean().backward(), opt_g.step()
        monitor.step(real=real, fake=sampled, real_logits=real_logits, fake_logits=fake_logits, d_loss=d_loss)
    return [g, d]


def one_optimiser(make, steps, *, freezes=True):
    """One optimiser for both players; each is frozen while the other learns."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    both = Adam([*g.parameters(), *d.parameters()], 1e-3)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        g.requires_grad_(not freezes), d.requires_grad_(True)
        x, fake = torch.randn(BATCH, 4), g(z())
        real_logits, fake_logits = d(x), d(fake.detach())
        both.zero_grad(), d_loss_of(real_logits, fake_logits).backward(), both.step()
        g.requires_grad_(True), d.requires_grad_(not freezes)
        fake = g(z())
        both.zero_grad(), F.softplus(-d(fake)).mean().backward(), both.step()
        monitor.step(real=x, fake=fake, real_logits=real_logits, fake_logits=fake_logits)
    return [g, d]


def second_order(make, steps):
    """LBFGS for the generator, whose closure makes several backward passes a step."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)
    opt_g, opt_d = LBFGS(g.parameters(), lr=0.01, max_iter=3), Adam(d.parameters(), 1e-3)
    monitor = make(g, d, loss="ns")
    for _ in range(steps):
        x, latent = torch.randn(BATCH, 4), z()
        real_logits, fake_logits = d(x), d(g(latent).detach())
        opt_d.zero_grad(), d_loss_of(real_logits, fake_logits).backward(), opt_d.step()

        def closure(latent=latent):
            opt_g.zero_grad()
            loss = F.softplus(-d(g(latent))).mean()
            loss.backward()
            return loss

        opt_g.step(closure)
        monitor.step(real=x, fake=g(latent), real_logits=real_logits, fake_logits=fake_logits)
    return [g, d]


def recomputed(make, steps):
    """Activations of the generator are computed again in its backward pass."""
    g, d = mlp(LATENT, 16, 4), mlp(4, 16, 1)

    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = g

        def forward(self, latent: Tensor) -> Tensor:
            return checkpoint(self.body, latent, use_reentrant=False)

    return plain(make, steps, Checkpointed(), d, lambda: torch.randn(BATCH, 4), z)


LOOPS = (
    *(functional, dict_of_samples, gumbel_text, vae_gan, spectrograms, point_clouds, graphs),
    *(stream_of_dicts, lazy_data, growing, replaced, copied_and_saved, one_optimiser, second_order, recomputed),
)
