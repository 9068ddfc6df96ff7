"""Tricks that change what the discriminator is asked to answer."""

from __future__ import annotations

from math import log

import pytest
import torch

from ganbench.core.protocols import HARD, Targets
from ganbench.core.registry import build
from ganbench.losses import Loss
from ganbench.suite.plan import incompatibility
from ganbench.tricks.label_flipping import LabelFlipping
from ganbench.tricks.two_sided_label_smoothing import TwoSidedLabelSmoothing
from tests.engine import PackedNoise
from tests.helpers.oracles import TrickOracle
from tests.helpers.trials import small_trial

CPU = torch.device("cpu")


def test_two_sided_targets_bound_the_logit():
    """Where only real samples lie the best logit is log(.9 / .1), where only fakes lie its negative."""
    targets = TwoSidedLabelSmoothing().targets(HARD, torch.Size((1, 1)), PackedNoise((0,), CPU))
    assert targets == Targets(0.9, 0.1)
    loss = build(Loss, "non_saturating", {})
    c = torch.linspace(-4, 4, 80001, dtype=torch.float64).unsqueeze(-1)
    zero = torch.zeros_like(c)
    assert c[loss.discriminator(c, zero, targets).argmin()].item() == pytest.approx(log(9), abs=1e-4)
    assert c[loss.discriminator(zero, c, targets).argmin()].item() == pytest.approx(-log(9), abs=1e-4)


def flips(trick, targets=HARD, steps=64, batch=400):
    noise, shape = PackedNoise((0, 1), CPU), torch.Size((2, batch))
    drawn = [trick.targets(targets, shape, noise) for _ in range(steps)]
    return torch.stack([t.real for t in drawn]), torch.stack([t.fake for t in drawn])  # [steps, S, B]


def test_flips_swap_the_targets_sample_by_sample():
    """On both sides, independently, at the rate asked for."""
    real, fake = flips(LabelFlipping(p=0.2), Targets(0.9, 0.0))
    assert real.unique().tolist() == pytest.approx([0.0, 0.9])
    assert fake.unique().tolist() == pytest.approx([0.0, 0.9])
    # n = 25,600 a seed and side: 5.5 standard errors (.0025) is a false alarm in 1e-7 of all seeds.
    for share in ((real == 0.0).double().mean((0, 2)), (fake > 0.5).double().mean((0, 2))):
        assert share.tolist() == pytest.approx([0.2, 0.2], abs=0.0138)
    both = ((real == 0.0) & (fake > 0.5)).double().mean()
    assert both.item() == pytest.approx(0.04, abs=0.0048)  # n = 51,200: 5.5 standard errors
    assert not torch.equal(real[:, 0], real[:, 1])


def test_no_flip_at_zero():
    real, fake = flips(LabelFlipping(p=0.0), steps=2)
    assert (real == 1.0).all() and (fake == 0.0).all()


def test_flips_bound_the_best_logit():
    """On separate supports the best logit is log((1 − p)/p) of the share that was drawn."""
    real, _ = flips(LabelFlipping())
    p = 1.0 - real.double().mean().item()
    loss = build(Loss, "non_saturating", {})
    c = torch.linspace(2, 4, 2001, dtype=torch.float64)
    # The loss is linear in the targets, so that of a mean target is the mean loss.
    values = loss.discriminator(c.unsqueeze(-1), torch.zeros(2001, 1, dtype=torch.float64), Targets(1.0 - p, 0.0))
    assert c[values.argmin()].item() == pytest.approx(log((1 - p) / p), abs=2e-3)
    # n = 51,200 at p = .05: 5.5 standard errors (9.6e-4).
    assert p == pytest.approx(0.05, abs=5.3e-3)


@pytest.mark.parametrize("loss", ["hinge", "wasserstein", "relativistic_paired", "relativistic_average", "fgan_kl"])
@pytest.mark.parametrize("trick", ["one_sided_label_smoothing", "two_sided_label_smoothing", "label_flipping"])
def test_losses_without_targets_are_skipped(trick, loss):
    assert "no 1/0 targets" in (incompatibility(small_trial((trick, {}), loss=(loss, {}))) or "")
    assert incompatibility(small_trial((trick, {}))) is None


def test_what_would_be_overwritten_is_skipped():
    one, two, flip = ("one_sided_label_smoothing", {}), ("two_sided_label_smoothing", {}), ("label_flipping", {})
    assert "already" in (incompatibility(small_trial(one, two)) or "")
    assert "overwrite" in (incompatibility(small_trial(flip, one)) or "")
    assert incompatibility(small_trial(one, flip)) is None


def flipped(v, t, real, fake):
    on_real, on_fake = v.take("label flipping")
    return torch.where(on_real < t.p, fake, real), torch.where(on_fake < t.p, real, fake)


ORACLES = (
    TrickOracle(
        "one_sided_label_smoothing",
        targets=lambda v, t, real, fake: (0 * real + t.real, fake),
        # Salimans 2016, section 3.4
        defaults={"real": 0.9},
    ),
    TrickOracle(
        "two_sided_label_smoothing",
        targets=lambda v, t, real, fake: (0 * real + t.real, 0 * fake + t.fake),
        # what section 3.4 begins from
        defaults={"real": 0.9, "fake": 0.1},
    ),
    TrickOracle(
        "label_flipping",
        parameters={"p": 0.4},
        targets=flipped,
        open={"p": "'occasionally' (soumith/ganhacks, tip 6)"},
    ),
)
