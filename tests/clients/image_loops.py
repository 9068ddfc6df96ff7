"""Loops on images with a bug as a stranger would write it, one small class each, and healthy loops beside them.

`python -m tests.clients.image_loops --seeds 0 2` prints what the monitor says of each, and when. `--fashion FOLDER`
takes Fashion-MNIST in place of scikit-learn's digits: the folder that holds `train-images-idx3-ubyte.gz`, such as
Debian's `/usr/share/datasets/fashion-mnist`.
"""

from __future__ import annotations

import copy
import gzip
import itertools
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

import ganbench
from tests.clients.hearing import Case, listen, options

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
    scans = load_digits()
    images = torch.from_numpy(scans.images).float().unsqueeze(1) / 16
    return F.interpolate(images, 28, mode="bilinear"), torch.from_numpy(scans.target)


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

    def generator(self) -> nn.Module:
        return nn.Sequential(
            nn.Linear(LATENT, 2 * WIDTH * 49), nn.Unflatten(1, (2 * WIDTH, 7, 7)), nn.BatchNorm2d(2 * WIDTH), nn.ReLU(),
            nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, 2, 1), nn.BatchNorm2d(WIDTH), nn.ReLU(),
            nn.ConvTranspose2d(WIDTH, self.images.shape[1], 4, 2, 1), *self.end_of_g(),
        )  # fmt: skip

    def end_of_g(self) -> tuple[nn.Module, ...]:
        return (nn.Tanh(),)

    def discriminator(self) -> nn.Module:
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
            for _ in range(self.n_critic):
                self.real = next(self.loader)
                given = self.update_d(self.real)
            given |= self.update_g()
            self.after()
            monitor.step(real=self.real, **given)
            if enough():
                break
        monitor.close()
        return monitor


# Healthy loops.


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

    def penalty(self, real, fake):
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


# Bugs.


class SwappedOptimizers(Dcgan):
    """opt_d holds G's parameters and opt_g D's"""

    says = "opt_d and opt_g may hold each other's"

    def optimizers(self):
        return super().optimizers()[::-1]


class SortedByClass(Dcgan):
    """the loader does not shuffle, and the files lie by class"""

    says = "shuffl"

    def batches(self):
        order = torch.argsort(self.labels, stable=True)
        for at in itertools.cycle(range(0, len(order) - BATCH, BATCH)):
            yield self.images[order[at : at + BATCH]]


class NextClassEachBatch(SortedByClass):
    """each batch is of one class, and the next batch of the next class"""

    def batches(self):
        by_class = [self.images[self.labels == c] for c in self.labels.unique()]
        for some in itertools.cycle(by_class):
            yield some[torch.randint(len(some), (BATCH,))]


class ClearedBeforeStep(Dcgan):
    """opt_g.zero_grad() between backward() and step()"""

    says = r"generator.*zero_grad\(\) stands between"

    def update_g(self):
        fake = self.fake()
        loss = self.g_loss(self.d(fake))
        loss.backward()
        self.opt_g.zero_grad()
        self.opt_g.step()
        return {"fake": fake, "g_loss": loss}


class ClearedBetweenHalves(HalvesApart):
    """opt_d.zero_grad() between the backward passes of real and of fake"""

    says = r"zero_grad\(\) stands between its backward passes"

    def update_d(self, real):
        fake = self.fake().detach()
        self.opt_d.zero_grad()
        real_logits = self.d(real)
        F.softplus(-real_logits).mean().backward()
        self.opt_d.zero_grad()
        fake_logits = self.d(fake)
        F.softplus(fake_logits).mean().backward()
        self.opt_d.step()
        loss = self.d_loss(real_logits, fake_logits)
        return {"real_logits": real_logits, "fake_logits": fake_logits, "d_loss": loss}


class NoBackwardOfD(Dcgan):
    """d_loss.backward() is forgotten"""

    says = r"discriminator.*d_loss\.backward\(\) is missing"

    def update_d(self, real):
        fake = self.fake().detach()
        self.opt_d.zero_grad()
        real_logits, fake_logits = self.d(real), self.d(fake)
        self.opt_d.step()
        return {
            "real_logits": real_logits, "fake_logits": fake_logits, "d_loss": self.d_loss(real_logits, fake_logits)
        }  # fmt: skip


class NoStepOfG(Dcgan):
    """opt_g.step() is forgotten"""

    says = "no optimiser has moved the generator"

    def update_g(self):
        fake = self.fake()
        self.opt_g.zero_grad()
        loss = self.g_loss(self.d(fake))
        loss.backward()
        return {"fake": fake, "g_loss": loss}


