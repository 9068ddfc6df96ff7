"""Merged tables: the plan's order, nothing lost, the same bytes again; and reading them, or saying why not."""

from __future__ import annotations

import errno
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ganbench
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.core.results_files import BrokenFileError
from ganbench.tables import part_store
from ganbench.tables.arrays import read_samples
from tests.helpers.made_tables import made_run, made_tables, merged, seeded
from tests.helpers.parts import read_part
from tests.helpers.present import present
from tests.helpers.sealed import reseal
from tests.helpers.trials import small_trial

FIRST, SECOND, THIRD = seeded(2), seeded(3), small_trial(seeds=(4, 5), loss=("hinge", {}))


@pytest.fixture
def run(tmp_path):
    tables = {
        SECOND: made_tables(SECOND, modes_captured=[8.0, 7.0, np.nan], spread_ratio=[1.0, 1.1, np.nan]),
        FIRST: made_tables(FIRST, modes_captured=[5.0, 6.0], fid=[0.2, 0.3]),
    }
    return made_run(tmp_path, tables)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_rows_keep_the_order_of_the_plan_and_columns_are_united(run):
    results = ganbench.load(run).tables
    assert results.runs["trial"].unique().tolist() == [SECOND.key[:12], FIRST.key[:12]]
    assert results.runs["fid"].isna().tolist() == [True] * 3 + [False] * 2
    assert list(results.runs.columns[:3]) == ["run", "trial", "dataset"]
    assert list(results.runs.columns[-2:]) == ["ms_per_step", "seconds"]
    assert results.columns["fid"].direction == "lower" and results.columns["ms_per_step"].timing
    assert {"loss_g", "grad_norm"} <= set(results.columns)
    assert len(results.history) == len(results.layers) == 15
    assert results.manifest.suite == "made" and results.suite == "name: made\n"


def test_numbers_are_null_and_never_nan_in_the_file(run):
    for name in ("runs", "history"):
        table = pq.read_table(run / f"{name}.parquet")
        for field in table.schema:
            if str(field.type) == "double":
                values = table.column(field.name).drop_null().to_numpy()
                assert not np.isnan(values).any()
    assert pq.read_table(run / "history.parquet").column("loss_g").null_count == 5


def test_pictures_are_found_by_trial(run):
    samples = ganbench.load(run).tables.samples
    assert list(samples) == [SECOND.key[:12], FIRST.key[:12]] and len(samples) == 2
    assert samples[SECOND.key[:12]]["samples"].shape == (2, 3, 10, 2)
    np.testing.assert_array_equal(samples[FIRST.key[:12]]["steps"], [10, 30])
    with pytest.raises(KeyError):
        samples["nobody"]


def test_merging_twice_gives_the_same_bytes(run):
    before = _bytes(run)
    merged(run.parent, [SECOND, FIRST], {}, run)
    assert _bytes(run) == before


