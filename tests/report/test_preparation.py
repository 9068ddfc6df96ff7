"""What is done to samples stands in the tables and on the page, and runs that differ in it are not compared."""

from __future__ import annotations

import dataclasses
import html
import re

import pytest

from ganbench.analysis.comparison_identity import fingerprints
from ganbench.analysis.comparison_results import compare_results
from ganbench.analysis.comparison_rules import Rules
from ganbench.core import registry
from ganbench.core.errors import IncomparableError
from ganbench.datasets import Dataset
from ganbench.report.page import render
from ganbench.tables import part_store as store
from tests.engine import Trainer
from tests.helpers.fake_results import fake_results
from tests.helpers.parts import read_part
from tests.helpers.trials import small_trial


@pytest.mark.parametrize("name", sorted(registry.components(Dataset)))
def test_every_image_set_says_what_it_does(name):
    dataset = registry.build(Dataset, name)
    if "images" not in dataset.traits:
        assert dataset.preparation == "none"
        return
    assert re.search(r"\d+ px|8×8", dataset.preparation)
    assert re.search(r"x/[\d.]+-1", dataset.preparation)
    assert dataset.preparation.endswith("no dequantisation")
    assert dataset.dequantization_width == 0


@pytest.mark.parametrize(
    "name, parameters, says",
    [
        ("cifar10", {}, "middle square, 32 px bilinear antialiased, bytes, x/127.5-1, no dequantisation"),
        ("cifar10", {"size": 8, "dequantise": "uniform"}, "middle square, 8 px .*, uniform dequantisation in training"),
        ("shapes", {"size": 32}, "drawn antialiased at 32 px, .*"),
        ("ring", {"scaled": True}, "divided by the data's standard deviation"),
        ("grid", {"scaled": False}, "none"),
    ],
)
def test_it_follows_the_parameters(name, parameters, says):
    dataset = registry.build(Dataset, name, parameters)
    assert re.fullmatch(says, dataset.preparation)
    assert dataset.dequantization_width == (2 / 255 if parameters.get("dequantise") == "uniform" else 0)


@pytest.mark.parametrize("dataset, says", [(("ring", {"scaled": True}), "divided by"), (("digits", {}), "x/8-1")])
def test_the_tables_say_it(tmp_path, dataset, says):
    trial = small_trial(dataset=dataset, steps=2, evaluate_every=2)
    trainer = Trainer(trial)
    trainer.advance(60)
    store.write_part(tmp_path, trial.key, trainer.tables())
    part = read_part(tmp_path, trial.key)
    assert part is not None
    assert all(says in text for text in part.runs["preparation"])


@pytest.fixture(scope="module")
def results():
    found = fake_results()
    few = found.runs["trial"].drop_duplicates().tolist()[:2]
    kept = {name: getattr(found, name) for name in ("runs", "history", "layers")}
    return dataclasses.replace(found, **{n: frame[frame["trial"].isin(few)] for n, frame in kept.items()})


def prepared(results, text):
    return dataclasses.replace(results, runs=results.runs.assign(preparation=text))


def test_other_preparation_is_incomparable(results):
    a, b = prepared(results, "bytes"), prepared(results, "floats")
    with pytest.raises(IncomparableError, match="preparation is floats now and bytes in the baseline"):
        compare_results(a, b, Rules())


@pytest.mark.parametrize("turned", [False, True])
def test_tables_from_before_it_was_recorded_are_as_they_were(results, turned):
    one, other = [results, prepared(results, "bytes")][:: -1 if turned else 1]
    assert compare_results(one, other, Rules()).identical
    assert fingerprints(one) == fingerprints(other)


def test_the_page_says_it_where_it_is_known(results):
    assert "Done to its samples" not in render(results)
    page = render(prepared(results, "x < 3, bytes"))
    assert "Done to its samples" in page
    assert html.escape("x < 3, bytes") in page
