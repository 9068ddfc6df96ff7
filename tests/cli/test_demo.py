"""`ganbench demo` ends with a story and a page; the shipped suite's outcome is that of the committed table."""

import re

import ganbench
from ganbench.cli import demo_command
from ganbench.cli.main import main
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from tests.helpers import ROOT


def test_it_tells_what_is_on_the_page(tmp_path, monkeypatch, capsys):
    text = (ROOT / "suites/demo.yaml").read_text()
    for line, shorter in (("steps: 1500", "steps: 200"), ("batch: 128", "batch: 32"), ("seeds: 4", "seeds: 2")):
        assert line in text
        text = text.replace(line, shorter)
    (tmp_path / "demo.yaml").write_text(text)
    monkeypatch.setattr(demo_command, "suite_names", lambda: {"demo": tmp_path / "demo.yaml"})
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 0
    said = capsys.readouterr().out
    runs = ganbench.load("results/demo").runs
    for label, of_label in runs.groupby("label"):
        modes = ", ".join(f"{count:.0f}" for count in of_label["modes_captured"])
        assert f"{label}: {modes} of 8 modes are left with seeds 0, 1." in said
        assert any(f"  {verdict} in " in said for verdict in of_label["verdict"])
    assert re.search(r"^open    file:///.*/report/demo\.html$", said, re.M)
    assert (tmp_path / "report/demo.html").read_text().startswith("<!DOCTYPE html>")


def test_its_trials_are_arms_of_the_committed_table():
    demo = make_plan(read_suite(ROOT / "suites/demo.yaml")).trials
    arms = {trial.name: trial for trial in make_plan(read_suite(ROOT / "suites/collapse_cures.yaml")).trials}
    committed = ganbench.load(ROOT / "results/baselines/collapse_cures").tables.runs
    assert len(demo) == 2
    modes = {}
    for trial in demo:
        arm = arms[trial.name]
        assert (trial.dataset, trial.network, trial.optimizer, trial.steps) == (
            *(arm.dataset, arm.network, arm.optimizer, arm.steps),
        )
        rows = committed[(committed["trial"] == arm.id) & committed["seed"].isin(trial.seeds)]
        modes[trial.labels["tricks"], trial.n_critic] = rows["modes_captured"].tolist()
    assert modes["none", 5] == [1.0] * 4, "it collapses"
    assert modes["r1(gamma=0.1)", 1] == [8.0] * 4, "it is cured"
