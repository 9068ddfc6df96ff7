"""The same rows in experiment trackers: TensorBoard's files for real, the others against the calls they document."""

from __future__ import annotations

import logging
import sys
import types
from pathlib import Path

import pytest

import ganbench
from ganbench.cli.main import main
from ganbench.core.errors import UsageError
from ganbench.sinks import Writers
from ganbench.sinks.mlflow import MLflow
from ganbench.sinks.named import sink_of
from ganbench.sinks.tensorboard import TensorBoard
from ganbench.sinks.wandb import WandB
from tests.engine import run_plan
from tests.helpers.small_gan import Loop
from tests.helpers.small_suite import small_plan

ROWS = [(1, {"grad_norm_g": 0.5, "fid": 2.0}), (2, {"grad_norm_g": 0.25, "fid": float("nan")})]


class Notes:
    """A sink that remembers."""

    def __init__(self, failing=False):
        self.runs, self.failing = {}, failing

    def open(self, name, labels):
        self.runs[name] = {"labels": dict(labels), "rows": [], "closed": False}
        return _NotesOf(self.runs[name], self.failing)


class _NotesOf:
    def __init__(self, run, failing):
        self.run, self.failing = run, failing

    def write(self, step, values):
        if self.failing:
            raise ConnectionError("the server has gone")
        self.run["rows"].append((step, dict(values)))

    def close(self):
        self.run["closed"] = True


def fill(sink):
    writers = Writers([sink], "ring · hinge / none", {"dataset": "ring", "loss": "hinge"})
    for step, values in ROWS:
        writers.write(step, values)
    writers.close()


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = reading.EventAccumulator(str(folder), size_guidance={reading.SCALARS: 0})
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_tensorboard_reads_what_was_written(tmp_path):
    fill(TensorBoard(tmp_path))
    (run,) = tmp_path.iterdir()
    assert run.parent == tmp_path and "/" not in run.name
    assert scalars(run) == {"grad_norm_g": [(1, 0.5), (2, 0.25)], "fid": [(1, 2.0)]}


def test_mlflow_gets_batches_of_a_run(monkeypatch):
    calls = []

    class Client:
        def __init__(self, tracking_uri):
            calls.append(("client", tracking_uri))

        def get_experiment_by_name(self, name):
            return None

        def create_experiment(self, name):
            return "7"

        def create_run(self, experiment_id, run_name):
            calls.append(("run", experiment_id, run_name))
            return types.SimpleNamespace(info=types.SimpleNamespace(run_id="r1"))

        def log_param(self, run_id, key, value):
            calls.append(("param", run_id, key, value))

        def log_batch(self, run_id, metrics):
            calls.append(("batch", run_id, [(m.key, m.value, m.step) for m in metrics]))

        def set_terminated(self, run_id):
            calls.append(("end", run_id))

    class Metric:
        def __init__(self, key, value, timestamp, step):
            self.key, self.value, self.timestamp, self.step = key, value, timestamp, step

    fake = types.SimpleNamespace(MlflowClient=Client, entities=types.SimpleNamespace(Metric=Metric))
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    fill(MLflow("http://there", experiment="mine"))
    assert calls == [
        ("client", "http://there"),
        ("run", "7", "ring · hinge / none"),
        ("param", "r1", "dataset", "ring"),
        ("param", "r1", "loss", "hinge"),
        ("batch", "r1", [("grad_norm_g", 0.5, 1), ("fid", 2.0, 1)]),
        ("batch", "r1", [("grad_norm_g", 0.25, 2)]),
        ("end", "r1"),
    ]


def test_wandb_gets_rows_of_a_run(monkeypatch):
    calls = []

    class Run:
        def log(self, values, step):
            calls.append((step, values))

        def finish(self):
            calls.append("end")

    def init(project, name, config, reinit):
        calls.append((project, name, config, reinit))
        return Run()

    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=init))
    fill(WandB("mine"))
    labels = {"dataset": "ring", "loss": "hinge"}
    assert calls == [("mine", "ring · hinge / none", labels, "create_new"), ROWS[0], (2, {"grad_norm_g": 0.25}), "end"]


@pytest.mark.parametrize("kind, package", [("tensorboard", "tensorboardX"), ("mlflow", "mlflow"), ("wandb", "wandb")])
def test_a_missing_package_says_how_to_install_it(monkeypatch, kind, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"{package} cannot be imported .*pip install 'ganbench\[{kind}\]'"):
        sink_of(f"{kind}:somewhere")


