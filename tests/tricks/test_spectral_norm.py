"""Spectral norm against the singular value decomposition."""

from __future__ import annotations

import pytest
import torch

from ganbench.tricks.spectral_norm import SpectralNorm
from tests.helpers.oracles import TrickOracle


def normalised(weight, passes=1):
    """Return the normalised weight of one seed after some training passes."""
    trick, params = SpectralNorm(), {"layer.weight": weight.double()}
    buffers = trick.weight_buffers(params, torch.Generator().manual_seed(0))
    buffers = {n: b.double().unsqueeze(0) for n, b in buffers.items()}
    stacked = {n: p.unsqueeze(0) for n, p in params.items()}
    changed = stacked
    for _ in range(passes):
        changed = trick.weights(stacked, buffers, training=True)
    return changed["layer.weight"][0], buffers


@pytest.mark.parametrize(
    ("weight", "sigma"),
    [(torch.tensor([[3.0, 0.0], [4.0, 5.0]]), 6.7082039), (torch.ones(4, 9), 6.0), (torch.ones(4, 1, 3, 3), 6.0)],
)
def test_known_norms(weight, sigma):
    scaled, _ = normalised(weight, passes=30)
    assert (weight.double() / scaled).nanmean().item() == pytest.approx(sigma, abs=1e-6)


def test_largest_singular_value_becomes_one():
    weight = torch.randn(20, 30, generator=torch.Generator().manual_seed(4))
    scaled, _ = normalised(weight, passes=200)
    assert torch.linalg.matrix_norm(scaled, 2).item() == pytest.approx(1.0, abs=1e-6)


def test_evaluation_moves_nothing_and_training_does():
    weight = torch.randn(1, 20, 30, generator=torch.Generator().manual_seed(5))
    _, buffers = normalised(weight[0])
    before = {n: b.clone() for n, b in buffers.items()}
    SpectralNorm().weights({"layer.weight": weight.double()}, buffers, training=False)
    assert all(torch.equal(before[n], b) for n, b in buffers.items())
    SpectralNorm().weights({"layer.weight": weight.double()}, buffers, training=True)
    assert not all(torch.equal(before[n], b) for n, b in buffers.items())


def test_gradient_flows_through_sigma():
    """d(W/σ) with σ = uᵀWv and u, v held: the gradient of one entry against finite differences."""
    trick = SpectralNorm()
    weight = torch.randn(1, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(6)).requires_grad_()
    _, buffers = normalised(weight[0].detach(), passes=500)
    assert torch.autograd.gradcheck(
        lambda w: trick.weights({"l.weight": w}, {"l.weight.u": buffers["layer.weight.u"]}, False)["l.weight"], weight
    )


def test_biases_and_scales_are_left_alone():
    params = {"a.weight": torch.ones(1, 2, 2), "a.bias": torch.full((1, 2), 7.0), "n.scale": torch.full((1, 2), 3.0)}
    buffers = {"a.weight.u": torch.ones(1, 2) / 2**0.5}
    changed = SpectralNorm().weights(params, buffers, training=True)
    assert torch.equal(changed["a.bias"], params["a.bias"])
    assert torch.equal(changed["n.scale"], params["n.scale"])


def scaled_by_its_norm(params):
    out = dict(params)
    for name, w in params.items():
        if name.endswith(".weight"):
            out[name] = w / torch.linalg.matrix_norm(w.reshape(len(w), -1), 2)
    return out


ORACLES = (
    TrickOracle(
        "spectral_norm",
        parameters={"iterations": 400},
        weights=scaled_by_its_norm,
        # Miyato 2018, algorithm 1
        defaults={"iterations": 1},
    ),
)
