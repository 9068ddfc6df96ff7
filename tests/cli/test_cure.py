"""`ganbench cure` on suites of seconds: what it finds, says and writes, that it resumes, and its mistakes."""

from __future__ import annotations

import re

import pytest
import yaml

import ganbench
from ganbench.analysis.verdict_remedies import Remedy
from ganbench.cli.main import main
from ganbench.core.errors import UsageError
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from ganbench.tables.results import find_run, load
from tests.helpers.present import present

# Two numbers that chase each other (oscillation), which R1 of γ = 1 damps (Mescheder et al. 2018, lemma 2.4).
SUITE = """\
datasets: [dirac]
networks: [dirac: {jitter: 0.2}]
losses: [wasserstein]
tricks: [none, r1: {gamma: 1.0}]
optimizers: [sgd: {lr: 0.1}]
seeds: 2
steps: 400
batch: 32
evaluate: {every: 5, samples: 50, metrics: [modes, position]}
"""
FEW = ("stronger_r1", "one_sided_label_smoothing", "ema")  # so that a search takes seconds


@pytest.fixture
def suite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("ganbench.cures.star.GENERAL", FEW)
    monkeypatch.setattr("ganbench.cures.star.remedy_of", lambda verdict, cause: Remedy(()))
    (tmp_path / "swings.yaml").write_text(SUITE)
    return tmp_path


def cure(*arguments):
    return main(["cure", *arguments, "--executor", "local", "--seeds", "8"])


def test_finds_the_cure_and_says_how_to_have_it(suite, capsys):
    assert main(["run", "swings.yaml", "--executor", "local"]) == 0
    assert re.search(
        r"^by their verdicts 1 of 2 trials failed; `ganbench cure (\S+)` looks for what cures it$",
        capsys.readouterr().out,
        re.M,
    )
    assert cure("results/swings") == 0
    out, err = capsys.readouterr()
    assert "oscillation in 2 of 2 runs" in out
    assert "R1(gamma=1.0) cures it: healthy in 8 of 8 seeds against 0 of 8 (exact p 0.0078 after Holm)" in out
    assert "training.ema 0.999 does not" in out
    assert "left out  one_sided_label_smoothing: with wasserstein: the loss has no 1/0 targets to smooth" in out
    assert "d_loss = d_loss + 1.0 / 2 * slope.flatten(1).square().sum(1).mean()" in out
    assert "seeds 2 to 3: 3 trials, bases included" in err  # fresh ones: the suite has 0 and 1

    line = present(re.search(r"^  (- \{.*\})$", out, re.M))[1]
    written = yaml.safe_load(SUITE.replace("none, r1: {gamma: 1.0}", "none")) | {"include": yaml.safe_load(line)}
    (suite / "more.yaml").write_text(yaml.safe_dump(written))
    assert [t.labels["tricks"] for t in make_plan(read_suite("more.yaml")).trials] == ["none", "r1(gamma=1.0)"]

    results = load(find_run("results/swings-cure"))
    assert sorted(results.runs.loc[results.runs["tricks"] == "r1(gamma=1.0)", "seed"]) == list(range(2, 10))
    page = (suite / "report/swings-cures.html").read_text()
    assert page.index("as it is: 0 of 8 seeds healthy") < page.index("r1(gamma=1.0): 8 of 8 seeds healthy")
    assert page.count("data:image/png") == 4 + 4  # four seeds each; a remedy that cures none is in the table alone
    assert main(["report", "results/swings-cure"]) == 0


def test_goes_on_where_it_was_and_answers_alike(suite, capsys):
    assert cure("swings.yaml", "--only", "tricks=none") == 0
    first = capsys.readouterr().out
    assert cure("swings.yaml", "--only", "tricks=none") == 0
    out, err = capsys.readouterr()
    assert out == first
    assert "[1/" not in err, "nothing is trained again"


def test_from_python_and_by_the_trials_name(suite, capsys):
    made = ganbench.Suite(**yaml.safe_load(SUITE), name="swings")
    trial = made.plan().trials[0].id
    (found,) = ganbench.cure(made, only=trial, seeds=8, executor="local")
    assert found.best and (found.best.arm.name, found.best.judged.healthy, found.best.judged.base) == (
        "stronger_r1",
        8,
        0,
    )
    (again,) = ganbench.cure("results/swings", only=trial, seeds=8, executor="local")
    assert again.remedies == found.remedies
    with pytest.raises(UsageError, match="unknown executor 'rya'"):
        ganbench.cure(made, executor="rya")  # type: ignore[arg-type]


