"""What every network must hold, the day its file appears, with its defaults and with its tricks' options."""

from __future__ import annotations

import dataclasses
import typing

import pytest
import torch

from ganbench.core import registry
from ganbench.networks.mlp import MLP
from ganbench.suite.plan import incompatibility
from tests.helpers.trials import small_trial

SEEDS, BATCH = (0, 1, 2), 32
NETWORKS = registry.components("network")


def variants():
    """Return every network as it is, and with each value of each option that has a few, one at a time."""
    for cls in NETWORKS.values():
        small = {f.name: 4 for f in dataclasses.fields(cls) if f.name == "channels"}
        yield cls(**small)
        hints = typing.get_type_hints(cls)
        for field in dataclasses.fields(cls):
            values = (
                typing.get_args(hints[field.name]) if typing.get_origin(hints[field.name]) is typing.Literal else ()
            )
            values = (True, False) if hints[field.name] is bool else values
            for value in values:
                if value != field.default:
                    yield cls(**small, **{field.name: value})
        if cls.name == "mlp":
            yield MLP(d_maxout=3, d_dropout=0.3, residual=True)


@pytest.fixture(params=list(variants()), ids=lambda network: network.label)
def network(request):
    return request.param


def shape_of(network):
    """Return the shape of samples that the network can make, images in colour."""
    for loss in registry.components("loss"):
        for name in ("ring", "digits", *registry.components("dataset")):
            trial = small_trial(dataset=(name, {}), network=(network.name, network.parameters), loss=(loss, {}))
            if incompatibility(trial) is None:
                shape = trial.dataset.build().shape
                return shape if len(shape) == 1 else (3, *shape[1:])
    raise AssertionError(f"no data set for {network.label}")


class Numbers:
    """Uniform numbers of each seed's own."""

    def __init__(self, seeds):
        self.seeds = seeds

    def uniform(self, name, *shape):
        return torch.stack([torch.rand(shape, generator=torch.Generator().manual_seed(s)) for s in self.seeds])

    normal = uniform


def stacked(net, seeds, dtype=torch.float32):
    """Return a net's state, every parameter moved a little so that none sits at the zero it may start at."""
    params, buffers = {}, {}
    for s in seeds:
        own, kept = net.init(torch.Generator().manual_seed(s))
        for name, p in own.items():
            noise = torch.randn(p.shape, generator=torch.Generator().manual_seed(50 + s))
            params.setdefault(name, []).append(p + 0.05 * noise)
        for name, b in kept.items():
            buffers.setdefault(name, []).append(b)
    params = {n: torch.stack(p).to(dtype).requires_grad_() for n, p in params.items()}
    return params, {n: torch.stack(b).to(dtype) for n, b in buffers.items()}


class Players:
    """A network's generator and discriminator with their states."""

    def __init__(self, network, seeds, dtype=torch.float32):
        self.seeds, self.dtype, self.latent = seeds, dtype, network.latent
        trunk, self.width = network.trunk(shape_of(network))
        self.nets = [network.generator(shape_of(network)), trunk, network.head(self.width)]
        self.states = [stacked(net, seeds, dtype) for net in self.nets]

    def forward(self, z, training=True):
        outputs = []
        for net, (params, buffers) in zip(self.nets, self.states, strict=True):
            z = net.apply(params, buffers, z, training=training, noise=Numbers(self.seeds) if training else None)
            outputs.append(z)
        return outputs

    def latents(self):
        draws = [torch.randn(BATCH, self.latent, generator=torch.Generator().manual_seed(9 + s)) for s in self.seeds]
        return torch.stack(draws).to(self.dtype)

    def parameters(self):
        return {f"{i}.{n}": p for i, (params, _) in enumerate(self.states) for n, p in params.items()}

    def buffers(self):
        return {f"{i}.{n}": b for i, (_, buffers) in enumerate(self.states) for n, b in buffers.items()}


def test_shapes_and_finite(network):
    players = Players(network, SEEDS)
    samples, hidden, logits = players.forward(players.latents())
    assert samples.shape == (len(SEEDS), BATCH, *shape_of(network))
    assert hidden.shape == (len(SEEDS), BATCH, players.width)
    assert logits.shape == (len(SEEDS), BATCH, 1)
    assert all(torch.isfinite(x).all() for x in (samples, hidden, logits))


