"""Imports go down only: what each package may import, as docs/architecture.md has it."""

from __future__ import annotations

import ast
import graphlib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import ganbench

ROOT = Path(ganbench.__file__).parent
KINDS = {"losses", "tricks", "networks", "optimizers", "datasets", "extractors", "metrics", "diagnostics"}
BELOW = {
    "core": set(),
    "assets": {"core"},
    **{kind: {"core", "assets"} for kind in KINDS},
    "tables": {"core"},
    "suite": {"core", *KINDS},
    "training": {"core", "tables", *KINDS},
    "sweep": {"core", "tables", "suite", "training", "sinks", *KINDS},
    "analysis": {"core", "tables"},
    "sinks": {"core"},
    "monitor": {"core", "tables", "training", "analysis", "sinks", *KINDS},
    "figures": {"core", "tables", "analysis"},
    "check": {"core", "tables", "suite", "training", "sweep", "analysis"},
    "cures": {"core", "tables", "suite", "sweep", "analysis", *KINDS},
    "cli": None,
    "report": None,
    "": None,
}
TABULAR = {"numpy", "pandas", "pyarrow"}
LEARNING = {"torch", "numpy", "scipy", "sklearn", "torch_fidelity", "annotated_types", "platformdirs"}
OUTSIDE = {
    "core": {"filelock"},
    "assets": LEARNING,
    **{kind: LEARNING for kind in KINDS},
    "tables": TABULAR | {"pydantic"},
    "training": {"torch", "numpy", "pandas"},
    "analysis": {"numpy", "scipy", "pandas", "sklearn"},
    "figures": {"numpy", "pandas", "matplotlib"},
}
RAY = re.compile("sweep/executors/ray_[a-z]+.py")
HEAVY = {"torch", "ray", "pandas", "scipy", "sklearn", "matplotlib", "torch_fidelity"}
LIGHT_PACKAGES = {"core", "assets", "suite", *KINDS, "cli", ""}
# What a trial's choices build, by the package of the kind.
BASES = {
    "datasets": "Dataset",
    "diagnostics": "Diagnostic",
    "losses": "Loss",
    "metrics": "Metric",
    "networks": "Network",
    "optimizers": "Optimizer",
    "tricks": "Trick",
}
# Exceptions, each with its reason: (package or file, import).
ALLOWED = {
    ("tricks", "ganbench.networks.Network"): "the type of what a trick's hook `network` takes and returns",
    ("diagnostics", "ganbench.losses.Loss"): "the type of the loss that a step descends",
    **{("core/trial.py", f"ganbench.{kind}.{name}"): "the type that a `Choice` builds" for kind, name in BASES.items()},
    ("assets/digits.py", "sklearn.datasets.load_digits"): "the one split of the digits, shared by two kinds",
    ("assets/data_folder.py", "platformdirs.user_cache_dir"): "the one data folder, shared by two kinds",
}
FILES = sorted(ROOT.rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def package(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else ""


def imports(source: str, *, at_import_time: bool = False, types: bool = False) -> Iterator[str]:
    """Yield the dotted names that a module imports; those for type checkers alone with `types`."""
    stack: list[ast.AST] = [ast.parse(source)]
    while stack:
        node = stack.pop()
        if not types and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            stack += node.orelse
        elif at_import_time and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            stack += ast.iter_child_nodes(node)


def wrong(path: str, source: str) -> list[str]:
    """Return the imports that a file of ganbench must not have."""
    own = path.split("/")[0] if "/" in path else ""
    bad, at_run_time = [], set(imports(source))
    for name in imports(source, types=True):
        top, _, rest = name.partition(".")
        if top == "ganbench":
            target = rest.split(".")[0]
            below = BELOW[own]
            if target in BELOW and target != own and below is not None and target not in below:
                bad.append(name)
        elif (
            name in at_run_time
            and top not in sys.stdlib_module_names
            and ((own in OUTSIDE and top not in OUTSIDE[own]) or (top == "ray" and not RAY.fullmatch(path)))
        ):
            bad.append(name)
    if own in LIGHT_PACKAGES:
        bad += [name for name in imports(source, at_import_time=True) if name.split(".")[0] in HEAVY]
    return [name for name in bad if (own, name) not in ALLOWED and (path, name) not in ALLOWED]


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_go_down_only(path):
    assert wrong(relative(path), path.read_text(encoding="utf-8")) == []


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def circle(sources: Mapping[str, str]) -> list[str]:
    """Return modules each of which imports the next, in functions and for types as well; none where there are none."""
    graph: dict[str, set[str]] = {}
    for name, source in sources.items():
        named = {(one if one in sources else one.rpartition(".")[0]) for one in imports(source, types=True)}
        graph[name] = {one for one in named if one in sources and one != name}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_itself_by_way_of_others():
    assert circle({module(path): path.read_text(encoding="utf-8") for path in FILES}) == []


@pytest.mark.parametrize(
    "import_a", ["import a", "from a import x", "def f():\n    import a", "if TYPE_CHECKING:\n    from a import x"]
)
def test_a_circle_is_found(import_a):
    assert circle({"a": "from b import y", "b": "import c", "c": import_a}) and not circle({"a": "import b", "b": ""})


def test_every_package_has_its_place():
    assert {package(path) for path in FILES} == set(BELOW)


@pytest.mark.parametrize(
    "path, source",
    [
        ("core/status.py", "import torch"),
        ("core/status.py", "def f():\n    from ganbench.tables import part_store"),
        ("losses/hinge.py", "from ganbench.tricks import Trick"),
        ("losses/hinge.py", "import torch"),
        ("metrics/fid.py", "import ray"),
        ("tables/part_store.py", "import ganbench.training.trainer"),
        ("analysis/x.py", "from torch import nn"),
        ("analysis/x.py", "from ganbench.suite import plan"),
        ("training/trainer.py", "from ganbench.suite.plan import Plan"),
        ("sweep/run.py", "def f():\n    import ray.tune"),
        ("sweep/run.py", "from ganbench.cli.main import main"),
        ("suite/plan.py", "import pandas as pd"),
        ("cli/main.py", "import torch"),
        ("tricks/r1.py", "if TYPE_CHECKING:\n    from ganbench.training.setup import PackedView"),
    ],
)
def test_a_wrong_import_is_found(path, source):
    assert wrong(path, source)


@pytest.mark.parametrize(
    "path, source",
    [
        ("losses/hinge.py", "def f():\n    import torch"),
        ("losses/hinge.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torch import Tensor"),
        ("sweep/executors/ray_tune.py", "import ray"),
        ("sweep/run.py", "import yaml"),
        ("cli/main.py", "def f():\n    from ganbench.analysis import x"),
    ],
)
def test_a_right_import_is_allowed(path, source):
    assert wrong(path, source) == []


def test_tests_reach_inside_the_engine_through_one_file():
    """A rename inside training or sweep touches their own tests and `tests/engine.py`, no other."""
    tests = Path(__file__).parent
    inside = re.compile(r"^\s*(from|import) ganbench\.(training|sweep)\b(?!\.executors)", re.MULTILINE)
    found = {
        path.relative_to(tests).as_posix()
        for path in tests.rglob("*.py")
        if path.relative_to(tests).parts[0] not in {"training", "sweep"}
        and inside.search(path.read_text(encoding="utf-8"))
    }
    assert found <= {"engine.py", "benchmarks/diagnostics_costs.py"}  # the second runs as a script, without `tests`
