"""What a user reads of a loss or a trick has all that the question "would this have helped?" needs."""

from __future__ import annotations

import re

import pytest

from ganbench.cli.main import main
from ganbench.core import registry

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
    assert facts["mends"]
    assert FORMULA.search(cls.__doc__) or facts["mends"].startswith("nothing: it plants"), "no formula"
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
