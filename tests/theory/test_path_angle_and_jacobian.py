"""The game as a field through the real engine: closed forms of the Dirac-GAN, Jacobians by differences."""

from __future__ import annotations

import cmath
from math import sqrt

import numpy as np
import pytest
import torch

from ganbench.core import registry
from ganbench.diagnostics import Diagnostic, Step
from ganbench.diagnostics.game_jacobian import _on_vectors, spectrum
from ganbench.diagnostics.path_angle import path
from ganbench.losses import Loss
from tests.engine import GameVectorField, Trainer
from tests.helpers.present import present
from tests.helpers.stand_in import stand_in
from tests.helpers.trials import choose, small_trial

DIRAC = {"dataset": ("dirac", {}), "network": ("dirac", {}), "batch": 2, "metrics": ()}


def field_of(*tricks, start=None, seeds=(0,), **changes):
    """Return the field at the weights of a trial that has made no step; of Dirac's at (θ, ψ) = `start`, or 0."""
    changes = {"diagnostics": (choose("diagnostic", "path_angle"),), "seeds": seeds, "steps": 100, **changes}
    trainer = Trainer(small_trial(*tricks, **changes))
    if start is not None:
        trainer.g.flat[:, 0], trainer.d.flat[:, 0] = start
    return GameVectorField(present(trainer.probe), trainer.d, trainer.g, present(trainer.start), 0.5)


LOSS = registry.build(Loss, "non_saturating", {})  # that there is one, and no trick replaces it


def observe(name, field, **parameters):
    with torch.no_grad():
        found = registry.build(Diagnostic, name, parameters).observe(
            stand_in(Step, d=None, g=None, loss=LOSS, field=field)
        )
    return {column: value.tolist() for column, value in found.items()}


def eigenvalues(field, seed=0):
    n = field.weights.shape[-1]
    return spectrum(_on_vectors(field.vjp(seed), field.weights), n, 6)


def assert_pair(found, expected):
    key = lambda z: (round(z.real, 7), z.imag)  # noqa: E731
    assert sorted(found, key=key) == pytest.approx(sorted(expected, key=key), abs=1e-9)


@pytest.mark.parametrize(
    ("loss", "imaginary"),
    [("minimax", 0.5), ("non_saturating", 0.5), ("relativistic_paired", 0.5), ("wasserstein", 1.0), ("hinge", 1.0)],
)
def test_the_dirac_gan_turns_at_its_equilibrium(loss, imaginary):
    field = field_of(loss=(loss, {}), start=(0.0, 0.0), **DIRAC)
    assert_pair(eigenvalues(field), [1j * imaginary, -1j * imaginary])
    found = observe("game_jacobian", field)
    assert found["jacobian_real_max"] == pytest.approx([0.0], abs=1e-12)
    assert found["jacobian_imag_max"] == found["jacobian_radius"] == pytest.approx([imaginary])
    assert found["jacobian_rotation"] == pytest.approx([1.0])
    assert found["jacobian_found"] == [2.0]


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0])
def test_r1_attracts(gamma):
    field = field_of(("r1", {"gamma": gamma}), start=(0.0, 0.0), **DIRAC)
    root = cmath.sqrt(gamma**2 / 4 - 0.25)
    found = sorted(eigenvalues(field), key=lambda z: (z.imag, z.real))
    expected = sorted([-gamma / 2 + root, -gamma / 2 - root], key=lambda z: (z.imag, z.real))
    assert found == pytest.approx(expected, abs=1e-6)  # a double one is known to the root of the precision


def test_the_bilinear_game_has_one_jacobian_everywhere():
    field = field_of(loss=("wasserstein", {}), start=(1.7, -0.4), **DIRAC)
    assert_pair(eigenvalues(field), [1j, -1j])


def dense(field):
    """Return every seed's Jacobian by central differences of the velocity, `[S, P, P]`: no derivative of a gradient."""
    h, here, columns = 1e-6, field.weights, []
    for i in range(here.shape[1]):
        up, down = here.clone(), here.clone()
        up[:, i] += h
        down[:, i] -= h
        columns.append((field.velocity(up) - field.velocity(down)) / (2 * h))
    return torch.stack(columns, dim=-1)


