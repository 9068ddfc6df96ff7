"""Every diagnostic against a slow oracle of its own: loops, finite differences, NumPy."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ganbench.core import registry
from ganbench.core.protocols import PlayerUpdate
from ganbench.diagnostics import Diagnostic, Step
from ganbench.losses import Loss
from tests.helpers.present import present

S, B, P = 3, 17, 32


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def made_pass(seed=0, scale=1.0, **changes):
    made = PlayerUpdate(
        loss=draw(S, seed=seed),
        real_logits=scale * draw(S, B, seed=seed + 1) + 0.5,
        fake_logits=scale * draw(S, B, seed=seed + 2) - 0.5,
        gradient=draw(S, P, seed=seed + 3),
        views=lambda flat: {"linear0.weight": flat[:, :20].unflatten(1, (4, 5)), "linear0.bias": flat[:, 20:25]},
        after=draw(S, P, seed=seed + 4),
        before=None,
    )
    return dataclasses.replace(made, **changes)


def made_step(**changes):
    return dataclasses.replace(Step(made_pass(10, 6.0), made_pass(20)), **changes)


def observe(name, step):
    with torch.no_grad():
        return {k: v.numpy() for k, v in registry.build(Diagnostic, name, {}).observe(step).items()}


@dataclasses.dataclass
class MadeProbe:
    """A critic given as a function of one sample, with samples `[S, N, d]`."""

    function: Callable[[torch.Tensor], torch.Tensor]
    real: torch.Tensor
    heldout: torch.Tensor | None
    fake: torch.Tensor

    def discriminator(self, x):
        return self.function(x)


@pytest.mark.parametrize("name", registry.components(Loss))
def test_loss_slope_is_the_sum_of_finite_differences(name):
    loss, step, h = registry.build(Loss, name, {}), made_step(), 1e-6
    found = observe("loss_slope", dataclasses.replace(step, loss=loss))["loss_slope"]
    for s in range(S):
        slopes = []
        for i in range(B):
            moved = [step.g.fake_logits[s].clone() for _ in range(2)]
            moved[0][i] += h
            moved[1][i] -= h
            up, down = (float(loss.generator(f, present(step.g.real_logits)[s])) for f in moved)
            slopes.append(abs(up - down) / (2 * h))
        assert found[s] == pytest.approx(sum(slopes), rel=1e-6)


@pytest.mark.parametrize(("name", "at_minus_10"), [("minimax", 4.54e-5), ("non_saturating", 1.0), ("wasserstein", 1.0)])
def test_loss_slope_of_a_confident_discriminator(name, at_minus_10):
    sure = made_pass(fake_logits=torch.full((S, B), -10.0))
    found = observe("loss_slope", made_step(g=sure, loss=registry.build(Loss, name, {})))
    assert found["loss_slope"] == pytest.approx(np.full(S, at_minus_10), rel=1e-3)


def test_what_is_of_the_loss_is_null_where_a_trick_replaces_it():
    assert observe("loss_slope", made_step()) == {}
    assert observe("excess", made_step()) == {}


def test_excess_is_0_where_the_cross_entropy_cannot_tell():
    loss = registry.build(Loss, "non_saturating", {})
    even = made_pass(loss=torch.full((S,), 2 * math.log(2) + 0.25, dtype=torch.float64))
    assert observe("excess", made_step(d=even, loss=loss))["d_loss_excess"] == pytest.approx(0.25)


def test_auc_and_saturation_count_pairs_and_logits():
    real, fake = (present(made_pass(seed, 8.0).real_logits).round() for seed in (1, 5))  # whole numbers: many ties
    found = observe("discrimination", made_step(d=made_pass(real_logits=real, fake_logits=fake)))
    for s in range(S):
        pairs = [(r > f) + 0.5 * (r == f) for r in real[s].tolist() for f in fake[s].tolist()]
        assert found["d_auc"][s] == pytest.approx(sum(pairs) / B**2, rel=1e-12)
        sure = sum(abs(x) > 10 for x in real[s].tolist() + fake[s].tolist())
        assert found["logit_saturation"][s] == sure / (2 * B)


def test_auc_of_what_is_not_finite_is_undefined():
    fake = made_pass().fake_logits.clone()
    fake[1, 3] = torch.nan
    found = observe("discrimination", made_step(d=made_pass(fake_logits=fake)))["d_auc"]
    assert np.isnan(found).tolist() == [False, True, False]


def test_cosine():
    step = made_step()
    tiny = 1e-12 * draw(S, P, seed=9)
    found = observe("cosine", dataclasses.replace(step, earlier={"G": tiny}))
    assert list(found) == ["grad_cosine_g"]
    for s in range(S):
        a, b = step.g.gradient[s].numpy(), tiny[s].numpy()
        assert found["grad_cosine_g"][s] == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)), rel=1e-12)
    assert observe("cosine", step) == {}
    assert (observe("cosine", dataclasses.replace(step, earlier={"D": torch.zeros(S, P)}))["grad_cosine_d"] == 0).all()


@pytest.mark.parametrize("wide", [0.5, 2.0])
def test_critic_slope_is_that_of_finite_differences(wide):
    weight = draw(2, 5, seed=3)

    def function(x):
        return torch.tanh(x @ weight).sum(-1)

    probe = MadeProbe(function, draw(S, 7, 2, seed=1), draw(S, 7, 2, seed=2), wide * draw(S, 7, 2, seed=4))
    found, h = observe("critic_slope", made_step(probe=probe)), 1e-6

    def slope(x):
        along = [(function(x + h * e) - function(x - h * e)) / (2 * h) for e in torch.eye(2, dtype=torch.float64)]
        return float(torch.stack(along).norm())

    for s in range(S):
        fake, real = ([slope(x) for x in points[s]] for points in (probe.fake, probe.real))
        assert found["critic_slope_fake"][s] == pytest.approx(np.mean(fake), rel=1e-6)
        assert found["critic_slope_real"][s] == pytest.approx(np.mean(real), rel=1e-6)
        assert found["critic_slope_max"][s] == pytest.approx(max(fake + real), rel=1e-6)


def test_overfitting_of_a_critic_that_knows_its_samples_by_heart():
    real, heldout, fake = (draw(S, 9, 2, seed=seed) for seed in (1, 2, 3))

    def by_heart(x):
        return (x.unsqueeze(-2) == real.unsqueeze(-3)).all(-1).any(-1).double()

    found = observe("overfitting", made_step(probe=MadeProbe(by_heart, real, heldout, fake)))
    assert found["overfit_ratio"] == pytest.approx(1.0)
    assert found["auc_gap"] == pytest.approx(0.5)


def test_overfitting_of_a_linear_critic():
    real, heldout, fake = draw(S, 9, 2, seed=1), draw(S, 9, 2, seed=2), draw(S, 9, 2, seed=3) - 1.0
    found = observe("overfitting", made_step(probe=MadeProbe(lambda x: x.sum(-1), real, heldout, fake)))
    for s in range(S):
        d = [points[s].sum(-1).tolist() for points in (real, heldout, fake)]
        means = [sum(x) / 9 for x in d]
        assert found["overfit_ratio"][s] == pytest.approx((means[0] - means[1]) / (means[0] - means[2]))
        gap = sum((r > f) - (v > f) for r, v in zip(d[0], d[1], strict=True) for f in d[2]) / 81
        assert found["auc_gap"][s] == pytest.approx(gap)


def test_singular_values():
    step = made_step()
    step.d.after[1, 3] = torch.inf
    found = registry.build(Diagnostic, "singular_values", {}).layers(step)
    assert set(found) == {("G", "linear0"), ("D", "linear0")}
    for (network, _), values in found.items():
        flat = (step.g if network == "G" else step.d).after
        for s in range(S):
            if network == "D" and s == 1:
                assert all(torch.isnan(value[s]) for value in values.values())
                continue
            gram = flat[s, :20].reshape(4, 5).numpy()
            expected = np.sqrt(np.sort(np.linalg.eigvalsh(gram @ gram.T))[::-1][:3])
            assert [float(values[f"sigma_{i}"][s]) for i in range(3)] == pytest.approx(expected.tolist(), rel=1e-9)


def unit(loss, player):
    """Return the largest slope of a loss at logits −1, 0 and 1, from finite differences."""
    h, slopes = 1e-6, []

    def value(real, fake):
        r, f = (torch.tensor([x], dtype=torch.float64) for x in (real, fake))
        return float(loss.generator(f, 0 * r) if player == "G" else loss.discriminator(r, f))

    for at in (-1.0, 0.0, 1.0):
        slopes.append(abs(value(at, at + h) - value(at, at - h)) / (2 * h))
        slopes.append(abs(value(at + h, at) - value(at - h, at)) / (2 * h))
    return max(slopes)


@pytest.mark.parametrize("name", ["minimax", "non_saturating", "wasserstein", "least_squares", "relativistic_paired"])
def test_pushes_and_shares_are_over_the_losses_own_slope(name):
    loss = registry.build("loss", name, {})
    step = made_step(loss=loss)
    gradients, slope = observe("gradients", step), observe("loss_slope", step)
    for player, update in (("g", step.g), ("d", step.d)):
        weights = np.array([math.sqrt(sum(float(w) ** 2 for w in row)) for row in update.after])
        pushed = gradients[f"grad_norm_{player}"] * weights / unit(loss, player.upper())
        assert gradients[f"grad_push_{player}"] == pytest.approx(pushed, rel=1e-5)
    assert slope["loss_slope_share"] == pytest.approx(slope["loss_slope"] / unit(loss, "G"), rel=1e-5)
    unknown = observe("gradients", made_step())
    weights = np.linalg.norm(step.g.after.numpy(), axis=1)
    assert unknown["grad_push_g"] == pytest.approx(unknown["grad_norm_g"] * weights)


def test_the_rise_of_the_critic_is_its_slope_times_the_distance_of_pairs():
    probe = MadeProbe(lambda x: 3 * x[..., 0], real=draw(S, 9, 2, seed=1) + 4, heldout=None, fake=draw(S, 9, 2, seed=2))
    found = observe("critic_slope", made_step(probe=probe))["critic_rise"]
    for s in range(S):
        pairs = [float((x - y).square().sum()) for x in probe.fake[s] for y in probe.real[s]]
        assert found[s] == pytest.approx(3 * math.sqrt(sum(pairs) / len(pairs)))


def test_the_advantage_is_what_the_logits_win_of_what_they_could():
    """A linear loss wins all of a difference of means; one whose logits are of the wrong samples wins nothing."""
    real, fake = torch.tensor([[1.0, 3.0]]).double(), torch.tensor([[-1.0, 1.0]]).double()
    loss = registry.build(Loss, "wasserstein", {})
    won = made_pass(loss=loss.discriminator(real, fake), real_logits=real, fake_logits=fake)
    share = observe("excess", made_step(d=won, loss=loss))["d_advantage"]
    assert share == pytest.approx([2 / math.sqrt(2**2 + 1**2)])  # Δ 2, σ² 1
    sure = registry.build(Loss, "non_saturating", {})
    far = made_pass(loss=torch.zeros(1).double(), real_logits=real + 50, fake_logits=fake - 50)
    assert observe("excess", made_step(d=far, loss=sure))["d_advantage"] == pytest.approx([1.0])  # all of its optimum
    blind = made_pass(loss=torch.full((1,), sure.optimum, dtype=torch.float64), real_logits=real, fake_logits=fake)
    assert observe("excess", made_step(d=blind, loss=sure))["d_advantage"] == pytest.approx([0.0])
