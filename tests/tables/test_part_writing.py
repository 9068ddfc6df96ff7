"""Writing a part leaves all of it or nothing, whatever the disk does and whoever writes beside."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from ganbench.core import files
from ganbench.core.errors import GanbenchError
from ganbench.core.files import StoreError
from ganbench.core.status import Status
from ganbench.tables import part_store
from tests.helpers.made_tables import made_tables, seeded

TRIAL = seeded(2)
OTHER = seeded(3)
KEY = TRIAL.key


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
    (folder / ".progress.json.0123abcd.tmp").write_bytes(b"half")
    assert not part_store.has_part(folder, OTHER.key)
    part_store.write_part(folder, OTHER.key, made_tables(OTHER))
    assert left.exists()  # somebody else may be at it
    part_store.sweep_left(folder)
    assert sorted(os.listdir(folder / "parts")) == sorted([KEY, OTHER.key])
    assert not list(folder.glob(".*"))


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