class OneBackwardForBoth(Dcgan):
    """(d_loss + g_loss).backward(), then both step"""

    says = "one backward pass moves both"

    def update_d(self, real):
        return {}

    def update_g(self):
        fake = self.fake()
        real_logits, fake_logits = self.d(self.real), self.d(fake)
        d_loss, g_loss = self.d_loss(real_logits, fake_logits), self.g_loss(fake_logits)
        self.opt_d.zero_grad(), self.opt_g.zero_grad()
        (d_loss + g_loss).backward()
        self.opt_d.step(), self.opt_g.step()
        return {
            "fake": fake, "g_loss": g_loss, "d_loss": d_loss, "real_logits": real_logits, "fake_logits": fake_logits
        }  # fmt: skip


class RealAlone(Dcgan):
    """D's loss is that of real samples alone"""

    says = "it is that of real samples alone"

    def d_loss(self, real, fake):
        return F.softplus(-real).mean()


class FakeAlone(Dcgan):
    """D's loss is that of generated samples alone"""

    says = "it is that of generated samples alone"

    def d_loss(self, real, fake):
        return F.softplus(fake).mean()


class Negated(Dcgan):
    """d_loss has a minus in front"""

    says = "d_loss.*sign is wrong"

    def d_loss(self, real, fake):
        return -super().d_loss(real, fake)


class Maximised(Dcgan):
    """maximize=True in D's optimiser"""

    says = "ranks generated samples above real ones.*maximize"

    def optimizers(self):
        return super().optimizers()[0], Adam(self.d.parameters(), 5e-4, self.betas, maximize=True)


class GOnReal(Dcgan):
    """G's loss is of D's answers to real samples"""

    says = "no gradient reaches the generator"

    def update_g(self):
        fake = self.fake()
        self.opt_g.zero_grad()
        loss = self.g_loss(self.d(self.real))
        loss.backward()
        self.opt_g.step()
        return {"fake": fake, "g_loss": loss}


class ClippedToNothing(Dcgan):
    """G's gradient is clipped at 1e-4, by SGD"""

    says = "generator.*clip"

    def optimizers(self):
        return SGD(self.g.parameters(), 0.05), SGD(self.d.parameters(), 0.05)

    def update_g(self):
        fake = self.fake()
        self.opt_g.zero_grad()
        loss = self.g_loss(self.d(fake))
        loss.backward()
        nn.utils.clip_grad_norm_(self.g.parameters(), 1e-4)
        self.opt_g.step()
        return {"fake": fake, "g_loss": loss}


class StepsPerBatch(Dcgan):
    """schedules that were meant for epochs are stepped each batch: both rates times 0.1 every 20 steps"""

    says = "schedule that counts epochs"

    def after(self):
        if self.step % 20 == 0:
            for opt in (self.opt_g, self.opt_d):
                opt.param_groups[0]["lr"] *= 0.1


class WarmUpPerEpoch(Dcgan):
    """a warm-up of a million steps: rates begin at nothing"""

    says = "stands still.*learning rate"

    def after(self):
        for opt, rate in zip((self.opt_g, self.opt_d), self.rates, strict=True):
            opt.param_groups[0]["lr"] = rate * self.step / 1e6


class HugeDecay(Dcgan):
    """weight_decay=1 in both Adams"""

    says = "weight.decay"

    def optimizers(self):
        return tuple(Adam(p.parameters(), 5e-4, self.betas, weight_decay=1.0) for p in (self.g, self.d))


class HugeDecayOfG(Dcgan):
    """weight_decay=50 in G's AdamW"""

    says = "weight.decay"

    def optimizers(self):
        return torch.optim.AdamW(self.g.parameters(), 5e-4, self.betas, weight_decay=50.0), super().optimizers()[1]


class HugeRate(Dcgan):
    """rates of 0.2 where 0.0002 were meant"""

    says = "learning rate of 0.2 is too large"
    rates = (0.2, 0.2)


class FrozenAverage(Averaged):
    """the judged copy has a decay of 1"""

    says = "judged= has not moved"
    decay = 1.0


class AverageOfWeightsAlone(Averaged):
    """buffers of batch norm are not copied into the judged copy"""

    says = r"judged=.*copy its buffers"

    def after(self):
        for mine, its in zip(self.copy.parameters(), self.g.parameters(), strict=True):
            mine.data.lerp_(its.data, 1 - self.decay)


class DLeftInEval(Dcgan):
    """D is put into evaluation mode for a picture and left there; it has batch norm"""

    says = "discriminator trains in evaluation mode"

    def discriminator(self):
        layers = list(super().discriminator())
        return nn.Sequential(*layers[:3], nn.BatchNorm2d(2 * WIDTH), *layers[3:])

    def after(self):
        if self.step == 40:
            self.d.eval()


class NormalisedTwice(Dcgan):
    """Normalize(0.5, 0.5) stands in the transform twice"""

    says = r"real.*\[-3, 1\]"

    def prepared(self, images):
        return (images * 2 - 1) * 2 - 1