def test_the_order_of_finishing_does_not_matter(run, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for trial in (FIRST, SECOND):
        part_store.write_part(other, trial.key, present(read_part(run.parent, trial.key)))
    merged(other, [SECOND, FIRST], {}, other / "run")
    assert all(_bytes(run)[name] == data for name, data in _bytes(other / "run").items())


def test_a_failed_trial_has_a_row_a_seed_and_a_result_beats_a_failure(run):
    failures = {
        THIRD.key: {"status": "FAILED", "error": "</script>\udc80"},
        FIRST.key: {"status": "TIMEOUT", "error": "old"},
    }
    merged(run.parent, [THIRD, FIRST], failures, run)
    runs = ganbench.load(run).tables.runs
    assert runs["run"].tolist() == [f"{t.key[:12]}-{s}" for t in (THIRD, FIRST) for s in t.seeds]
    assert runs["status"].tolist() == ["FAILED", "FAILED", "OK", "OK"]
    assert runs["error"].isna().tolist() == [False, False, True, True]
    assert bool(runs["error"][0] == "</script>?")
    assert runs["loss"].tolist()[:2] == ["hinge", "hinge"]
    assert runs.loc[:1, ["modes_captured", "n_fake", "extractor", "seconds"]].isna().all(axis=None)


def test_nothing_finished_is_an_empty_run(tmp_path):
    results = ganbench.load(made_run(tmp_path, {})).tables
    assert len(results.runs) == len(results.history) == len(results.layers) == len(results.samples) == 0
    merged(tmp_path, [THIRD], {THIRD.key: {"status": "TIMEOUT", "error": "late"}}, tmp_path / "0a1b")
    assert ganbench.load(tmp_path).tables.runs["status"].tolist() == ["TIMEOUT", "TIMEOUT"]


def test_a_broken_part_is_left_out(run):
    (run.parent / "parts" / FIRST.key / "runs.parquet").write_bytes(b"")
    merged(run.parent, [SECOND, FIRST], {}, run)
    assert ganbench.load(run).tables.runs["trial"].unique().tolist() == [SECOND.key[:12]]


@pytest.mark.parametrize("call", range(7))  # five files, the folder's names, the manifest
def test_a_full_disk_leaves_every_table_whole(run, monkeypatch, call):
    before, calls, sync = _bytes(run), [], os.fsync

    def sometimes(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", sometimes)
    with pytest.raises(OSError, match="No space left"):
        merged(run.parent, [FIRST], {}, run)
    monkeypatch.undo()
    assert _bytes(run) == before
    ganbench.load(run)
    assert part_store.has_part(run.parent, FIRST.key)


def test_a_suites_folder_means_its_newest_run(tmp_path):
    made_run(tmp_path, {FIRST: made_tables(FIRST)}, "2026-01-02T00:00:00+00:00", "bbbb")
    made_run(tmp_path, {SECOND: made_tables(SECOND)}, "2026-01-01T00:00:00+00:00", "cccc")
    (tmp_path / "dddd").mkdir()
    reseal(tmp_path / "dddd", format=1, suite="made", times={"finished": "2027-01-01"})  # without its tables
    assert ganbench.load(tmp_path).tables.path == tmp_path / "bbbb"
    assert ganbench.load(str(tmp_path / "cccc")).tables.path == tmp_path / "cccc"


def _error(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        ganbench.load(path)
    text = str(caught.value)
    assert "\n" not in text and str(path) in text and ";" in text
    return text


def test_folders_that_are_no_runs(tmp_path):
    assert "no such folder" in _error(tmp_path / "missing")
    assert "holds no run" in _error(tmp_path)
    (tmp_path / "file").write_text("x")
    assert "not a folder" in _error(tmp_path / "file")


@pytest.mark.parametrize("name", ["runs.parquet", "history.parquet", "layers.parquet", "suite.yaml", "manifest.json"])
@pytest.mark.parametrize("content", [None, b"", b"PAR1\xff\xff\xff\xffPAR1", b"\xff\xfe{", pickle.dumps({"a": 1})])
def test_garbage_is_one_clear_line(run, name, content):
    (run / name).unlink()
    if content is not None:
        (run / name).write_bytes(content)
    if name == "manifest.json" and content is None:
        assert "holds no run" in _error(run)
    else:
        assert name in _error(run)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("skipped", 5), ("skipped", ["x"]), ("skipped", [{}]), ("environment", [1]), ("environment", {"git": "x"})),
        *(("times", 3), ("components", None), ("retries", 7), ("retries", {"a": "b"}), ("seeds", ["a"])),
    ],
)
def test_a_manifest_with_other_values_is_one_clear_line(run, key, value):
    reseal(run, **{key: value})
    assert f"manifest.json: cannot be read ({key}" in _error(run)


def test_a_truncated_or_flipped_table_never_gives_a_traceback(run):
    data = (run / "runs.parquet").read_bytes()
    for place in range(0, len(data), len(data) // 40):
        for broken in (data[:place], data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]):
            (run / "runs.parquet").write_bytes(broken)
            assert "runs.parquet: cannot be read (truncated or altered" in _error(run)
            reseal(run)
            try:
                ganbench.load(run)  # under a right checksum a flipped bit inside a number cannot be seen
            except UsageError:
                pass


def test_a_parquet_file_of_somebody_else_is_refused(run):
    path = run / "runs.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["seed"]), path)
    reseal(run)
    assert "'seed' is missing" in _error(run)
    pq.write_table(table.append_column(table.schema.field("seed"), table.column("seed")), path)
    reseal(run)
    assert "twice" in _error(run)
    pq.write_table(table.cast(table.schema.remove_metadata()), path)  # the fields keep theirs
    reseal(run)
    ganbench.load(run)
    pq.write_table(pa.table({name: table.column(name) for name in table.column_names}), path)
    reseal(run)
    assert "no declaration" in _error(run)


def test_text_that_is_no_text_is_refused(run):
    table = pq.read_table(run / "runs.parquet")
    bad = pa.array([b"\xff"] * table.num_rows).view(pa.string())
    at = table.schema.get_field_index("loss")
    pq.write_table(table.set_column(at, table.schema.field(at), bad), run / "runs.parquet")
    reseal(run)
    assert "UTF" in _error(run)


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_is_ever_unpickled(run, tmp_path):
    bomb = np.array([Bomb(tmp_path / "exploded")], dtype=object)
    trial = FIRST.key[:12]
    member = io.BytesIO()
    np.lib.format.write_array(member, bomb, allow_pickle=True)
    with zipfile.ZipFile(run / "samples.npz", "w") as archive:
        for name in ("steps", "samples", "real"):
            archive.writestr(f"{trial}/{name}.npy", member.getvalue())
    reseal(run)
    with pytest.raises(GanbenchError, match="cannot be read"):
        ganbench.load(run).tables.samples[trial]
    (run / "samples.npz").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    reseal(run)
    with pytest.raises(UsageError, match=r"samples\.npz"):
        ganbench.load(run)
    with pytest.raises(BrokenFileError), open(run / "samples.npz", "rb") as file:
        read_samples(file)
    assert not (tmp_path / "exploded").exists()


def test_a_run_without_pictures_has_none(run):
    (run / "samples.npz").unlink()
    assert len(ganbench.load(run).tables.samples) == 0
