"""`ganbench verify-verdicts` on a suite of two small scenarios."""

from __future__ import annotations

import json

import pytest

from ganbench.cli.main import main

SUITE = """\
include:
  - datasets: [dirac]
    networks: [dirac: {jitter: 0.2}]
    losses: [wasserstein]
    optimizers: [sgd: {lr: 0.05}]
  - datasets: [gaussian: {dimension: 1}]
    networks: [mlp: {latent: 2, width: 8, depth: 1}]
    steps: 10
    evaluate: {every: 1}
steps: 300
evaluate: {every: 5, samples: 50, metrics: [modes, position]}
"""


@pytest.fixture
def planted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(SUITE)

    def write(second="not oscillation", name="x.csv", header="scenario,verdict,cause"):
        (tmp_path / name).write_text(f"{header}\ntwo numbers,oscillation,\nstill,{second},\n")

    write()
    return write


def verify(*arguments):
    return main(["verify-verdicts", "x.yaml", "--executor", "local", "--seeds", "2", *arguments])


def test_prints_the_table_and_writes_it_twice(planted, tmp_path, capsys):
    assert verify("--markdown", "t.md", "--json", "t.json") == 0
    out = capsys.readouterr().out
    assert "two numbers  oscillation      2/2    0.16–1.00  2 oscillation" in out
    assert "right: 4 of 4, 100.0% (95 %: 39.8% to 100.0%; at least 95% is asked for)" in out
    assert "seeds 2000 to 2001" in out
    data = json.loads((tmp_path / "t.json").read_text())
    assert (data["runs"], data["right"], data["first_seed"]) == (4, 4, 2000)
    assert data["scenarios"][0]["got"] == {"oscillation": 2}
    page = (tmp_path / "t.md").read_text()
    assert "ganbench verify-verdicts x.yaml --seeds 2 --healthy 4 --first-seed 2000" in page
    assert "| two numbers | oscillation | 2/2 |" in page


def test_fails_where_verdicts_are_wrong_and_trains_healthy_scenarios_more(planted, capsys):
    planted("healthy")
    assert verify("--healthy", "3") == 1
    out = capsys.readouterr().out
    assert "right: 2 of 8" in out
    assert "healthy runs called a failure: 6 of 6" in out


def test_mistakes_are_one_line(planted, tmp_path, capsys):
    for change, text in (
        (lambda: (tmp_path / "x.csv").unlink(), "x.csv: No such file or directory; it says which verdict"),
        (lambda: planted(header="scenario,expected,cause"), "x.csv: no column 'verdict'; it has scenario, verdict"),
        (
            lambda: (tmp_path / "x.csv").write_text("scenario,verdict,cause\na,healthy,\n"),
            "2 trials and 1 scenarios in x.csv",
        ),
        (lambda: planted("halthy"), "x.csv: scenario 2: unknown verdict 'halthy', did you mean 'healthy'?"),
        (lambda: planted("not sound"), "x.csv: scenario 2: unknown verdict 'sound'"),
        (
            lambda: (tmp_path / "x.csv").write_text("scenario,verdict,cause\na,healthy,\nshort\n"),
            "x.csv: scenario 2: unknown verdict ''",
        ),
        (lambda: planted("x" * 200_000), "x.csv: field larger than field limit"),
    ):
        change()
        assert verify() == 2
        error = capsys.readouterr().err
        assert text in error
        assert error.count("\n") == 1
        planted()


def test_hides_the_modes(planted, capsys):
    """Without its single mode a point that circles is an oscillation still; nothing is healthy without quality."""
    planted("not healthy")
    assert verify("--hide-modes") == 0
    out = capsys.readouterr().out
    assert "two numbers  oscillation  2/2 " in out
    planted("healthy")
    verify("--hide-modes")
    assert "2 healthy" not in capsys.readouterr().out


@pytest.mark.parametrize("place", [".", "/", "folder"])
def test_a_folder_is_no_suite(tmp_path, monkeypatch, capsys, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert main(["verify-verdicts", place, "--executor", "local"]) == 2
    assert capsys.readouterr().err == f"ganbench: {place}: is a folder; name a suite, which has a file .csv beside it\n"


@pytest.mark.parametrize(
    "given, names",
    [((), ["planted_failures", "planted_digits", "unseen_failures"]), (("planted_digits",), ["planted_digits"])],
)
def test_the_shipped_suites_are_found_from_any_folder(tmp_path, monkeypatch, given, names):
    asked = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ganbench.check.planted.run", lambda request, *_: (asked.append(request), (None, 4))[1])
    assert main(["verify-verdicts", *given]) == 4
    assert [suite.stem for suite in asked[0].suites] == names
    assert all(suite.is_file() and suite.with_suffix(".csv").is_file() for suite in asked[0].suites)
