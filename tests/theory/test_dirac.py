"""The Dirac-GAN and the bilinear game through the real engine, against their closed forms.

Mescheder et al. 2018 (eigenvalues, growth), Gidel et al. 2019 (alternation), Daskalakis et al. 2018 (optimism),
Chavdarova et al. 2021 (lookahead). Everything runs in float64, so that six digits mean something.
"""

from __future__ import annotations

import cmath
from math import sqrt

import numpy as np
import pytest
import torch

from tests.engine import PackedNoise, TrialSetup, gan_step
from tests.helpers.trials import small_trial


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def play(loss, *tricks, start, h=0.1, steps=1, update="simultaneous", **changes):
    """Return (θ, ψ) after each step of gradient descent, from each row of `start` a seed: `[seeds, steps + 1, 2]`."""
    start = torch.as_tensor(start, dtype=torch.float64).reshape(-1, 2)
    seeds = tuple(range(len(start)))
    trial = small_trial(
        *tricks,
        dataset=("dirac", {}),
        network=("dirac", {}),
        loss=(loss, {}),
        optimizer=("sgd", {"lr": h}),
        seeds=seeds,
        steps=steps,
        batch=2,
        update=update,
        **changes,
    )
    setup = TrialSetup(trial, torch.device("cpu"))
    d, g = setup.players(seeds)
    g.flat[:, 0], d.flat[:, 0] = start[:, 0], start[:, 1]
    noise, last, path = PackedNoise(seeds, torch.device("cpu")), None, [start]
    for step in range(1, steps + 1):
        last = gan_step(setup, d, g, noise, step, previous=last)
        path.append(torch.stack((g.flat[:, 0], d.flat[:, 0]), dim=1).clone())
    return torch.stack(path, dim=1).numpy()


def operator(*args, at=1e-6, **kwargs):
    """Return the matrix of one step, linearised at 0."""
    return play(*args, start=[[at, 0.0], [0.0, at]], **kwargs)[:, 1].T / at


def field_eigenvalues(loss, *tricks, **changes):
    """Return the eigenvalues of v = −grad at 0, from a simultaneous step of size h: ω + h v."""
    return np.linalg.eigvals((operator(loss, *tricks, h=0.1, **changes) - np.eye(2)) / 0.1)


def assert_pair(found, expected, tolerance=1e-6):
    key = lambda z: (round(z.real, 9), z.imag)  # noqa: E731
    assert sorted(found, key=key) == pytest.approx(sorted(expected, key=key), abs=tolerance)


@pytest.mark.parametrize(
    ("loss", "imaginary"),
    [("minimax", 0.5), ("non_saturating", 0.5), ("relativistic_paired", 0.5), ("wasserstein", 1.0), ("hinge", 1.0)],
)
def test_eigenvalues_of_the_losses(loss, imaginary):
    assert_pair(field_eigenvalues(loss), [1j * imaginary, -1j * imaginary])


@pytest.mark.parametrize("gamma", [0.3, 0.9, 2.0])
def test_eigenvalues_with_r1(gamma):
    root = cmath.sqrt(gamma**2 / 4 - 0.25)
    assert_pair(field_eigenvalues("non_saturating", ("r1", {"gamma": gamma})), [-gamma / 2 + root, -gamma / 2 - root])


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_eigenvalues_with_consensus(gamma):
    found = field_eigenvalues("non_saturating", ("consensus", {"gamma": gamma}))
    assert_pair(found, [-gamma / 4 + 0.5j, -gamma / 4 - 0.5j])


def growth(path):
    """Return the factor by which the distance to 0 changes a step."""
    radius = np.linalg.norm(path, axis=-1)
    return (radius[..., -1] / radius[..., 0]) ** (1 / (radius.shape[-1] - 1))


def test_simultaneous_descent_spirals_out():
    assert growth(play("minimax", start=[1e-5, 1e-5], steps=200)).item() == pytest.approx(sqrt(1 + 0.01 / 4), abs=1e-6)
    assert growth(play("wasserstein", start=[1.0, 1.0], steps=200)).item() == pytest.approx(sqrt(1.01), abs=1e-9)


