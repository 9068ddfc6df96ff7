"""What a user reads of a loss or a trick has all that the question "would this have helped?" needs."""

from __future__ import annotations

import re

import pytest

from ganbench.cli.main import main
from ganbench.cli.settings import SETTINGS
from ganbench.core import registry
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite

CASES = [
    cls
    for kind in ("loss", "trick")
    for cls in registry.components(kind).values()
    if cls.__module__.startswith("ganbench.")
]
PAPER = re.compile(r"\b(19|20)\d\d\b")
FORMULA = re.compile(r"[=½‖√Σ∇λγσ±←≤≥×]|\bE [a-z]")


@pytest.fixture(params=CASES, ids=lambda cls: cls.name)
def page(request, capsys):
    assert main(["explain", request.param.name]) == 0
    text = capsys.readouterr().out
    # A diagnostic or a column may have the same name, each with a part of its own.
    return request.param, next(part for part in text.split("\n\n\n") if f"{request.param.kind}, version" in part)


def test_has_formula_paper_claim_parameters_and_example(page):
    cls, text = page
    facts = dict(line.split(": ", 1) for line in text.split("\n") if ": " in line and not line.startswith(" "))
    assert PAPER.search(facts["paper"])
    assert facts.get("addresses"), f"{cls.__name__}: say in `addresses` what it is claimed to fix"
    assert FORMULA.search(cls.__doc__) or facts["addresses"].startswith("nothing: it plants"), "no formula"
    for name, value in cls().parameters.items():
        assert f"\n  {name} = " in text, value
    assert "\nexample suite:\n" in text
    assert cls.name in text.split("\nexample suite:\n")[1]


def test_says_what_it_cannot_be_combined_with_whoever_refuses(page):
    """Both ends of a conflict name it: the one that declares it and those that have the trait."""
    cls, text = page
    refused = [line for line in text.split("\n") if line.startswith("not with: ")]
    for reason in cls.conflicts.values():
        assert any(reason in line for line in refused)
    for other in CASES:
        for trait, reason in other.conflicts.items():
            if other is not cls and trait in cls().all_traits:
                assert any(other.name in line or reason in line for line in refused), other.name


@pytest.mark.parametrize("name", SETTINGS)
def test_tricks_that_are_settings_have_a_page_too(name, capsys, tmp_path):
    assert name not in {cls.name for kind in registry.PACKAGES for cls in registry.components(kind).values()}
    assert main(["explain", name]) == 0
    text = capsys.readouterr().out
    assert PAPER.search(SETTINGS[name].source) and SETTINGS[name].source in text
    assert FORMULA.search(SETTINGS[name].summary) and SETTINGS[name].addresses in text
    path = tmp_path / "example.yaml"
    path.write_text(text.split("\nexample suite:\n")[1].replace("\n  ", "\n").strip() + "\n", encoding="utf-8")
    plan = make_plan(read_suite(path))
    assert plan.trials and not plan.skipped
    plain = tmp_path / "plain.yaml"
    plain.write_text("datasets: [ring]\n", encoding="utf-8")
    assert {t.key for t in plan.trials} - {t.key for t in make_plan(read_suite(plain)).trials}, "it sets nothing"


def test_the_list_of_tricks_names_them(capsys):
    assert main(["list", "tricks"]) == 0
    text = capsys.readouterr().out.split("tricks that are settings")[1]
    assert all(f"\n  {name}  " in text for name in SETTINGS)
