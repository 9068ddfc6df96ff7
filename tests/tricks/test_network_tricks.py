"""Tricks that change networks: what they do to a trial's networks, and where they have no meaning."""

from __future__ import annotations

import pytest
import torch

from ganbench.networks.mlp import MLP
from ganbench.suite.plan import incompatibility
from ganbench.tricks.minibatch_stddev import MinibatchStddev
from tests.engine import PackedNoise, begin
from tests.helpers.oracles import TrickOracle
from tests.helpers.trials import small_trial

MLP_AND_IMAGES = {"dataset": ("digits", {}), "network": ("mlp", {})}
DCGAN = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 4})}
RESNET = {"dataset": ("digits", {}), "network": ("resnet", {"channels": 4})}
# Where each trick has a meaning, of (points, dcgan, resnet).
FITS = {
    "layer_norm": (True, True, True),
    "batch_norm": (True, True, True),
    "instance_norm": (False, True, True),
    "virtual_batch_norm": (True, True, False),
    "weight_norm": (True, True, True),
    "dropout": (True, True, True),
    "residual": (True, False, False),
    "self_attention": (False, True, True),
    "minibatch_stddev": (True, True, True),
}


@pytest.mark.parametrize("name", FITS)
def test_a_network_without_the_option_is_a_skip_with_a_reason(name):
    for fits, axes in zip(FITS[name], ({}, DCGAN, RESNET), strict=True):
        reason = incompatibility(small_trial((name, {}), **axes))
        assert (reason is None) == fits, reason
        assert fits or name in reason


@pytest.mark.parametrize("name", ["instance_norm", "self_attention"])
def test_fully_connected_networks_on_images_have_no_places(name):
    assert "mlp has no" in (incompatibility(small_trial((name, {}), **MLP_AND_IMAGES)) or "")


@pytest.mark.parametrize(
    ("tricks", "reason"),
    [
        (("batch_norm", "r1"), "other samples"),
        (("batch_norm", "gradient_penalty"), "other samples"),
        (("minibatch_stddev", "r1"), "other samples"),
        (("dropout", "r1"), "noise"),
        (("batch_norm", "layer_norm"), "one normalisation"),
        (("weight_norm", "spectral_norm"), "undoes"),
        (("weight_norm", "weight_clipping"), "clipping"),
        (("layer_norm", "r1"), None),
        (("layer_norm", "spectral_norm"), None),
        (("spectral_norm", "minibatch_stddev"), None),
        (("weight_norm", "gradient_penalty"), None),
        (("residual", "layer_norm", "dropout"), None),
    ],
)
def test_combinations(tricks, reason):
    for order in (tricks, tricks[::-1]):
        found = incompatibility(small_trial(*((t, {}) for t in order)))
        assert (found is None) if reason is None else reason in found


@pytest.mark.parametrize(
    ("options", "trick"),
    [
        ({"d_norm": "batch"}, "r1"),
        ({"d_dropout": 0.5}, "r1"),
        ({"d_norm": "layer"}, "batch_norm"),
        ({"d_dropout": 0.5}, "dropout"),
        ({"d_weight_norm": True}, "weight_norm"),
    ],
)
def test_a_networks_own_options_meet_the_same_objections(options, trick):
    assert incompatibility(small_trial((trick, {}), network=("mlp", options))) is not None
    assert incompatibility(small_trial((trick, {}))) is None


def test_the_batch_must_have_groups():
    assert "groups of 4" in (incompatibility(small_trial(("minibatch_stddev", {}), batch=18)) or "")
    packed = small_trial(("minibatch_stddev", {}), ("packing", {"m": 3}), batch=18)
    assert "batch of 6 " in (incompatibility(packed) or "")
    assert incompatibility(small_trial(("minibatch_stddev", {}), ("packing", {"m": 2}), batch=16)) is None


