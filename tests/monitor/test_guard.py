"""Whatever fails inside a monitor is logged once, and training goes on in the same bits; nothing is kept alive."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import weakref
from typing import Any

import pytest
import torch
from torch import nn

import ganbench
from ganbench.monitor.guard import IN_A_ROW, Guard
from ganbench.tables.results import load
from tests.helpers import ROOT
from tests.helpers.present import present
from tests.helpers.small_gan import LATENT, Loop

OPTIONS: dict[str, Any] = {"log_every": 1, "evaluate_every": 2, "samples": 20}


def watched(folder, **options):
    return Loop(lambda g, d: ganbench.Monitor(g, d, folder, **{**OPTIONS, **options}))


def weights_of(loop):
    return [value.clone() for module in (loop.generator, loop.discriminator) for value in module.state_dict().values()]


class NotThere(RuntimeError):
    """What fails in these tests."""


def fail(*_, **__):
    raise NotThere("planted")


@pytest.mark.parametrize(
    "place",
    [
        "ganbench.monitor.view._read",
        "ganbench.monitor.view.View.read",
        "ganbench.monitor.reference.Reference.offer",
        "ganbench.monitor.reference.Reference.describe",
        "ganbench.monitor.reference.Reference._finish",
        "ganbench.monitor.samples.SampleView.measure",
        "ganbench.monitor.samples.SampleView.keep",
        "ganbench.monitor.record.Record.add",
        "ganbench.monitor.record.Record._flush",
        "ganbench.monitor.record.Record.close",
        "ganbench.monitor.alarm.Alarm.look",
        "ganbench.monitor.hooks.Catcher._places",
        "ganbench.monitor.hooks.Catcher.close",
        "ganbench.monitor.player.Player.keep_gradient",
        "ganbench.monitor.player.Player.keep_after",
        "ganbench.monitor.folder.Folder.write",
        "ganbench.monitor.wiring.Wiring._players",
        "ganbench.monitor.wiring.Wiring._judge",
        "ganbench.monitor.conventions.Conventions.look",
        "ganbench.monitor.symptoms.Symptoms.look",
        "ganbench.training.evaluation.SampleEvaluator.compare",
    ],
)
def test_nothing_that_fails_inside_reaches_the_loop(tmp_path, monkeypatch, caplog, place):
    plain = Loop().run(8)
    monkeypatch.setattr(place, fail)
    with caplog.at_level(logging.WARNING):
        loop = watched(tmp_path / "run").run(8)
        loop.monitor.close()
    assert all(torch.equal(a, b) for a, b in zip(weights_of(plain), weights_of(loop), strict=True))
    said = [r.getMessage() for r in caplog.records if "planted" in r.getMessage()]
    assert said and len(said) == len(set(said)) and all("remedy: " in line for line in said)


def test_a_place_is_tried_again_and_then_left_out(caplog):
    guard, calls = Guard(), []

    def act(good):
        calls.append(good)
        return good or fail()

    for good in (False, False, True, False, False, False, True, True):
        guard.run("this", act, good)
    assert calls == [False, False, True, False, False, False]  # three in a row end it
    assert len(caplog.records) == 2 and f"{IN_A_ROW} times in a row" in caplog.text


def no_convergence(*_):
    raise torch.linalg.LinAlgError("no convergence")  # pyright: ignore[reportPrivateImportUsage] - not listed


def test_what_a_diagnostic_lacks_is_said_with_what_to_give(tmp_path, caplog):
    watched(tmp_path / "run", diagnostics=["gradients", "overfitting"]).run(3).monitor.close()
    assert (
        "the diagnostic overfitting is left out (it reads held-out samples); training goes on; remedy: give "
        "ganbench.Monitor(data=) real samples that training does not use, or leave the diagnostic out"
    ) in caplog.text


def test_a_failure_that_passes_leaves_later_rows(tmp_path, monkeypatch):
    loop = watched(tmp_path / "run", data=torch.randn(100, 2)).run(4)
    with monkeypatch.context() as patch:
        patch.setattr("torch.linalg.eigh", no_convergence)
        loop.run(2)
    loop.run(2).monitor.close()
    spread = load(tmp_path / "run").history.set_index("step")["total_spread"]
    assert spread.notna().loc[[2, 4, 6, 8]].tolist() == [True, True, False, True]


@pytest.mark.parametrize("closed", [True, False])
def test_no_network_is_kept_alive(tmp_path, closed):
    """By a monitor that the loop still holds, closed or not."""
    loop = watched(tmp_path / "run", latents=torch.ones(20, LATENT)).run(4)
    monitor = loop.monitor
    if closed:
        monitor.close()
    networks = [weakref.ref(loop.generator), weakref.ref(loop.discriminator)]
    del loop
    gc.collect()
    assert [known() for known in networks] == [None, None]
    monitor.step()
    monitor.close()


def test_a_forgotten_monitor_writes_what_it_has(tmp_path):
    loop = watched(tmp_path / "run").run(7)
    monitor = weakref.ref(loop.monitor)
    del loop
    gc.collect()
    assert monitor() is None
    results = load(tmp_path / "run")
    assert len(results.history) == 7 and not present(results.manifest.monitor).running


def test_hooks_go_with_the_monitor(tmp_path):
    before = len(sys.modules["torch.optim.optimizer"]._global_optimizer_pre_hooks)
    loop = watched(tmp_path / "run").run(3)
    assert len(sys.modules["torch.optim.optimizer"]._global_optimizer_pre_hooks) == before + 1
    del loop
    gc.collect()
    assert len(sys.modules["torch.optim.optimizer"]._global_optimizer_pre_hooks) == before


def test_the_same_networks_again_close_the_older_monitor(tmp_path, caplog):
    loop = watched(tmp_path / "one").run(3)
    older = loop.monitor
    loop.monitor = ganbench.Monitor(loop.generator, loop.discriminator, tmp_path / "two", **OPTIONS)
    assert "the monitor of one is closed, as another one watches the same network" in caplog.text
    loop.run(2).monitor.close()
    assert older.steps == 3 and len(load(tmp_path / "one").history) == 3
    assert len(load(tmp_path / "two").history) == 2


def test_the_same_folder_again_closes_the_older_monitor(tmp_path, caplog):
    first, second = watched(tmp_path / "run").run(2), watched(tmp_path / "run")
    assert "watches the same folder" in caplog.text and second.monitor.folder == tmp_path / "run-2"
    assert not present(load(first.monitor.folder).manifest.monitor).running
    second.monitor.close()


def test_networks_that_share_weights_are_said(tmp_path, caplog):
    loop = Loop()
    both = nn.ModuleDict({"g": loop.generator, "d": loop.discriminator})
    with ganbench.Monitor(both, loop.discriminator, tmp_path / "run"):
        pass
    assert "share 4 parameters (65 weights)" in caplog.text


def test_an_error_at_the_end_of_the_program_is_no_error_of_it(tmp_path):
    script = (
        "from tests.helpers.small_gan import Loop\nimport ganbench\n"
        "import ganbench.monitor.record as record\n"
        f"loop = Loop(lambda g, d: ganbench.Monitor(g, d, {str(tmp_path / 'run')!r})).run(3)\n"
        "record.Record._flush = lambda self: 1 / 0\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Traceback" not in done.stderr and "the writing of tables failed" in done.stderr
