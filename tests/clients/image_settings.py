"""Bugs in the optimisers and modes of a loop on images, one small class each."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim import SGD, Adam

from tests.clients.image_loops import WIDTH, Dcgan


class SwappedOptimizers(Dcgan):
    """opt_d holds G's parameters and opt_g D's"""

    says = "opt_d and opt_g may hold each other's"

    def optimizers(self):
        opt_g, opt_d = super().optimizers()
        return opt_d, opt_g


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
        g, d = (Adam(p.parameters(), 5e-4, self.betas, weight_decay=1.0) for p in (self.g, self.d))
        return g, d


class HugeDecayOfG(Dcgan):
    """weight_decay=50 in G's AdamW"""

    says = "weight.decay"

    def optimizers(self):
        return torch.optim.AdamW(self.g.parameters(), 5e-4, self.betas, weight_decay=50.0), super().optimizers()[1]


class HugeRate(Dcgan):
    """rates of 0.2 where 0.0002 were meant"""

    says = "learning rate of 0.2 is too large"
    rates = (0.2, 0.2)


class DLeftInEval(Dcgan):
    """D is put into evaluation mode for a picture and left there; it has batch norm"""

    says = "discriminator trains in evaluation mode"

    def discriminator(self):
        layers = list(super().discriminator())
        return nn.Sequential(*layers[:3], nn.BatchNorm2d(2 * WIDTH), *layers[3:])

    def after(self):
        if self.step == 40:
            self.d.eval()


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
    SwappedOptimizers,
    ClippedToNothing,
    StepsPerBatch,
    WarmUpPerEpoch,
    HugeDecay,
    HugeDecayOfG,
    HugeRate,
    DLeftInEval,
    LayerLeftOut,
    BetasSwapped,
)