def test_minibatch_stddev_group_by_group():
    """The slow way: a loop over groups and features with torch's own std."""
    h = torch.randn(2, 12, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = MinibatchStddev(size=4).extra_hidden(h, {})
    assert found.shape == (2, 12, 1)
    for s in range(2):
        for b in range(12):
            group = [h[s, other] for other in range(12) if other % 3 == b % 3]
            spread = [torch.stack(group)[:, f].std(correction=0) for f in range(5)]
            assert found[s, b, 0].item() == pytest.approx(float(sum(spread)) / 5, abs=1e-6)


def test_minibatch_stddev_of_equal_samples_has_a_finite_slope():
    h = torch.ones(1, 8, 3, requires_grad=True)
    (slope,) = torch.autograd.grad(MinibatchStddev().extra_hidden(h, {}).sum(), h)
    assert torch.isfinite(slope).all()


def players(*tricks, **changes):
    setup, d, g, _ = begin(small_trial(*tricks, **changes))
    return setup, d, g


def test_weight_norm_starts_where_the_plain_network_does():
    """The first step sees the same function, because g starts at ‖v‖."""
    x = torch.randn(2, 16, 2)
    logits = []
    for tricks in ([], [("weight_norm", {})]):
        setup, d, _ = players(*tricks)
        h = setup.trunk.apply(d.params, d.buffers, x, training=True, noise=None)
        logits.append(setup.head.apply(d.params, d.buffers, h, training=True, noise=None))
    torch.testing.assert_close(*logits, rtol=1e-5, atol=1e-6)


def test_dropout_is_on_in_training_alone_and_differs_between_passes():
    setup, d, _ = players(("dropout", {"p": 0.5}))
    x, noise = torch.ones(2, 16, 2), PackedNoise((0, 1), torch.device("cpu"))
    first, second = (setup.trunk.apply(d.params, d.buffers, x, training=True, noise=noise) for _ in range(2))
    assert not torch.equal(first, second)
    # 512 features, each zero with probability 1/2 (leaky ReLU is never 0 of itself): a share outside .4 to .6 has a
    # probability below 1e-5.
    assert 0.4 < (first == 0).double().mean() < 0.6
    assert (setup.trunk.apply(d.params, d.buffers, x, training=False, noise=noise) != 0).all()


def test_a_penalty_under_layer_norm_is_each_samples_own():
    """∇ₓ of the summed logits is that of each sample's own logit under layer norm, and far from it under batch norm."""
    for network, alike in ((MLP(width=16, d_norm="layer"), True), (MLP(width=16, d_norm="batch"), False)):
        net, _ = network.trunk((2,))
        params, buffers = net.init(torch.Generator().manual_seed(0))
        params = {n: p.unsqueeze(0).double() for n, p in params.items()}
        buffers = {n: b.unsqueeze(0).double() for n, b in buffers.items()}
        x = torch.randn(1, 8, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
        h = net.apply(params, buffers, x, training=True, noise=None).square().sum(-1)
        (together,) = torch.autograd.grad(h.sum(), x, retain_graph=True)
        own = [torch.autograd.grad(h[0, b], x, retain_graph=True)[0][0, b] for b in range(8)]
        error = float((together[0] - torch.stack(own)).norm() / together.norm())
        assert (error < 1e-12) if alike else (error > 0.1)


@pytest.mark.parametrize(
    "tricks",
    [
        ("layer_norm", "gradient_penalty"),
        ("residual", "r1"),
        ("weight_norm", "r1"),
        ("spectral_norm", "minibatch_stddev"),
        ("packing", "minibatch_stddev"),
        ("virtual_batch_norm", "gradient_penalty"),
        ("layer_norm", "unrolled"),
    ],
)
def test_combinations_train(tricks):
    done = begin(small_trial(*((t, {}) for t in tricks))).train(3)
    assert torch.isfinite(done.d.loss + done.g.loss).all()
    assert torch.isfinite(done.d.gradient).all()


@pytest.mark.parametrize("tricks", [("instance_norm", "r1"), ("layer_norm", "r1"), ("self_attention", "spectral_norm")])
@pytest.mark.parametrize("axes", [DCGAN, RESNET], ids=["dcgan", "resnet"])
def test_combinations_train_on_images(tricks, axes):
    done = begin(small_trial(*((t, {}) for t in tricks), **axes)).train(2)
    assert torch.isfinite(done.d.gradient).all()
    assert torch.isfinite(done.g.gradient).all()


def closeness(t, h, params):
    m = (h @ params["minibatch.weight"]).reshape(len(h), t.kernels, t.dimensions)
    near = torch.exp(-torch.stack([torch.stack([(a - b).abs().sum(-1) for b in m]) for a in m]))
    return near.sum(1) - 1  # without oneself


def spread(t, h, params):
    groups = len(h) // t.size
    out = torch.zeros(len(h), 1)
    for i in range(groups):
        members = h[i::groups]
        out[i::groups] = torch.sqrt(((members - members.mean(0)) ** 2).mean(0) + 1e-8).mean()
    return out


ORACLES = (
    TrickOracle(
        "minibatch_discrimination",
        parameters={"kernels": 4, "dimensions": 3},
        features=closeness,
        # openai/improved-gan: CIFAR-10 and SVHN
        defaults={"kernels": 100, "dimensions": 5},
    ),
    TrickOracle(
        "minibatch_stddev",
        features=spread,
        # tkarras/progressive_growing_of_gans
        defaults={"size": 4},
    ),
    TrickOracle(
        "batch_norm",
    ),
    TrickOracle(
        "layer_norm",
    ),
    TrickOracle(
        "instance_norm",
        images=True,
    ),
    TrickOracle(
        "virtual_batch_norm",
    ),
    TrickOracle(
        "weight_norm",
    ),
    TrickOracle(
        "dropout",
        # Srivastava 2014, section 1
        defaults={"p": 0.5},
    ),
    TrickOracle(
        "residual",
    ),
    TrickOracle(
        "self_attention",
        images=True,
    ),
)
