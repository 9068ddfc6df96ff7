"""What each number does not see: why modes, quality, balance and one distance are read together."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from ganbench.metrics.energy_distance import EnergyDistance
from ganbench.metrics.kid import KID
from ganbench.metrics.modes import Modes
from ganbench.metrics.precision_recall import PrecisionRecall
from ganbench.metrics.wasserstein import Wasserstein
from tests.helpers.metric_samples import CPU, RING, describe, generator, points, score

N, SETS = 1000, 8
UNEVEN = torch.tensor([0.3] + [0.1] * 7)


def skewed(sets: int, seed: int) -> torch.Tensor:
    """Return `[sets, n, 2]` points of the ring with three tenths of them in the first mode."""
    mode = torch.multinomial(UNEVEN, sets * N, replacement=True, generator=generator(seed)).reshape(sets, N)
    noise = torch.randn(sets, N, 2, generator=generator(seed + 1))
    return RING.load(CPU).centres[mode] + RING.sigma * noise


def means(metric, fake, real) -> dict[str, float]:
    return {name: float(value.mean()) for name, value in score(metric, fake, real).items()}


def test_doubled_modes_are_hardly_seen_by_distances():
    """KID's and the energy distance's deviations are .029 and .0036 a pair: five of the mean of 8, which share the real
    set, so four more for that one. The exact W2 is .38 ± .075 between real sets and .77 without one of the modes."""
    real, wide = points(N, 1), points(N, 2, sets=SETS, widen=2.0)
    assert abs(means(KID(), wide, real)["kid"]) < 5 * 0.029 * math.sqrt(1 / SETS + 1 / 2)
    # Within a mode 2 E|X − Y| − E|X − X′| − E|Y − Y′| is σ(2√5·√(π/2) − 3√π) = .288σ, and one pair in 8 is in one.
    rise = (2 * math.sqrt(5 * math.pi / 2) - 3 * math.sqrt(math.pi)) * RING.sigma / 8
    assert rise == pytest.approx(0.0018, abs=1e-4)
    found = means(EnergyDistance(), wide, real)["energy_distance"]
    assert found == pytest.approx(rise, abs=5 * 0.0036 * math.sqrt(1 / SETS + 1 / 2))
    assert means(Wasserstein(), wide[:3], real)["wasserstein"] < 0.38 + 5 * 0.075 * math.sqrt(1 / 3 + 1 / 2)
    # Quality sees it at once: e^{−9/8} of a mode twice as wide lies beyond 3σ.
    quality = means(Modes(), wide, real)["hq_fraction"]
    assert quality == pytest.approx(-math.expm1(-9 / 8), abs=5 * math.sqrt(0.675 * 0.325 / (N * SETS)))


def least_cost() -> float:
    """Return W₂² from the uneven shares to even ones between the ring's centres, by a linear programme."""
    centres = RING.load(CPU).centres.double()
    cost = torch.cdist(centres, centres).square().numpy().flatten()
    rows = np.kron(np.eye(8), np.ones(8))
    columns = np.kron(np.ones(8), np.eye(8))
    shares = np.concatenate((UNEVEN.double().numpy(), np.full(8, 1 / 8)))
    return float(linprog(cost, A_eq=np.concatenate((rows, columns)), b_eq=shares).fun)


def test_uneven_modes_are_hardly_seen_by_neighbours():
    """Recall and coverage of a generator with weight .3 on one mode stay near real samples'; W2 doubles.

    A ball of a real point with 5 neighbours has no generated point with probability (1 + r)⁻⁵ where the densities'
    ratio is r: 2.4 in the heavy mode and .8 in the seven others. Coverage has a deviation of .007 a set, so four of the
    mean of 8 are .01; recall as among real samples.
    """
    real, fake = points(N, 1), skewed(SETS, 3)
    found = means(PrecisionRecall(), fake, real)
    coverage = 1 - (7 * 1.8**-5 + 3.4**-5) / 8
    assert coverage == pytest.approx(0.953, abs=1e-3)
    assert found["coverage"] == pytest.approx(coverage, abs=0.01)
    assert found["recall"] == pytest.approx(0.988, abs=0.01)
    modes = score(Modes(), fake, real)
    assert (modes["modes_captured"] == 8).all()
    # The balance sees it: Σ p log 8p, whose standard error is below .01 for 8,000 samples.
    kl = float((UNEVEN * (8 * UNEVEN).log()).sum())
    assert float(modes["mode_kl"].mean()) == pytest.approx(kl, abs=5 * 0.01)
    # And W2: what moving the surplus between the modes costs. The sampled shares let one value deviate by .04,
    # as much again for the real set that the three share: five of both.
    assert math.sqrt(least_cost()) == pytest.approx(0.968, abs=1e-3)
    w2 = means(Wasserstein(), fake[:3], real)["wasserstein"]
    assert w2 == pytest.approx(math.sqrt(least_cost()), abs=5 * 0.04 * math.sqrt(1 / 3 + 1))


def test_a_missing_mode_is_not_seen_by_precision_and_density():
    """Seven of eight modes: all that is there is good, and only what looks for real samples misses it."""
    real, fake = points(N, 1), points(N, 5, modes=tuple(range(7)))
    found = means(PrecisionRecall(), fake, real)
    assert found["precision"] > 0.97
    assert found["density"] > 0.9
    assert found["recall"] < 0.9
    assert found["coverage"] < 0.9
    assert float(describe(fake).good.double().mean()) > 0.97
