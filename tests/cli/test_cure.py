"""`ganbench cure` on suites of seconds: what it finds, says and writes, that it resumes, and its mistakes."""

from __future__ import annotations

import io
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import ganbench
import ganbench.tables.results
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


def prepare(folder, monkeypatch):
    """Make `folder` the current one, with the suite in it, and the remedies few."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("ganbench.cures.star.GENERAL", FEW)
    monkeypatch.setattr("ganbench.cures.star.remedy_of", lambda verdict, cause: Remedy(()))
    (folder / "swings.yaml").write_text(SUITE)


@pytest.fixture
def suite(tmp_path, monkeypatch):
    prepare(tmp_path, monkeypatch)
    return tmp_path


@dataclass(frozen=True)
class Found:
    """A run of the suite and its cures in a folder, with what was printed."""

    folder: Path
    of_run: str
    out: str
    err: str


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("found")
    with pytest.MonkeyPatch.context() as monkeypatch:
        prepare(folder, monkeypatch)
        run, out, err = io.StringIO(), io.StringIO(), io.StringIO()
        with redirect_stdout(run), redirect_stderr(io.StringIO()):
            assert main(["run", "swings.yaml", "--executor", "local"]) == 0
        with redirect_stdout(out), redirect_stderr(err):
            assert cure("results/swings") == 0
    return Found(folder, run.getvalue(), out.getvalue(), err.getvalue())


@pytest.fixture
def copied(found, suite):
    """A folder of one's own with the same results, so that what is asked for again trains nothing."""
    shutil.copytree(found.folder / "results", suite / "results")
    return suite


def cure(*arguments):
    return main(["cure", *arguments, "--executor", "local", "--seeds", "8"])


def test_finds_the_cure_and_says_how_to_have_it(found):
    hint = r"^by their verdicts 1 of 2 trials failed; `ganbench cure (\S+)` looks for what cures it$"
    assert re.search(hint, found.of_run, re.M)
    assert "oscillation in 2 of 2 runs" in found.out
    assert "R1(gamma=1.0) cures it: healthy in 8 of 8 seeds against 0 of 8 (exact p 0.0078 after Holm)" in found.out
    assert "training.ema 0.999 does not" in found.out
    assert "left out  one_sided_label_smoothing: with wasserstein: the loss has no 1/0 targets to smooth" in found.out
    assert "d_loss = d_loss + 1.0 / 2 * slope.flatten(1).square().sum(1).mean()" in found.out
    assert "seeds 2 to 3: 3 trials, bases included" in found.err  # fresh ones: the suite has 0 and 1
    assert "too few" not in found.err and "next " not in found.out
    assert max(map(len, found.out.split("left out")[0].splitlines()[3:])) <= 80  # sentences are folded by terminals


def test_the_line_for_the_suite_makes_the_trial(found, tmp_path):
    line = present(re.search(r"^  (- \{.*\})$", found.out, re.M))[1]
    written = yaml.safe_load(SUITE.replace("none, r1: {gamma: 1.0}", "none")) | {"include": yaml.safe_load(line)}
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(written))
    trials = make_plan(read_suite(tmp_path / "more.yaml")).trials
    assert [t.labels["tricks"] for t in trials] == ["none", "r1(gamma=1.0)"]


def test_the_tables_and_the_page_have_both_sides(found):
    results = load(find_run(found.folder / "results/swings-cure"))
    assert sorted(results.runs.loc[results.runs["tricks"] == "r1(gamma=1.0)", "seed"]) == list(range(2, 10))
    page = (found.folder / "report/swings-cures.html").read_text()
    assert page.index("as it is: 0 of 8 seeds healthy") < page.index("r1(gamma=1.0): 8 of 8 seeds healthy")
    assert page.count("data:image/png") == 4 + 4  # four seeds each; a remedy that cures none is in the table alone
    assert "trained anew on seeds 2 to 9" in page and "<b>Next:</b>" not in page


def test_its_run_is_an_ordinary_one(copied):
    assert main(["report", "results/swings-cure"]) == 0


def test_goes_on_where_it_was_and_answers_alike(found, copied, capsys):
    assert cure("swings.yaml", "--only", "tricks=none") == 0
    out, err = capsys.readouterr()
    paths = r"(tables|open)  .*"
    assert re.sub(paths, "", out) == re.sub(paths, "", found.out)
    assert "[1/" not in err, "nothing is trained again"


