"""A trained suite with its baseline, which each test has a copy of."""

from __future__ import annotations

import shutil

import pytest

from ganbench.cli.main import main
from tests.check.gate import SUITE
from tests.engine import Trainer


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Return a folder with a suite, its run and its baseline `main`."""
    folder = tmp_path_factory.mktemp("gate")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "small.yaml").write_text(SUITE)
        assert main(["run", "small.yaml", "--executor", "local"]) == 0
        assert main(["baseline", "save", "results/small", "--as", "main"]) == 0
    return folder


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    """Go to a copy of that folder; nothing is trained unless a test allows it."""
    shutil.copytree(trained, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path / "here"


@pytest.fixture
def no_training(monkeypatch):
    def train(*_arguments, **_more):
        raise AssertionError("something was trained")

    monkeypatch.setattr(Trainer, "__init__", train)
