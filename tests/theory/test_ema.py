"""The generator's moving average against its transfer function, through the real trainer."""

from __future__ import annotations

from math import pi, sin

import numpy as np
import pytest
import torch

from tests.engine import Trainer
from tests.helpers.present import present
from tests.helpers.trials import small_trial


def test_the_average_attenuates_a_rotation():
    """Alternating descent turns the bilinear game by ω a step, 2 sin(ω/2) = h; the average keeps |(1−β)/(1−βe^{iω})|.

    β = 0.99 and ω = 0.1 give 0.10004.
    """
    torch.set_default_dtype(torch.float64)
    try:
        omega, beta, steps = 0.1, 0.99, 2400
        trial = small_trial(
            dataset=("dirac", {}),
            network=("dirac", {}),
            loss=("wasserstein", {}),
            optimizer=("sgd", {"lr": 2 * sin(omega / 2)}),
            seeds=(0,),
            steps=steps,
            batch=2,
            log_every=steps,
            evaluate_every=steps,
            samples=10,
            metrics=(),
            diagnostics=(),
            ema=beta,
        )
        trainer, raw, smooth = Trainer(trial), [], []
        while not trainer.finished:
            trainer.advance(0.0)
            raw.append(trainer.g.flat[0, 0].item())
            smooth.append(present(trainer.ema)[0, 0].item())
    finally:
        torch.set_default_dtype(torch.float32)
    whole_turns = round(8 * 2 * pi / omega)  # after 1,800 steps the start is forgotten to 1e-8
    share = np.std(smooth[-whole_turns:]) / np.std(raw[-whole_turns:])
    assert share == pytest.approx(0.10004, abs=2e-4)
    assert share == pytest.approx(abs((1 - beta) / (1 - beta * np.exp(1j * omega))), rel=1e-3)
