"""The file that images are kept in: whole or not there, told from a broken picture, named by everything."""

from __future__ import annotations

import os
import shutil
import time
import warnings

import numpy as np
import pytest
import torch

from ganbench.datasets._cache import UnwritableError, cache_file, mapped, write


def chunks():
    return (torch.full((2, 3), i, dtype=torch.uint8) for i in range(3))


def test_two_may_write_the_same(tmp_path):
    path = tmp_path / "new/images.npy"

    def interrupted():
        yield from list(chunks())[:2]
        write(path, (6, 3), chunks())
        assert mapped(path, (6, 3)) is not None
        yield list(chunks())[2]

    write(path, (6, 3), interrupted())
    found = mapped(path, (6, 3))
    assert found is not None
    assert torch.equal(found, torch.cat(list(chunks())))
    assert [p.name for p in path.parent.iterdir()] == ["images.npy"]


def test_nobody_sees_half_a_file(tmp_path, monkeypatch):
    """The name is given last, to a file that is whole; without it nothing is there."""
    path, kept, seen = tmp_path / "cache/images.npy", tmp_path / "images.npy", []

    def refuse(whole, name):
        shutil.copy(whole, kept)  # it is whole under no other name
        seen.append((path.exists(), mapped(kept, (6, 3)) is not None, name))
        raise OSError("no name")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UnwritableError, match="no name"):
        write(path, (6, 3), chunks())
    assert seen == [(False, True, path)]
    assert not list(path.parent.iterdir())


def raises():
    yield next(chunks())
    raise OSError("a picture is broken")


@pytest.mark.parametrize(
    "shape, wrong, kind",
    [
        ((5, 3), chunks, ValueError),
        ((7, 3), chunks, ValueError),
        ((6, 4), chunks, ValueError),
        ((6, 3), raises, OSError),
    ],
)
def test_what_is_not_whole_is_not_kept(tmp_path, shape, wrong, kind):
    with pytest.raises(kind):
        write(tmp_path / "images.npy", shape, wrong())
    assert not list(tmp_path.iterdir())


def test_no_room_is_told_from_a_broken_picture(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnwritableError, match="No space"):
        write(tmp_path / "images.npy", (6, 3), chunks())
    assert not list(tmp_path.iterdir())


def test_a_mapping_warns_of_nothing_and_takes_no_order_but_its_own(tmp_path):
    np.save(tmp_path / "images.npy", np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3)))
    assert mapped(tmp_path / "images.npy", (2, 3)) is None
    write(tmp_path / "images.npy", (6, 3), chunks())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mapped(tmp_path / "images.npy", (6, 3)) is not None


def test_the_images_of_others_under_this_name_are_none(tmp_path, caplog):
    """They are whole and of the same shape: only the name tells them apart."""
    write(tmp_path / "images.npy", (6, 3), chunks())
    (tmp_path / "images.npy").rename(tmp_path / "others.npy")
    assert mapped(tmp_path / "others.npy", (6, 3)) is None
    assert "of other images" in caplog.text


def test_what_killed_processes_left_half_written_goes_after_a_day(tmp_path):
    (tmp_path / "images").mkdir()
    left = {
        name: tmp_path / "images" / name
        for name in (".a.npy.0123abcd.tmp", ".a.npy.4567abcd.tmp", ".b.npy.0123abcd.tmp")
    }
    for path in left.values():
        path.write_bytes(b"half")
    for name in (".a.npy.0123abcd.tmp", ".b.npy.0123abcd.tmp"):
        os.utime(left[name], (time.time() - 90_000, time.time() - 90_000))
    write(tmp_path / "images/a.npy", (6, 3), chunks())  # somebody may be at the second, and b is not looked at
    assert sorted(os.listdir(tmp_path / "images")) == [".a.npy.4567abcd.tmp", ".b.npy.0123abcd.tmp", "a.npy"]


def test_names_differ_by_everything(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names = {cache_file(*of) for of in (("a", [1, "x"]), ("b", [1, "x"]), ("a", [2, "x"]), ("a", [1, "y"]))}
    assert len(names) == 4
    assert {name.parent for name in names} == {tmp_path / "ganbench/images"}
