"""Compiled steps: traced exactly, compiled within float32's error, refused where a step is no function of tensors.

Tracing is held to the last bit with the compiler left out: the graph runs the same operations on the same numbers. What
the compiler makes of it is held to Higham's bound of a sum's error.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
import torch

from ganbench.core import registry
from ganbench.core.trial import Setting
from ganbench.losses import Loss
from ganbench.suite.compiling import AUTO_SECONDS, eager_reason
from ganbench.suite.plan import incompatibility
from ganbench.training import compiled
from ganbench.training.checkpoint import CheckpointError
from ganbench.training.trainer import Trainer
from ganbench.tricks import Trick
from tests.helpers.trials import choose, small_trial

TINY = {"seeds": (0, 1), "steps": 4, "batch": 32, "evaluate_every": 4, "log_every": 2, "samples": 20, "metrics": ()}
IMAGES = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 8})}
LOSSES, TRICKS = sorted(registry.components("loss")), sorted(registry.components("trick"))
FEW = ("dropout", "lecam", "r1", "spectral_norm", "top_k")
NETWORKS = (
    {"norm": "batch", "d_norm": "batch"},
    {"norm": "layer", "d_norm": "layer", "d_dropout": 0.5},
    {"norm": "virtual", "d_weight_norm": True, "residual": True},
    {"d_maxout": 3},
)


def of_loss(name):
    trial = small_trial(**TINY, loss=(name, {}))
    return small_trial(**TINY, loss=(name, {}), network=("autoencoder", {})) if incompatibility(trial) else trial


def of_trick(name, **parameters):
    trial = small_trial((name, parameters), **TINY)
    return small_trial((name, parameters), **TINY, **IMAGES) if incompatibility(trial) else trial


def of_network(options):
    return small_trial(**TINY, network=("mlp", {"width": 16, "latent": 4, **options}))


def trained(trial, steps=2, **options):
    trainer = Trainer(trial, **options)
    for _ in range(steps):
        trainer.advance(0.0)
    return trainer


def numbers(trainer):
    """Return everything that a step leaves: weights, buffers, and the last updates as diagnostics read them."""
    updates = (trainer.last.d, trainer.last.g)
    read = {f"{i} {n}": getattr(u, n) for i, u in enumerate(updates) for n in ("loss", "gradient", "fake_logits")}
    read |= {f"{i} real_logits": u.real_logits for i, u in enumerate(updates) if u.real_logits is not None}
    for player in (trainer.d, trainer.g):
        read |= {f"{player.name} {n}": t for n, t in (("flat", player.flat), *player.buffers.items())}
    return read


@pytest.fixture
def no_compiler(monkeypatch):
    """Run what was traced as it is."""
    monkeypatch.setattr(compiled, "_compile", lambda graph, inputs: graph)


def require_traced_exactly(trial):
    traced, eager = trained(trial, compile=True), trained(trial)
    assert traced.compiled and not eager.compiled
    there, here = numbers(eager), numbers(traced)
    assert there.keys() == here.keys()
    differ = [name for name, tensor in there.items() if not torch.equal(tensor, here[name])]
    assert not differ


def require_refused(trial, caplog):
    """The trial trains eagerly, says so in one line, and none of its numbers shows that compiling was tried."""
    caplog.clear()
    with caplog.at_level(logging.WARNING, "ganbench.training"):
        refused = trained(trial, compile=True)
    assert not refused.compiled
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{trial.name}: its steps are not compiled (") and "\n" not in record.message
    there, here = numbers(trained(trial)), numbers(refused)
    assert all(torch.equal(tensor, here[name]) for name, tensor in there.items())


def in_ci(names, few):
    """Return them as parameters: tracing takes a second each, so all but a few wait for `make verify`."""
    return [pytest.param(name, marks=() if name in few else pytest.mark.verify) for name in names]


@pytest.mark.parametrize("name", in_ci(LOSSES, ("began", "relativistic_average")))
def test_every_loss_is_traced_exactly_or_refused(name, no_compiler, caplog):
    if registry.build(Loss, name).is_stateful:
        require_refused(of_loss(name), caplog)
    else:
        require_traced_exactly(of_loss(name))


@pytest.mark.parametrize("name", in_ci([n for n in TRICKS if "rule" not in registry.build(Trick, n).hooks], FEW))
def test_every_trick_is_traced_exactly_or_refused(name, no_compiler, caplog):
    if registry.build(Trick, name).compiles:
        require_traced_exactly(of_trick(name))
    else:
        require_refused(of_trick(name), caplog)


@pytest.mark.parametrize("options", in_ci(NETWORKS, NETWORKS[:1]), ids=str)
def test_networks_with_buffers_and_noise_are_traced_exactly(options, no_compiler):
    require_traced_exactly(of_network(options))


def test_lanes_and_what_changes_with_the_steps_are_traced_exactly(no_compiler):
    tricks = [choose("trick", "r1", gamma=gamma) for gamma in (0.5, 2.0)]
    plain = small_trial(**TINY)
    settings = tuple(Setting(i, {}, plain.loss, (r1,), plain.optimizer) for i, r1 in enumerate(tricks))
    require_traced_exactly(replace(plain, tricks=(tricks[0],), settings=settings, method="m"))
    require_traced_exactly(of_trick("r1", gamma=1.0, gamma_final=0.1))
    require_traced_exactly(small_trial(("instance_noise", {}), ("r1", {}), **TINY, n_critic=2, update="simultaneous"))


def test_python_that_depends_on_a_value_is_refused(no_compiler, caplog, monkeypatch):
    """A branch on a tensor, or on the number of the step, would be frozen as it went while it was traced."""
    trial = of_trick("l2_decay")
    penalties = (
        lambda self, view: view.fake_logits.mean(-1) * (2.0 if bool(view.fake_logits.mean() > 0) else 1.0),
        lambda self, view: view.fake_logits.mean(-1) * float(view.progress),
        lambda self, view: view.fake_logits.mean(-1) * view.step,
    )
    for penalty in penalties:
        monkeypatch.setattr(registry.find("trick", "l2_decay"), "penalty", penalty)
        require_refused(trial, caplog)


def test_a_compiler_that_is_wrong_or_missing_is_found(caplog, monkeypatch):
    def wrong(graph, inputs):
        def call(*tensors):
            loss, *rest = graph(*tensors)
            return [1.01 * loss, *rest]

        return call

    monkeypatch.setattr(compiled, "_compile", wrong)
    require_refused(of_loss("hinge"), caplog)
    assert "gives other numbers" in caplog.text

    def missing(graph, inputs):
        raise RuntimeError("InvalidCxxCompiler:\nno g++")

    monkeypatch.setattr(compiled, "_compile", missing)
    require_refused(of_loss("hinge"), caplog)


def test_a_checkpoint_of_the_other_kind_is_refused(tmp_path, no_compiler):
    trial = of_loss("hinge")
    for first in (True, False):
        path = tmp_path / f"{first}.pt"
        trained(trial, compile=first).save(path)
        assert trained(trial, checkpoint=path, compile=first).step == 4
        with pytest.raises(CheckpointError, match=r"its steps were (not )?compiled, and here they are"):
            Trainer(trial, checkpoint=path, compile=not first)


def test_tables_say_whether_steps_were_compiled(no_compiler):
    trial = of_loss("hinge")
    for compile in (True, False):
        (said,) = trained(trial, 4, compile=compile).tables().runs["environment"].unique()
        assert f'"compiled": {str(compile).lower()}' in said


def test_which_trials_are_compiled(monkeypatch):
    monkeypatch.setenv("CXX", "sh")  # found, and never called
    short = of_loss("hinge")
    long = replace(short, steps=10**7, batch=64)
    assert eager_reason(short, True) is None and eager_reason(long, "auto") is None
    assert "not asked for" in str(eager_reason(long, False))
    assert "of training on" in str(eager_reason(short, "auto")) and AUTO_SECONDS > 0
    assert "on the CPU" in str(eager_reason(long, "auto", "cuda"))
    assert eager_reason(small_trial(("ada", {}), **IMAGES), True) == "dcgan, ada cannot be compiled"
    for trick in ("unrolled", "replay_buffer", "lecam", "top_k"):
        assert eager_reason(of_trick(trick), True) == f"{trick} cannot be compiled"
    assert eager_reason(of_loss("began"), True) == "began cannot be compiled"
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "no C++ compiler" in str(eager_reason(long, True))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Compile into a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("inductor")))
        yield


def require_close(trial):
    """Hold one compiled step to an eager one.

    |computed − exact| ≤ n ε Σ|terms| where a number passes through n additions (Higham 2002, Accuracy and Stability of
    Numerical Algorithms, eq. 3.5 and 4.4), ε = 2⁻²⁴ the unit roundoff; both sides have such an error. A gradient here
    passes through the sums of three layers forward and three back, twice where a gradient is differentiated again, each
    of at most 32 terms (the batch or the width); Σ|terms| is taken as the tensor's largest number. It takes SGD,
    because Adam's first step is ±lr however small a gradient is, and of a relativistic loss D's last bias has none.
    """
    trial = replace(trial, optimizer=choose("optimizer", "sgd", lr=0.01))
    budget = 2 * (2 * 2 * 3 * 32) * 2.0**-24
    there, here = numbers(trained(trial, 1)), numbers(compiled_one := trained(trial, 1, compile=True))
    assert compiled_one.compiled
    for name in there:
        apart, largest = (there[name] - here[name]).abs().max(), there[name].abs().max()
        assert apart <= budget * largest, f"{name}: {apart / largest:.1e} of {budget:.1e}"


@pytest.mark.verify
@pytest.mark.parametrize("name", [n for n in LOSSES if n not in ("began", "ebgan")])
def test_every_loss_compiled_is_the_loss_within_rounding(name, cache):
    require_close(of_loss(name))


@pytest.mark.verify
@pytest.mark.parametrize(
    "name", ["r1", "gradient_penalty", "spectral_norm", "dropout", "label_flipping", "minibatch_stddev", "weight_norm"]
)
def test_tricks_compiled_are_the_tricks_within_rounding(name, cache):
    require_close(of_trick(name))


@pytest.mark.verify
def test_compiled_packed_equals_alone_and_a_resumed_run_an_uninterrupted_one(tmp_path, cache):
    """To the last bit, as eager steps: with a whole number of registers in a batch, and with a cache or without."""
    trial = small_trial(("spectral_norm", {}), **{**TINY, "seeds": (0, 1, 2), "steps": 20, "evaluate_every": 20})
    whole = trained(trial, 20, compile=True)
    for place, seed in enumerate(trial.seeds):
        alone = trained(replace(trial, seeds=(seed,)), 20, compile=True)
        assert alone.compiled
        assert torch.equal(alone.d.flat[0], whole.d.flat[place]) and torch.equal(alone.g.flat[0], whole.g.flat[place])
    trained(trial, 7, compile=True).save(tmp_path / "c.pt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cold"))
        resumed = trained(trial, 13, checkpoint=tmp_path / "c.pt", compile=True)
    assert resumed.step == 20
    there, here = numbers(whole), numbers(resumed)
    assert all(torch.equal(tensor, here[name]) for name, tensor in there.items())