def test_initialisation_is_the_seeds_own(network):
    for net in Players(network, SEEDS).nets:
        (a, _), (b, _), (c, _) = (net.init(torch.Generator().manual_seed(s)) for s in (1, 1, 2))
        assert all(torch.equal(a[n], b[n]) for n in a)
        random = [n for n in a if a[n].unique().numel() > 1]
        assert not any(torch.equal(a[n], c[n]) for n in random)


def test_a_seed_is_alike_alone_and_in_company(network):
    """To rounding: a grouped convolution has other kernels for one group; test_norms has what is equal bit for bit."""
    many, one = Players(network, SEEDS), Players(network, SEEDS[1:2])
    for training in (True, False):
        for a, b in zip(many.forward(many.latents(), training), one.forward(one.latents(), training), strict=True):
            torch.testing.assert_close(a[1], b[0], rtol=1e-5, atol=1e-5 * float(b.detach().abs().max()))
    for name, kept in many.buffers().items():
        torch.testing.assert_close(kept[1], one.buffers()[name][0], rtol=1e-5, atol=1e-6)


def test_nan_in_one_seed_stays_there(network):
    clean, dirty = Players(network, SEEDS), Players(network, SEEDS)
    z = dirty.latents()
    z[1, 3] = torch.nan
    for a, b in zip(clean.forward(clean.latents()), dirty.forward(z), strict=True):
        assert torch.equal(a[[0, 2]], b[[0, 2]])
    # A generator need not look at its latent (a learnt point); one that does passes the NaN on.
    for name, kept in dirty.buffers().items():
        assert torch.equal(kept[[0, 2]], clean.buffers()[name][[0, 2]])


def test_gradient_reaches_every_parameter(network):
    """In float64, where a weight that mathematics leaves out would show as 1e-17 and not as nothing."""
    players = Players(network, SEEDS, torch.float64)
    samples, _, logits = players.forward(players.latents())
    parameters = players.parameters()
    weight = torch.linspace(-1, 1, BATCH, dtype=torch.float64).unsqueeze(-1)
    value = (logits * weight).square().sum() + logits.sum() + (samples.flatten(2) * weight).square().sum()
    gradients = torch.autograd.grad(value, list(parameters.values()), allow_unused=True)
    for name, gradient in zip(parameters, gradients, strict=True):
        assert gradient is not None, name
        assert (gradient.flatten(1).abs().amax(1) > 1e-9).all(), name


def test_evaluation_is_deterministic_and_moves_nothing(network):
    players = Players(network, SEEDS)
    players.forward(players.latents())
    before = {n: b.clone() for n, b in players.buffers().items()}
    state = torch.get_rng_state()
    first, second = (players.forward(players.latents(), training=False) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(before[n], b) for n, b in players.buffers().items())
    assert torch.equal(state, torch.get_rng_state())


def test_evaluation_judges_each_sample_alone(network):
    players = Players(network, SEEDS)
    players.forward(players.latents())
    z = players.latents()
    whole = players.forward(z, training=False)
    part = players.forward(z[:, :7], training=False)
    for a, b in zip(whole, part, strict=True):
        torch.testing.assert_close(a[:, :7], b, rtol=1e-4, atol=1e-5 * float(a.detach().abs().max()))


def test_declares_what_others_object_to(network):
    """A discriminator that couples samples or draws noise says so, because penalties ask."""
    players = Players(network, SEEDS)
    trunk, (params, buffers) = players.nets[1], players.states[1]
    x = players.forward(players.latents())[0].detach().requires_grad_()
    hidden = trunk.apply(params, buffers, x, training=True, noise=Numbers(SEEDS))
    (gradient,) = torch.autograd.grad(hidden[:, 3].square().sum(), x)
    gradient[:, 3] = 0
    assert bool(gradient.any()) == ("couples samples" in network.all_traits)
    other = trunk.apply(params, buffers, x, training=True, noise=Numbers((7, 8, 9)))
    assert torch.equal(hidden, other) != ("random discriminator" in network.all_traits)