@pytest.mark.parametrize("text", ["tensorbord:x", "tensorboard", "tensorboard:", ""])
def test_a_wrong_sink_is_said_before_anything_trains(tmp_path, monkeypatch, capsys, text):
    monkeypatch.chdir(tmp_path)
    small_plan(tmp_path)
    assert main(["run", "small.yaml", "--sink", text]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "--sink" in err and not (tmp_path / "results").exists()


def test_a_tracker_that_fails_is_left_out_and_said(caplog):
    bad, good = Notes(failing=True), Notes()
    writers = Writers([bad, good], "x", {})
    with caplog.at_level(logging.WARNING):
        for step, values in ROWS:
            writers.write(step, values)
        writers.close()
    assert [row[0] for row in good.runs["x"]["rows"]] == [1, 2] and good.runs["x"]["closed"]
    assert len(caplog.records) == 1 and "the server has gone" in caplog.text


def test_a_monitor_hands_on_the_rows_of_its_table(tmp_path):
    notes = Notes()
    loop = Loop(
        lambda g, d: ganbench.Monitor(
            g,
            d,
            tmp_path / "run",
            log_every=2,
            evaluate_every=4,
            samples=20,
            sinks=[notes, TensorBoard(tmp_path / "tb")],
        )
    )
    loop.run(8).monitor.close()
    history = ganbench.load(tmp_path / "run").tables.history
    run = notes.runs["run"]
    assert run["closed"] and run["labels"]["network"] == "Sequential/Sequential"
    for name in ("grad_norm_g", "real_logit_mean", "total_spread"):
        rows = history[["step", name]].dropna()
        expected = list(zip(rows["step"], rows[name], strict=True))
        assert [(step, values[name]) for step, values in run["rows"] if name in values] == expected
        assert scalars(tmp_path / "tb" / "run")[name] == [(s, pytest.approx(v, rel=1e-6)) for s, v in expected]


def test_a_sweep_hands_on_what_it_trains_and_a_finished_one_all_of_it(tmp_path):
    plan = small_plan(tmp_path, "losses=[hinge]")
    first, second = Notes(), Notes()
    run_plan(plan, tmp_path / "results", executor="local", sinks=[first])
    outcome = run_plan(plan, tmp_path / "results", executor="local", sinks=[second])
    assert second.runs == first.runs
    assert list(first.runs) == [f"{trial.name} · seed {seed}" for trial in plan.trials for seed in trial.seeds]
    history = ganbench.load(outcome.folder).tables.history
    trial = plan.trials[1]
    own = history[(history["trial"] == trial.key[:12]) & (history["seed"] == 1)]
    rows = first.runs[f"{trial.name} · seed 1"]["rows"]
    assert [step for step, _ in rows] == own["step"].tolist()
    known = own.filter(["step", "grad_norm_d"]).dropna()
    assert [(s, v["grad_norm_d"]) for s, v in rows if "grad_norm_d" in v] == list(
        zip(known["step"], known["grad_norm_d"], strict=True)
    )


def record_trackers(monkeypatch) -> list[tuple]:
    """Put recorders in the places of MLflow and W&B; return what they are going to be called with."""
    calls: list[tuple] = []
    client = types.SimpleNamespace(
        get_experiment_by_name=lambda name: types.SimpleNamespace(experiment_id="1"),
        create_run=lambda experiment, run_name: types.SimpleNamespace(info=types.SimpleNamespace(run_id="r")),
        log_param=lambda *_: None,
        log_batch=lambda *_, **__: None,
        log_image=lambda run, image, key, step: calls.append(("mlflow", key, step, image)),
        set_terminated=lambda run: None,
    )
    entities = types.SimpleNamespace(Metric=lambda *_: None)
    monkeypatch.setitem(
        sys.modules, "mlflow", types.SimpleNamespace(MlflowClient=lambda tracking_uri: client, entities=entities)
    )
    logged = types.SimpleNamespace(
        log=lambda values, step: calls.extend(("wandb", k, step, v) for k, v in values.items() if isinstance(v, tuple)),
        finish=lambda: None,
    )
    wandb = types.SimpleNamespace(init=lambda **_: logged, Image=lambda image: ("picture", image))
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    return calls


def test_trackers_get_pictures_of_the_fixed_latents_and_of_the_averaged_copy(tmp_path, monkeypatch):
    """TensorBoard's own reader finds them; MLflow and W&B get the calls that they document."""
    import copy

    import numpy as np
    import torch
    from torch import nn

    calls = record_trackers(monkeypatch)
    generator = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    ema = copy.deepcopy(generator)
    optimizer = torch.optim.SGD([*generator.parameters(), *discriminator.parameters()], lr=0.1)
    sinks = [TensorBoard(tmp_path / "tb"), MLflow("there"), WandB("mine")]
    options = {"latents": torch.randn(9, 4), "data": torch.rand(20, 1, 8, 8) * 2 - 1, "samples": 9, "ema": ema}
    with ganbench.Monitor(generator, discriminator, tmp_path / "run", evaluate_every=2, sinks=sinks, **options) as it:
        for _ in range(4):
            fake = generator(torch.randn(10, 4))
            discriminator(fake).mean().backward()
            optimizer.step()
            it.step(real=torch.rand(10, 1, 8, 8), fake=fake)
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = reading.EventAccumulator(str(tmp_path / "tb" / "run"), size_guidance={reading.IMAGES: 0})
    events.Reload()
    steps = {tag: [e.step for e in events.Images(tag)] for tag in events.Tags()["images"]}
    assert steps == {"samples": [2, 4], "samples_ema": [2, 4]}
    assert [(c[0], c[1], c[2]) for c in calls if c[0] == "mlflow"] == [
        ("mlflow", name, step) for step in (2, 4) for name in ("samples", "samples_ema")
    ]
    assert [c[1:3] for c in calls if c[0] == "wandb"] == [c[1:3] for c in calls if c[0] == "mlflow"]
    picture = next(c[3] for c in calls if c[0] == "mlflow" and c[1] == "samples_ema")
    assert picture.shape == (24, 24, 3) and picture.dtype == np.uint8
    with torch.no_grad():
        expected = ema(options["latents"][:1])[0, 0]
    assert np.abs(picture[:8, :8, 0] - (expected.numpy() + 1) * 127.5).max() <= 0.5 + 1e-3
