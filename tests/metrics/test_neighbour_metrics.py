"""Precision, recall, density, coverage, memorisation and the birthday test against packages, loops and known values."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import prdc
import pytest
import torch

from ganbench.assets.fidelity import import_torchvision
from ganbench.metrics.birthday import Birthday
from ganbench.metrics.memorisation import Memorisation
from ganbench.metrics.precision_recall import PrecisionRecall
from tests.helpers.metric_samples import blob, generator, points, score

ONE = torch.ones(1, dtype=torch.float64)


def normal(n, d, seed, shift=0.0):
    return torch.randn(n, d, generator=generator(seed), dtype=torch.float64) + shift


def loops(x, y, k):
    """The four numbers straight from their definitions."""
    radius = lambda s, i: sorted(float((s[i] - s[j]).norm()) for j in range(len(s)) if j != i)[k - 1]  # noqa: E731
    real, fake = [radius(y, i) for i in range(len(y))], [radius(x, i) for i in range(len(x))]
    gap = [[float((a - b).norm()) for b in y] for a in x]
    n, m = range(len(x)), range(len(y))
    return {
        "precision": sum(any(gap[i][j] <= real[j] for j in m) for i in n) / len(x),
        "recall": sum(any(gap[i][j] <= fake[i] for i in n) for j in m) / len(y),
        "density": sum(gap[i][j] < real[j] for i in n for j in m) / (k * len(x)),
        "coverage": sum(any(gap[i][j] < real[j] for i in n) for j in m) / len(y),
    }


@pytest.mark.parametrize(("n", "m", "d", "k"), [(30, 41, 2, 5), (41, 30, 12, 3), (12, 12, 1, 1), (6, 40, 30, 5)])
def test_precision_recall_equal_their_definitions(n, m, d, k):
    x, y = normal(n, d, 1, shift=0.3), normal(m, d, 2)
    found = PrecisionRecall(k=k).compute(blob(x), blob(y), ONE)
    for name, value in loops(x, y, k).items():
        assert float(found[name]) == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("d", [2, 64])
def test_precision_recall_equal_the_packages(d):
    import_torchvision()
    from torch_fidelity.metric_prc import prc_features_to_metric

    x, y = normal(500, d, 3, shift=0.2), normal(400, d, 4)
    found = PrecisionRecall(k=5).compute(blob(x), blob(y), ONE)
    for name, value in prdc.compute_prdc(y.numpy(), x.numpy(), nearest_k=5).items():
        assert float(found[name]) == pytest.approx(value, rel=1e-6), name
    theirs = prc_features_to_metric(x, y, prc_neighborhood=5, verbose=False)
    for name in ("precision", "recall"):
        assert float(found[name]) == pytest.approx(theirs[name], rel=1e-6), name


def test_a_balls_rim_belongs_to_it_as_in_each_package():
    """On a lattice most distances tie: ≤ for precision and recall (torch-fidelity), < for the others (prdc)."""
    import_torchvision()
    from torch_fidelity.metric_prc import prc_features_to_metric

    x, y = ((normal(120, 2, seed) * 4).round() for seed in (21, 22))
    found = {name: float(v) for name, v in PrecisionRecall(k=3).compute(blob(x), blob(y), ONE).items()}
    closed = prc_features_to_metric(x, y, prc_neighborhood=3, verbose=False)
    opened = prdc.compute_prdc(y.numpy(), x.numpy(), nearest_k=3)
    assert all(found[name] == pytest.approx(closed[name], rel=1e-6) for name in ("precision", "recall"))
    assert all(found[name] == pytest.approx(opened[name], rel=1e-6) for name in ("density", "coverage"))
    # The other rim gives other numbers, or this shows nothing.
    assert abs(closed["precision"] - opened["precision"]) > 0.02
    assert abs(closed["recall"] - opened["recall"]) > 0.02


def test_precision_and_recall_are_not_swapped():
    real = points(400, 5)
    few = score(PrecisionRecall(), points(400, 6, modes=(0, 1)), real)
    assert few["precision"] > 0.95
    assert few["recall"] < 0.35
    wide = score(PrecisionRecall(), points(400, 6, widen=6.0), real)
    assert wide["precision"] < 0.4
    assert wide["recall"] > 0.9


def test_neighbours_of_real_samples():
    """Theory: 1 − Π_{i=1..k} (n − i)/(2n − i), for precision, recall and coverage alike, without the edges' effect.

    The first two are higher, because a sample has several balls to fall into. Coverage of n = 1000 has a standard
    deviation near 0.007: four of it around the mean of 8 sets is 0.01, missed in 1 of 10,000 runs.
    """
    n, k = 1000, 5
    theory = 1 - math.prod((n - i) / (2 * n - i) for i in range(1, k + 1))
    found = score(PrecisionRecall(), points(n, 7, sets=8), points(n, 8))
    mean = {name: float(value.mean()) for name, value in found.items()}
    assert mean["coverage"] == pytest.approx(theory, abs=0.01)
    assert mean["precision"] == pytest.approx(0.986, abs=0.01)
    assert mean["recall"] == pytest.approx(0.988, abs=0.01)
    assert mean["density"] == pytest.approx(1.0, abs=0.06)


def test_twice_the_spread_costs_precision_and_density():
    """0.756 and 0.583 by prdc, of 40 pairs of sets drawn by another program, with deviations of 0.019 and 0.023 a pair.

    All eight sets here share one real set: four deviations of one pair, missed in fewer than 1 of 5,000 runs.
    """
    found = score(PrecisionRecall(), points(1000, 7, sets=8, widen=2.0), points(1000, 8))
    assert float(found["precision"].mean()) == pytest.approx(0.756, abs=4 * 0.019)
    assert float(found["density"].mean()) == pytest.approx(0.583, abs=4 * 0.023)
    assert float(found["recall"].mean()) > 0.98


def test_a_collapse_onto_one_real_point_fools_density_alone():
    real = points(300, 9)
    # The point in most balls: density counts them.
    gaps = torch.cdist(real.double(), real.double())
    popular = int((gaps < gaps.kthvalue(6, dim=1).values).sum(1).argmax())
    found = score(PrecisionRecall(), real[popular].expand(300, 2), real)
    assert found["density"] > 1.3
    assert found["precision"] == 1
    assert found["recall"] <= 0.01
    assert found["coverage"] < 0.1


def test_too_few_samples_for_k_are_undefined():
    found = PrecisionRecall(k=5).compute(blob(normal(5, 2, 0)), blob(normal(50, 2, 1)), ONE)
    assert all(value.isnan() for value in found.values())
    found = PrecisionRecall(k=5).compute(blob(normal(6, 2, 0)), blob(normal(50, 2, 1)), ONE)
    assert not any(value.isnan() for value in found.values())


def remembered(fake, train, heldout):
    return Memorisation().compute(blob(fake), dataclasses.replace(blob(heldout), training=train), ONE)


def test_memorisation_equals_a_loop():
    fake, train, heldout = normal(25, 3, 1), normal(30, 3, 2), normal(30, 3, 3)
    near = lambda a, s: min(float((a - b).norm()) for b in s)  # noqa: E731
    nearer = [float(near(a, train) < near(a, heldout)) for a in fake]
    own = [min(float((train[i] - train[j]).norm()) for j in range(30) if j != i) for i in range(30)]
    which = [min(range(30), key=lambda i: float((a - train[i]).norm())) for a in fake]
    found = remembered(fake, train, heldout)
    assert float(found["memorisation"]) == pytest.approx(sum(nearer) / 25, abs=1e-12)
    authentic = sum(near(a, train) > own[i] for a, i in zip(fake, which, strict=True)) / 25
    assert float(found["authenticity"]) == pytest.approx(authentic, abs=1e-12)


def test_memorisation_of_honest_samples_and_of_copies():
    """Honest: 0.5 and about 0.4. The sets of 400 give standard deviations of 0.025; four of them are allowed for, of
    the mean of 8 samples that share the training set (missed in fewer than 1 of 1,000 runs)."""
    train, heldout = points(400, 11), points(400, 12)
    honest = remembered(points(400, 13, sets=8), train, heldout)
    assert float(honest["memorisation"].mean()) == pytest.approx(0.5, abs=0.1)
    assert float(honest["authenticity"].mean()) == pytest.approx(0.4, abs=0.1)
    copies = remembered(train + 1e-4 * torch.randn(400, 2, generator=generator(14)), train, heldout)
    assert copies["memorisation"] > 0.95
    assert copies["authenticity"] < 0.05


def test_memorisation_counts_ties_half_and_more_training_rows_are_no_advantage():
    same = normal(40, 2, 1)
    assert (
        float(remembered(normal(30, 2, 2), same[torch.randperm(40, generator=generator(0))], same)["memorisation"])
        == 0.5
    )
    # 40 times as many training rows: were all of them searched, the nearest would nearly always be among them.
    honest = remembered(normal(400, 2, 3), normal(4000, 2, 4), normal(100, 2, 5))
    assert 0.25 < float(honest["memorisation"]) < 0.75


def test_memorisation_is_undefined_for_endless_data():
    found = Memorisation().compute(blob(normal(9, 2, 0)), blob(normal(9, 2, 1)), ONE)
    assert all(value.isnan() for value in found.values())


def test_birthdays_of_a_finite_support():
    """400 equally likely points in batches of 24: 1 − Π(1 − i/400) = 0.505, and 1 − e^{−24·23/800} = 0.498 nearly.

    Over 2,000 batches the standard deviation is 0.011; four of it are missed in 1 of 10,000 runs.
    """
    exact = 1 - math.prod(1 - i / 400 for i in range(24))
    assert exact == pytest.approx(1 - math.exp(-24 * 23 / 800), abs=0.01)
    drawn = torch.randint(400, (2000 * 24,), generator=generator(1)).double().unsqueeze(-1)
    real = torch.rand(100 * 24, 1, generator=generator(2), dtype=torch.float64)  # its closest pairs are below 1
    found = Birthday().compute(blob(drawn), blob(real), ONE)
    assert float(found["birthday"]) == pytest.approx(exact, abs=0.045)


def test_birthday_equals_a_loop():
    x, y = normal(50, 2, 1), normal(60, 2, 2)
    closest = lambda b: min(float((b[i] - b[j]).norm()) for i in range(len(b)) for j in range(i))  # noqa: E731
    near = float(np.median([closest(y[i : i + 10]) for i in range(0, 60, 10)]))
    share = np.mean([closest(x[i : i + 10]) <= near for i in range(0, 50, 10)])
    found = Birthday(batch=10).compute(blob(x), blob(y), ONE)
    assert float(found["birthday"]) == pytest.approx(share, abs=1e-12)


def test_birthday_of_too_few_samples_is_undefined():
    few, many = blob(normal(23, 2, 1)), blob(normal(48, 2, 2))
    assert Birthday().compute(few, many, ONE)["birthday"].isnan()
    assert Birthday().compute(many, few, ONE)["birthday"].isnan()
