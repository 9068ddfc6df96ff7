"""Penalties on slopes, weights, latents and gradients, against closed forms and loops."""

from __future__ import annotations

import math

import pytest
import torch

from ganbench.core.protocols import DiscriminatorView, Noise, Player
from ganbench.suite.plan import incompatibility
from ganbench.tricks.dragan import DRAGAN
from ganbench.tricks.gradient_clipping import GradientClipping
from ganbench.tricks.gradient_penalty import GradientPenalty
from ganbench.tricks.l1_decay import L1Decay
from ganbench.tricks.l2_decay import L2Decay
from ganbench.tricks.mode_seeking import ModeSeeking
from ganbench.tricks.orthogonal_regularization import OrthogonalRegularization
from ganbench.tricks.r1 import R1
from ganbench.tricks.r2 import R2
from ganbench.tricks.zero_centered_gp import ZeroCenteredGP
from tests.engine import begin
from tests.helpers.one_seed import interpolates, matrices
from tests.helpers.oracles import TrickOracle
from tests.helpers.stand_in import stand_in
from tests.helpers.trials import small_trial
from tests.helpers.views import view_of

GENERATOR = torch.Generator().manual_seed(0)
REAL = 2.0 * torch.randn(2, 7, 3, generator=GENERATOR, dtype=torch.float64) + torch.tensor([[[0.0]], [[5.0]]])
FAKE = torch.randn(2, 7, 3, generator=GENERATOR, dtype=torch.float64)


class Known:
    """Uniform numbers by name, drawn once, that a test can read."""

    def __init__(self):
        self.drawn = {}

    def uniform(self, name, *shape):
        self.drawn[name] = torch.rand(2, *shape, generator=GENERATOR, dtype=torch.float64)
        return self.drawn[name]


def view(function, real=REAL, fake=FAKE, noise=None):
    return view_of(function, real, fake, noise or stand_in(Noise, uniform=Known().uniform))


def bowl(x):
    """A discriminator ½‖x‖², whose slope ‖x‖ tells where it was looked at."""
    return 0.5 * x.square().sum(-1)


@pytest.mark.parametrize("norm", [0.0, 0.5, 1.0, 3.0])
def test_linear_discriminator(norm):
    """‖∇D‖ = ‖w‖ everywhere: γ/2 ‖w‖² and λ(‖w‖ − 1)²."""
    w = torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64) * norm
    see = view(lambda x: x @ w)
    assert R2(gamma=4.0).penalty(see).tolist() == pytest.approx([2 * norm**2] * 2, abs=1e-9)
    assert ZeroCenteredGP(gamma=4.0).penalty(see).tolist() == pytest.approx([2 * norm**2] * 2, abs=1e-9)
    assert DRAGAN().penalty(see).tolist() == pytest.approx([10 * (norm - 1) ** 2] * 2, abs=3e-5)


def test_where_each_penalty_looks():
    see = view(bowl, noise=(noise := Known()))
    r2 = [sum(float(x @ x) for x in FAKE[s]) / 7 for s in range(2)]
    assert R2(gamma=2.0).penalty(see).tolist() == pytest.approx(r2)
    value = ZeroCenteredGP(gamma=2.0).penalty(see)
    (share,) = noise.drawn.values()
    assert share.shape == (2, 7), "one weight a sample"
    for s in range(2):
        points = [share[s, b] * REAL[s, b] + (1 - share[s, b]) * FAKE[s, b] for b in range(7)]
        assert value[s].item() == pytest.approx(sum(float(x @ x) for x in points) / 7)


def test_dragan_looks_around_real_samples():
    see = view(bowl, noise=(known := Known()))
    value = DRAGAN(weight=3.0).penalty(see)
    share, noise = known.drawn["dragan share"], known.drawn["dragan noise"]
    for s in range(2):
        mean = REAL[s].sum() / 21
        std = (sum((float(v) - mean) ** 2 for v in REAL[s].flatten()) / 21) ** 0.5
        points = [REAL[s, b] + share[s, b] * 0.5 * std * noise[s, b] for b in range(7)]
        assert value[s].item() == pytest.approx(sum(3.0 * (float(x @ x) ** 0.5 - 1) ** 2 for x in points) / 7)


def test_gradients_stay_finite_where_the_slope_is_zero():
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    for trick in (DRAGAN(), R2(), ZeroCenteredGP()):
        (g,) = torch.autograd.grad(trick.penalty(view(lambda x: x @ w)).sum(), w)
        assert torch.isfinite(g).all(), trick.name


