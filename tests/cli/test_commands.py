"""What each command prints and hands on."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import types
from pathlib import Path

import pytest

from ganbench.cli import doctor_command
from ganbench.cli.main import main
from tests.engine import RunOutcome
from tests.helpers.sealed import reseal


def test_plan_lists_trials_skips_and_an_estimate(fakes, capsys):
    assert main(["plan", "small.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for dataset, text in (("ring", lines[:3]), ("grid", lines[3:6])):
        assert text[0] == f"{dataset}: mlp, adam, 2 seeds, 5 steps"
        assert [line.split() for line in text[1:]] == [["loss", "tricks"], ["hinge", "none"]]
    assert lines[6] == "skipped 2: dcgan needs images: convolutions need images"
    assert lines[7].startswith("small (") and lines[7].endswith("2 trials, 4 runs, 2 skipped")
    assert lines[8].startswith("about ")


def test_plan_as_json(fakes, capsys):
    assert main(["plan", "small.yaml", "--json", "--only", "dataset=grid", "--set", "steps=7"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [(t["dataset"], t["steps"], t["seeds"]) for t in data["trials"]] == [("grid", 7, [0, 1])]
    assert [s["reason"] for s in data["skipped"]] == ["dcgan needs images: convolutions need images"]


def test_list_and_explain(fakes, capsys):
    assert main(["list", "optimizers"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "optimizers",
        "  adam  Adam.",
        "    parameters: lr = 0.001, d_lr = null, betas = [0.5, 0.999]",
        "  sgd  sgd",
    ]
    assert main(["list", "optimizer"]) == 0
    assert main(["list"]) == 0
    assert "hinge" in capsys.readouterr().out
    assert main(["explain", "adam"]) == 0
    text = capsys.readouterr().out
    assert "adam (optimizer, version 1)" in text
    assert "  lr = 0.001  (float, > 0)" in text
    assert "  d_lr = null  (float, > 0, or null)" in text
    assert "  betas = [0.5, 0.999]  (list of float, ≥ 0, < 1)" in text
    assert main(["explain", "mlp"]) == 0
    assert "  init = he  (he or normal)" in capsys.readouterr().out
    assert main(["explain", "r1"]) == 0
    assert "not with: couples samples (minibatch): gradients would mix samples" in capsys.readouterr().out


def test_every_installed_component_can_be_explained(capsys):
    from ganbench.core.registry import PACKAGES, components

    names = {name for kind in PACKAGES for name in components(kind)}
    assert names
    for name in names:
        assert main(["explain", name]) == 0, name
        assert name in capsys.readouterr().out


def test_schema_is_json_schema(fakes, capsys):
    import jsonschema

    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["required"] == []


@pytest.fixture
def trained(fakes, monkeypatch):
    """Stand in for the run and the report; return the calls."""
    calls = types.SimpleNamespace(runs=[], reports=[], code=0)

    def run_plan(plan, results_root, *, executor, address, jobs, sinks):
        assert not sinks
        calls.runs.append((plan, results_root, executor, address, jobs))
        return RunOutcome(results_root / plan.name / plan.run_id, calls.code, trials=2, done=2, trained=2, failed=0)

    def write_report(folder, out):
        calls.reports.append((folder, out))
        return out

    def write_changes(first, others, out):
        calls.reports.append((first, others, out))
        return out

    run = types.SimpleNamespace(run_plan=run_plan)
    page = types.SimpleNamespace(write_report=write_report, write_changes=write_changes)
    monkeypatch.setitem(sys.modules, "ganbench.sweep.run", run)
    monkeypatch.setitem(sys.modules, "ganbench.report.page", page)
    return calls


def test_run_trains_then_reports(trained, capsys):
    code = main(
        [
            "run",
            "small.yaml",
            "--results",
            "r",
            "--report",
            "p",
            "--executor",
            "local",
            "--jobs",
            "3",
            "--set",
            "steps=9",
        ]
    )
    assert code == 0
    [(plan, root, *how)] = trained.runs
    assert (root, how, len(plan.trials), plan.trials[0].steps) == (Path("r"), ["local", None, 3], 2, 9)
    assert trained.reports == [(Path("r/small") / plan.run_id, Path("p/small.html"))]
    assert "report  p/small.html" in capsys.readouterr().out


def test_run_with_failed_trials_still_reports(trained):
    trained.code = 4
    assert main(["run", "small.yaml"]) == 4
    assert len(trained.reports) == 1


@pytest.mark.parametrize("code", [130, 143])
def test_an_interrupted_run_says_how_to_go_on(trained, capsys, monkeypatch, code):
    trained.code = code
    monkeypatch.setattr(sys, "argv", ["ganbench", "run", "small.yaml", "--only", "loss=hinge,*"])
    assert main() == code
    assert trained.reports == []
    assert "ganbench run small.yaml --only 'loss=hinge,*'" in capsys.readouterr().err


def test_nothing_starts_when_the_suite_is_wrong(trained):
    assert main(["run", "small.yaml", "--set", "seeds=-1"]) == 2
    assert trained.runs == []


def test_a_report_folder_that_cannot_be_written_is_found_before_training(trained, capsys):
    Path("taken").touch()
    assert main(["run", "small.yaml", "--report", "taken/pages"]) == 2
    assert trained.runs == []
    assert capsys.readouterr().err.startswith("ganbench: taken/pages: cannot be written (Not a directory); choose")
    assert main(["run", "small.yaml", "--report", "taken"]) == 2
    assert capsys.readouterr().err.startswith("ganbench: taken: cannot be written (it is a file); choose")


def test_report_takes_runs_and_suites(trained, capsys):
    for i, run in enumerate(("aaa", "bbb")):
        folder = Path("results/small") / run
        folder.mkdir(parents=True)
        (folder / "runs.parquet").touch()
        reseal(folder, times={"finished": f"2030-01-0{i + 1}"})
    assert main(["report", "results/small"]) == 0
    assert main(["report", "results/small", "--watch", "--json"]) == 2  # one prints, the other writes pages
    assert trained.reports == [(Path("results/small/bbb"), Path("report/small.html"))]
    trained.reports.clear()
    assert main(["report", "results/small/aaa", "results/small/bbb"]) == 0
    first, others, out = trained.reports[0]
    assert (first.name, [other.name for other in others], out.name) == ("aaa", ["bbb"], "small-changes.html")


def findings(capsys):
    return {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if len(line.split()) > 1}


def test_doctor_names_what_is_wrong_and_never_falls_ill(monkeypatch, capsys, tmp_path):
    def broken():
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor_command, "_torchvision", broken)
    monkeypatch.setattr(doctor_command, "_devices", lambda: iter(()))
    monkeypatch.setattr(doctor_command.shutil, "which", lambda name: None)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert main(["doctor"]) == 2
    found = findings(capsys)
    assert "nms does not exist" in found["torchvision"]
    assert "RAY_ADDRESS='127.0.0.1:1' cannot be reached" in found["ray"]
    assert "git is not installed" in found["git"]


@pytest.mark.parametrize("address", ["nonsense", "host:99999999", "ray://", ":1", "a\x1b[31m:1", "ü" * 300 + ":1"])
def test_doctor_survives_any_ray_address(monkeypatch, address):
    monkeypatch.setenv("RAY_ADDRESS", address)
    states = [f.state for f in doctor_command._guarded(doctor_command._ray)]
    assert "problem" in states


def test_doctor_names_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    found = list(doctor_command._guarded(lambda: doctor_command._folders(tmp_path / "file" / "results", tmp_path)))
    assert [f.state for f in found[:2]] == ["problem", "ok"]
    assert "choose another folder" in found[0].text


def terminal(*arguments, **environment):
    """Return what a command writes to a terminal."""
    leader, follower = pty.openpty()
    code = "import sys; from ganbench.cli.main import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )
    os.close(follower)
    text = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(leader)
    assert process.wait(timeout=60) == 0
    return text.decode()


def test_colour_on_a_terminal_unless_it_is_not_wanted():
    assert "\x1b[1m" in terminal("list", "losses", NO_COLOR="")
    assert "\x1b" not in terminal("list", "losses", NO_COLOR="1")
    assert "\x1b" not in terminal("list", "losses", TERM="dumb", NO_COLOR="")


def test_a_narrow_terminal_cuts_nothing_off(tmp_path):
    path = tmp_path / "wide.yaml"
    path.write_text("datasets: [ring]\nlosses: [relativistic_average]\nsteps: 123456\n")
    for width in ("80", "30"):
        text = terminal("plan", str(path), COLUMNS=width, NO_COLOR="1")
        assert "…" not in text and "123456" in text and "relativistic_average" in text
