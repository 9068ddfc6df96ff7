"""What `ganbench new` writes is right as it stands: style, types, its own test and the contracts of its kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from typing import Any

import pytest
import torch

from ganbench.cli.describe import PLURALS
from ganbench.cli.main import main
from ganbench.cli.new_command import PACKAGE_ROOT, module_name
from ganbench.core import registry
from tests.helpers import ROOT, warm

CONTRACTS = (
    "contracts/test_loss_contract.py",
    "contracts/test_trick_contract.py",
    "metrics/test_metric_contract.py",
    "test_catalogue.py",
)
TOGETHER = """
import ganbench


def test_my_components_train_together(tmp_path):
    axes = {f"{kind}s": [f"my_{kind}"] for kind in ("dataset", "network", "trick", "optimizer", "diagnostic")}
    suite = ganbench.Suite("all", **axes, losses=["my_loss"], seeds=2, steps=3, evaluate={"metrics": ["my_metric"]})
    results = suite.run(tmp_path, executor="local")
    assert results.runs["status"].tolist() == ["OK", "OK"]
    assert results.runs["my_metric"].notna().all()
    assert results.diagnostics["my_diagnostic"].notna().any()
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Return a folder with a package of one new component of each kind, known by an entry point as if installed."""
    root = tmp_path_factory.mktemp("third_party")
    (root / "mine").mkdir()
    (root / "mine" / "__init__.py").write_text('"""Mine."""\n')
    for kind in PLURALS:
        arguments = ["new", kind, f"my_{kind}", "--into", str(root / "mine"), "--tests", str(root / "tests")]
        assert main(arguments) == 0
    information = root / "mine-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    entries = [f"my_{kind} = mine.my_{kind}" for kind in PLURALS]
    (information / "entry_points.txt").write_text("\n".join(["[ganbench.components]", *entries, ""]))
    return root


def paths(package):
    return os.pathsep.join([str(package), str(ROOT / "tests" / "metrics")])


def run(package, *command):
    environment = {**os.environ, "PYTHONPATH": paths(package), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=package, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_style(package):
    config = ["--config", str(ROOT / "pyproject.toml")]
    run(package, "ruff", "check", *config, ".")
    run(package, "ruff", "format", "--check", *config, ".")


def test_types(package):
    settings = {"include": ["mine"], "extraPaths": [str(ROOT)], "typeCheckingMode": "standard"}
    (package / "pyrightconfig.json").write_text(json.dumps(settings))
    run(package, "pyright", "--pythonpath", sys.executable)


def test_own_tests_and_contracts_and_a_run_of_all(package):
    (package / "tests" / "test_all.py").write_text(TOGETHER)
    chosen = ["-v", "-p", "no:cacheprovider", "--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
    chosen += ["-k", "my_ and not catalogue_has"]  # the committed page is of the package's own
    code = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    files = [ROOT / "tests" / path for path in CONTRACTS]
    done = warm.run(code, *chosen, "tests", *files, cwd=package, environment={"PYTHONPATH": paths(package)})
    assert done.returncode == 0, done.stdout + done.stderr
    out = done.stdout
    for name in ("my_loss", "my_trick", "my_metric"):
        assert out.count(f"[{name}]") >= 5, "the contracts did not run"
    for kind in PLURALS:
        assert f"test_every_example_can_be_planned[{kind}-my_{kind}]" in out
        assert f"test_my_{kind}.py::" in out
    assert "test_all.py::test_my_components_train_together PASSED" in out


def test_commands_know_them(package):
    code = "import sys; from ganbench.cli.main import main; sys.exit(main())"
    (package / "entry.py").write_text(code)
    assert "example suite:\n  datasets: [ring]\n  tricks: [none, my_trick: {weight: 0.1}]" in run(
        package, "entry", "explain", "my_trick"
    )


def test_a_file_that_is_there_stays(tmp_path, capsys):
    (tmp_path / "test_mine.py").write_text("kept")
    assert main(["new", "loss", "mine", "--into", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["test_mine.py"]
    assert (tmp_path / "test_mine.py").read_text() == "kept"


@pytest.mark.parametrize(
    "kind, name, problem",
    [
        ("losss", "mine", "unknown kind 'losss', did you mean 'loss'?"),
        ("loss", "../mine", "cannot name a component"),
        ("loss", "Mine", "cannot name a component"),
        ("loss", "class", "cannot name a component"),
        ("loss", "a" * 61, "cannot name a component"),
        ("loss", "hinge", "the loss 'hinge' is there already"),
        ("loss", "torch", "would hide the module 'torch'"),
    ],
)
def test_wrong_names_are_refused(tmp_path, capsys, kind, name, problem):
    assert main(["new", kind, name, "--into", str(tmp_path)]) == 2
    assert problem in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_package_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "trick", "my_own", "--into", "mine"]) == 0
    assert "mine has no __init__.py" in capsys.readouterr().out
    (tmp_path / "mine" / "__init__.py").write_text("")
    assert main(["new", "trick", "my_other", "--into", "mine"]) == 0
    assert "__init__" not in (out := capsys.readouterr().out) and 'my_other = "mine.my_other"' in out


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").touch()
    for place in ("file", "file/below"):
        assert main(["new", "loss", "mine", "--into", str(tmp_path / place)]) == 2
        assert f"{tmp_path / 'file'}: is no folder" in capsys.readouterr().err
    into = tmp_path / "made"
    assert main(["new", "loss", "mine", "--into", str(into), "--tests", str(tmp_path / "file")]) == 2
    assert f"{tmp_path / 'file'}: is no folder" in capsys.readouterr().err and not list(into.iterdir())


def test_a_link_of_the_files_name_stays(tmp_path, capsys):
    (tmp_path / "mine.py").symlink_to("mine.py")
    assert main(["new", "loss", "mine", "--into", str(tmp_path)]) == 2
    assert "mine.py: is there already" in capsys.readouterr().err and len(list(tmp_path.iterdir())) == 1


def test_a_module_is_named_from_its_package():
    assert module_name(PACKAGE_ROOT / "losses" / "mine.py") == "ganbench.losses.mine"


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
@pytest.mark.parametrize("words", [("init", "new.yaml"), ("new", "trick", "mine")], ids=" ".join)
def test_what_a_full_disk_cut_off_does_not_stand_in_its_own_way(tmp_path, monkeypatch, capsys, words):
    import resource

    monkeypatch.chdir(tmp_path)
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, kept[1]))
        assert main(list(words)) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    assert "cannot be written" in capsys.readouterr().err
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert main(list(words)) == 0


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """Return what makes a component as inside of this repository, and runs its file and its test."""
    monkeypatch.setattr("ganbench.cli.new_command.PACKAGE_ROOT", tmp_path)

    def made(kind: str) -> dict[str, Any]:
        assert main(["new", kind, "my_own", "--into", str(tmp_path / kind), "--tests", str(tmp_path / "tests")]) == 0
        scope: dict[str, Any] = {"__name__": f"ganbench.{kind}.my_own"}
        monkeypatch.setitem(sys.modules, scope["__name__"], types.ModuleType(scope["__name__"]))
        for path in (tmp_path / kind / "my_own.py", tmp_path / "tests" / "test_my_own.py"):
            exec(path.read_text(), scope)
        monkeypatch.setitem(registry._all_components()[kind], "my_own", scope["MyOwn"])
        return scope

    return made


def test_inside_the_repository_a_loss_comes_with_the_oracle_that_its_contract_wants(inside):
    scope = inside("loss")
    assert scope["ORACLE"].name == "my_own"
    scope["test_the_loss_is_that_of_the_paper"]()


def test_inside_the_repository_a_trick_comes_with_the_oracle_that_its_contract_wants(inside):
    scope = inside("trick")
    oracle, trick, logits = scope["ORACLE"], scope["MyOwn"](), torch.tensor([1.0, 3.0])
    assert oracle.name == "my_own" and trick.parameters.keys() == oracle.defaults.keys() | oracle.open.keys()
    view = types.SimpleNamespace(real_logits=logits, logits=lambda x: x)
    assert oracle.penalty(view, trick, logits, None) == trick.penalty(view)