def test_wasserstein_with_a_linear_critic_and_gradient_penalty():
    """min −⟨w, Δ⟩ + λ(‖w‖ − 1)²: ‖w‖ = 1 + ‖Δ‖/2λ = 1.1 and the value −(‖Δ‖ + ‖Δ‖²/4λ) = −2.1 at ‖Δ‖ 2, λ 10."""
    shift = torch.tensor([1.2, 0.0, 1.6], dtype=torch.float64)
    w = torch.tensor([0.3, 0.2, 0.1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([w], 1.0, 200, None, 1e-12, 1e-16, line_search_fn="strong_wolfe")

    def value():
        see = view(lambda x: x @ w, real=FAKE + shift)
        return (FAKE @ w - see.real_logits).mean() + GradientPenalty().penalty(see).mean()

    def closure():
        optimizer.zero_grad()
        loss = value()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert w.norm().item() == pytest.approx(1.1, abs=1e-6)
    assert value().item() == pytest.approx(-2.1, abs=1e-6)


PLAYER = stand_in(Player, name="D")


def on_weights(params):
    return stand_in(DiscriminatorView, params=params, real_logits=torch.zeros(2, 4, dtype=torch.float64))


PARAMS = {
    "linear0.weight": torch.randn(2, 3, 4, generator=GENERATOR, dtype=torch.float64),
    "linear0.bias": torch.full((2, 4), 7.0, dtype=torch.float64),
    "conv0.weight": torch.randn(2, 5, 3, 2, 2, generator=GENERATOR, dtype=torch.float64),
    "norm0.scale": torch.full((2, 4), 3.0, dtype=torch.float64),
}


def test_decays_are_sums_over_weights_alone():
    see = on_weights(PARAMS)
    for s in range(2):
        numbers = [*PARAMS["linear0.weight"][s].flatten().tolist(), *PARAMS["conv0.weight"][s].flatten().tolist()]
        assert L1Decay(weight=0.3).penalty(see)[s].item() == pytest.approx(0.3 * sum(abs(v) for v in numbers))
        assert L2Decay(weight=0.3).penalty(see)[s].item() == pytest.approx(0.15 * sum(v * v for v in numbers))


def test_l2_decay_of_a_linear_discriminator_is_r1():
    begun = begin(small_trial(network=("mlp", {"latent": 4, "width": 16, "d_depth": 0})))
    context = begun.context()
    seen = context.discriminator_view(begun.d.params, context.minibatch(), torch.zeros(2, 16, 2))
    seen.real_logits = seen(seen.real)
    torch.testing.assert_close(L2Decay(weight=0.7).penalty(seen), R1(gamma=0.7).penalty(seen))


def test_orthogonal_regularisation_sums_products_of_different_rows():
    value = OrthogonalRegularization(beta=0.1).penalty(on_weights(PARAMS))
    for s in range(2):
        linear, conv = PARAMS["linear0.weight"][s], PARAMS["conv0.weight"][s]
        outputs = [[linear[:, j] for j in range(4)], [conv[j].flatten() for j in range(5)]]
        total = sum(
            float(a @ b) ** 2 for rows in outputs for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j
        )
        assert value[s].item() == pytest.approx(0.1 * total)


def test_orthogonal_weights_of_any_length_are_free():
    q = torch.linalg.qr(torch.randn(2, 4, 4, generator=GENERATOR, dtype=torch.float64))[0]
    params = {"a.weight": q * torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)}  # one length an output
    assert OrthogonalRegularization(beta=1.0).penalty(on_weights(params)).tolist() == pytest.approx([0, 0], abs=1e-12)
    params = {"a.weight": params["a.weight"].mT.contiguous()}
    assert (OrthogonalRegularization(beta=1.0).penalty(on_weights(params)) > 1).all()


def test_clipping_by_norm_and_by_value_each_run_alone():
    gradient = torch.tensor([[3.0, 4.0], [0.03, 0.04], [torch.nan, 1.0], [0.0, 0.0]])
    by_norm = GradientClipping(limit=0.5).gradients(PLAYER, gradient)
    assert by_norm[0].tolist() == pytest.approx([0.3, 0.4])
    assert torch.equal(by_norm[1], gradient[1]), "below the limit not a bit changes"
    assert by_norm[3].tolist() == [0.0, 0.0]
    by_value = GradientClipping(limit=3.5, by="value").gradients(PLAYER, gradient)
    assert by_value[0].tolist() == [3.0, 3.5]
    assert torch.equal(by_value[[1, 3]], gradient[[1, 3]])
    assert by_norm[2].isnan().any() and by_value[2].isnan().any()


def test_mode_seeking_is_the_ratio_of_distances():
    z = torch.randn(2, 6, 3, generator=GENERATOR, dtype=torch.float64)
    fake = torch.randn(2, 6, 2, generator=GENERATOR, dtype=torch.float64)
    see = stand_in(DiscriminatorView, z=z, fake=fake, fake_logits=torch.zeros(2, 6))
    value = ModeSeeking(weight=2.0).generator_penalty(see)
    for s in range(2):
        moved = [abs(float(fake[s, i, k] - fake[s, i + 3, k])) for i in range(3) for k in range(2)]
        apart = [abs(float(z[s, i, k] - z[s, i + 3, k])) for i in range(3) for k in range(3)]
        ratio = (sum(moved) / 6) / (sum(apart) / 9)
        assert value[s].item() == pytest.approx(2.0 / (ratio + 1e-5))


def test_mode_seeking_pushes_samples_apart_and_a_collapsed_generator_is_finite():
    z = torch.randn(1, 6, 3, generator=GENERATOR, dtype=torch.float64)
    gain = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    see = stand_in(DiscriminatorView, z=z, fake=gain * z, fake_logits=torch.zeros(1, 6))
    value = ModeSeeking().generator_penalty(see)
    assert value.item() == pytest.approx(1 / (0.1 + 1e-5))
    assert torch.autograd.grad(value.sum(), gain)[0].item() < 0
    see.fake = torch.zeros_like(z)
    assert ModeSeeking().generator_penalty(see).item() == pytest.approx(1e5)


@pytest.mark.parametrize("trick", ["dragan", "r2", "zero_centered_gp"])
def test_slopes_of_single_samples_need_samples_alone(trick):
    assert "other samples" in (incompatibility(small_trial((trick, {}), ("minibatch_discrimination", {}))) or "")
    assert incompatibility(small_trial((trick, {}), ("r1", {}))) is None


def test_no_meaning_beside_each_other():
    assert "fixed size" in (incompatibility(small_trial(("l2_decay", {}), ("spectral_norm", {}))) or "")
    assert "distances" in (incompatibility(small_trial(("mode_seeking", {}), ("packing", {}))) or "")
    assert "two halves" in (incompatibility(small_trial(("mode_seeking", {}), batch=15)) or "")


def dragan(v, t, real, fake):
    mean = real.sum() / real.numel()
    std = math.sqrt(sum((float(x) - mean) ** 2 for x in real.flatten()) / real.numel())
    share, noise = v.take("dragan share"), v.take("dragan noise")
    around = torch.stack([x + a * t.reach * std * u for x, a, u in zip(real, share, noise, strict=True)])
    return t.weight * ((v.slopes(around) - 1) ** 2).mean()


def orthogonal(v, t, real, fake):
    total = 0.0
    for rows in matrices(v):
        gram = torch.tensor([[float(a @ b) for b in rows] for a in rows])
        total += float((gram**2).sum() - (gram.diagonal() ** 2).sum())
    return t.beta * total


def seeking(v, t, real, fake):
    half = len(fake) // 2
    moved = sum((fake[i] - fake[half + i]).abs().mean() for i in range(half)) / half
    apart = sum((v.z[i] - v.z[half + i]).abs().mean() for i in range(half)) / half
    return t.weight / (moved / apart + 1e-5)


ORACLES = (
    TrickOracle(
        "dragan",
        penalty=dragan,
        # Kodali 2017; kodalinaveen3/DRAGAN
        defaults={"weight": 10.0, "reach": 0.5},
    ),
    TrickOracle(
        "r2",
        penalty=lambda v, t, real, fake: t.gamma / 2 * (v.slopes(fake) ** 2).mean(),
        # Mescheder 2018, section 5
        defaults={"gamma": 10.0},
        open={"gamma_final": "annealing is R3GAN's; None is without"},
    ),
    TrickOracle(
        "zero_centered_gp",
        penalty=lambda v, t, real, fake: (
            t.gamma / 2 * (v.slopes(interpolates(v, "zero-centred penalty", real, fake)) ** 2).mean()
        ),
        # λ = 100 without the ½ in the paper; its code has 10 on points and 500 on three digits.
        defaults={"gamma": 200.0},
    ),
    TrickOracle(
        "l1_decay",
        parameters={"weight": 0.1},
        penalty=lambda v, t, *_: t.weight * sum(w.abs().sum() for w in matrices(v)),
        open={"weight": "it depends on the network's size"},
    ),
    TrickOracle(
        "l2_decay",
        parameters={"weight": 0.1},
        penalty=lambda v, t, *_: t.weight / 2 * sum((w**2).sum() for w in matrices(v)),
        open={"weight": "it depends on the network's size"},
    ),
    TrickOracle(
        "orthogonal_regularization",
        parameters={"beta": 0.1},
        penalty=orthogonal,
        # Brock 2019, section 3.1
        defaults={"beta": 1e-4},
    ),
    TrickOracle(
        "mode_seeking",
        generator_penalty=seeking,
        # Mao 2019; HelenMao/MSGAN's DCGAN, which has 1e-5 under the ratio too
        defaults={"weight": 1.0},
    ),
    TrickOracle(
        "gradient_clipping",
        # The gradient itself, which is no objective.
        elsewhere="tests/contracts/test_rules.py::test_clipping_is_that_of_torch",
        # Pascanu 2013, algorithm 1
        defaults={"by": "norm"},
        open={"limit": "'a few times the average norm' of each problem"},
    ),
)