@pytest.mark.parametrize(("n_g", "n_d"), [(1, 1), (1, 5), (3, 1)])
@pytest.mark.parametrize("h", [0.1, 0.5])
def test_alternating_eigenvalues(n_g, n_d, h):
    """1 − α²/2 ± √((1 − α²/2)² − 1), α = h/2 · √(n_g n_d), over a whole cycle: modulus 1 while α ≤ 2."""
    cycle = operator("minimax", h=h, update="alternating", n_critic=n_d, n_generator=n_g, steps=n_g)
    if n_g > 1:
        start = [[1e-6, 0.0], [0.0, 1e-6]]
        path = play("minimax", start=start, h=h, update="alternating", n_critic=n_d, n_generator=n_g, steps=n_g)
        cycle = path[:, -1].T / 1e-6
    alpha = h / 2 * sqrt(n_g * n_d)
    half = 1 - alpha**2 / 2
    root = cmath.sqrt(half**2 - 1)
    assert_pair(np.linalg.eigvals(cycle), [half + root, half - root])
    assert np.abs(np.linalg.eigvals(cycle)) == pytest.approx([1, 1], abs=1e-9)


def test_alternation_conserves_an_ellipse_on_the_bilinear_game():
    path = play("wasserstein", start=[1.0, 1.0], update="alternating", steps=500)[0]
    theta, psi = path[:, 0], path[:, 1]
    kept = theta**2 + psi**2 - 0.1 * theta * psi
    other = theta**2 + psi**2 + 0.1 * theta * psi
    assert min(np.ptp(kept), np.ptp(other)) < 1e-9


@pytest.mark.parametrize(
    ("trick", "factor"),
    [
        (("extragradient", {}), sqrt(1 - 0.01 + 0.0001)),
        (("optimistic", {}), 0.9949362),
        (("lookahead", {"k": 5, "alpha": 0.5}), 0.9813269),
    ],
)
def test_cures_of_rotation_contract_the_bilinear_game(trick, factor):
    """Growth a step over 1,000 steps; for lookahead the factor is that of a round of k = 5 steps."""
    path = play("wasserstein", trick, start=[1.0, 1.0], steps=1000)
    rate = growth(path[:, 100:]).item()
    assert (rate**5 if trick[0] == "lookahead" else rate) == pytest.approx(factor, abs=1e-6)


@pytest.mark.parametrize(("h", "stable"), [(0.57, True), (0.585, False)])
def test_optimism_is_stable_below_one_over_root_three(h, stable):
    path = play("wasserstein", ("optimistic", {}), start=[1.0, 1.0], h=h, steps=2000)
    assert (growth(path[:, 500:]).item() < 1) == stable


@pytest.mark.parametrize(
    ("loss", "tricks", "update", "radius"),
    [
        ("wasserstein", (), "simultaneous", 2.96e4),
        ("wasserstein", (), "alternating", 1.37),
        ("non_saturating", (), "alternating", 0.200),
    ],
)
def test_who_converges_from_one_one(loss, tricks, update, radius):
    """h = 0.1, 2,000 steps from (1, 1): the distance to the equilibrium at the end."""
    path = play(loss, *tricks, start=[1.0, 1.0], steps=2000, update=update)
    assert np.linalg.norm(path[0, -1]) == pytest.approx(radius, rel=0.01)


def test_the_gradient_penalty_of_wgan_gp_does_not_converge():
    """Against the recursion written out: D descends ψθ + λ(|ψ| − 1)², then G descends −ψθ; λ = 0.1, h = 0.1."""
    path = play(
        "wasserstein", ("gradient_penalty", {"weight": 0.1}), start=[1.0, 1.0], steps=2000, update="alternating"
    )
    theta = psi = 1.0
    for _ in range(2000):
        psi -= 0.1 * (theta + 0.2 * (abs(psi) - 1) * np.sign(psi))
        theta += 0.1 * psi
    assert path[0, -1] == pytest.approx([theta, psi], abs=1e-6)
    assert np.linalg.norm(path[0, -500:], axis=-1).min() > 0.9


def test_r1_converges_where_nothing_else_does():
    path = play("non_saturating", ("r1", {"gamma": 0.3}), start=[1.0, 1.0], steps=2000, update="alternating")
    assert np.linalg.norm(path[0, -1]) == pytest.approx(5e-14, rel=0.2)


def test_simultaneous_non_saturating_has_a_limit_cycle():
    """Radius about √(2h) from inside and outside."""
    path = play("non_saturating", start=[[0.25, 0.0], [1.0, 1.0]], h=0.1, steps=3000)
    radius = np.linalg.norm(path[:, -500:], axis=-1).mean(-1)
    assert radius == pytest.approx([sqrt(2 * 0.1)] * 2, rel=0.15)
