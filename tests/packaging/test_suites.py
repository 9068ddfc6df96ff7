"""The suites that come with the package are found by name, and `init` writes one that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.cli import shipped
from ganbench.cli.main import main
from tests.helpers import ROOT

SUITES = ROOT / "suites"


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_suite_of_the_repository_has_its_name():
    files = {file.relative_to(SUITES).with_suffix("").as_posix() for file in SUITES.rglob("*.yaml")}
    assert set(shipped.suite_names()) == files >= {"smoke", "papers/dirac"}


def test_suites_inside_the_package_come_before_those_beside_it(tmp_path, monkeypatch):
    for folder in ("ganbench/suites", "suites"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "smoke.yaml").touch()
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "ganbench")
    assert shipped.suite_names() == {"smoke": tmp_path / "ganbench/suites/smoke.yaml"}


@pytest.mark.parametrize("name", ["smoke", "papers/dirac"])
def test_a_name_is_planned_from_an_empty_folder(empty, capsys, name):
    assert main(["plan", name]) == 0
    assert f"\n{Path(name).name} (" in capsys.readouterr().out


def test_a_path_wins_over_a_name(empty, capsys):
    (empty / "smoke").write_text("name: mine\ndatasets: [ring]\nseeds: 1\nsteps: 1\n")
    assert main(["plan", "smoke"]) == 0
    assert "\nmine (" in capsys.readouterr().out


def test_an_unknown_name_lists_the_shipped_ones(empty, capsys):
    assert main(["run", "smoek"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ganbench: unknown suite 'smoek', did you mean 'smoke'? (known: ")
    assert all(name in error for name in shipped.suite_names())
    assert error.count("\n") == 1


def test_check_takes_a_name(empty, capsys):
    assert main(["check", "smoke"]) == 3  # the suite is found; it has no baseline here
    assert "smoke" in capsys.readouterr().err


@pytest.mark.parametrize("arguments, file", [([], "suite.yaml"), (["suites/faces.yaml"], "suites/faces.yaml")])
def test_init_writes_a_suite_that_plans(empty, capsys, arguments, file):
    assert main(["init", *arguments]) == 0
    assert main(["plan", file]) == 0
    assert "5 trials, 40 runs, 1 excluded" in capsys.readouterr().out
    text = Path(file).read_text(encoding="utf-8")
    assert main(["init", *arguments]) == 2
    assert f"{file}: is there already; take another name or folder" in capsys.readouterr().err
    assert Path(file).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("file", ["smoke.yaml", "suites/smoke.yaml", "suites/papers/dirac.yml"])
def test_a_shipped_suite_that_is_named_as_a_file_is_told_by_its_name(empty, capsys, file):
    assert main(["plan", file]) == 2
    name = "papers/dirac" if "dirac" in file else "smoke"
    assert capsys.readouterr().err == (
        f"ganbench: {file}: no such file; the suite that comes with the package is {name}\n"
    )
