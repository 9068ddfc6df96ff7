"""A small GAN trained by hand, with an oracle that notes what the monitor ought to find."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ganbench
from tests.helpers.present import present

LATENT, BATCH = 4, 32


class Counting(nn.Module):
    """Counts its calls in a buffer, in evaluation mode too."""

    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x


def networks(seed: int = 0) -> tuple[nn.Sequential, nn.Sequential]:
    torch.manual_seed(seed)
    hidden = nn.Linear(LATENT, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1)
    generator = nn.Sequential(*hidden, nn.Linear(16, 2), Counting())
    discriminator = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Dropout(0.1), nn.Linear(16, 1), Counting())
    return generator, discriminator


def ring(n: int) -> Tensor:
    angle = torch.randint(8, (n,)) * (torch.pi / 4)
    return torch.stack((angle.cos(), angle.sin()), dim=1) + 0.01 * torch.randn(n, 2)


def norm(module: nn.Module) -> float:
    return float(torch.stack([p.grad.norm() for p in module.parameters() if p.grad is not None]).norm())


def weights(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


class Loop:
    """A plain loop; `truth` holds each step's gradient norms before clipping, and update ratios.

    Args:
        monitor: makes the monitor of both networks, or None.
        clip: largest gradient norm.
        n_critic: discriminator updates a step.
        accumulate: backward passes an update.
        scaler: a GradScaler.
        rate: of both.
    """

    def __init__(
        self,
        monitor: Callable[[nn.Module, nn.Module], ganbench.Monitor] | None = None,
        clip: float = 0.0,
        n_critic: int = 1,
        accumulate: int = 1,
        scaler: torch.amp.GradScaler | None = None,
        rate: float = 1e-2,
        optimizer: type[torch.optim.Optimizer] = torch.optim.Adam,
    ) -> None:
        self.generator, self.discriminator = networks()
        self.opt_g = optimizer(self.generator.parameters(), lr=rate)  # type: ignore[call-arg]
        self.opt_d = optimizer(self.discriminator.parameters(), lr=rate)  # type: ignore[call-arg]
        self.clip, self.n_critic, self.accumulate, self.scaler = clip, n_critic, accumulate, scaler
        self.call_g: Callable[..., Tensor] = self.generator
        self.call_d: Callable[..., Tensor] = self.discriminator
        self._monitor = monitor(self.generator, self.discriminator) if monitor else None
        self.truth: list[dict[str, float]] = []

    @property
    def monitor(self) -> ganbench.Monitor:
        """The monitor, where there is one."""
        return present(self._monitor)

    @monitor.setter
    def monitor(self, monitor: ganbench.Monitor) -> None:
        self._monitor = monitor

    def run(self, steps: int) -> Loop:
        for _ in range(steps):
            self.row: dict[str, float] = {}
            for _ in range(self.n_critic):
                self._discriminator()
            self._generator()
            self.truth.append(self.row)
            if self._monitor is not None:
                self._monitor.step(
                    real=self.real,
                    fake=self.fake,
                    real_logits=self.real_logits,
                    fake_logits=self.fake_logits,
                    d_loss=self.d_loss,
                    g_loss=self.g_loss,
                )
        return self

    def _discriminator(self) -> None:
        self.opt_d.zero_grad()
        for _ in range(self.accumulate):
            self.real, fake = ring(BATCH), self.call_g(torch.randn(BATCH, LATENT)).detach()
            self.real_logits, self.fake_logits = self.call_d(self.real), self.call_d(fake)
            self.d_loss = F.softplus(-self.real_logits).mean() + F.softplus(self.fake_logits).mean()
            self._scaled(self.d_loss / self.accumulate).backward()
        self._update("d", self.discriminator, self.opt_d)

    def _generator(self) -> None:
        self.opt_g.zero_grad()
        for _ in range(self.accumulate):
            self.fake = self.call_g(torch.randn(BATCH, LATENT))
            self.g_loss = F.softplus(-self.call_d(self.fake)).mean()
            self._scaled(self.g_loss / self.accumulate).backward()
        self._update("g", self.generator, self.opt_g)

    def _scaled(self, loss: Tensor) -> Tensor:
        return loss if self.scaler is None else self.scaler.scale(loss)

    def _update(self, name: str, module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        scale = self.scaler.get_scale() if self.scaler is not None else 1.0
        self.row[f"grad_norm_{name}"] = norm(module) / scale
        before = weights(module)
        if self.clip and self.scaler is not None:
            self.scaler.unscale_(optimizer)
        if self.clip:
            nn.utils.clip_grad_norm_(module.parameters(), self.clip)
        if self.scaler is None:
            optimizer.step()
        else:
            self.scaler.step(optimizer)
            self.scaler.update()
        self.row[f"update_ratio_{name}"] = float((weights(module) - before).norm() / before.norm())

    def state(self) -> list[Tensor]:
        """Return everything that a monitor must not move."""
        tensors = [*self.generator.state_dict().values(), *self.discriminator.state_dict().values()]
        tensors += [p.grad for m in (self.generator, self.discriminator) for p in m.parameters() if p.grad is not None]
        for optimizer in (self.opt_g, self.opt_d):
            tensors += [v for s in optimizer.state.values() for v in s.values() if isinstance(v, Tensor)]
        return [torch.get_rng_state(), *(t.detach().clone() for t in tensors)]
