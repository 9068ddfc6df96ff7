"""What is said about the package in several places is the same everywhere."""

from __future__ import annotations

import re
import tomllib

import yaml

import ganbench
from ganbench.core.extras import OPTIONAL, USES
from tests.helpers import ROOT
from tests.helpers.present import present

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements):
    return {re.split(r"[\[<>=]", requirement)[0] for requirement in requirements}


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == ganbench.__version__
    assert (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1].startswith(ganbench.__version__)
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_each_optional_package_is_brought_by_the_extra_that_is_named():
    extras = PROJECT["optional-dependencies"]
    for package, extra in OPTIONAL.values():
        if package not in ("torchvision", "pillow"):  # torch-fidelity requires both
            assert package in names(extras[extra]), package
        assert package not in names(PROJECT["dependencies"])
    assert set(USES) == {extra for _, extra in OPTIONAL.values()}


def test_lower_bounds_are_those_that_were_tried():
    lines = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    tried = dict(line.split("==") for line in lines if not line.startswith("#"))
    for requirement in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["bench"]:
        package, bound = present(re.match(r"([a-z0-9-]+)(?:\[tune\])?>=([\d.]+)", requirement)).groups()
        assert tried[package].startswith(bound), requirement
