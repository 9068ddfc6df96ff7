"""Where Ray's sockets lie: TMPDIR where it is short enough for their paths, else /tmp, else nowhere."""

import os
import tempfile

import pytest

from ganbench.core.errors import UsageError
from ganbench.sweep.executors import ray_processes

LONG = "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T"  # as macOS has it


@pytest.mark.parametrize(("place", "expected"), [(LONG, "/tmp"), ("/tmp/abcdefgh", "/tmp/abcdefgh")])
def test_a_place_that_is_too_long_is_left_for_tmp(monkeypatch, place, expected):
    monkeypatch.setattr(tempfile, "tempdir", place)
    monkeypatch.setattr(os, "access", lambda *_: True)
    assert str(ray_processes._short_temp_dir()) == expected


def test_without_any_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", LONG)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="TMPDIR: .* set TMPDIR to a folder of at most 13 characters"):
        ray_processes._short_temp_dir()
