"""The Fréchet distance against closed forms, and the torchvision it imports."""

from __future__ import annotations

import os
import textwrap

import numpy as np
import pytest
import scipy.linalg
import torch

from ganbench.assets.fidelity import fid_distance, fid_statistics, import_torchvision
from tests.helpers import warm
from tests.helpers.random_state import random_state


def gaussian(mean, covariance):
    return {"mu": np.asarray(mean, float), "sigma": np.asarray(covariance, float)}


@pytest.mark.parametrize(("mean", "scale", "expected"), [((3, 4), 2, 27), ((0, 0, 0), 1, 0), ((1, 0, 0, 0), 0.5, 2)])
def test_distance_of_round_gaussians(mean, scale, expected):
    """N(0, I) against N(m, s²I) is ‖m‖² + d(s − 1)²."""
    d = len(mean)
    other = gaussian(mean, scale**2 * np.eye(d))
    assert fid_distance(gaussian(np.zeros(d), np.eye(d)), other) == pytest.approx(expected, abs=1e-12)
    assert fid_distance(other, gaussian(np.zeros(d), np.eye(d))) == pytest.approx(expected, abs=1e-12)


def points_with(mean, scale):
    """Return points whose sample mean and covariance are exactly m and s²I."""
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * len(mean)).double()
    exact = ((len(signs) - 1) / len(signs)) ** 0.5
    return torch.tensor(mean) + scale * exact * signs


def test_statistics_of_points_reach_the_closed_form():
    a, b = fid_statistics(points_with((0.0, 0.0), 1)), fid_statistics(points_with((3.0, 4.0), 2))
    assert np.allclose(b["sigma"], 4 * np.eye(2), atol=1e-12)
    assert fid_distance(a, b) == pytest.approx(27, abs=1e-12)


@pytest.mark.parametrize(("n", "d"), [(5000, 64), (1000, 2), (10, 32), (2, 3)])
def test_statistics_and_distance_are_torch_fidelitys_own_to_the_last_bit(n, d):
    import_torchvision()
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    generator = torch.Generator().manual_seed(n)
    x = 3 * torch.randn(n, d, generator=generator).double() + 7
    other = fid_statistics(torch.randn(n, d, generator=generator).double())
    found, theirs = fid_statistics(x), fid_features_to_statistics(x)
    assert np.array_equal(found["mu"], theirs["mu"])
    assert np.array_equal(found["sigma"], theirs["sigma"])
    expected = fid_statistics_to_metric(theirs, other, verbose=False)["frechet_inception_distance"]
    assert fid_distance(found, other) == expected


def test_one_dimension():
    n = 200
    x = torch.linspace(-1, 1, n).double().unsqueeze(1)
    std = float(x.std())
    a, b = fid_statistics(x), fid_statistics(3 * x + 5)
    assert fid_distance(a, b) == pytest.approx(25 + (2 * std) ** 2, rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(500, 3), (200, 64), (40, 10)])
def test_distance_equals_a_matrix_root(n, d):
    generator = torch.Generator().manual_seed(d)
    mix = torch.randn(d, d, generator=generator)
    x = torch.randn(n, d, generator=generator) @ mix
    y = torch.randn(n, d, generator=generator) + 0.3
    a, b = x.double().numpy(), y.double().numpy()
    ca, cb = np.cov(a.T), np.cov(b.T)
    root = np.real(scipy.linalg.sqrtm(ca @ cb))
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * root)
    assert fid_distance(fid_statistics(x), fid_statistics(y)) == pytest.approx(expected, rel=1e-6)


