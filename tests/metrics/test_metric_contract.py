"""What every metric must hold, the day its file appears."""

from __future__ import annotations

import pytest
import torch

from ganbench.core import registry
from ganbench.core.column import Column
from ganbench.core.errors import UsageError
from ganbench.metrics import Metric, Sample, _sets
from tests.helpers.metric_samples import CPU, RING, describe, points, score
from tests.helpers.present import present
from tests.helpers.random_state import random_state

METRICS = list(registry.components(Metric).values())
COLUMNS = [(cls, column) for cls in METRICS for column in cls.columns]


@pytest.fixture(params=METRICS, ids=lambda cls: cls.name)
def metric(request):
    return request.param()


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-9, atol=1e-12, equal_nan=True, msg=name)


def test_returns_what_it_declares(metric):
    values = score(metric, points(150, 0, sets=3), points(150, 1))
    assert list(values) == [column.name for column in metric.columns]
    for value in values.values():
        assert value.shape == (3,)
        assert value.dtype == torch.float64
        assert torch.isfinite(value).all()


def test_is_rank_polymorphic_to_the_last_bit(metric):
    fake, real = points(150, 0, sets=6), points(150, 1)
    together = score(metric, fake.reshape(2, 3, 150, 2), real)
    alone = score(metric, fake[4], real)
    for name, value in together.items():
        assert value.shape == (2, 3)
        assert alone[name].shape == ()
        assert torch.equal(value[1, 1], alone[name]), name


def test_tells_a_collapse_from_the_data(metric):
    real, other = points(240, 1), points(240, 2)
    fine, collapsed = score(metric, other, real), score(metric, real[:1].expand(240, 2), real)
    differs = [name for name in fine if not fine[name].equal(collapsed[name])]
    assert differs


def test_the_order_of_samples_does_not_matter(metric):
    """Also not for a metric of the first so many samples, as long as there are no more."""
    if metric.name == "birthday":
        pytest.skip("looks at batches of successive samples, which are independent in any order")
    fake, real = points(150, 0, sets=2), points(150, 1)
    order, other = torch.randperm(150, generator=torch.Generator().manual_seed(5)), torch.arange(149, -1, -1)
    if metric.name == "ndb":
        other = torch.arange(150)  # where k-means starts depends on the order of the real samples
    same(score(metric, fake, real), score(metric, fake[:, order], real[other]))


def test_blocks_of_pairs_give_what_all_pairs_at_once_give(metric, monkeypatch):
    fake, real = points(150, 0, sets=2), points(140, 1)
    at_once = score(metric, fake, real)
    monkeypatch.setattr(_sets, "ENTRIES", 1000)  # seven rows, which divide neither 150 nor 140
    same(at_once, score(metric, fake, real))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_a_non_finite_sample_makes_its_seed_undefined_and_no_other(metric, bad):
    fake, real = points(150, 0, sets=3), points(150, 1)
    broken = fake.clone()
    broken[1, 7, 0] = bad
    clean, dirty = score(metric, fake, real), score(metric, broken, real)
    for name in clean:
        assert dirty[name][1].isnan(), name
        assert torch.equal(clean[name][[0, 2]], dirty[name][[0, 2]]), name


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, 1e50])
def test_real_samples_without_numbers_are_an_error_and_no_plausible_value(metric, bad):
    real = points(150, 1).double()
    real[7, 0] = bad
    fake = points(150, 0, sets=2)
    with pytest.raises(UsageError, match=f"^{metric.name}: features of the real samples are not finite"):
        metric.compute(
            describe(fake), Sample(real, real, *RING.load(CPU).assign(points(150, 1), None)), torch.ones(8) / 8
        )


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 50), (50, 1), (3, 2), (40, 90), (90, 40)])
def test_sizes_may_be_small_and_different(metric, n, m):
    for value in score(metric, points(n, 0, sets=2), points(m, 1)).values():
        assert value.shape == (2,)
        assert not value.isinf().any()


@pytest.mark.parametrize("point", [(2.0, 0.0), (0.3, 0.1)], ids=["on a mode", "between modes"])
def test_collapsed_samples_have_a_value(metric, point):
    values = score(metric, torch.tensor(point).expand(150, 2), points(150, 1))
    undefined = {name for name, value in values.items() if not torch.isfinite(value)}
    # Where no sample is good there is no spread to speak of.
    assert undefined == ({"spread_ratio"} if metric.name == "modes" and point[1] else set())


def test_one_dimension(metric):
    from ganbench.datasets.gaussian_1d import Gaussian1D

    data = Gaussian1D().load(torch.device("cpu"))
    a, b = (data.sample_indices(torch.Generator().manual_seed(seed), 150) for seed in (0, 1))
    values = metric.compute(describe(a.unsqueeze(0), data), describe(b, data, training=b + 0.01), data.weights)
    assert all(torch.isfinite(v).all() for v in values.values())


def test_moves_no_random_state_and_no_input(metric):
    fake, real = points(150, 0, sets=2), points(150, 1)
    kept = fake.clone(), real.clone()
    before = random_state()
    first = score(metric, fake, real)
    assert random_state() == before
    assert torch.equal(fake, kept[0])
    assert torch.equal(real, kept[1])
    again = score(metric, fake, real)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_is_documented(metric):
    cls = type(metric)
    assert cls.source
    assert "NaN" in present(cls.__doc__)
    assert len(cls.summary()) <= 120


@pytest.mark.parametrize(("cls", "column"), COLUMNS, ids=lambda x: getattr(x, "name", None))
def test_columns_are_declared_in_full(cls, column):
    assert isinstance(column, Column)
    assert column.name.isidentifier()
    assert column.name == column.name.lower()
    assert column.meaning
    assert column.dtype == "float64"
    assert not column.timing


def test_column_names_are_unique():
    names = [column.name for _, column in COLUMNS]
    assert len(names) == len(set(names))


DIRECTED = [(cls, c) for cls, c in COLUMNS if c.direction]


@pytest.mark.parametrize(("cls", "column"), DIRECTED, ids=lambda x: getattr(x, "name", None))
def test_the_direction_points_from_a_poor_generator_to_the_data(cls, column):
    """Real samples beat the worst of two modes alone, blurred modes, a single point and modes in the wrong place."""
    real = points(600, 1)
    poor = (
        points(600, 2, modes=(0, 1)),
        points(600, 2, widen=20.0),
        real[:1].expand(600, 2),
        points(600, 2) + torch.tensor([1.0, 0.5]),
    )
    sign = 1 if column.direction == "higher" else -1
    metric = cls()
    value = [score(metric, x, real)[column.name].item() for x in (points(600, 3), *poor)]
    assert sign * value[0] > min(sign * v for v in value[1:])
