"""Bugs in what a loop on images is fed, and in what is judged of it, one small class each."""

from __future__ import annotations

import itertools

import torch
from torch import nn

from tests.clients.image_loops import BATCH, LATENT, Averaged, Dcgan


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


BUGS = (
    SortedByClass,
    NextClassEachBatch,
    FrozenAverage,
    AverageOfWeightsAlone,
    NormalisedTwice,
    DividedTwice,
    ClampedFakes,
    ReluAtTheEnd,
    BlueForRed,
    HeldoutUnscaled,
    ZeroLatents,
    OneLatentForAll,
    FewLatents,
    SeededEachStep,
)
