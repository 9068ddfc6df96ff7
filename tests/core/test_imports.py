"""`--import FILE.py`: its components can be named, its content is part of a result's identity, results run nothing."""

import json

import pytest

import ganbench
from ganbench.cli.main import main
from ganbench.core import imports, registry
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from tests.helpers.own_components import forgotten

FILE = """
from dataclasses import dataclass
from ganbench.tricks import Trick

@dataclass(frozen=True)
class Mine(Trick):
    '''Pulls the logits to zero.'''

    name = "my_trick"
    group = "penalty"
    weight: float = 0.5

    def penalty(self, view):
        return self.weight * (view.real_logits ** 2).mean(-1)
"""
SUITE = """
datasets: [ring]
networks: [mlp: {width: 8, latent: 2}]
tricks: [none, my_trick]
seeds: 2
steps: 10
batch: 16
evaluate: {samples: 50, metrics: [modes]}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with the file and a suite; what is imported is forgotten at the end."""
    (tmp_path / "my_trick.py").write_text(FILE)
    (tmp_path / "mine.yaml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    with forgotten():
        yield tmp_path


def keys(folder):
    return {trial.labels["tricks"]: trial.key for trial in make_plan(read_suite(folder / "mine.yaml")).trials}


def run(*more):
    return main(["run", "mine.yaml", *more])


def test_a_component_of_a_file_trains_in_this_process_and_in_workers(folder, capsys):
    assert main(["plan", "mine.yaml"]) == 2
    assert "unknown trick 'my_trick'" in capsys.readouterr().err
    assert run("--import", "my_trick.py", "--executor", "local") == 0
    results = ganbench.load("results/mine")
    assert results.runs["status"].tolist() == ["OK"] * 4
    assert results.runs["tricks"].tolist() == ["none", "none", "my_trick", "my_trick"]
    digest = imports.imported()[0].digest
    versions = dict(zip(results.components["name"], results.components["version"], strict=True))
    assert versions["my_trick"] == f"1+{digest}" and versions["ring"] == 1


@pytest.mark.alone
def test_workers_run_what_was_read(folder):
    assert run("--import", "my_trick.py", "--jobs", "2") == 0
    ray = ganbench.load("results/mine").tables.history
    assert run("--import", "my_trick.py", "--executor", "local", "--results", "other") == 0
    local = ganbench.load("other/mine").tables.history
    assert ray.equals(local)


def test_other_code_is_another_result(folder):
    imports.import_file(folder / "my_trick.py")
    before = keys(folder)
    imports.import_file(folder / "my_trick.py")
    assert keys(folder) == before
    (folder / "my_trick.py").write_text(FILE + "# a word more\n")
    imports.import_file(folder / "my_trick.py")
    after = keys(folder)
    assert after["none"] == before["none"], "what does not use the file is what it was"
    assert after["my_trick"] != before["my_trick"]


def test_runs_of_other_code_are_not_compared(folder, capsys):
    assert run("--import", "my_trick.py", "--executor", "local") == 0
    assert main(["baseline", "save", "results/mine", "--as", "mine"]) == 0
    (folder / "my_trick.py").write_text(FILE.replace("view.real_logits ** 2", "view.real_logits ** 4"))
    capsys.readouterr()
    arguments = ["check", "mine.yaml", "--baseline", "mine", "--import", "my_trick.py", "--executor", "local"]
    assert main(arguments) == 3
    assert "another version of trick:my_trick" in capsys.readouterr().err


def test_a_result_never_runs_code(folder):
    marked = FILE + "open('ran', 'a').write('x')\n"
    (folder / "my_trick.py").write_text(marked)
    assert run("--import", "my_trick.py", "--executor", "local") == 0
    assert (folder / "ran").read_text() == "x", "once, because it was named"
    results = ganbench.load("results/mine")
    results.ranking(), results.verdicts(), results.runs
    assert main(["report", "results/mine"]) == 0
    assert (folder / "ran").read_text() == "x"
    assert not [path for path in (folder / "results").rglob("*") if path.suffix in (".py", ".pkl", ".pyc")]


def test_cures_are_looked_for_as_the_run_says(folder, monkeypatch, capsys):
    monkeypatch.setattr("ganbench.cures.search.failing", lambda judged: dict.fromkeys(judged["trial"], {}))
    assert run("--import", "my_trick.py", "--executor", "local") == 0
    ran = ganbench.load("results/mine").path.absolute()
    command = f"ganbench cure {ran} --import {folder / 'my_trick.py'}"
    assert f"`{command}` looks for what cures them" in capsys.readouterr().out
    assert main(["cure", "results/mine", "--import", "my_trick.py", "--only", "tricks=nothing"]) == 2
    assert "tricks here: none, my_trick" in capsys.readouterr().err


def test_it_is_listed_and_explained(folder, capsys):
    assert main(["list", "tricks", "--import", "my_trick.py"]) == 0
    assert main(["explain", "my_trick", "--import", "my_trick.py"]) == 0
    assert capsys.readouterr().out.count("Pulls the logits to zero.") == 2


@pytest.mark.parametrize(
    "text, problem",
    [
        ("x = (", r"my_trick.py:1: SyntaxError: .*; correct it"),
        ("\nimport no_such_module", r"my_trick.py:2: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(0)", r"my_trick.py:1: SystemExit"),
        ("x = 1", r"my_trick.py: defines no component; `ganbench new trick"),
        (FILE.replace("@dataclass(frozen=True)", ""), r"frozen dataclass"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(folder, text, problem):
    (folder / "my_trick.py").write_text(text)
    with pytest.raises(UsageError, match=problem):
        imports.import_file(folder / "my_trick.py")
    assert "my_trick" not in registry.components("trick")


def test_a_name_that_is_taken_is_refused(folder):
    (folder / "my_trick.py").write_text(FILE.replace('"my_trick"', '"r1"'))
    with pytest.raises(GanbenchError, match="'r1' is already defined"):
        imports.import_file(folder / "my_trick.py")


@pytest.mark.parametrize("name", ["no.py", "mine.yaml", "."])
def test_what_is_no_python_file_is_refused(folder, name, capsys):
    assert main(["plan", "mine.yaml", "--import", name]) == 2
    assert capsys.readouterr().err.startswith(f"ganbench: --import {name}: ")


def test_the_manifest_holds_the_hash(folder):
    assert run("--import", "my_trick.py", "--executor", "local") == 0
    (manifest,) = (folder / "results/mine").glob("*/manifest.json")
    assert json.loads(manifest.read_text())["components"]["trick:my_trick"] == f"1+{imports.imported()[0].digest}"
