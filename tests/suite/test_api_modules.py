"""Ordinary modules in a suite from Python: they train as the module alone, and what cannot be is said."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import ganbench
from ganbench.core.errors import UsageError
from ganbench.networks._trying import try_out
from tests.engine import TrialSetup
from tests.helpers.own_suites import SinglePiece, discriminator, generator, own_suite, trained, trial_of
from tests.helpers.trials import small_trial

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("clean_registry")


@pytest.mark.parametrize("tricks", [(), (("r1", {"gamma": 1.0}),), (("orthogonal_regularization", {}),)])
def test_modules_equal_the_mlp_of_the_same_weights(tricks):
    """One seed's weights of the built-in network, put into modules, train alike through vmap."""
    mlp = small_trial(*tricks, network=("mlp", {"latent": 4, "width": 16}))
    start = TrialSetup(mlp, CPU).players((3,))
    own = [iter([p[0].detach() for p in player.params.values()]) for player in start]

    def filled(module, values):
        for layer in [m for m in module.modules() if isinstance(m, nn.Linear)]:
            with torch.no_grad():
                layer.weight.copy_(next(values).mT)
                layer.bias.copy_(next(values))
        return module

    made_d, made_g = filled(discriminator(), own[0]), filled(generator(), own[1])
    network = ganbench.modules(lambda: made_g, lambda: made_d, latent=4)
    here, there = trained(mlp, (3,)), trained(trial_of(network, *tricks), (3,))
    pairs = [(n, m) for n, m in zip(_weights(here), _weights(there), strict=True)]
    assert len(pairs) == 12
    for a, b in pairs:
        torch.testing.assert_close(here[a], there[b], rtol=1e-4, atol=1e-5)
        assert not torch.equal(there[b], _start(trial_of(network, *tricks))[b])


def _weights(state):
    return [name for name in state if not name.endswith(".u")]


def _start(trial):
    return trained(trial, (3,), steps=0)


@pytest.mark.parametrize("extra", [(), (nn.BatchNorm1d(16),)], ids=["plain", "batch norm"])
def test_a_seed_trains_alike_alone_and_in_company(extra):
    network = ganbench.modules(generator, lambda: discriminator(*(nn.BatchNorm1d(16) for _ in extra)), latent=4)
    # Where batch norm hides a shift a gradient is rounding alone, which Adam would magnify: plain steps.
    trial = trial_of(network, optimizer=("sgd", {"lr": 0.05}))
    packed, alone = trained(trial, (1, 5, 9)), trained(trial, (5,))
    assert packed.keys() == alone.keys()
    for name, tensor in alone.items():
        torch.testing.assert_close(packed[name][1], tensor[0], rtol=1e-5, atol=1e-6)


