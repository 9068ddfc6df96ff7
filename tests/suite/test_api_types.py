"""`ganbench.Suite` for type checkers: they know its keys, and find a misspelt one."""

import shutil
import signal
import subprocess
import sys

import pytest

from ganbench.api import Keys
from ganbench.on_trial import FinishedTrial
from ganbench.suite.schema import Suite
from tests.helpers import ROOT
from tests.helpers.own_suites import own_suite

SNIPPET = """
import ganbench
from ganbench.losses.hinge import Hinge
from ganbench.tricks.r1 import R1

ganbench.Suite(
    "fine",
    datasets=["ring", {"grid": {"side": 3}}],
    losses=[Hinge()],
    tricks=[None, R1(gamma=0.1), ["packing", R1()]],
    seeds=4,
    evaluate={"samples": 100},
).run(progress=False, on_trial=lambda trial: print(trial.name))
ganbench.Suite("misspelt", datasets=["ring"], stepz=3)
ganbench.Suite("wrong type", datasets=["ring"], steps="many")
ganbench.Suite("wrong kind", datasets=["ring"], losses=[R1()])
"""


def test_the_keys_are_those_of_a_suite_file():
    assert set(Keys.__annotations__) | {"name"} == set(Suite.model_fields)


@pytest.mark.skipif(shutil.which("pyright", path=f"{sys.prefix}/bin") is None, reason="pyright is not installed")
def test_a_type_checker_finds_misspelt_keys_and_wrong_types(tmp_path):
    (tmp_path / "snippet.py").write_text(SNIPPET)
    (tmp_path / "pyrightconfig.json").write_text(f'{{"extraPaths": ["{ROOT}"]}}')
    command = [f"{sys.prefix}/bin/pyright", "--pythonpath", sys.executable, "snippet.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    errors = [line.strip() for line in said.stdout.splitlines() if " - error: " in line]
    lines = [int(line.split(":")[1]) for line in errors]
    assert lines == [14, 15, 16], said.stdout
    assert 'No parameter named "stepz"' in errors[0]


def test_nothing_is_shown_and_each_trial_is_told(tmp_path, capsys):
    told: list[FinishedTrial] = []
    suite = own_suite(losses=["hinge", "wasserstein"])
    suite.run(tmp_path, executor="local", progress=False, on_trial=told.append)
    assert capsys.readouterr().err == ""
    assert [trial.name for trial in told] == [trial.name for trial in suite.plan().trials]
    assert [trial.status for trial in told] == ["OK", "OK"]
    assert all(0 <= trial.numbers["modes_captured"] <= 8 for trial in told)
    suite.run(tmp_path, executor="local", progress=False, on_trial=told.append)
    assert len(told) == 2, "finished trials do not end again"


def test_what_a_callback_raises_ends_the_run_and_keeps_what_is_done(tmp_path):
    def stop(trial):
        raise RuntimeError(trial.name)

    suite = own_suite(losses=["hinge", "wasserstein"])
    with pytest.raises(RuntimeError, match="hinge"):
        suite.run(tmp_path, executor="local", progress=False, on_trial=stop)
    rest: list[FinishedTrial] = []
    suite.run(tmp_path, executor="local", progress=False, on_trial=rest.append)
    assert [trial.name for trial in rest] == [suite.plan().trials[1].name]


def test_a_signal_ends_the_call_and_what_is_kept_is_said(tmp_path):
    def interrupt(_):
        signal.raise_signal(signal.SIGINT)

    suite = own_suite(losses=["hinge", "wasserstein"])
    with pytest.raises(KeyboardInterrupt, match="1 of 2 trials are done and kept"):
        suite.run(tmp_path, executor="local", progress=False, on_trial=interrupt)
