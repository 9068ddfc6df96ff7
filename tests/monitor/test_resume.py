"""A run that goes on has one folder and one curve: after an end, a kill, or from an earlier checkpoint."""

from __future__ import annotations

import copy
import signal
import time

import pandas as pd
import pytest
import torch

import ganbench
from ganbench.tables import results as stored
from tests.helpers import warm
from tests.helpers.small_gan import LATENT, Loop

OPTIONS = {"log_every": 1, "evaluate_every": 4, "samples": 20}


def watched(folder, **options):
    return Loop(lambda g, d: ganbench.Monitor(g, d, folder, **{**OPTIONS, **options}))


def saved(loop):
    parts = (loop.generator, loop.discriminator, loop.opt_g, loop.opt_d)
    return {"parts": [copy.deepcopy(part.state_dict()) for part in parts], "random": torch.get_rng_state()}


def load(loop, state):
    for part, kept in zip((loop.generator, loop.discriminator, loop.opt_g, loop.opt_d), state["parts"], strict=True):
        part.load_state_dict(kept)
    torch.set_rng_state(state["random"])


def tables(folder):
    results = stored.load(folder)
    own = ["run", "trial", "seed"]
    return results.history.drop(columns=own), results.layers.drop(columns=own), results


@pytest.mark.parametrize("how", ["folder", "step", "state"])
def test_a_run_goes_on_as_if_it_had_never_ended(tmp_path, how):
    """Also from a checkpoint of step 12, where the folder has rows up to step 16."""
    whole = watched(tmp_path / "whole").run(30)
    whole.monitor.close()
    first = watched(tmp_path / "run")
    first.run(12)
    state, kept = saved(first), first.monitor.state_dict()
    torch.save(kept, tmp_path / "monitor.pt")
    if how != "folder":
        first.run(4)
    first.monitor.close()
    trial = stored.load(tmp_path / "run").runs["trial"][0]

    resume = {"folder": {"resume": True}, "step": {"resume": 12}, "state": {}}[how]
    second = watched(tmp_path / "run", **resume)
    if how == "state":
        second.monitor.load_state_dict(torch.load(tmp_path / "monitor.pt", weights_only=True))
    assert second.monitor.steps == 12
    load(second, state)
    second.run(18).monitor.close()
    assert not (tmp_path / "run-2").exists()
    for one, other in zip(tables(tmp_path / "whole")[:2], tables(tmp_path / "run")[:2], strict=True):
        keys = [name for name in ("network", "layer", "step") if name in one]
        pd.testing.assert_frame_equal(
            one.sort_values(keys, ignore_index=True), other.sort_values(keys, ignore_index=True), check_like=True
        )
    runs = stored.load(tmp_path / "run").runs.iloc[0]
    assert (runs["trial"], runs["steps"], runs["status"]) == (trial, 30, "OK")
    assert runs["total_spread"] == stored.load(tmp_path / "whole").runs["total_spread"][0]


@pytest.mark.parametrize("how", ["folder", "state"])
def test_a_run_that_goes_on_with_less_keeps_the_columns_of_what_is_not_given_any_more(tmp_path, how, caplog):
    first = watched(tmp_path / "run", diagnostics=["gradients", "updates"], metrics=["position", "precision_recall"])
    state = first.run(12).monitor.state_dict()
    first.monitor.close()
    options = {"diagnostics": ["gradients"], "metrics": ["position"]}
    second = watched(tmp_path / "run", **options, **({"resume": True} if how == "folder" else {}))
    if how == "state":
        second.monitor.load_state_dict(state)
    second.run(6).monitor.close()
    history = stored.load(tmp_path / "run").history
    assert history["step"].tolist() == list(range(1, 19)) and "failed" not in caplog.text
    for column in ("recall", "update_ratio_g"):
        assert any(history.loc[history["step"] <= 12, column].notna()), column
        assert all(history.loc[history["step"] > 12, column].isna()), column
    assert all(history["grad_norm_g"].notna())


SCRIPT = """
import sys, torch
from tests.helpers.small_gan import Loop
import ganbench
torch.set_num_threads(1)
loop = Loop(lambda g, d: ganbench.Monitor(g, d, sys.argv[1], log_every=1, evaluate_every=10, samples=40, resume=True))
while True:
    loop.run(20)
"""


