"""What is said of each component: the committed catalogue is current, and every example can be planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.cli.catalogue import catalogue
from ganbench.cli.main import main
from ganbench.cli.snippet import snippet
from ganbench.core import registry
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite

PAGE = Path(__file__).parent.parent / "docs" / "catalogue.md"
COMPONENTS = [cls for kind in registry.PACKAGES for cls in registry.components(kind).values()]


@pytest.fixture(params=COMPONENTS, ids=lambda cls: f"{cls.kind}-{cls.name}")
def component(request):
    return request.param


@pytest.fixture(scope="module")
def page():
    """The catalogue as it would be written now; it takes a second."""
    return catalogue()


def test_the_committed_catalogue_is_current(page):
    current = PAGE.read_text(encoding="utf-8") == page
    assert current, "a component has changed: run `ganbench list --markdown > docs/catalogue.md` and commit it"


def test_the_catalogue_has_every_component(component, page):
    assert f"\n### {component.name}\n" in page


def test_every_example_can_be_planned(component, tmp_path):
    text = snippet(component)
    if component.kind == "extractor" and not component.__module__.startswith("ganbench."):
        assert text == "", "no data set names another package's extractor, so there is nothing to show"
        return
    path = tmp_path / "example.yaml"
    path.write_text(text, encoding="utf-8")
    plan = make_plan(read_suite(path))
    chosen = {(choice.kind, choice.name) for trial in plan.trials for choice in trial.choices}
    if component.kind == "extractor":
        assert {trial.dataset.build().extractor_name for trial in plan.trials} == {component.name}
    else:
        assert (component.kind, component.name) in chosen


def test_list_of_a_kind_says_what_is_declared(capsys):
    assert main(["list", "tricks"]) == 0
    text = capsys.readouterr().out
    r1 = text.split("\n  r1  ")[1].split("\n  r2  ")[0]
    assert "paper:      Mescheder et al. 2018, arXiv:1801.04406, eq. 9" in r1
    assert "addresses:  oscillation and collapse" in r1
    assert "parameters: gamma = 10.0" in r1
    assert "not with:   couples samples (batch_norm, " in r1
    assert "\ntricks, penalty\n" in text


def test_explain_ends_with_the_example(capsys):
    assert main(["explain", "r1"]) == 0
    text = capsys.readouterr().out
    assert "E‖∇ₓD(x)‖²" in text
    assert text.endswith("example suite:\n  datasets: [ring]\n  tricks: [none, r1: {gamma: 10.0}]\n")


def test_markdown_is_the_catalogue(capsys, page):
    assert main(["list", "--markdown"]) == 0
    assert capsys.readouterr().out == page
    assert main(["list", "losses", "--markdown"]) == 2


def test_the_length_of_a_text_is_in_letters(page):
    assert "- `folder: images` (str, 1 to 1000 letters)" in page
    assert "- `mean: [0.0]` (list of float, 1 to 10000 of them)" in page
