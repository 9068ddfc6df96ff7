"""What a monitor leaves: the tables of a run, whatever becomes of the process, the disk or the numbers."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

import ganbench
from ganbench.core.errors import UsageError
from ganbench.core.files import StoreError
from ganbench.monitor import folder as folders
from ganbench.tables.results import find_run, load
from tests.helpers import ROOT
from tests.helpers.present import present
from tests.helpers.small_gan import LATENT, Loop, networks

SCRIPT = """
import sys, torch
from tests.helpers.small_gan import Loop
import ganbench
torch.set_num_threads(1)
loop = Loop(lambda g, d: ganbench.Monitor(g, d, sys.argv[1], log_every=1, evaluate_every=10, samples=40))
for _ in range(int(sys.argv[2])):
    loop.run(50)
    print(loop.monitor.steps, flush=True)
"""


def start(folder, chunks):
    command = [sys.executable, "-c", SCRIPT, str(folder), str(chunks)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def watched(folder, **options):
    return Loop(
        lambda g, d: ganbench.Monitor(g, d, folder, **{"log_every": 1, "evaluate_every": 5, "samples": 20, **options})
    )


def test_the_tables_are_those_of_a_sweep(tmp_path):
    loop = watched(tmp_path / "run", loss="non_saturating", latents=torch.ones(20, LATENT), data="ring", seed=7).run(10)
    loop.monitor.close()
    results = load(tmp_path / "run")
    run = results.runs.iloc[0]
    assert run["run"] == f"{run['trial']}-7" and run["seed"] == 7 and run["steps"] == 10 and run["dataset"] == "ring"
    assert run["modes_captured_floor"] == 8 and run["n_fake"] == 20 and run["extractor"] == "coordinates"
    assert run["optimizer"] == "Adam" and run["status"] == "OK"
    for frame in (results.runs, results.history, results.layers):
        assert {column for column in frame.columns if column not in results.columns} == set()
    assert results.history["step"].tolist() == list(range(1, 11))
    assert bool(results.history["modes_captured"].notna().sum() == 2)
    of_g = results.layers[results.layers["network"] == "G"]
    total = of_g.groupby("step")["grad_norm"].apply(lambda norms: float(np.sqrt((norms**2).sum())))
    assert total.tolist() == pytest.approx(results.history["grad_norm_g"].tolist(), rel=1e-5)
    (pictures,) = results.samples.values()
    assert pictures["steps"].tolist() == [5, 10] and pictures["samples"].shape == (2, 1, 20, 2)


def test_pictures_of_images_are_bytes_and_at_most_eight(tmp_path):
    generator = nn.Sequential(nn.Linear(LATENT, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    optimiser = torch.optim.SGD([*generator.parameters(), *discriminator.parameters()], lr=0.1)
    with ganbench.Monitor(generator, discriminator, tmp_path / "run", evaluate_every=1, samples=10) as monitor:
        for _ in range(40):
            fake = generator(torch.randn(10, LATENT))
            discriminator(fake).mean().backward()
            optimiser.step()
            monitor.step(real=torch.rand(10, 1, 8, 8), fake=fake)
    (pictures,) = load(tmp_path / "run").samples.values()
    assert pictures["samples"].dtype == np.uint8 and pictures["samples"].shape[1:] == (1, 10, 1, 8, 8)
    steps = pictures["steps"].tolist()
    assert 4 <= len(steps) <= 8 and len(set(np.diff(steps))) == 1


def test_a_condition_goes_with_the_latents(tmp_path):
    class Conditional(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(LATENT + 1, 2)

        def forward(self, z, label):
            return self.linear(torch.cat((z, label), dim=1))

    generator, discriminator = Conditional(), networks()[1]
    optimiser = torch.optim.SGD([*generator.parameters(), *discriminator.parameters()], lr=0.1)
    latents = torch.ones(300, LATENT), torch.zeros(300, 1)
    with ganbench.Monitor(
        generator, discriminator, tmp_path / "run", latents=latents, evaluate_every=1, data=torch.randn(600, 2)
    ) as monitor:
        fake = generator(torch.randn(9, LATENT), torch.ones(9, 1))
        discriminator(fake).mean().backward()
        optimiser.step()
        monitor.step(real=torch.randn(9, 2), fake=fake)
    assert load(tmp_path / "run").history["total_spread"].tolist() == [pytest.approx(0.0, abs=1e-6)]


def test_a_run_is_never_written_over(tmp_path):
    first = watched(tmp_path / "run").run(3).monitor
    first.close()
    before = {path: path.read_bytes() for path in first.folder.iterdir()}
    second = watched(tmp_path / "run").run(2).monitor
    second.close()
    assert second.folder == tmp_path / "run-2" and len(load(second.folder).history) == 2
    assert {path: path.read_bytes() for path in first.folder.iterdir()} == before


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to("elsewhere")
    monitor = watched(tmp_path / "run").run(2).monitor
    monitor.close()
    assert monitor.folder == tmp_path / "run-2" and len(load(monitor.folder).history) == 2
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_newest_run_is_the_one_that_was_written_first_last_whatever_the_clock_says(tmp_path, monkeypatch):
    """Three runs beside each other while the clock goes back a year with each, and the first is gone on with."""
    for number, year in ((1, 2030), (2, 2029), (3, 2028)):
        monkeypatch.setattr(folders, "now", lambda year=year: f"{year}-01-01T00:00:00Z")
        watched(tmp_path / "runs" / f"r{number}").run(2).monitor.close()
        assert find_run(tmp_path / "runs").name == f"r{number}"
    watched(tmp_path / "runs" / "r1", resume=True).run(2).monitor.close()
    assert find_run(tmp_path / "runs").name == "r1"
    places = [load(tmp_path / "runs" / f"r{number}").manifest.times.place for number in (1, 2, 3)]
    assert places == [4, 2, 3]


def test_a_killed_process_leaves_whole_tables(tmp_path):
    process = start(tmp_path / "run", 100_000)
    seen, end = [], time.time() + 5
    for line in present(process.stdout):
        seen.append((time.time(), int(line)))
        if time.time() > end:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    results = load(tmp_path / "run")
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["monitor"]["running"]
    assert results.history["step"].tolist() == list(range(1, len(results.history) + 1))
    # What was done half a second before the last writing is there, and that writing is no older than they may be.
    written = (tmp_path / "run" / "runs.parquet").stat().st_mtime
    assert len(results.history) >= max((done for at, done in seen if at < written - 0.5), default=1)
    assert end - written < folders.AT_MOST
    assert not list((tmp_path / "run").glob(".*.tmp")) or len(results.runs) == 1


def test_a_table_is_the_old_one_until_the_new_one_is_whole(tmp_path, monkeypatch):
    loop = watched(tmp_path / "run").run(5)
    present(loop.monitor._watch).record.flush()

    def torn(table, file):
        file.write(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders.pq, "write_table", torn)
    present(loop.run(5).monitor._watch).record.flush()
    assert len(load(tmp_path / "run").history) == 5
    loop.monitor.close()


def test_a_script_that_just_ends_loses_nothing(tmp_path):
    process = start(tmp_path / "run", 3)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert load(tmp_path / "run").history["step"].tolist() == list(range(1, 151))
    assert not json.loads((tmp_path / "run" / "manifest.json").read_text())["monitor"]["running"]


def test_a_full_disk_is_said_once_and_ends_no_training(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(folders, "AT_LEAST", 0.0)
    monkeypatch.setattr(folders, "AT_MOST", 0.0)
    monkeypatch.setattr(folders, "LARGEST_SHARE", 1e9)
    write, full = folders.pq.write_table, True

    def fill(*arguments):
        if full:
            raise OSError(28, "No space left on device")
        write(*arguments)

    monkeypatch.setattr(folders.pq, "write_table", fill)
    with caplog.at_level(logging.WARNING):
        loop = watched(tmp_path / "run").run(10)
    assert caplog.text.count("no space left on device") == 1
    full = False
    loop.run(2).monitor.close()
    assert len(load(tmp_path / "run").history) == 12
    assert issubclass(StoreError, OSError)


def test_a_divergence_is_recorded_and_said(tmp_path, caplog):
    loop = watched(tmp_path / "run").run(6)
    with torch.no_grad():
        next(loop.generator.parameters()).fill_(torch.nan)
    with caplog.at_level(logging.WARNING):
        loop.run(4)
    results = load(tmp_path / "run")
    run = results.runs.iloc[0]
    assert run["status"] == "DIVERGED" and run["diverged_at"] == 7
    assert results.history["step"].tolist()[-1] == 6 and bool(results.history["grad_norm_g"].notna().all())
    assert "step 7: diverged" in caplog.text and "learning rate" in caplog.text


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"log_every": 0}, "log_every is 0"),
        ({"data": 3}, "data is int"),
        ({"data": "rnig"}, "unknown dataset 'rnig', did you mean 'ring'"),
        ({"data": torch.zeros(1, 2)}, "fewer than two samples"),
        ({"loss": "hing"}, "unknown loss 'hing', did you mean 'hinge'"),
        ({"diagnostics": ["cosine"]}, "cosine reads 'earlier' of a step, which only a sweep keeps"),
        ({"metrics": ["mode"]}, "unknown metric 'mode'"),
        ({"features": "inceptoin"}, "unknown extractor 'inceptoin', did you mean 'inception'"),
        ({"features": nn.Flatten}, "features is .*give an extractor's name or a function"),
        ({"folder": "\udcff"}, "folder is .*no text in UTF-8"),
    ],
)
def test_mistakes_are_said_at_once_and_leave_no_hooks(tmp_path, options, problem):
    generator, discriminator = networks()
    hooks = len(sys.modules["torch.optim.optimizer"]._global_optimizer_pre_hooks)
    with pytest.raises(UsageError, match=problem):
        ganbench.Monitor(generator, discriminator, **{"folder": tmp_path / "run", **options}).close()
    assert len(sys.modules["torch.optim.optimizer"]._global_optimizer_pre_hooks) == hooks


def test_more_mistakes(tmp_path):
    generator, discriminator = networks()
    with pytest.raises(UsageError, match="is no torch.nn.Module"):
        ganbench.Monitor(generator, lambda x: x, tmp_path / "run")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="has no parameters"):
        ganbench.Monitor(generator, nn.ReLU(), tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="give ganbench.Monitor a folder that can be written"):
        ganbench.Monitor(generator, discriminator, tmp_path / "file" / "run")
    loop = watched(tmp_path / "run", diagnostics=["logits"])
    loop.run(0)
    with pytest.raises(UsageError, match="give a tensor"):
        loop.monitor.step(real="x")  # type: ignore[arg-type]
    loop.monitor.close()


def test_what_a_diagnostic_misses_is_said_at_the_beginning_and_leaves_it_out(tmp_path, caplog):
    loop = Loop()
    names = ["logits", "gradients"]
    loop.monitor = ganbench.Monitor(
        loop.generator, loop.discriminator, tmp_path / "one", diagnostics=names, log_every=1
    )
    step = loop.monitor.step
    loop.monitor.step = lambda **_: step()
    loop.run(4).monitor.close()
    assert caplog.text.count("the diagnostic logits is left out") == 1 and "real logits; pass them" in caplog.text
    history = load(tmp_path / "one").history
    assert len(history) == 4 and bool(history["grad_norm_g"].notna().all())


def test_columns_come_with_what_is_given(tmp_path, monkeypatch):
    loop = watched(tmp_path / "run", evaluate_every=100)
    step = loop.monitor.step
    for given in ((), ("real_logits", "fake_logits"), ("d_loss",), ("d_loss", "g_loss")):
        some = lambda given=given, **values: step(**{name: values[name] for name in given})  # noqa: E731
        monkeypatch.setattr(loop.monitor, "step", some)
        loop.run(2)
    loop.monitor.close()
    history = load(tmp_path / "run").history
    assert bool(history["grad_norm_g"].notna().all())
    assert history["d_auc"].notna().tolist() == [False, False, True, True, False, False, False, False]
    assert history["d_loss"].notna().tolist() == [False] * 6 + [True, True]


def test_what_no_optimiser_moves_is_said(tmp_path, caplog):
    generator, discriminator = networks()
    with ganbench.Monitor(generator, discriminator, tmp_path / "run") as monitor, caplog.at_level(logging.WARNING):
        for _ in range(120):
            monitor.step()
    assert caplog.text.count("no optimiser has moved the generator") == 1
