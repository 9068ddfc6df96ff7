"""The same training in other units: data and samples times c, the discriminator's inputs over c, losses times s.

Factors that are powers of two change no rounding, so every weight is the same to the last bit (but for what Adam's ε
does to losses of another scale).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pandas as pd
import pytest
from torch import Tensor

from ganbench.core.protocols import HARD
from ganbench.losses import Loss
from tests.engine import Trainer, evaluation, setups

GAME = 2.0**-10, 2.0**10  # of c
LOSS = 2.0**-13, 2.0**13  # of s


@dataclass(frozen=True)
class ScaledLoss:
    """A loss times s."""

    loss: Loss
    s: float
    requires_real: bool
    optimum: float
    midpoint: float

    def discriminator(self, real, fake, targets=HARD):
        return self.s * self.loss.discriminator(real, fake, targets)

    def generator(self, fake, real=None):
        return self.s * self.loss.generator(fake, real)


class ScaledData:
    """Data times c."""

    def __init__(self, data, c: float, image: bool) -> None:
        self._data, self._c, self.weights = data, c, data.weights
        self.image = image

    def sample_indices(self, generator, n):
        return self._data.sample_indices(generator, n)

    def gather(self, indices):
        return self._c * self._data.gather(indices)

    def heldout(self, generator, n):
        return self._c * self._data.heldout(generator, n)

    def assign(self, samples, probabilities):
        return self._data.assign(samples / self._c, probabilities)


class ScaledNet:
    """A network whose inputs or outputs are times a factor."""

    def __init__(self, net, inputs: float = 1.0, outputs: float = 1.0) -> None:
        self._net, self._inputs, self._outputs = net, inputs, outputs
        self.init = net.init

    def apply(self, params, buffers, x, *, training, noise):
        return self._outputs * self._net.apply(params, buffers, self._inputs * x, training=training, noise=noise)


class ScaledExtractor:
    """An extractor of images that sees them in their own units; coordinates of points stay as they are."""

    def __init__(self, extractor, c: float) -> None:
        self._extractor, self._c = extractor, c
        self.probabilities, self.identity = extractor.probabilities, extractor.identity

    def extract(self, samples):
        return self._extractor.extract(samples / self._c)


def tables_of(trial, c: float = 1.0, s: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return runs and history of a trial that trains in other units."""
    with pytest.MonkeyPatch.context() as patch:
        _patch(patch, c, s)
        trainer = Trainer(trial)
        trainer.advance(1e9)
        tables = trainer.tables()
    return tables.runs, tables.history


def _patch(patch: pytest.MonkeyPatch, c: float, s: float) -> None:
    def scaled_setup(self, trial, device):
        init(self, trial, device)
        self.data = ScaledData(self.data, c, len(trial.dataset.build().shape) == 3)
        self.loss = ScaledLoss(self.loss, s, self.loss.requires_real, s * self.loss.optimum, self.loss.midpoint)
        self.dequantization_width *= c
        self.generator = ScaledNet(self.generator, outputs=c)
        self.trunk = ScaledNet(self.trunk, inputs=1 / c)
        for hook in ("penalty", "generator_penalty"):
            self.hooks[hook] = [ScaledPenalty(trick, s) for trick in self.hooks[hook]]

    def squared_grad_norm(self, x: Tensor) -> Tensor:
        return c**2 * slope(self, x)

    def prepared(extractor):
        extractor = prepare(extractor)
        return extractor if extractor.name == "coordinates" else ScaledExtractor(extractor, c)

    init, slope = setups.TrialSetup.__init__, setups.PackedView.squared_grad_norm
    prepare = evaluation._prepared
    patch.setattr(setups.TrialSetup, "__init__", scaled_setup)
    patch.setattr(setups.PackedView, "squared_grad_norm", squared_grad_norm)
    patch.setattr(evaluation, "_prepared", prepared)


class ScaledPenalty:
    """A penalty times s."""

    def __init__(self, trick, s: float) -> None:
        self._trick, self._s = trick, s

    def penalty(self, view):
        return self._s * self._trick.penalty(view)

    def generator_penalty(self, view):
        return self._s * self._trick.generator_penalty(view)


def shortened(trial, steps: int, every: int, seeds=(1,)):
    """Return a trial of fewer steps, evaluated on few samples."""
    return dataclasses.replace(trial, steps=steps, log_every=every, evaluate_every=every, samples=200, seeds=seeds)
