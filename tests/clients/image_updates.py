"""Bugs in the losses and updates of a loop on images, one small class each."""

from __future__ import annotations

import torch.nn.functional as F
from torch.optim import Adam

from tests.clients.image_loops import Dcgan, HalvesApart, WganGp


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
        self.opt_d.zero_grad()
        self.opt_g.zero_grad()
        (d_loss + g_loss).backward()
        self.opt_d.step()
        self.opt_g.step()
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


BUGS = (
    ClearedBeforeStep,
    ClearedBetweenHalves,
    NoBackwardOfD,
    NoStepOfG,
    OneBackwardForBoth,
    RealAlone,
    FakeAlone,
    Negated,
    Maximised,
    GOnReal,
    PenaltyAdded,
    PenaltyWithoutGraph,
    NoPenalty,
)