def test_buffers_move_as_in_a_plain_module():
    """Running statistics of each seed after one pass are those that the module alone would have."""
    network = ganbench.modules(generator, lambda: discriminator(nn.BatchNorm1d(16)), latent=4)
    net, _ = network.trunk((2,))
    states = [net.init(torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    params, buffers = ({n: torch.stack([s[i][n] for s in states]) for n in states[0][i]} for i in (0, 1))
    x = torch.randn(2, 8, 2, generator=torch.Generator().manual_seed(2))
    net.apply(params, buffers, x, training=True, noise=None)
    for seed in (0, 1):
        plain = discriminator(nn.BatchNorm1d(16))[:-1]
        state = {n.removeprefix("body."): t for n, t in {**states[seed][0], **states[seed][1]}.items()}
        plain.load_state_dict({n: t.mT if n.endswith("weight") and t.dim() == 2 else t for n, t in state.items()})
        plain(x[seed])
        torch.testing.assert_close(buffers["body.1.running_mean"][seed], plain.get_submodule("1").running_mean)
        assert buffers["body.1.num_batches_tracked"][seed] == 1
    fixed = {n: t.clone() for n, t in buffers.items()}
    net.apply(params, buffers, x, training=False, noise=None)
    assert all(torch.equal(fixed[n], t) for n, t in buffers.items())


def test_dropout_is_the_same_whenever_the_trial_runs():
    network = ganbench.modules(generator, lambda: discriminator(nn.Dropout(0.5)), latent=4)
    trial = trial_of(network)
    first = trained(trial, (0, 1))
    torch.rand(7)
    again = trained(trial, (0, 1))
    assert all(torch.equal(t, again[name]) for name, t in first.items())
    plain = trained(trial_of(ganbench.modules(generator, discriminator, latent=4)), (0, 1))
    assert not torch.equal(first["D.body.0.weight"], plain["D.body.0.weight"])


def test_traits_are_found_by_trying():
    assert try_out(discriminator(), (2,)) == ((1,), ())
    assert try_out(discriminator(nn.BatchNorm1d(16)), (2,)) == ((1,), ("couples samples",))
    assert try_out(discriminator(nn.Dropout(0.5)), (2,)) == ((1,), ("random discriminator",))
    assert try_out(SinglePiece(), (2,)) == ((), ())


def test_making_and_trying_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    network = ganbench.modules(generator, lambda: discriminator(nn.Dropout(0.5)), latent=4)
    trained(trial_of(network), (0,), steps=2)
    assert torch.equal(state, torch.get_rng_state())


def test_what_has_no_meaning_is_skipped_with_its_reason():
    def reasons(network, *tricks, **keys):
        suite = own_suite(networks=[network, "mlp"], tricks=list(tricks), **keys)
        return [reason for trial, reason in suite.plan().skipped if trial.network.name != "mlp"]

    whole = ganbench.modules(generator, SinglePiece, latent=4)
    assert "is a single piece, minibatch_discrimination needs" in reasons(whole, "minibatch_discrimination")[0]
    assert "is a single piece, feature_matching needs" in reasons(whole, "feature_matching")[0]
    ordinary = ganbench.modules(generator, discriminator, latent=4)
    assert reasons(ordinary, "minibatch_discrimination", "feature_matching") == []
    assert "made for samples (2,), packing shows it (4,)" in reasons(ordinary, "packing")[0]
    assert "made for samples (2,), gaussian_1d has (1,)" in reasons(ordinary, None, datasets=["gaussian_1d"])[0]
    assert "has no option d_norm" in reasons(ordinary, "layer_norm")[0]
    coupled = ganbench.modules(generator, lambda: discriminator(nn.BatchNorm1d(16)), latent=4)
    assert "the gradient of one sample's logit" in reasons(coupled, "r1")[0]


def test_single_pieces_train(tmp_path):
    results = own_suite(networks=[ganbench.modules(generator, SinglePiece, latent=4)]).run(tmp_path, executor="local")
    assert results.runs["status"].tolist() == ["OK", "OK"]


def test_the_structure_is_part_of_the_key():
    def key(width):
        network = ganbench.modules(generator, lambda: discriminator(width=width), latent=4)
        return own_suite(networks=[network]).plan().trials[0].key

    assert key(16) == key(16)
    assert key(16) != key(17)


def test_a_discriminator_with_two_answers_is_refused():
    with pytest.raises(UsageError, match=r"the discriminator answers \(2,\) a sample"):
        ganbench.modules(generator, generator2, latent=4)


def test_a_generator_of_other_latents_is_refused():
    with pytest.raises(UsageError, match=r"Sequential: does not take a batch of \(8,\) \(mat1 and mat2 .*; adapt it"):
        ganbench.modules(generator, discriminator)


def generator2():
    return nn.Linear(2, 2)


def test_seeds_start_apart_and_as_the_module_does():
    state = _first(ganbench.modules(generator, discriminator, latent=4), (0, 1))
    assert not torch.equal(state["G.body.0.weight"][0], state["G.body.0.weight"][1])
    assert state["G.body.0.weight"].abs().max() <= 4**-0.5  # torch's own bound for four inputs


def _first(network, seeds):
    return trained(trial_of(network), seeds, steps=0)
