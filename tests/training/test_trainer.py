"""What a trial promises: company, measuring and interruptions change no number."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from ganbench.core import registry
from ganbench.training.checkpoint import CheckpointError
from ganbench.training.trainer import Trainer
from tests.helpers.trials import choose, small_trial

CLOCKS = ["ms_per_step", "seconds"]


def trained(trial, **options):
    trainer = Trainer(trial, **options)
    trainer.advance(float("inf"))
    return trainer.tables()


def seed_rows(frame, seed):
    """Return one seed's rows without what names the trial: the key holds all seeds."""
    rows = frame[frame.seed == seed].drop(columns=["run", "trial", *CLOCKS], errors="ignore")
    return rows.reset_index(drop=True)


def assert_equal(here, there):
    for name in ("runs", "history", "layers"):
        a, b = (getattr(t, name).drop(columns=CLOCKS, errors="ignore") for t in (here, there))
        pd.testing.assert_frame_equal(a, b, check_exact=True)


@pytest.mark.parametrize("tricks", [(), (("spectral_norm", {}),), (("r1", {}),)], ids=str)
def test_a_seed_has_the_same_history_alone_and_with_seven_others(tricks):
    """Bit for bit where a batch is a whole number of vector registers (32 covers them all).

    Elsewhere the last few logits of a lone seed go through the scalar exponential and those of a packed one through
    the vectorised one, which differ in the last bit; then the first steps agree to 1e-6.
    """
    for batch, steps, exact in ((64, 60, True), (20, 5, False)):
        changes = {"batch": batch, "steps": steps, "log_every": 1, "evaluate_every": steps}
        together = trained(small_trial(*tricks, seeds=tuple(range(8)), **changes))
        alone = trained(small_trial(*tricks, seeds=(3,), **changes))
        for name in ("runs", "history", "layers"):
            here, there = (seed_rows(getattr(tables, name), 3) for tables in (alone, together))
            pd.testing.assert_frame_equal(here, there, check_exact=exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("ends", [True, False])
def test_subnormal_numbers_count_as_zero_in_training_alone(monkeypatch, ends):
    def halved():
        return (torch.tensor(1.5e-38) / 2).item()

    if not torch.set_flush_denormal(False):
        pytest.skip("this processor has no such mode")
    inside = []

    def step(self):
        inside.append(halved())
        if not ends:
            raise ArithmeticError
        whole(self)

    whole = Trainer._one_step
    monkeypatch.setattr(Trainer, "_one_step", step)
    trainer = Trainer(small_trial(steps=2, batch=8, seeds=(0,)))
    if ends:
        trainer.advance(float("inf"))
    else:
        with pytest.raises(ArithmeticError):
            trainer.advance(float("inf"))
    assert inside == [0.0] * (2 if ends else 1)
    assert halved() == pytest.approx(7.5e-39)


# The game's eigenvalues cost more than all else, so they are looked for once: halfway, where training still follows.
CHEAP = tuple(choose("diagnostic", name) for name in registry.components("diagnostic") if name != "game_jacobian")
EVERY_DIAGNOSTIC = (*CHEAP, choose("diagnostic", "game_jacobian", at=(0.5,)))
STATEFUL = {
    "buffers of both": ({"network": ("mlp", {"norm": "batch", "d_dropout": 0.2})}, ("spectral_norm", {})),
    "noise and shape": ({"dataset": ("gaussian", {"points": 16})}, ("instance_noise", {}), ("packing", {})),
    "memory": ({"n_generator": 2}, ("replay_buffer", {"size": 8}), ("minibatch_discrimination", {"kernels": 8})),
    "batch norm in D": ({"network": ("mlp", {"d_norm": "batch"})},),
}


@pytest.mark.parametrize("name", STATEFUL)
def test_measuring_changes_nothing(name):
    changes, *tricks = STATEFUL[name]
    few = {"steps": 8, "seeds": (0, 1), **changes}
    bare = small_trial(*tricks, diagnostics=(), metrics=(), log_every=8, evaluate_every=8, **few)
    measured = small_trial(*tricks, diagnostics=EVERY_DIAGNOSTIC, log_every=1, evaluate_every=1, **few)
    runs = []
    for trial in (bare, measured):
        trainer = Trainer(trial)
        trainer.advance(float("inf"))
        runs.append(
            {f"{p.name}{n}": t for p in (trainer.d, trainer.g) for n, t in (*p.params.items(), *p.buffers.items())}
        )
    assert runs[0].keys() == runs[1].keys()
    assert all(torch.equal(runs[0][name], runs[1][name]) for name in runs[0])


OF_UPDATES = (choose("diagnostic", "gradients"), choose("diagnostic", "updates"))


@pytest.mark.parametrize("log_every", [2, 3])
def test_a_row_where_the_discriminator_did_not_move_tells_of_its_last_update(log_every):
    """Two or three steps to one of the discriminator; rows at steps that are among its own and at others."""
    for cycle in (2, 3):
        changes = {"n_generator": cycle, "steps": 12, "evaluate_every": 12, "diagnostics": OF_UPDATES}
        often, seldom = (trained(small_trial(**changes, log_every=every)).history for every in (1, log_every))
        assert set(seldom["step"]) < set(often["step"])
        columns = [name for name in ("update_ratio_d", "update_ratio_g", "grad_norm_d") if name in often]
        assert len(columns) == 3
        rows = often.set_index(["seed", "step"]).loc[[*zip(seldom["seed"], seldom["step"], strict=True)], columns]
        assert rows.notna().all().all()
        pd.testing.assert_frame_equal(rows.reset_index(), seldom.filter(["seed", "step", *columns]), check_exact=True)


def test_the_global_generator_is_never_touched():
    torch.manual_seed(0)
    np.random.seed(0)
    before = torch.get_rng_state()
    trained(small_trial())
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("stop", "diagnostics"), [(1, CHEAP), (7, EVERY_DIAGNOSTIC), (10, CHEAP), (19, CHEAP)], ids=["1", "7", "10", "19"]
)
def test_killed_and_resumed_equals_uninterrupted(tmp_path, stop, diagnostics):
    trial = small_trial(("spectral_norm", {}), ema=0.9, steps=20, diagnostics=diagnostics)
    first = Trainer(trial, checkpoint=tmp_path / "c.pt")
    while first.step < stop:
        first.advance(0.0)
    first.save(tmp_path / "c.pt")
    second = Trainer(trial, checkpoint=tmp_path / "c.pt")
    assert second.step == stop
    second.advance(float("inf"))
    assert_equal(second.tables(), trained(trial))