def test_from_python_and_by_the_trials_name(copied, capsys):
    made = ganbench.Suite(**yaml.safe_load(SUITE), name="swings")
    trial = made.plan().trials[0].id
    (one,) = ganbench.cure(made, only=trial, seeds=8, executor="local")
    assert one.best and (one.best.arm.name, one.best.judged.healthy, one.best.judged.base) == ("stronger_r1", 8, 0)
    (again,) = ganbench.cure("results/swings", only=trial, seeds=8, executor="local")
    assert again.remedies == one.remedies
    assert "[1/" not in capsys.readouterr().err
    with pytest.raises(UsageError, match="unknown executor 'rya'"):
        ganbench.cure(made, executor="rya")  # type: ignore[arg-type]


def test_the_suite_of_a_run_is_the_text_that_was_checked(copied, capsys):
    folder = find_run("results/swings")
    read = ganbench.tables.results.load

    def then_replaced(path):
        results = read(path)
        (folder / "suite.yaml").write_text("somebody else's")
        return results

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("ganbench.tables.results.load", then_replaced)
        assert cure("results/swings", "--only", "tricks=r1*") == 2
    assert "no trial fails" in capsys.readouterr().err


def test_none_that_it_knows_does(copied, monkeypatch, capsys):
    monkeypatch.setattr("ganbench.cures.star.GENERAL", ("ema",))
    assert cure("swings.yaml", "--only", "tricks=none") == 1
    out = capsys.readouterr().out
    assert "No cure found: no seed is healthy with any of 1 remedies." in out
    assert "include:" not in out
    assert "next      settings of your own: `vary`" in out
    page = (copied / "report/swings-cures.html").read_text()
    assert "training.ema 0.999: 0 of 2 seeds healthy" in page and "<code>vary</code>" in page


def test_too_few_seeds_are_named_as_such(copied, capsys):
    assert main(["cure", "swings.yaml", "--only", "tricks=none", "--executor", "local", "--seeds", "4"]) == 1
    out, err = capsys.readouterr()
    assert (
        "No cure shown, for want of seeds: R1(gamma=1.0) is healthy in 4 of 4 seeds against 0 of 4 (exact p 0.12" in out
    )
    assert "next      among 2 remedies fewer than 6 seeds can show none; try more: --seeds 16" in out
    assert err.index("4 seeds are too few to show a cure among so many remedies; 6 can (--seeds)") < err.index("[1/")


def test_a_remedy_that_cannot_be_trained_is_told(suite, monkeypatch, capsys):
    def fails(trial):
        raise RuntimeError("no")

    monkeypatch.setattr("ganbench.tricks.r1.R1.penalty", lambda self, view: fails(view))
    assert cure("swings.yaml", "--only", "tricks=none") == 1
    out = capsys.readouterr().out
    assert re.search(r"^has no result\n +none .* r1\(gamma=1\.0\)$", out, re.M)


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
def test_mistakes_are_one_line(copied, capsys, arguments, addition, text):
    (copied / "swings.yaml").write_text(SUITE + addition)
    assert cure(*arguments) == 2
    error = capsys.readouterr().err
    assert text.lower() in error.lower()
    assert [line for line in error.splitlines() if line.startswith("ganbench: ")] == error.splitlines()[-1:]


def test_a_run_without_failures_says_nothing_of_cures(copied, capsys):
    (copied / "swings.yaml").write_text(SUITE.replace("none, ", ""))
    assert main(["run", "swings.yaml", "--executor", "local"]) == 0
    assert "cure" not in capsys.readouterr().out
    (copied / "swings.yaml").write_text(SUITE + VARIED)
    assert main(["run", "swings.yaml", "--executor", "local"]) == 0
    assert "ganbench cure" not in capsys.readouterr().out


def test_runs_without_a_verdict_are_no_failures(suite, capsys):
    (suite / "swings.yaml").write_text(SUITE.replace("every: 5", "every: 200"))
    assert main(["run", "swings.yaml", "--executor", "local"]) == 0
    assert "ganbench cure" not in capsys.readouterr().out
    assert cure("swings.yaml") == 2
    assert "no run of its 2 trials has a verdict (evaluate 8 times or more" in capsys.readouterr().err
