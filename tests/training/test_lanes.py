"""Settings on the seed axis: a lane has, bit for bit, the numbers of an ordinary trial with its setting."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ganbench.core import registry
from ganbench.core.trial import Choice, Setting, Trial
from ganbench.training.trainer import Trainer

STEPS = 12
COMPONENTS = [(kind, name) for kind in ("loss", "trick") for name in registry.components(kind)]
LANED = [(kind, name, p) for kind, name in COMPONENTS for p in registry.find(kind, name).lanes]
BITING = {"gradient_clipping": 1e-2}  # at the default the first steps would not notice
RATES = [{"lr": 1e-3}, {"lr": 3e-3, "d_lr": 4e-4}, {"lr": 5e-4, "lr_final": 0.1, "lr_hold": 0.0}]


def choice(kind: str, name: str, **parameters: object) -> Choice:
    return Choice.of(registry.build(kind, name, parameters))


def trial(loss: Choice, tricks: tuple[Choice, ...], optimizer: Choice) -> Trial:
    energy = loss.name in ("began", "ebgan")
    return Trial(
        dataset=choice("dataset", "ring"),
        network=choice("network", "autoencoder" if energy else "mlp", width=16),
        loss=loss,
        tricks=tricks,
        optimizer=optimizer,
        seeds=(0, 3),
        steps=STEPS,
        batch=32,
        log_every=4,
        evaluate_every=6,
        samples=64,
        metrics=(choice("metric", "position"),),
        diagnostics=tuple(choice("diagnostic", n) for n in ("losses", "gradients", "critic_slope", "excess")),
    )


def packed(trials: list[Trial]) -> Trial:
    settings = tuple(Setting(i, {"x": float(i)}, t.loss, t.tricks, t.optimizer) for i, t in enumerate(trials))
    return replace(trials[0], settings=settings, method="m")


def trained(trial: Trial) -> Trainer:
    trainer = Trainer(trial)
    trainer.advance(60)
    assert trainer.finished
    return trainer


def assert_lanes_are_alone(trials: list[Trial]) -> None:
    together = trained(packed(trials))
    n = len(trials[0].seeds)
    weights = []
    for i, one in enumerate(trials):
        alone, lanes = trained(one), slice(i * n, (i + 1) * n)
        for a, b in ((together.d, alone.d), (together.g, alone.g)):
            assert torch.equal(a.flat[lanes], b.flat)
        assert together.history.columns.keys() == alone.history.columns.keys()
        for name, column in alone.history.columns.items():
            assert torch.equal(together.history.columns[name][:, lanes].nan_to_num(7), column.nan_to_num(7)), name
        weights.append(alone.d.flat)
    assert not torch.equal(weights[0], weights[1])  # the settings do matter


@pytest.mark.parametrize(("kind", "name", "parameter"), LANED)
def test_a_parameter_of_its_own_gives_each_lane_the_numbers_of_a_trial_of_its_own(kind, name, parameter):
    default = BITING.get(name) or float(registry.find(kind, name)().parameters[parameter])
    fitted = {"warm_up": 3} if name == "lecam" else {"size": 16} if name == "replay_buffer" else {}
    values = [default, default * 0.3, default * 0.7]
    mine = [choice(kind, name, **fitted, **{parameter: value}) for value in values]
    other = choice("loss", "non_saturating")
    adam = choice("optimizer", "adam")
    trials = [trial(m, (), adam) if kind == "loss" else trial(other, (m,), adam) for m in mine]
    assert_lanes_are_alone(trials)


@pytest.mark.parametrize("name", sorted(registry.components("optimizer")))
def test_each_setting_moves_by_an_optimiser_of_its_own(name):
    extra = {"adam": [{}, {"betas": (0.9, 0.99)}, {"betas": (0.0, 0.9)}], "sgd": [{}, {"momentum": 0.5}, {}]}
    optimizers = [
        choice("optimizer", name, **rates, **more)
        for rates, more in zip(RATES, extra.get(name, [{}, {}, {}]), strict=True)
    ]
    assert_lanes_are_alone([trial(choice("loss", "non_saturating"), (), o) for o in optimizers])


def test_a_packed_trial_goes_on_from_its_checkpoint_to_the_same_numbers(tmp_path):
    mine = (choice("trick", "instance_noise"), choice("trick", "lecam", warm_up=2))
    adam = [choice("optimizer", "adam", **rates) for rates in RATES]
    whole = packed([trial(choice("loss", "non_saturating"), mine, optimizer) for optimizer in adam])
    uninterrupted = trained(whole)
    first = Trainer(whole, checkpoint=tmp_path / "a.pt")
    for _ in range(7):
        first.advance(0.0)
    first.save(tmp_path / "a.pt")
    second = Trainer(whole, checkpoint=tmp_path / "a.pt")
    assert second.step == 7
    second.advance(float("inf"))
    for a, b in ((second.d, uninterrupted.d), (second.g, uninterrupted.g)):
        assert torch.equal(a.flat, b.flat)
    for name, column in uninterrupted.history.columns.items():
        assert torch.equal(second.history.columns[name].nan_to_num(7), column.nan_to_num(7)), name