@pytest.mark.parametrize("spoil", ["", "not a checkpoint"])
def test_a_broken_checkpoint_is_refused(tmp_path, spoil):
    (tmp_path / "c.pt").write_text(spoil)
    with pytest.raises(CheckpointError):
        Trainer(small_trial(), checkpoint=tmp_path / "c.pt")


def test_a_checkpoint_of_another_trial_is_refused(tmp_path):
    first = Trainer(small_trial())
    first.advance(0.0)
    first.save(tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match="another trial's"):
        Trainer(small_trial(batch=8), checkpoint=tmp_path / "c.pt")


def spoiled(trial, seed_index, at):
    """Train with one seed's generator turned to NaN before step `at`."""
    trainer = Trainer(trial)
    while not trainer.finished:
        if trainer.step == at - 1:
            with torch.no_grad():
                next(iter(trainer.g.params.values()))[seed_index] = torch.nan
        trainer.advance(0.0)
    return trainer.tables()


@pytest.mark.parametrize("at", [1, 8, 20])
def test_a_diverged_seed_is_recorded_and_leaves_the_others_alone(at):
    clean, dirty = trained(small_trial()), spoiled(small_trial(), 1, at)
    assert dirty.runs.status.tolist() == ["OK", "DIVERGED", "OK"]
    assert dirty.runs.diverged_at.tolist()[1] == at
    assert dirty.runs.modes_captured.isna().tolist() == [False, True, False]
    assert (dirty.history[dirty.history.seed == 1].step < at).all()
    for name in ("runs", "history", "layers"):
        for seed in (0, 2):
            pd.testing.assert_frame_equal(
                seed_rows(getattr(dirty, name), seed), seed_rows(getattr(clean, name), seed), check_exact=True
            )