def test_none_that_it_knows_does(suite, monkeypatch, capsys):
    monkeypatch.setattr("ganbench.cures.star.GENERAL", ("ema",))
    assert cure("swings.yaml", "--only", "tricks=none") == 1
    out = capsys.readouterr().out
    assert "No cure found: no seed is healthy with any of 1 remedies." in out
    assert "include:" not in out


def test_too_few_seeds_are_named_as_such(suite, capsys):
    assert main(["cure", "swings.yaml", "--only", "tricks=none", "--executor", "local", "--seeds", "4"]) == 1
    out = capsys.readouterr().out
    assert (
        "No cure shown, for want of seeds: R1(gamma=1.0) is healthy in 4 of 4 seeds against 0 of 4 (exact p 0.12" in out
    )
    assert "--seeds" in out


def test_a_remedy_that_cannot_be_trained_is_told(suite, monkeypatch, capsys):
    def fails(trial):
        raise RuntimeError("no")

    monkeypatch.setattr("ganbench.tricks.r1.R1.penalty", lambda self, view: fails(view))
    assert cure("swings.yaml", "--only", "tricks=none") == 1
    out = capsys.readouterr().out
    assert re.search(r"^r1\(gamma=1\.0\) +has no result +none", out, re.M)


VARIED = "vary: {settings: 2, space: {optimizer.lr: {uniform: [0.1, 0.2]}}}\n"
SEARCHED = "search: {trials: 2, space: {optimizer.lr: {uniform: [0.1, 0.2]}}, metric: position_1}\n"


@pytest.mark.parametrize(
    "arguments, addition, text",
    [
        (
            ["swings.yaml", "--only", "tricks=r1*"],
            "",
            "swings.yaml:1:1: no trial fails",
        ),
        (["swings.yaml", "--only", "tricks=r7"], "", "nothing to run (2 not matched by --only 'tricks=r7')"),
        (["swings.yaml", "--only", "0a1b2c3d4e5f"], "", "nothing to run (2 not matched by --only '0a1b2c3d4e5f')"),
        (["swings.yaml"], VARIED, "swings.yaml:10:7: a suite with `vary` tries many settings of a trial already"),
        (["swings.yaml"], SEARCHED, "a suite with `search` tries many settings of a trial already"),
        (["swing.yaml"], "", "swing.yaml: cannot be read (no such file"),
        (["nothing"], "", "unknown suite 'nothing'"),
        (["results/swing"], "", "results/swing: no such folder; give the path of a suite file or the folder of a run"),
        (["papers/dirca"], "", "unknown suite 'papers/dirca', did you mean 'papers/dirac'?"),
        (["."], "", "holds no run"),
        (["swings.yaml", "--address", "here:1"], "", "--address is a Ray cluster's"),
    ],
)
def test_mistakes_are_one_line(suite, capsys, arguments, addition, text):
    (suite / "swings.yaml").write_text(SUITE + addition)
    assert cure(*arguments) == 2
    error = capsys.readouterr().err
    assert text.lower() in error.lower()
    assert [line for line in error.splitlines() if line.startswith("ganbench: ")] == error.splitlines()[-1:]


def test_a_run_without_failures_says_nothing_of_cures(suite, capsys):
    (suite / "swings.yaml").write_text(SUITE.replace("none, ", ""))
    assert main(["run", "swings.yaml", "--executor", "local"]) == 0
    assert "cure" not in capsys.readouterr().out
    (suite / "swings.yaml").write_text(SUITE + VARIED)
    assert main(["run", "swings.yaml", "--executor", "local"]) == 0
    assert "ganbench cure" not in capsys.readouterr().out


def test_runs_without_a_verdict_are_no_failures(suite, capsys):
    (suite / "swings.yaml").write_text(SUITE.replace("every: 5", "every: 200"))
    assert main(["run", "swings.yaml", "--executor", "local"]) == 0
    assert "ganbench cure" not in capsys.readouterr().out
    assert cure("swings.yaml") == 2
    assert "no run of its 2 trials has a verdict (evaluate by the metrics" in capsys.readouterr().err
