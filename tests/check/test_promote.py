"""Promoting one baseline over another: nothing is lost, and it can be taken back."""

from __future__ import annotations

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
