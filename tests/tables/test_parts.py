"""A part is whole or not there, whatever happens to the disk; what is broken is kept apart and made again."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ganbench.core.column import Column
from ganbench.core.results_files import json_bytes
from ganbench.core.status import Status
from ganbench.tables import part_files, part_store, schema
from tests.helpers.made_tables import made_tables, seeded
from tests.helpers.parts import read_part
from tests.helpers.present import present

TRIAL = seeded(2)
OTHER = seeded(3)
KEY = TRIAL.key


def test_a_part_reads_back_as_it_was_written(folder):
    read = read_part(folder, KEY)
    assert read is not None
    assert list(read.runs["run"]) == [f"{KEY[:12]}-0", f"{KEY[:12]}-1"]
    assert list(read.runs["status"]) == ["OK", "DIVERGED"]
    assert read.runs["diverged_at"].isna().tolist() == [True, False]
    assert read.runs["modes_captured"].isna().tolist() == [False, True]
    assert read.columns["modes_captured"] == Column(
        "modes_captured", "modes found", "modes", "higher", leading=1, low=0.0
    )
    assert read.columns["seconds"].timing and not read.columns["n_fake"].timing
    assert read.history["loss_g"].isna().tolist() == [False, True, False] * 2
    assert read.samples["samples"].dtype == np.float16
    assert read.samples["samples"].shape == (2, 2, 10, 2)
    kinds = {name: str(read.runs[name].dtype) for name in ("run", "seed", "modes_captured")}
    assert kinds == {"run": "string", "seed": "Int64", "modes_captured": "float64"}


def test_nothing_is_there_before_and_nothing_beside_it_after(folder, tmp_path):
    assert not part_store.has_part(tmp_path, OTHER.key)
    assert read_part(tmp_path, OTHER.key) is None
    assert os.listdir(folder / "parts") == [KEY]


def test_a_part_is_never_changed(folder, part):
    before = {path.name: path.read_bytes() for path in part.iterdir()}
    part_store.write_part(folder, KEY, made_tables(TRIAL, modes_captured=[1.0, 1.0]))
    assert {path.name: path.read_bytes() for path in part.iterdir()} == before


def test_missing_diagnostics_leave_no_layers(tmp_path):
    part_store.write_part(tmp_path, KEY, made_tables(TRIAL, layers=False))
    read = read_part(tmp_path, KEY)
    assert read is not None and len(read.layers) == 0 and "layer" in read.layers


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _folder_for_file(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = {"truncate": _truncate, "flip": _flip, "empty": lambda p: p.write_bytes(b""), "remove": Path.unlink}
DAMAGES["folder"] = _folder_for_file


@pytest.mark.parametrize("name", ["runs.parquet", "history.parquet", "layers.parquet", "samples.npz", "part.json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_is_kept_apart_said_and_made_again(folder, part, name, damage, caplog):
    DAMAGES[damage](part / name)
    assert not part_store.has_part(folder, KEY)
    assert (folder / "quarantine" / f"{KEY}-1").is_dir()
    assert "quarantine" in caplog.text and "broken" in caplog.text
    part_store.write_part(folder, KEY, made_tables(TRIAL))
    assert part_store.has_part(folder, KEY)


@pytest.mark.parametrize(
    "checksums",
    [b"[]", b"null", b"{", b'{"format": 1}', b"[" * 100_000, b'{"format": 1, "key": "", "sha256": 3}', b"\xff"],
)
def test_foreign_checksums_are_none(folder, part, checksums):
    (part / "part.json").write_bytes(checksums)
    assert not part_store.has_part(folder, KEY)


def test_another_trials_part_and_another_format_are_not_ours(folder, part):
    shutil.copytree(part, folder / "parts" / OTHER.key)
    assert not part_store.has_part(folder, OTHER.key)
    checksums = json.loads((part / "part.json").read_bytes())
    (part / "part.json").write_text(json.dumps({**checksums, "format": 99}))
    assert not part_store.has_part(folder, KEY)


def test_rows_of_another_trial_under_our_checksums_are_not_trusted(tmp_path):
    part_store.write_part(tmp_path, KEY, made_tables(OTHER))
    assert not part_store.has_part(tmp_path, KEY)
    assert read_part(tmp_path, KEY) is None
    assert (tmp_path / "quarantine" / f"{KEY}-1").is_dir()


def test_a_link_or_a_file_in_its_place_is_no_part(folder, part):
    part.rename(folder / "elsewhere")
    part.symlink_to(folder / "elsewhere")
    assert not part_store.has_part(folder, KEY)
    part.write_text("hello")
    assert not part_store.has_part(folder, KEY)
    assert sorted(os.listdir(folder / "quarantine")) == [f"{KEY}-1", f"{KEY}-2"]
    assert (folder / "elsewhere" / "runs.parquet").exists()


@pytest.mark.parametrize("key", ["../../etc", "", "a" * 11, "A" * 64, f"{KEY}\n", "/"])
def test_a_key_cannot_lead_out_of_the_folder(tmp_path, key):
    with pytest.raises(ValueError, match="key"):
        part_store.has_part(tmp_path, key)
    with pytest.raises(ValueError, match="key"):
        part_store.write_failure(tmp_path, key, Status.FAILED, "x")


@pytest.fixture
def hashed(monkeypatch):
    """The files that are hashed from now on, in a world where every file is old."""
    names, opened = [], part_files.open_checked
    monkeypatch.setattr(
        part_files, "open_checked", lambda path, *more: (names.append(path.name), opened(path, *more))[1]
    )
    monkeypatch.setattr(part_store, "RACY", -3600.0)
    return names


def test_a_part_is_hashed_once_in_a_process(folder, hashed):
    for _ in range(3):
        assert part_store.has_part(folder, KEY) and read_part(folder, KEY) is not None
    assert sorted(hashed) == sorted(part_files.FILES)


@pytest.mark.parametrize("name", ["runs.parquet", "samples.npz", "part.json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_part_that_changes_after_it_was_hashed_is_hashed_again(folder, part, hashed, name, damage):
    assert part_store.has_part(folder, KEY)
    time.sleep(0.02)  # longer than a tick of the file system's clock
    DAMAGES[damage](part / name)
    assert not part_store.has_part(folder, KEY)
    part_store.write_part(folder, KEY, made_tables(TRIAL))
    assert part_store.has_part(folder, KEY)


def test_a_part_just_written_is_hashed_again_next_time(folder, hashed, monkeypatch):
    """Within a tick of the clock a changed file may look as it did."""
    monkeypatch.undo()
    opened = part_files.open_checked
    monkeypatch.setattr(
        part_files, "open_checked", lambda path, *more: (hashed.append(path.name), opened(path, *more))[1]
    )
    assert part_store.has_part(folder, KEY) and part_store.has_part(folder, KEY)
    assert len(hashed) == 2 * len(part_files.FILES)


def test_one_table_or_column_is_read_without_the_pictures(folder, monkeypatch):
    whole = read_part(folder, KEY)
    assert whole is not None
    monkeypatch.setattr(part_store, "read_samples", None)
    for name in schema.TABLES:
        pd.testing.assert_frame_equal(present(part_store.read_table(folder, KEY, name)), getattr(whole, name))
    few = part_store.read_table(folder, KEY, "runs", ["fid", "nobody", "seed"])
    pd.testing.assert_frame_equal(present(few), whole.runs.filter(["seed", "fid"]))
    assert part_store.read_table(folder, OTHER.key, "runs") is None


def test_one_column_of_another_trials_rows_is_not_trusted(tmp_path):
    part_store.write_part(tmp_path, KEY, made_tables(OTHER))
    assert part_store.read_table(tmp_path, KEY, "runs", ["fid"]) is None
    assert (tmp_path / "quarantine" / f"{KEY}-1").is_dir()


def test_failures_are_kept_read_and_forgotten(folder):
    part_store.write_failure(folder, OTHER.key, Status.TIMEOUT, "too \udc80 long\n<b>")
    assert part_store.read_failure(folder, OTHER.key) == {"status": "TIMEOUT", "error": "too \udc80 long\n<b>"}
    assert list(part_store.read_failures(folder, [KEY, OTHER.key])) == [OTHER.key]
    part_store.clear_failure(folder, OTHER.key)
    part_store.clear_failure(folder, OTHER.key)
    assert part_store.read_failures(folder, [KEY, OTHER.key]) == {}


def test_the_failure_of_another_trial_is_none_of_this_one(folder):
    part_store.write_failure(folder, OTHER.key, Status.FAILED, "x")
    place = folder / "parts"
    (place / f"{OTHER.key}.failed.json").rename(place / f"{KEY}.failed.json")
    assert part_store.read_failure(folder, KEY) is None
    (place / f"{KEY}.failed.json").write_bytes(json_bytes({"status": "FAILED", "error": "of an earlier version"}))
    assert part_store.read_failure(folder, KEY) == {"status": "FAILED", "error": "of an earlier version"}


def test_a_part_ends_the_failure(folder):
    part_store.write_failure(folder, OTHER.key, Status.FAILED, "x")
    part_store.write_part(folder, OTHER.key, made_tables(OTHER))
    assert part_store.read_failure(folder, OTHER.key) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"status": "GREAT", "error": ""}', '{"status": "OK"}', "[" * 99_999])
def test_an_unreadable_failure_is_none(folder, text):
    (folder / "parts" / f"{OTHER.key}.failed.json").write_text(text)
    assert part_store.read_failure(folder, OTHER.key) is None