def test_fewer_samples_than_dimensions():
    """Singular covariances, where a matrix root is unstable; the trace norm of AᵀB has the same information."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(10, 32, generator=generator).double() for _ in range(2))
    a, b = (z - z.mean(0) for z in (x, y))
    nuclear = torch.linalg.matrix_norm(a @ b.T, "nuc") / 9
    expected = (x.mean(0) - y.mean(0)).square().sum() + (a.square().sum() + b.square().sum()) / 9 - 2 * nuclear
    assert fid_distance(fid_statistics(x), fid_statistics(y)) == pytest.approx(float(expected), rel=1e-5)


def test_collapsed_samples_have_the_distance_of_a_point():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(100, 5, generator=generator).double()
    point = torch.full((100, 5), 0.25)
    expected = (x.mean(0) - 0.25).square().sum() + x.var(0).sum()
    assert fid_distance(fid_statistics(point), fid_statistics(x)) == pytest.approx(float(expected), rel=1e-9)


def python(code, *folders):
    """Run code in a process of its own, with folders before everything else on its path."""
    done = warm.run(textwrap.dedent(code), environment={"PYTHONPATH": os.pathsep.join(map(str, folders))})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def stub(folder, code):
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(textwrap.dedent(code))
    return folder


def test_torch_fidelity_is_imported_whatever_torchvision_is():
    """Also beside the torchvision of a CUDA build, which alone fails with `torchvision::nms does not exist`."""
    out = python(
        """
        import sys, torch
        from ganbench.assets.fidelity import fid_distance, fid_statistics, torchvision_state
        assert "torch_fidelity" not in sys.modules and "torchvision" not in sys.modules
        s = fid_statistics(torch.randn(9, 2))
        assert fid_distance(s, s) < 1e-6 and "torch_fidelity" not in sys.modules
        print(torchvision_state())
        import torch_fidelity.metric_fid
        """
    )
    assert out.startswith("torchvision ")
    assert "broken" not in out


def test_a_torchvision_without_its_operators_is_mended(tmp_path):
    stub(
        tmp_path,
        """
        import torch
        @torch.library.register_fake("torchvision::nms")
        def nms(dets, scores, iou_threshold):
            raise NotImplementedError
        __version__ = "0.0+stub"
        """,
    )
    out = python(
        """
        import torch
        from ganbench.assets.fidelity import torchvision_state
        try:
            import torchvision
        except RuntimeError as error:
            print(error)
        print(torchvision_state())
        print(torchvision_state())
        """,
        tmp_path,
    )
    mended = "torchvision 0.0+stub, built for another torch: detection operators declared, not available"
    assert out.splitlines() == ["operator torchvision::nms does not exist", mended, mended]


def test_a_torchvision_that_works_is_left_alone(tmp_path):
    """Its own operators, defined after our look, must find their names free."""
    stub(tmp_path, '__version__ = "9.9"')
    out = python(
        """
        from ganbench.assets import fidelity
        import torch
        print(fidelity.torchvision_state())
        own = torch.library.Library("torchvision", "DEF")
        own.define(fidelity.OPERATORS[0])
        """,
        tmp_path,
    )
    assert out == "torchvision 9.9"


def test_a_torchvision_beyond_help_is_named(tmp_path):
    stub(tmp_path, "import builtins; raise builtins.broken")
    out = python(
        """
        import builtins
        from ganbench.assets import fidelity
        from ganbench.core.errors import GanbenchError
        for builtins.broken in (
            ImportError("no such library"),
            RuntimeError("out of luck"),
            RuntimeError("operator torchvision::roi_align does not exist"),
        ):
            print(fidelity.torchvision_state())
            try:
                fidelity.import_torchvision()
            except GanbenchError as error:
                print(error)
        """,
        tmp_path,
    )
    lines = out.splitlines()
    assert [line.startswith("broken: torchvision ") for line in lines] == [True, False] * 3
    assert "pip install torchvision" in lines[1]
    assert "install matching versions" in lines[3]
    assert "roi_align" in lines[5]
    assert "install matching versions" in lines[5]


def test_the_global_random_states_stay():
    before = random_state()
    fid_distance(fid_statistics(torch.ones(4, 2)), fid_statistics(torch.zeros(4, 2)))
    assert random_state() == before
