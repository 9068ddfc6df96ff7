"""Suites from Python: own components end to end, ordinary modules against the built-in layers."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from annotated_types import Gt
from torch import nn

import ganbench
from ganbench.core import registry
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss
from ganbench.tricks import Trick
from ganbench.tricks.r1 import R1
from tests.helpers.own_suites import discriminator, generator, own_suite

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("clean_registry")


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
DEEP: Any = functools.reduce(lambda inner, _: [inner], range(100_000), [])


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
        ({"losses": [Scaled(scale=DEEP)]}, "a parameter of scaled is not plain data"),
    ],
)
def test_mistakes_are_said_in_one_line(keys, problem):
    with pytest.raises(UsageError) as error:
        own_suite(**keys)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_numbers_of_numpy_are_numbers():
    def trials(seeds, steps, lr):
        return ganbench.Suite(
            "own", datasets=["ring"], seeds=seeds, steps=steps, optimizers=[{"adam": {"lr": lr}}]
        ).plan().trials  # fmt: skip

    assert trials(range(2), np.int64(100), np.float32(0.5)) == trials([0, 1], 100, 0.5)


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


@pytest.mark.ray
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
