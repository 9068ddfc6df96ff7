"""Small GANs on scikit-learn's digits with one bug planted in the loop, and healthy ones beside them.

`python tests/clients/bugs.py --seeds 3 5` prints what the monitor says of each, and when, as a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

import ganbench
from tests.clients.hearing import Case, listen, options

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
            losses = {} if self.silent else {"d_loss": shown.d_loss, "g_loss": g_loss}
            monitor.step(real=shown.real, fake=fake, real_logits=given[0], fake_logits=given[1], **losses)
            if enough():
                break
        monitor.close()
        return monitor

    def parts(self) -> Parts:
        pixels = torch.from_numpy(load_digits()["images"]).float().unsqueeze(1)
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


class Planted(NamedTuple):
    """A bug: how the loop differs, and what a sentence must match that leads a person to the line."""

    name: str
    changes: dict
    says: str


WGAN = {"loss": "wasserstein", "penalty": 10.0, "n_critic": 3, "betas": (0.0, 0.9)}
BUGS = (
    Planted("D answers with probabilities, BCE on them", {"d_output": nn.Sigmoid, "probabilities": True}, "probabilit"),
    Planted("sigmoid twice", {"d_output": nn.Sigmoid}, "sigmoid.*twice"),
    Planted("sigmoid at the end of a Wasserstein critic", {**WGAN, "d_output": nn.Sigmoid}, "sigmoid|probabilit"),
    Planted("losses halved", {"scale": 0.5}, r"0\.5 times"),
    Planted("losses times 10,000", {"scale": 1e4}, r"(1e\+04|10,?000) times"),
    Planted("hinge declared, least squares trained", {"loss": "least_squares", "declared": "hinge"}, "least_squares"),
    Planted("non_saturating declared, Wasserstein trained", {**WGAN, "declared": "non_saturating"}, "another loss"),
    Planted("labels swapped in D's loss", {"swap": True}, "(swapped|exchanged)"),
    Planted("real and fake logits swapped when given", {"swap_given": True}, "(swapped|exchanged)"),
    Planted("G pushes the wrong way", {"g_direction": -1.0}, "(sign|wrong way)"),
    Planted("real in 0…255", {"real": lambda p: p * 16}, r"real.*\[0, 2[45]\d\].*\[-1, 1\]"),
    Planted("real in [0, 1], G ends in tanh", {"real": lambda p: p / 16}, r"real.*\[0, 1\].*\[-1, 1\]"),
    Planted("real standardised, G ends in tanh", {"real": lambda p: (p - 4.9) / 6.0 * 2}, r"real.*\[-1, 1\]"),
    Planted("real in [−1, 1], G ends in a sigmoid", {"output": nn.Sigmoid}, r"real.*\[-1, 1\].*\[0, 1\]"),
    Planted("fake not detached, gradients not cleared", {"detach": False}, "(detach|zero_grad)"),
    Planted("D's gradients never cleared", {"clear_d": False}, "zero_grad"),
    Planted("G's gradients never cleared", {"clear_g": False}, "zero_grad"),
    Planted("D cleared before G's backward, not after", {"clear_early": True}, "zero_grad"),
    Planted("G in no optimiser (a copy is)", {"copy_in_optimizer": True}, "no optimi[sz]er.*generator"),
    Planted("D's optimiser holds G", {"wrong_optimizer": True}, "no optimi[sz]er.*discriminator"),
    Planted("the same latents at every step", {"fixed_latents": True}, "same latents"),
    Planted("the same minibatch at every step", {"same_batch": True}, "same minibatch"),
    Planted("G left in evaluation mode", {"norm": True, "leave_eval": 50}, "evaluation mode"),
    Planted("no gradient reaches G", {"no_graph": True}, "(no gradient|gradient.*exactly 0)"),
    Planted("D's rate divided by 100", {"d_rate": 1e-5}, "discriminator.* learning rate"),
    Planted("G's rate divided by 100", {"g_rate": 1e-5}, "generator.* learning rate"),
    Planted("G's rate decayed to nothing", {"decay": 0.9}, "generator.*(frozen|stands still)"),
    Planted("D stops stepping after 100 steps", {"stop_d_at": 100}, "no optimiser has moved the discriminator since"),
)  # fmt: skip
STRONG = {"n_critic": 5, "d_width": 256, "d_rate": 2e-3, "g_rate": 1e-4}
EVEN = {"g_rate": 5e-4, "d_rate": 5e-4}
FAILURES = (
    Planted("D wins, non-saturating", STRONG, "discriminator wins"),
    Planted("D wins, hinge", {**STRONG, "loss": "hinge"}, "discriminator wins"),
    Planted("D wins, least squares", {**STRONG, "loss": "least_squares"}, "discriminator wins"),
    Planted("D wins, trained 50 steps in advance", {**STRONG, "d_advance": 50}, "discriminator wins"),
    Planted("D wins, the loss not told", {**STRONG, "declared": ""}, "discriminator wins"),
    Planted("D blind: half of the labels flipped", {**EVEN, "flip": 0.5}, "no signal"),
    Planted("D blind: labels flipped, hinge", {**EVEN, "loss": "hinge", "flip": 0.5}, "no signal"),
    Planted("D blind: noise of 10 on what it sees", {**EVEN, "noise": 10.0}, "no signal"),
    Planted(
        "D blind: labels flipped, the loss not told", {**EVEN, "flip": 0.5, "declared": "", "silent": True}, "no signal"
    ),
)
CALM = {"r1": 2.0, "g_rate": 5e-4, "d_rate": 5e-4}
HEALTHY = (
    Planted("non-saturating", CALM, ""),
    Planted("hinge", {**CALM, "loss": "hinge"}, ""),
    Planted("least squares", {**CALM, "loss": "least_squares"}, ""),
    Planted("Wasserstein with penalty, 3 critic steps", WGAN, ""),
    Planted("two rates, 1 to 4", {"r1": 2.0, "g_rate": 3e-4, "d_rate": 12e-4}, ""),
    Planted("batch norm in G", {**CALM, "norm": True}, ""),
    Planted("images in [0, 1], G ends in a sigmoid", {**CALM, "output": nn.Sigmoid, "real": lambda p: p / 16}, ""),
    Planted(
        "standardised images, G ends in nothing", {**CALM, "output": nn.Identity, "real": lambda p: (p - 5) / 6}, ""
    ),
    Planted("D trained alone for 50 steps", {**CALM, "d_advance": 50}, ""),
    Planted("batches of 16", {**CALM, "batch": 16}, ""),
)


def case_of(planted: Planted) -> Case:
    """Return a planted loop as one to listen to."""
    return Case(planted.name, planted.says, Loop(**planted.changes).run)


def main() -> None:
    listen(map(case_of, (*BUGS, *FAILURES, *HEALTHY)), options(STEPS).parse_args())


if __name__ == "__main__":
    main()