def test_a_killed_run_goes_on_in_its_folder(tmp_path):
    written = tmp_path / "run" / "manifest.json"
    for _ in range(2):
        before = len(stored.load(tmp_path / "run").history) if written.exists() else 0
        child = warm.Child(SCRIPT, tmp_path / "run")
        while not (written.exists() and len(stored.load(tmp_path / "run").history) > before + 30):
            assert child.process.is_alive()
            time.sleep(0.05)
        child.process.kill()
        assert child.wait().returncode == -signal.SIGKILL
    steps = stored.load(tmp_path / "run").history["step"].tolist()
    assert steps == list(range(1, len(steps) + 1)) and [p.name for p in tmp_path.iterdir()] == ["run"]


def test_what_cannot_be_resumed_is_said_and_written_beside(tmp_path, caplog):
    watched(tmp_path / "run").run(3).monitor.close()
    (tmp_path / "run" / "history.parquet").write_bytes(b"no table")
    loop = watched(tmp_path / "run", resume=True).run(2)
    loop.monitor.close()
    assert "cannot be resumed" in caplog.text and loop.monitor.folder == tmp_path / "run-2"


def test_resuming_where_nothing_is_begins(tmp_path):
    loop = watched(tmp_path / "run", resume=True, latents=torch.ones(20, LATENT)).run(3)
    loop.monitor.close()
    assert loop.monitor.folder == tmp_path / "run" and len(stored.load(tmp_path / "run").history) == 3


@pytest.mark.parametrize("steps", [0, 3])
def test_what_is_given_no_more_stays_in_the_tables(tmp_path, caplog, steps):
    """A run with terms, logits and a diagnostic of its own goes on without, and may end before its first row."""
    first = watched(tmp_path / "run", diagnostics=["gradients", "logits", "critic_slope"])
    step = first.monitor.step

    def with_terms(**given):
        step(**given)
        weight = first.generator.get_parameter("0.weight")
        first.monitor.terms({"adversarial": weight.sum(), "l1": weight.square().sum()})

    first.monitor.step = with_terms
    first.run(6)
    first.monitor.close()
    before = stored.load(tmp_path / "run").history.set_index("step")
    assert {"term_share_l1", "critic_slope_max", "grad_norm_g"} <= {*before}
    second = watched(tmp_path / "run", resume=True, diagnostics=["gradients"])
    second.run(steps)
    second.monitor.close()
    assert "failed" not in caplog.text
    after = stored.load(tmp_path / "run").history.set_index("step")
    assert list(after.index) == list(range(1, 7 + steps))
    pd.testing.assert_frame_equal(after.loc[1:6, [*before]], before)


def test_a_run_that_goes_on_from_its_beginning_keeps_no_row(tmp_path):
    first = watched(tmp_path / "run").run(6)
    first.monitor.close()
    second = watched(tmp_path / "run", resume=0)
    assert second.monitor.steps == 0
    second.run(2).monitor.close()
    assert list(stored.load(tmp_path / "run").history["step"]) == [1, 2]


def steps_of(folder):
    return stored.load(folder).history["step"].tolist()


def test_a_run_whose_last_rows_a_kill_has_cost_goes_on_at_the_step_of_the_checkpoint(tmp_path):
    watched(tmp_path / "run").run(6).monitor.close()
    second = watched(tmp_path / "run", resume=10)
    assert second.monitor.steps == 10
    second.run(2).monitor.close()
    assert steps_of(tmp_path / "run") == [*range(1, 7), 11, 12]


def test_a_first_writing_that_was_killed_leaves_the_folder_to_the_run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (".claimed", ".history.parquet.0123abcd.tmp", ".runs.parquet.0123456789abcdef.next"):
        (folder / name).write_bytes(b"half a file")
    for rows in (3, 6):
        loop = watched(folder, resume=True).run(3)
        loop.monitor.close()
        assert loop.monitor.folder == folder and steps_of(folder) == list(range(1, rows + 1))
    assert not list(folder.glob(".*.tmp")) and not list(folder.glob(".*.next"))