SMOOTH = {"network": ("mlp", {"latent": 2, "width": 4, "depth": 1})}
# The slope of a ReLU network does not change with x, so that only a smooth one sees a penalty pull the generator.
TANH = {"network": ("mlp", {"latent": 2, "width": 4, "depth": 1, "d_activation": "tanh"})}
CASES = {
    "r2, smooth": ((("r2", {}),), TANH),
    "wgan-gp, smooth": ((("gradient_penalty", {}),), {"loss": ("wasserstein", {}), **TANH}),
    "plain": ((), {}),
    "wasserstein": ((), {"loss": ("wasserstein", {})}),
    "relativistic": ((), {"loss": ("relativistic_average", {})}),
    "r1": ((("r1", {}),), {}),
    "r2": ((("r2", {}),), {}),
    "wgan-gp": ((("gradient_penalty", {}),), {"loss": ("wasserstein", {})}),
    "zero-centred": ((("zero_centered_gp", {}),), {}),
    "packing": ((("packing", {}),), {}),
    "weight norm": ((("weight_norm", {}),), {}),
    "layer norm": ((("layer_norm", {}),), {}),
    "stddev": ((("minibatch_stddev", {}),), {}),
    "noise": ((("instance_noise", {}),), {}),
    "smoothing": ((("label_flipping", {}),), {}),
}


@pytest.mark.parametrize("case", CASES)
def test_products_are_those_of_the_dense_jacobian(case):
    """Central differences are right to 1e-9 of the largest entry, unless a ReLU turns on within h."""
    tricks, changes = CASES[case]
    field = field_of(*tricks, seeds=(0, 1), **{**SMOOTH, **changes})
    jacobian = dense(field)
    for seed in range(2):
        n = jacobian.shape[-1]
        rows = field.vjp(seed)
        found = torch.cat([rows(torch.eye(n, dtype=torch.float64)[i : i + 1]) for i in range(n)])
        scale = jacobian[seed].abs().max()
        assert float((found - jacobian[seed]).abs().max() / scale) < 1e-6
        together = field.vjp()(torch.eye(n, dtype=torch.float64)[:1].expand(2, n))
        torch.testing.assert_close(together[seed], found[0], rtol=1e-9, atol=1e-12)


def test_outer_eigenvalues_are_those_of_the_dense_jacobian():
    """n = 658 weights: the search by products against LAPACK on the whole matrix."""
    field = field_of(("r1", {}), network=("mlp", {"latent": 2, "width": 16, "depth": 2}), batch=32)
    n = field.weights.shape[1]
    assert 500 < n <= 700
    product = _on_vectors(field.vjp(0), field.weights)
    exact = np.linalg.eigvals(dense(field)[0].numpy())
    found = spectrum(product, n, 6, dense=0)
    assert len(found) >= 6
    # Re-finding: each that was found is one of the matrix, and each extreme of the matrix was found.
    scale = np.abs(exact).max()
    assert max(np.abs(exact - value).min() for value in found) / scale < 1e-6
    assert np.abs(found).max() == pytest.approx(np.abs(exact).max(), rel=1e-6)
    assert np.imag(found).max() == pytest.approx(np.imag(exact).max(), abs=1e-6 * scale)
    assert np.real(found).max() == pytest.approx(np.real(exact).max(), abs=1e-6 * scale)


def test_each_seed_has_its_own_eigenvalues():
    field = field_of(seeds=(0, 1, 2), **SMOOTH)
    together = observe("game_jacobian", field)
    for seed in range(3):
        alone = field_of(seeds=(seed,), **SMOOTH)
        one = observe("game_jacobian", alone)
        assert [together[c][seed] for c in together] == pytest.approx([one[c][0] for c in one], rel=1e-6)


SHARES = torch.linspace(-0.1, 1.1, 25, dtype=torch.float64)


def linear(matrix, start, here) -> GameVectorField:
    """Return v = −Aω from a start to a point."""
    a = torch.tensor(matrix, dtype=torch.float64)
    first, last = (torch.tensor([x], dtype=torch.float64) for x in (start, here))
    return stand_in(
        GameVectorField,
        undefined=None,
        start=first,
        weights=last,
        velocity=lambda weights, minibatch=0: -weights @ a.T,
    )


