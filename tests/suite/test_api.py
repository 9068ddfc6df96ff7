"""Suites from Python: own components end to end, ordinary modules against the built-in layers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, Unpack

import pytest
import torch
from annotated_types import Gt
from torch import nn

import ganbench
from ganbench.api import Keys
from ganbench.core import registry
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.core.protocols import HARD, Targets
from ganbench.core.trial import Choice
from ganbench.datasets.ring import Ring
from ganbench.losses import Loss
from ganbench.networks._trying import try_out
from ganbench.tricks import Trick
from ganbench.tricks.r1 import R1
from tests.engine import TrialSetup, begin, gan_step
from tests.helpers.trials import small_trial

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def clean_registry():
    """Forget what a test registers."""
    table = registry._all_components()
    before, own = {kind: dict(found) for kind, found in table.items()}, dict(registry._own)
    yield
    for kind, found in before.items():
        table[kind].clear()
        table[kind].update(found)
    registry._own.clear()
    registry._own.update(own)


@dataclass(frozen=True)
class Scaled(Loss):
    """Wasserstein, scaled: D minimises c (E f − E r), G minimises −c E f."""

    name = "scaled"
    optimum = 0.0
    scale: Annotated[float, Gt(0)] = 1.0

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor, targets: Targets = HARD) -> torch.Tensor:
        return self.scale * (fake.mean(-1) - real.mean(-1))

    def generator(self, fake: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        return -self.scale * fake.mean(-1)


def generator(width=16):
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))


def discriminator(*extra, width=16):
    hidden = nn.Linear(width, width)
    return nn.Sequential(nn.Linear(2, width), *extra, nn.LeakyReLU(0.2), hidden, nn.LeakyReLU(0.2), nn.Linear(width, 1))


class SinglePiece(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = discriminator()

    def forward(self, x):
        return self.inner(x).squeeze(-1)


def own_suite(name: str = "mine", **keys: Unpack[Keys]) -> ganbench.Suite:
    usual: Keys = {"datasets": [Ring()], "seeds": 2, "steps": 10, "batch": 16}
    return ganbench.Suite(name, **{**usual, "evaluate": {"samples": 50, "metrics": ["modes"]}, **keys})


def trained(trial, seeds, steps=5):
    """Return all weights and buffers after some steps."""
    game, d, g, noise = begin(trial, seeds)
    last = None
    for step in range(1, steps + 1):
        last = gan_step(game, d, g, noise, step, previous=last)
    return {f"{p.name}.{name}": t.detach().clone() for p in (d, g) for name, t in {**p.params, **p.buffers}.items()}


def trial_of(network, *tricks, **changes):
    registry.register(type(network))
    return dataclasses.replace(small_trial(*tricks, **changes), network=Choice.of(network))


# What a suite from Python runs.


def test_own_loss_runs_end_to_end(tmp_path):
    suite = own_suite(losses=["hinge", Scaled(scale=2.0)], tricks=[None, R1(gamma=0.1), ["spectral_norm", R1()]])
    names = [trial.labels["loss"] + " " + trial.labels["tricks"] for trial in suite.plan().trials]
    tricks = ["none", "r1(gamma=0.1)", "spectral_norm+r1"]
    assert names == [f"{loss} {trick}" for loss in ("hinge", "scaled(scale=2.0)") for trick in tricks]
    results = suite.run(tmp_path, executor="local", only="tricks=none")
    assert sorted(results.runs["loss"].unique()) == ["hinge", "scaled(scale=2.0)"]
    assert bool((results.runs["status"] == "OK").all())
    first = results.tables.history[results.tables.history["step"] == 10]
    assert len(first) == 4
    assert len(list((tmp_path / "mine" / "parts").glob("*/part.json"))) == 2


def test_own_loss_equals_the_built_in_of_the_same_formula(tmp_path):
    results = own_suite(losses=["wasserstein", Scaled()]).run(tmp_path, executor="local")
    by_loss = {loss: rows.sort_values(["seed", "step"]) for loss, rows in _histories(results).items()}
    columns = [c for c in ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g") if c in results.tables.history]
    assert columns
    for column in columns:
        own, built_in = (by_loss[loss][column].dropna() for loss in ("scaled", "wasserstein"))  # logged steps only
        assert own.tolist() == built_in.tolist()
        assert len(own)


def _histories(results):
    loss = dict(zip(results.runs["run"], results.runs["loss"], strict=True))
    history = results.tables.history.assign(loss=results.tables.history["run"].map(loss))
    return {name: rows for name, rows in history.groupby("loss")}


def test_the_key_follows_version_and_parameters():
    def key(component):
        return own_suite(losses=[component]).plan().trials[0].key

    newer = dataclass(frozen=True)(
        type("Scaled", (Scaled,), {"__module__": __name__, "__qualname__": "Scaled", "version": 2, "name": "scaled"})
    )
    assert key(Scaled()) == key(Scaled(scale=1.0))
    assert len({key(Scaled()), key(Scaled(scale=2.0)), key(newer())}) == 3
    older = own_suite(losses=[Scaled()])
    before = older.plan().run_id
    own_suite(losses=[newer()])
    assert older.plan().run_id == before, "a newer class of another suite has taken the place of this suite's own"


NOT_A_NUMBER: Any = lambda: 1  # noqa: E731


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"losses": [Scaled(scale=-1.0)]}, "ganbench.Suite(name='mine'): scale: "),
        ({"losses": [Scaled]}, "Scaled is a class; write Scaled()"),
        ({"loses": ["hinge"]}, "unknown key 'loses', did you mean 'losses'?"),
        ({"steps": "many"}, "steps: expected a whole number"),
        ({"datasets": []}, "datasets: expected a list with at least one entry"),
        ({"name": "../x"}, "cannot name a folder"),
        ({"tricks": [["none", "r1"]]}, "`none` is a cell of its own"),
        ({"tricks": [Scaled()]}, "unknown trick 'scaled'"),
        ({"losses": [Scaled(scale=NOT_A_NUMBER)]}, "a parameter of scaled is not plain data"),
    ],
)
def test_mistakes_are_said_in_one_line(keys, problem):
    with pytest.raises(UsageError) as error:
        own_suite(**keys)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_incomplete_classes_are_refused():
    def made(**body):
        return type("Odd", (Scaled,), {"__module__": __name__, **body})

    with pytest.raises(UsageError, match="@dataclass"):
        ganbench.register(made(name="odd"))
    with pytest.raises(UsageError, match="needs a name"):
        ganbench.register(dataclass(frozen=True)(made(name="no name")))
    with pytest.raises(UsageError, match="discriminator, generator is missing"):
        ganbench.register(dataclass(frozen=True)(type("Odd", (Loss,), {"name": "odd"})))
    with pytest.raises(UsageError, match="the parameter x has no default"):
        fields = {"name": "odd", "__annotations__": {"x": float}}
        ganbench.register(dataclass(frozen=True, kw_only=True)(made(**fields)))
    with pytest.raises(UsageError, match="not a component"):
        ganbench.register(nn.Linear)  # type: ignore[arg-type]
    assert "odd" not in registry.components("loss")


def test_a_name_that_is_taken_is_refused():
    twin = dataclass(frozen=True)(type("Hinge", (Scaled,), {"__module__": __name__, "name": "hinge"}))
    with pytest.raises(GanbenchError, match="the loss 'hinge' is already defined in ganbench.losses.hinge"):
        own_suite(losses=[twin()])
    nets = [ganbench.modules(generator, discriminator, latent=4) for _ in range(2)]
    with pytest.raises(GanbenchError, match="two classes are the network 'modules'"):
        own_suite(networks=nets)


def test_ray_needs_classes_that_workers_can_import(tmp_path):
    @dataclass(frozen=True)
    class Local(Trick):
        """Adds nothing."""

        name = "local_trick"

        def penalty(self, view):
            return 0 * view.real_logits.mean(-1)

    for suite in (
        own_suite(tricks=[Local()]),
        own_suite(networks=[ganbench.modules(generator, discriminator, latent=4)]),
    ):
        with pytest.raises(UsageError, match="workers cannot import .*; .* or run with executor='local'"):
            suite.run(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.alone
def test_ray_trains_an_importable_own_class(tmp_path, monkeypatch):
    (tmp_path / "importable_loss.py").write_text(
        "from dataclasses import dataclass\nfrom ganbench.losses.hinge import Hinge\n\n\n"
        "@dataclass(frozen=True)\nclass Mine(Hinge):\n    '''Mine.'''\n\n    name = 'importable'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import importlib

    mine = importlib.import_module("importable_loss").Mine
    results = own_suite(losses=[mine()]).run(tmp_path / "results", executor="ray")
    assert results.runs["status"].tolist() == ["OK", "OK"]


# Ordinary modules.


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
