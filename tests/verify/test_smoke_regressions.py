"""The committed baseline of the smoke suite comes out again to the last bit, where library and processor are equal."""

from __future__ import annotations

import pytest

from ganbench.check import baselines
from ganbench.check.differences import ENVIRONMENT
from ganbench.cli.main import main
from ganbench.tables.manifest import environment
from tests.helpers import ROOT

FOLDER = ROOT / "results/baselines"
NAME = "smoke-linux-x86_64-cpu"
# Without influence on the numbers: the version of this package is that of its components, one by one.
FREE = ("ganbench", "python")


@pytest.mark.verify
def test_the_smoke_suite_gives_what_is_committed(tmp_path, capsys):
    old = baselines.find(NAME, FOLDER).manifest.environment
    here = environment()
    if other := [name for name in ENVIRONMENT if name not in FREE and old.get(name) != here.get(name)]:
        pytest.skip(f"numbers may differ in rounding: {', '.join(other)} differs")
    arguments = ["--baseline", NAME, "--baselines", str(FOLDER), "--results", str(tmp_path), "--executor", "local"]
    assert main(["check", str(ROOT / "suites/smoke.yaml"), *arguments]) == 0
    assert "are equal to the last bit" in capsys.readouterr().out
