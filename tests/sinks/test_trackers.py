"""What a tracker cannot do, now or ever, costs the run neither its rows elsewhere nor any time."""

from __future__ import annotations

import logging
import sys
import threading
import time
import types

import numpy as np
import pytest

import ganbench
from ganbench.core.errors import UsageError
from ganbench.sinks import Writers, trackers
from ganbench.sinks.mlflow import MLflow
from tests.helpers.small_gan import Loop

PICTURE = np.zeros((2, 2, 3), np.uint8)


class Notes:
    """A sink and its writer; what its hooks raise it raises."""

    def __init__(self, begin=None, row=None, picture=None):
        self.begin, self.row, self.of_picture = begin, row, picture
        self.rows: list[int] = []
        self.pictures: list[int] = []
        self.closed = False

    def open(self, name, labels):
        if self.begin is not None:
            self.begin()
        return self

    def write(self, step, values):
        if self.row is not None:
            self.row(step)
        self.rows.append(step)

    def picture(self, step, name, picture):
        if self.of_picture is not None:
            self.of_picture(step)
        self.pictures.append(step)

    def close(self):
        self.closed = True


def fail(*_):
    raise ConnectionError("the server\nhas gone")


def run(*sinks, steps=6, apart=False):
    writers = Writers(sinks, "run", {}, apart)
    for step in range(1, steps + 1):
        writers.write(step, {"fid": 1.0})
        writers.picture(step, "samples", PICTURE)
    writers.close()


@pytest.mark.parametrize("apart", [False, True])
def test_a_tracker_that_takes_no_pictures_still_takes_rows(caplog, apart):
    run(notes := Notes(picture=fail), other := Notes(), apart=apart)
    assert notes.rows == other.rows == other.pictures == [1, 2, 3, 4, 5, 6]
    assert notes.closed and other.closed
    first, last = (record.getMessage() for record in caplog.records)
    assert first.startswith("Notes: pictures failed (ConnectionError: the server); all else goes on; remedy: look at")
    assert last == "Notes: pictures failed 3 times in a row and are left out"


def test_a_failure_that_passes_leaves_the_rows_behind_it(caplog):
    run(notes := Notes(row=lambda step: fail() if step in (2, 3, 5) else None))
    assert notes.rows == [1, 4, 6] and notes.pictures == [1, 2, 3, 4, 5, 6]
    assert len(caplog.records) == 1


@pytest.mark.parametrize("apart", [False, True])
def test_a_run_that_cannot_be_begun_somewhere_goes_on_without(caplog, apart):
    run(Notes(begin=fail), other := Notes(), apart=apart)
    assert other.rows == [1, 2, 3, 4, 5, 6]
    (line,) = (record.getMessage() for record in caplog.records)
    assert "the run cannot be begun there (ConnectionError: the server)" in line and "remedy: " in line


def lacking():
    raise UsageError("tracker cannot be imported; install it")


def test_a_package_that_is_missing_is_an_error_at_the_start():
    with pytest.raises(UsageError, match="install it"):
        run(Notes(begin=lacking))


def test_a_tracker_that_hangs_takes_no_time_of_a_training(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(trackers, "PATIENCE", 0.2)
    answers = threading.Event()
    hanging, other = Notes(row=lambda _: answers.wait(60)), Notes()
    loop = Loop(lambda g, d: ganbench.Monitor(g, d, tmp_path / "run", log_every=1, sinks=[hanging, other]))
    began = time.perf_counter()
    with caplog.at_level(logging.WARNING, "ganbench.sinks"):
        loop.run(5).monitor.close()
    assert time.perf_counter() - began < 30
    answers.set()
    assert other.rows == [1, 2, 3, 4, 5] and other.closed
    (line,) = (record.getMessage() for record in caplog.records if record.name == "ganbench.sinks")
    assert line.startswith("Notes: no answer for ") and "the tables have it; remedy: " in line


def test_what_waits_for_a_slow_tracker_is_bounded(monkeypatch, caplog):
    monkeypatch.setattr(trackers, "MOST", {"rows": 4, "pictures": 1})
    free = threading.Event()
    writers = Writers([notes := Notes(row=lambda _: free.wait(60))], "run", {}, apart=True)
    for step in range(1, 11):
        writers.write(step, {"fid": 1.0})
        writers.picture(step, "samples", PICTURE)
    free.set()
    writers.close()
    assert notes.rows == [1, 2, 3, 4] and notes.pictures == [1]
    assert [record.getMessage()[:15] for record in caplog.records] == ["Notes: 1 pictur", "Notes: 4 rows w"]


def test_names_that_mlflow_refuses_are_written_otherwise(monkeypatch):
    batches: list[list[str]] = []
    client = types.SimpleNamespace(
        get_experiment_by_name=lambda _: types.SimpleNamespace(experiment_id="1"),
        create_run=lambda *_, **__: types.SimpleNamespace(info=types.SimpleNamespace(run_id="r")),
        log_param=lambda *_: None,
        log_batch=lambda _, metrics: batches.append(metrics),
        set_terminated=lambda _: None,
    )
    entities = types.SimpleNamespace(Metric=lambda name, *_: name)
    module = types.SimpleNamespace(MlflowClient=lambda tracking_uri: client, entities=entities)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    writers = Writers([MLflow("there")], "run", {})
    writers.write(1, {"term_norm_L1 (×100)": 1.0, "grad_norm_g": 2.0})
    writers.close()
    assert batches == [["term_norm_L1 _100_", "grad_norm_g"]]