def test_the_path_angle_of_attraction_goes_from_1_to_minus_1():
    cosine, norm = path(linear([[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0], [0.0, 0.0]), SHARES)
    expected = torch.sign(1 - SHARES).where((SHARES - 1).abs() > 1e-9, 0.0)
    away = (SHARES - 1).abs() > 1e-9
    torch.testing.assert_close(cosine[away, 0], expected[away])
    torch.testing.assert_close(norm[:, 0], 5 * (1 - SHARES).abs(), rtol=0, atol=1e-12)


def test_the_path_angle_of_a_rotation_is_0():
    field = linear([[0.0, -1.0], [1.0, 0.0]], [3.0, 4.0], [0.0, 0.0])
    assert path(field, SHARES)[0].abs().max() < 1e-9
    assert observe("path_angle", field)["path_angle_flip"] == pytest.approx([0.0], abs=1e-9)


def test_a_rotation_has_a_bump_where_training_is_beside_its_centre():
    field = linear([[0.0, -1.0], [1.0, 0.0]], [1.0, 0.0], [0.0, 0.02])
    found = observe("path_angle", field)
    assert found["path_angle_bump"][0] > 0.5
    assert abs(found["path_angle_flip"][0]) < 0.1


def arrived(*tricks, loss):
    """Return the path's summary from (θ, ψ) = (1, 0.5) to the equilibrium."""
    field = field_of(*tricks, loss=(loss, {}), start=(0.0, 0.0), **DIRAC)
    g, d = field._start
    field._start = torch.full_like(g, 0.5), torch.full_like(d, 1.0)
    return field, observe("path_angle", field)


@pytest.mark.parametrize("loss", ["wasserstein", "non_saturating"])
def test_the_dirac_gan_only_turns(loss):
    field, found = arrived(loss=loss)
    assert found["path_angle_flip"] == pytest.approx([0.0], abs=1e-6 if loss == "wasserstein" else 0.05)
    assert found["path_norm"] == pytest.approx([0.0], abs=1e-12)
    assert found["path_norm_low"] == pytest.approx([1.0])


def test_the_dirac_gan_with_r1_attracts():
    """v = (ψ s'(·), −θ s'(·) − γψ): the cosine by hand at α = 0.95 and 1.05, for γ = 2."""
    field, found = arrived(("r1", {"gamma": 2.0}), loss="wasserstein")
    cosine = 2.0 * 0.5**2 / (1.25**0.5 * sqrt(0.5**2 + (1.0 + 2.0 * 0.5) ** 2))
    # v_θ = ψ and v_ψ = −θ − γψ on the Wasserstein Dirac-GAN; the way goes along −(θ, ψ) = −(1, ½).
    assert found["path_angle_flip"] == pytest.approx([cosine], rel=1e-9)
    assert found["path_norm_low"] == pytest.approx([1.0])


def test_the_duality_gap_of_the_bilinear_game():
    """M = −ψθ; k steps of h move ψ by −khθ and θ by khψ, so the gap is kh(θ² + ψ²)."""
    sgd = {"optimizer": ("sgd", {"lr": 0.01})}
    field = field_of(loss=("wasserstein", {}), start=(0.8, -0.3), **DIRAC, **sgd)
    found = observe("duality_gap", field, steps=20)
    assert found["duality_gap"] == pytest.approx([20 * 0.01 * (0.8**2 + 0.3**2)], rel=1e-5)
    assert found["minimax_value"] == pytest.approx([0.24 + 0.2 * 0.8**2], rel=1e-5)
    field = field_of(loss=("wasserstein", {}), start=(0.0, 0.0), **DIRAC, **sgd)
    assert observe("duality_gap", field)["duality_gap"] == [0.0]


def test_update_rules_have_no_field():
    field = field_of(("consensus", {}), **SMOOTH)
    assert field.undefined == "consensus has an update rule of its own"
    for name in ("path_angle", "game_jacobian", "gradient_snr"):
        assert observe(name, field) == {}


def test_a_loss_with_a_state_has_no_duality_gap():
    field = field_of(loss=("began", {}), network=("autoencoder", {"latent": 2, "width": 4, "d_width": 4}))
    assert observe("duality_gap", field) == {}