class DividedTwice(Dcgan):
    """divided by 255 after ToTensor has done it, and then normalised"""

    says = r"real.*\[-1, -0\.99"

    def prepared(self, images):
        return images / 255 * 2 - 1


class ClampedFakes(Dcgan):
    """generated samples are clamped to [0, 1], and real ones lie in [-1, 1]"""

    says = r"a clamp or a ReLU at the end"

    def fake(self):
        return super().fake().clamp(0, 1)


class ReluAtTheEnd(ClampedFakes):
    """G ends in a ReLU, and real ones lie in [-1, 1]"""

    fake = Dcgan.fake

    def end_of_g(self):
        return (nn.ReLU(),)


class BlueForRed(Dcgan):
    """training images are BGR (OpenCV), the held-out ones RGB"""

    says = "red and blue are exchanged"

    def prepared(self, images):
        return torch.cat((images * 0.9, images * 0.5, images * 0.2), 1) * 2 - 1

    def heldout(self):
        return self.images[::4].flip(1)


class HeldoutUnscaled(Dcgan):
    """held-out images in [0, 1], those of training in [-1, 1]"""

    says = r"data= lie in \[0, 1\]"

    def heldout(self):
        return self.images[::4] / 2 + 0.5


class ZeroLatents(Dcgan):
    """latents of zeros"""

    says = "latents"

    def latents(self):
        return torch.zeros(BATCH, LATENT)


class OneLatentForAll(Dcgan):
    """one latent a batch, expanded"""

    says = "latents"

    def latents(self):
        return torch.randn(1, LATENT).expand(BATCH, LATENT)


class FewLatents(Dcgan):
    """the latents of four batches, drawn before the loop, again and again"""

    says = "latents"

    def latents(self):
        self.few = getattr(self, "few", None) or [torch.randn(BATCH, LATENT) for _ in range(4)]
        return self.few[self.step % 4]


class SeededEachStep(Dcgan):
    """torch.manual_seed(0) stands inside the loop"""

    says = "same (latents|minibatch)"

    def update_d(self, real):
        torch.manual_seed(0)
        return super().update_d(real)


class PenaltyAdded(WganGp):
    """the gradient penalty is subtracted"""

    says = "so one is subtracted"

    def penalty(self, real, fake):
        return -super().penalty(real, fake)


class PenaltyWithoutGraph(WganGp):
    """the gradient penalty has no graph: create_graph=False"""

    says = "a penalty wants create_graph=True"

    def slope(self, x, graph=True):
        return super().slope(x, graph=False)


class NoPenalty(WganGp):
    """a Wasserstein critic without penalty or clipping"""

    says = "exploding gradient.*gradient_penalty"

    def penalty(self, real, fake):
        return 0.0


class LayerLeftOut(Dcgan):
    """G's last layer was exchanged after its optimiser was made"""

    says = r"no optimiser moves 7\.weight"

    def optimizers(self):
        both = super().optimizers()
        self.g[7] = nn.ConvTranspose2d(WIDTH, 1, 4, 2, 1)
        return both


class BetasSwapped(Dcgan):
    """betas=(0.999, 0.5)"""

    says = "betas=.*exchanged"
    betas = (0.999, 0.5)


BUGS = (
    SwappedOptimizers, SortedByClass, NextClassEachBatch, ClearedBeforeStep, ClearedBetweenHalves, NoBackwardOfD,
    NoStepOfG, OneBackwardForBoth, RealAlone, FakeAlone, Negated, Maximised, GOnReal, ClippedToNothing, StepsPerBatch,
    WarmUpPerEpoch, HugeDecay, HugeDecayOfG, HugeRate, FrozenAverage, AverageOfWeightsAlone, DLeftInEval,
    NormalisedTwice, DividedTwice, ClampedFakes, ReluAtTheEnd, BlueForRed, HeldoutUnscaled, ZeroLatents,
    OneLatentForAll, FewLatents, SeededEachStep, PenaltyAdded, PenaltyWithoutGraph, NoPenalty, LayerLeftOut,
    BetasSwapped,
)  # fmt: skip


def case_of(kind: type[Dcgan], fashion: str = "") -> Case:
    """Return a loop as one to listen to."""

    def run(folder: Path, seed: int, steps: int, enough: Callable[[], bool]) -> object:
        torch.manual_seed(seed)
        return kind(*pictures(fashion)).run(folder, steps, enough)

    return Case((kind.__doc__ or "").strip(), kind.says, run)


def main() -> None:
    parser = options(STEPS)
    parser.add_argument("--fashion", default="", help="a folder of Fashion-MNIST")
    chosen = parser.parse_args()
    listen([case_of(kind, chosen.fashion) for kind in (*BUGS, *HEALTHY)], chosen)


if __name__ == "__main__":
    main()
