"""Promoting one baseline over another: nothing is lost, and it can be taken back."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ganbench.check import baselines
from ganbench.cli.main import main
from tests.check.gate import change


def test_promote_replaces_and_keeps_what_was_there(here, capsys):
    assert main(["baseline", "save", "results/small", "--as", "next"]) == 0
    assert main(["baseline", "promote", "next", "--to", "main"]) == 0
    names = baselines.names(Path("results/baselines"))
    assert names == ["main", "main.previous", "next"]
    about = baselines.find("main", Path("results/baselines")).manifest.baseline or {}
    assert (about["name"], about["from"]) == ("main", "next")
    assert main(["check", "results/small", "--baseline", "main"]) == 0
    assert main(["baseline", "promote", "nxet"]) == 3
    assert "did you mean 'next'" in capsys.readouterr().err


@pytest.mark.parametrize("way", ["full", "killed"])
@pytest.mark.parametrize("command", [("save", "results/small", "--as", "new"), ("promote", "main", "--to", "new")])
def test_a_new_baseline_that_was_cut_off_does_not_stand_in_its_own_way(here, monkeypatch, capsys, command, way):
    """The disk was full, so that nothing came into its folder; or a kill left what was half written."""
    root = Path("results/baselines")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if way == "full":
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            assert main(["baseline", *command]) == 2 and "o space left" in capsys.readouterr().err
        assert not (root / "new").exists()
    else:
        (root / "new").mkdir()
        for left in (".runs.parquet.0123456789abcdef.next", ".history.parquet.0123abcd.tmp"):
            (root / "new" / left).write_bytes(b"half")
    assert main(["baseline", *command]) == 0
    assert main(["check", "results/small", "--baseline", "new"]) == 0
    assert not list((root / "new").glob(".*")) and not (root / "new.previous").exists()


def test_what_is_no_baseline_is_not_written_over(here, capsys):
    place = Path("results/baselines/new")
    place.mkdir()
    (place / "letter").write_text("dear")
    assert main(["baseline", "save", "results/small", "--as", "new"]) == 2
    assert "this baseline exists" in capsys.readouterr().err
    assert [path.name for path in place.iterdir()] == ["letter"]


def test_a_promotion_is_taken_back_by_promoting_what_was_kept(here, capsys):
    change(lambda runs: runs.assign(fid=runs["fid"] + 1))
    root = Path("results/baselines")
    assert main(["baseline", "save", "results/small", "--as", "next"]) == 0
    old, new = (baselines.find(name, root).results.runs["fid"].tolist() for name in ("main", "next"))
    assert main(["baseline", "promote", "next", "--to", "main"]) == 0
    for main_has, previous_has in ((old, new), (new, old)):  # there and back again
        assert main(["baseline", "promote", "main.previous", "--to", "main"]) == 0, capsys.readouterr().err
        assert baselines.find("main", root).results.runs["fid"].tolist() == main_has
        assert baselines.find("main.previous", root).results.runs["fid"].tolist() == previous_has
        assert baselines.names(root) == ["main", "main.previous", "next"]


def test_a_promotion_taken_back_that_is_cut_off_loses_nothing(here, monkeypatch):
    change(lambda runs: runs.assign(fid=runs["fid"] + 1))
    root, write = Path("results/baselines"), baselines._write
    assert main(["baseline", "save", "results/small", "--as", "main.previous"]) == 0
    before = {tuple(baselines.find(name, root).results.runs["fid"]) for name in baselines.names(root)}
    for last in (0, 1, 2):
        written = []

        def stopped(*given, written=written, last=last):
            if len(written) == last:
                raise KeyboardInterrupt
            written.append(write(*given))

        with monkeypatch.context() as patch:
            patch.setattr(baselines, "_write", stopped)
            with pytest.raises(KeyboardInterrupt):
                baselines.promote("main.previous", "main", root)
        there = {tuple(baselines.find(name, root).results.runs["fid"]) for name in baselines.names(root)}
        assert there == before, last