def test_when_no_seed_is_left_the_trial_ends():
    trainer = Trainer(small_trial(optimizer=("sgd", {"lr": 1e30}), steps=1000))
    trainer.advance(float("inf"))
    assert trainer.step < 1000
    runs = trainer.tables().runs
    assert (runs.status == "DIVERGED").all()
    assert (runs.diverged_at <= trainer.step).all()


def test_rows_and_columns():
    tables = trained(small_trial(steps=20, log_every=5, evaluate_every=10))
    assert tables.history.step.tolist() == [1, 5, 10, 15, 20] * 3
    assert tables.history.fid.notna().sum() == 2 * 3
    assert set(tables.layers.network) == {"G", "D"}
    assert len(tables.layers) == 3 * 5 * 6
    declared = set(tables.columns)
    measured = set(tables.history.columns) | set(tables.layers.columns)
    assert measured - declared == {"run", "trial", "seed", "step", "network", "layer"}
    assert tables.samples["samples"].shape == (2, 3, 200, 2)
    assert tables.samples["steps"].tolist() == [10, 20]
    network = tables.layers.groupby(["seed", "step", "network"]).grad_norm.apply(lambda v: (v**2).sum() ** 0.5)
    whole = tables.history.set_index(["seed", "step"])
    for (seed, step, name), value in network.items():
        assert value == pytest.approx(whole.loc[(seed, step), f"grad_norm_{name.lower()}"], rel=1e-5)


def test_the_moving_average_is_what_is_evaluated():
    trial = small_trial(ema=0.5, steps=3, evaluate_every=3)
    trainer = Trainer(trial)
    weights = [trainer.g.flat.clone()]
    while not trainer.finished:
        trainer.advance(0.0)
        weights.append(trainer.g.flat.clone())
    expected = weights[0]
    for w in weights[1:]:
        expected = 0.5 * expected + 0.5 * w
    torch.testing.assert_close(trainer.ema, expected)
    plain = trained(dataclasses.replace(trial, ema=0.0))
    assert not np.array_equal(plain.samples["samples"], trainer.tables().samples["samples"])


@pytest.mark.parametrize("network", ["mlp", "dcgan"])
def test_images_train_too(network):
    trial = small_trial(dataset=("digits", {}), network=(network, {}), steps=4, evaluate_every=4)
    tables = trained(trial)
    assert np.isfinite(tables.runs.fid).all()
    assert tables.samples["samples"].dtype == np.uint8
    assert tables.samples["samples"].shape[-3:] == (1, 8, 8)


def test_final_rates_follow_the_schedule():
    trial = small_trial(optimizer=("adam", {"lr": 1e-2, "d_lr": 4e-2, "lr_final": 0.1}), steps=10)
    trainer = Trainer(trial)
    trainer.advance(float("inf"))
    for player, base in ((trainer.d, 4e-2), (trainer.g, 1e-2)):
        # The last step starts at progress 0.9: 0.8 of the way down from 1 to 0.1.
        assert player.optimizer.param_groups[0]["lr"] == pytest.approx(base * (1 - 0.8 * 0.9))


def test_metric_choice_decides_the_columns():
    tables = trained(small_trial(metrics=(choose("metric", "modes"),)))
    assert "fid" not in tables.runs
    assert "modes_captured_floor" in tables.runs
