"""The map of `suites/stability_map.yaml` against the eigenvalues of the linear game that the Dirac-GAN is there."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.loaded import load
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from tests.engine import run_plan
from tests.helpers import ROOT

CELLS = 9


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    suite = read_suite(ROOT / "suites/stability_map.yaml", ["steps=200"])
    plan = make_plan(suite, only="dataset=dirac")
    folder = tmp_path_factory.mktemp("results")
    outcome = run_plan(plan, folder, executor="local")
    return load(outcome.folder).tables.runs


def spectral_radius(rate_g: float, rate_d: float, gamma: float) -> float:
    """Return the largest |eigenvalue| of one alternating step (ψ, θ) → (ψ − h_d(θ + γψ), θ + h_g ψ′), by hand."""
    step_d = np.array([[1 - rate_d * gamma, -rate_d], [0, 1]])
    step_g = np.array([[1, 0], [rate_g, 1]])
    return float(np.abs(np.linalg.eigvals(step_g @ step_d)).max())


@pytest.mark.parametrize(("trick", "gamma"), [("none", 0.0), ("r1", 1.0)])
def test_the_stable_region_of_the_dirac_gan_is_that_of_its_eigenvalues(runs, trick, gamma):
    mine = runs[runs["tricks"].str.startswith(trick)].sort_values(["optimizer.lr", "optimizer.d_over_g"])
    rates = mine["optimizer.lr"].to_numpy(dtype=float)
    ratios = mine["optimizer.d_over_g"].to_numpy(dtype=float)
    radius = np.array([spectral_radius(g, g * ratio, gamma) for g, ratio in zip(rates, ratios, strict=True)])
    stable = (radius <= 1 + 1e-9).reshape(CELLS, CELLS)
    survived = (mine["status"] == "OK").to_numpy().reshape(CELLS, CELLS)
    padded = np.pad(stable, 1, mode="edge")
    around = [padded[i : i + CELLS, j : j + CELLS] for i in range(3) for j in range(3)]
    inside = np.all([cell == stable for cell in around], axis=0)  # not within one cell of the border
    assert inside.sum() > 40
    assert stable[inside].any()
    assert not stable[inside].all()
    assert (survived == stable)[inside].all()
