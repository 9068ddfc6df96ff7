"""A part is whole or not there, whatever happens to the disk; what is broken is kept apart and made again."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import stat
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganbench.core import files
from ganbench.core.column import Column
from ganbench.core.errors import GanbenchError
from ganbench.core.files import StoreError
from ganbench.core.status import Status
from ganbench.tables import part_files, part_store, schema
from tests.helpers.made_tables import made_tables, seeded
from tests.helpers.parts import read_part
from tests.helpers.present import present

TRIAL = seeded(2)
OTHER = seeded(3)
KEY = TRIAL.key


@pytest.fixture
def folder(tmp_path):
    part_store.write_part(tmp_path, KEY, made_tables(TRIAL, modes_captured=[8.0, np.nan], fid=[0.1, np.nan]))
    return tmp_path


@pytest.fixture
def part(folder):
    return folder / "parts" / KEY


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


def _full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", range(6))
def test_a_full_disk_at_any_sync_leaves_no_trace_and_the_others_whole(folder, monkeypatch, call):
    calls, sync = [], os.fsync

    def sometimes(descriptor: int) -> None:
        calls.append(descriptor)
        return _full() if len(calls) == call + 1 else sync(descriptor)

    monkeypatch.setattr(os, "fsync", sometimes)
    with pytest.raises(GanbenchError, match="no space left") as caught:
        part_store.write_part(folder, OTHER.key, made_tables(OTHER))
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    assert isinstance(caught.value, OSError) and caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert os.listdir(folder / "parts") == [KEY]
    assert part_store.has_part(folder, KEY)


def test_a_full_disk_at_the_last_sync_has_a_whole_part(folder, monkeypatch):
    # The seventh sync is that of the names, after the rename: the part is there, only not certain to outlive a crash.
    calls, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda d: _full() if len(calls) == 6 else (calls.append(d), sync(d)))
    with pytest.raises(GanbenchError):
        part_store.write_part(folder, OTHER.key, made_tables(OTHER))
    assert part_store.has_part(folder, OTHER.key)


@pytest.mark.parametrize("name", ["open", "mkdir", "rename"])
def test_a_disk_that_refuses_is_named(folder, monkeypatch, name):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    if name == "open":
        monkeypatch.setattr(files, "open", refuse, raising=False)
    else:
        monkeypatch.setattr(os, name, refuse)
    with pytest.raises(StoreError, match="read-only file system"):
        part_store.write_part(folder, OTHER.key, made_tables(OTHER))
    monkeypatch.undo()
    assert os.listdir(folder / "parts") == [KEY] and part_store.has_part(folder, KEY)


def test_contents_are_on_the_disk_before_their_name_and_the_name_after(tmp_path, monkeypatch):
    # No test can cut the power; the order of these calls is what makes a cut harmless.
    events, sync = [], os.fsync

    def note(name, call):
        monkeypatch.setattr(os, name, lambda *arguments: (events.append(name), call(*arguments)))

    def noted_sync(descriptor: int) -> None:
        events.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted_sync)
    note("rename", os.rename)
    note("replace", os.replace)
    part_store.write_part(tmp_path, KEY, made_tables(TRIAL))
    assert events == [*["sync file"] * 5, "sync folder", "rename", "sync folder"]
    events.clear()
    part_store.write_failure(tmp_path, OTHER.key, Status.FAILED, "x")
    assert events == ["sync file", "replace", "sync folder"]


def test_what_cannot_be_read_just_now_is_not_called_broken(folder, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoreError):
        part_store.has_part(folder, KEY)
    monkeypatch.undo()
    assert part_store.has_part(folder, KEY)


def test_what_a_kill_left_behind_is_swept_away(folder):
    left = folder / "parts" / f".{OTHER.key}.0123abcd.tmp"
    left.mkdir()
    (left / "runs.parquet").write_bytes(b"half")
    (folder / "parts" / f".{OTHER.key}.failed.json.9.tmp").write_bytes(b"half")
    assert not part_store.has_part(folder, OTHER.key)
    part_store.write_part(folder, OTHER.key, made_tables(OTHER))
    assert left.exists()  # somebody else may be at it
    part_store.sweep_left(folder)
    assert sorted(os.listdir(folder / "parts")) == sorted([KEY, OTHER.key])


def test_of_two_that_write_one_part_the_faster_wins(folder, monkeypatch):
    """The other one finds the place taken at the very last moment."""
    rename = os.rename

    def late(source, target):
        if not os.path.exists(target):
            monkeypatch.setattr(part_store.os, "rename", rename)
            part_store.write_part(folder, OTHER.key, made_tables(OTHER))
        rename(source, target)

    monkeypatch.setattr(part_store.os, "rename", late)
    part_store.write_part(folder, OTHER.key, made_tables(OTHER))
    assert part_store.has_part(folder, OTHER.key)
    assert sorted(os.listdir(folder / "parts")) == sorted([KEY, OTHER.key])


def test_a_column_that_nobody_declared_is_refused(tmp_path):
    tables = made_tables(TRIAL)
    tables.history["mystery"] = 1.0
    with pytest.raises(schema.SchemaError, match="mystery"):
        part_store.write_part(tmp_path, KEY, tables)
    with pytest.raises(schema.SchemaError, match="int64"):
        schema.to_arrow("history", tables.history.drop(columns="mystery").assign(step=0.5), tables.columns)
    with pytest.raises(schema.SchemaError, match="'step' is missing"):
        schema.to_arrow("history", tables.history.drop(columns=["mystery", "step"]), tables.columns)


def test_pictures_that_hold_objects_are_not_written(tmp_path):
    tables = made_tables(TRIAL)
    tables.samples["real"] = np.array([object()])
    with pytest.raises(ValueError, match="allow_pickle"):
        part_store.write_part(tmp_path, KEY, tables)
    assert os.listdir(tmp_path / "parts") == []


def test_failures_are_kept_read_and_forgotten(folder):
    part_store.write_failure(folder, OTHER.key, Status.TIMEOUT, "too \udc80 long\n<b>")
    assert part_store.read_failure(folder, OTHER.key) == {"status": "TIMEOUT", "error": "too \udc80 long\n<b>"}
    assert list(part_store.read_failures(folder, [KEY, OTHER.key])) == [OTHER.key]
    part_store.clear_failure(folder, OTHER.key)
    part_store.clear_failure(folder, OTHER.key)
    assert part_store.read_failures(folder, [KEY, OTHER.key]) == {}


def test_a_part_ends_the_failure(folder):
    part_store.write_failure(folder, OTHER.key, Status.FAILED, "x")
    part_store.write_part(folder, OTHER.key, made_tables(OTHER))
    assert part_store.read_failure(folder, OTHER.key) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"status": "GREAT", "error": ""}', '{"status": "OK"}', "[" * 99_999])
def test_an_unreadable_failure_is_none(folder, text):
    (folder / "parts" / f"{OTHER.key}.failed.json").write_text(text)
    assert part_store.read_failure(folder, OTHER.key) is None


numbers = st.floats(allow_nan=True, allow_infinity=True)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(numbers, st.one_of(st.none(), st.integers(-(2**62), 2**62)), st.one_of(st.none(), st.text())),
        min_size=1,
        max_size=6,
    )
)
def test_any_numbers_and_texts_survive_the_way_to_the_disk(rows):
    declared = {"x": Column("x", "ä\n<b>"), "k": Column("k", "", dtype="int64"), "t": Column("t", "", dtype="string")}
    frame = pd.DataFrame(
        {
            **{"run": "r", "trial": "t", "seed": range(len(rows)), "step": 1},
            "x": [x for x, _, _ in rows],
            "k": pd.array([k for _, k, _ in rows], "Int64"),
            "t": pd.array([t for _, _, t in rows], "string"),
        }
    )
    table = schema.to_arrow("history", frame, declared)
    back = schema.to_pandas(table)
    assert [None if np.isnan(x) else x for x, _, _ in rows] == table.column("x").to_pylist()
    assert back["k"].tolist() == frame["k"].tolist()
    assert back["t"].tolist() == frame["t"].tolist()
    assert schema.declarations("history", table.schema)["x"] == declared["x"]


@pytest.mark.parametrize(
    "column",
    [
        Column("x", "m", title="The x"),
        Column("x", "m", scale="log", curve=True),
        Column("x", "m", "ms", "lower", "float64", True, leading=2),
        Column("x", "m", low=0.0),
        Column("x", "m", low=-1, high=1e300),
    ],
)
def test_what_readers_are_told_of_a_column_survives_the_way_to_the_disk(column):
    assert schema.declarations("history", schema.schema([*schema.LEADING["history"], column]))["x"] == column


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (1.0, 1.0), (math.nan, 1.0), (0.0, math.nan)])
def test_a_range_that_is_none_is_not_written(low, high):
    with pytest.raises(schema.SchemaError, match="the column 'x' has low=.* and high="):
        schema.schema([Column("x", "m", low=low, high=high)])


def test_a_declaration_says_no_more_than_it_has_to():
    """Tables from before the optional keys are read, and columns at their defaults have the bytes of then."""
    field = schema.schema([Column("x", "m", "nat", "lower")]).field("x")
    said = json.loads(field.metadata[b"ganbench"])
    assert set(said) == {"meaning", "unit", "direction", "dtype", "timing", "format"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"leading": True},
        {"scale": "loglog"},
        {"title": 1},
        {"curve": 1},
        {"leading": "1"},
        {"low": 0},
        {"low": math.nan},
        {"high": -math.inf},
    ],
)
def test_an_optional_key_of_another_kind_is_no_declaration(wrong):
    field = schema.schema([Column("x", "m")]).field("x")
    identity = schema.schema(schema.LEADING["history"])
    said = json.dumps({**json.loads(field.metadata[b"ganbench"]), **wrong})
    with pytest.raises(schema.SchemaError, match="no declaration"):
        schema.declarations("history", pa.schema([*identity, field.with_metadata({"ganbench": said})]))
