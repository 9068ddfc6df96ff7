"""Latents: their distributions against scipy's, and where each is used."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from ganbench.suite.plan import incompatibility
from ganbench.tricks.latent import Latent
from ganbench.tricks.truncation import Truncation
from tests.engine import Evaluator, PackedNoise, PackedStep, TrialSetup
from tests.helpers.oracles import TrickOracle
from tests.helpers.trials import small_trial

CPU = torch.device("cpu")
Z = torch.linspace(-4, 4, 801, dtype=torch.float64).unsqueeze(-1)


def test_uniform_has_the_uniform_distribution():
    """The map is monotone and takes the normal's quantiles to the uniform's."""
    expected = stats.uniform(-1, 2).ppf(stats.norm.cdf(Z.numpy()))
    torch.testing.assert_close(Latent().latent(Z), torch.from_numpy(expected))


def test_sphere_keeps_the_direction_and_the_length():
    z = torch.randn(2, 5, 9, generator=torch.Generator().manual_seed(0))
    there = Latent(distribution="sphere").latent(z)
    torch.testing.assert_close(there.norm(dim=-1), torch.full((2, 5), 3.0))
    torch.testing.assert_close(torch.cosine_similarity(there, z, dim=-1), torch.ones(2, 5))


@pytest.mark.parametrize("threshold", [0.1, 0.5, 2.0])
def test_truncated_quantiles(threshold):
    expected = stats.truncnorm(-threshold, threshold).ppf(stats.norm.cdf(Z.numpy()))
    torch.testing.assert_close(Truncation(threshold=threshold).evaluation_latent(Z), torch.from_numpy(expected))
    far = Truncation(threshold=threshold).evaluation_latent(torch.tensor([-40.0, 40.0]))
    assert far.tolist() == pytest.approx([-threshold, threshold])


def latents(*tricks):
    """Return what the generator gets in training and in evaluation."""
    trial = small_trial(*tricks)
    setup = TrialSetup(trial, CPU)
    d, g = setup.players(trial.seeds)
    return PackedStep(setup, d, g, PackedNoise(trial.seeds, CPU), 0.0, False).minibatch().z, Evaluator(
        setup, trial.seeds
    ).z


def test_where_they_are_used():
    plain = latents()
    for here, there in zip(latents(("latent", {})), plain, strict=True):
        torch.testing.assert_close(here, torch.erf(there / 2**0.5))
    truncated = latents(("truncation", {}))
    assert torch.equal(truncated[0], plain[0])
    assert truncated[1].abs().max() <= 0.5 < plain[1].abs().max()


def test_only_normal_latents_are_truncated():
    assert "normal latents" in (incompatibility(small_trial(("latent", {}), ("truncation", {}))) or "")


ORACLES = (
    TrickOracle(
        "latent",
        latent=lambda t, z: 2 * torch.distributions.Normal(0.0, 1.0).cdf(z) - 1,
        # Radford 2016, section 4
        defaults={"distribution": "uniform"},
    ),
    TrickOracle(
        "truncation",
        # Evaluation alone, which is no objective.
        elsewhere="tests/tricks/test_latent_tricks.py::test_truncated_quantiles",
        open={"threshold": "a choice of variety against quality; Brock 2019 shows 2, 1, 0.5 and 0.04"},
    ),
)