@pytest.mark.parametrize("there", ["checkpoint", "damage"])
def test_a_run_beside_a_folder_that_holds_something_else_is_found_again(tmp_path, there):
    """Whatever else has a name like it."""
    folder = tmp_path / "run"
    if there == "damage":
        watched(folder).run(3).monitor.close()
        (folder / "history.parquet").write_bytes(b"no table")
    else:
        folder.mkdir()
        (folder / "checkpoint.pt").write_bytes(b"weights")
    watched(tmp_path / "run-7").run(5).monitor.close()  # of somebody else
    for rows in (3, 6, 9):
        loop = watched(folder, resume=True).run(3)
        loop.monitor.close()
        assert loop.monitor.folder == tmp_path / "run-2" and steps_of(tmp_path / "run-2") == list(range(1, rows + 1))
    assert steps_of(tmp_path / "run-7") == [1, 2, 3, 4, 5]


def test_a_folder_that_holds_something_else_is_said(tmp_path, caplog):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    watched(tmp_path / "run").run(2).monitor.close()
    watched(tmp_path / "run").run(2).monitor.close()  # beside a run, as ever
    (line, _) = [r.getMessage() for r in caplog.records if "holds" in r.getMessage()]
    assert "run holds other files, and rows go to run-2" in line and "; give" in line


def test_pictures_of_a_run_that_was_ended_again_and_again_are_those_of_one_without_an_end(tmp_path):
    options = {"evaluate_every": 1}
    whole = watched(tmp_path / "whole", **options).run(60)
    whole.monitor.close()
    for _ in range(6):
        loop = watched(tmp_path / "run", resume=True, **options).run(10)
        loop.monitor.close()
    kept = []
    for name in ("whole", "run"):
        results = stored.load(tmp_path / name)
        kept.append(results.samples[str(results.runs["trial"][0])]["steps"].tolist())
    assert len(kept[0]) > 4 and kept[0][0] == kept[1][0]
    assert len(kept[1]) >= len(kept[0]) - 1 and max(b - a for a, b in zip(kept[1], kept[1][1:], strict=False)) <= 16


@pytest.mark.parametrize("how", ["folder", "state"])
def test_what_was_said_of_a_loop_stays_with_its_run(tmp_path, how, caplog):
    first = watched(tmp_path / "run").run(4)
    findings = first.monitor._watch.scrutiny.findings  # type: ignore[union-attr]
    findings.say(2, "early", "the labels are swapped")
    findings.say(4, "late", "the rates are exchanged")
    state = first.monitor.state_dict()
    first.monitor.close()
    caplog.clear()
    second = watched(tmp_path / "run", **({"resume": 3} if how == "folder" else {}))
    if how == "state":
        second.monitor.load_state_dict(state)
    expected = ["step 2: the labels are swapped", "step 4: the rates are exchanged"][: 1 if how == "folder" else 2]
    assert list(second.monitor.findings) == expected and caplog.text == ""
    second.run(2).monitor.close()
    monitored = stored.load(tmp_path / "run").manifest.monitor
    assert monitored is not None and monitored.findings == expected


@pytest.mark.parametrize("features", [lambda x: x[:, :1], lambda x: torch.cat((x, x), 1), "named"])
def test_a_run_that_goes_on_with_other_features_is_compared_with_new_samples(tmp_path, features, caplog):
    """Nothing fails, and all rows are written."""
    options = {"kind": "audio"} if features == "named" else {"features": features}
    watched(tmp_path / "run").run(12).monitor.close()
    watched(tmp_path / "run", resume=True, **options).run(12).monitor.close()
    assert "had other features of samples" in caplog.text and "failed" not in caplog.text
    history = stored.load(tmp_path / "run").history.set_index("step")
    assert list(history.index) == list(range(1, 25))
    assert history["total_spread"].dropna().index[-1] > 12


def test_a_run_goes_on_in_a_folder_that_was_moved(tmp_path):
    first = watched(tmp_path / "run").run(4)
    state = first.monitor.state_dict()
    first.monitor.close()
    (tmp_path / "run").rename(tmp_path / "moved")
    second = watched(tmp_path / "moved")
    second.monitor.load_state_dict(state)
    second.run(2).monitor.close()
    assert steps_of(tmp_path / "moved") == list(range(1, 7)) and [p.name for p in tmp_path.iterdir()] == ["moved"]
