"""What the tables of a trained trial say about where they come from."""

import json
from dataclasses import replace

from ganbench import __version__
from ganbench.tables import part_store as store
from ganbench.training.trainer import Trainer
from tests.helpers.parts import read_part
from tests.helpers.trials import small_trial


def test_every_run_carries_versions_and_the_place_it_was_made(tmp_path):
    trial = small_trial(steps=5)
    trainer = Trainer(trial)
    trainer.advance(60)
    store.write_part(tmp_path, trial.key, trainer.tables())
    read = read_part(tmp_path, trial.key)
    assert read is not None and len(read.runs) == 3
    for text in read.runs["versions"]:
        assert json.loads(text) == trial.canonical()["versions"]
    for text in read.runs["environment"]:
        found = json.loads(text)
        assert sorted(found) == ["compiled", "device", "ganbench", "machine", "numpy", "python", "threads", "torch"]
        assert found["device"] == "cpu" and found["ganbench"] == __version__ and found["threads"] == 1
        assert found["torch"] and found["machine"].startswith("Linux ")
    assert read.columns["environment"].timing and not read.columns["versions"].timing


def test_tables_from_before_still_read(tmp_path):
    trial = small_trial(steps=5)
    trainer = Trainer(trial)
    trainer.advance(60)
    tables = trainer.tables()
    tables = replace(tables, runs=tables.runs.drop(columns=["versions", "environment"]))
    store.write_part(tmp_path, trial.key, tables)
    read = read_part(tmp_path, trial.key)
    assert read is not None and "versions" not in read.runs
