"""The page's words by themselves: numbers, names, sentences, notes, and which rows it shows."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from ganbench.analysis.ranking import ranking
from ganbench.analysis.verdict_rules import FAILED, LOW_QUALITY, RULES, UNCLEAR
from ganbench.report import marks, sections
from ganbench.report.cards import median_run
from ganbench.report.dataset_results import DatasetResults
from ganbench.report.headline import headline
from ganbench.report.notes import lead_notes, two_groups
from ganbench.report.page import render
from ganbench.report.rows import gradient_norms
from ganbench.report.wording import count, label, listing, mean, naming, number
from tests.helpers import ROOT
from tests.helpers.fake_results import METRICS, fake_results
from tests.helpers.present import present

MODES, FID = METRICS[0], METRICS[-1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7.5, "7.50"), (10.25, "10.25"), (0.0123, "0.0123"), (1.24e-5, "1.2e−5"), (12345.6, "12,346"), (-0.5, "−0.500"),
        (0.0, "0"), (math.nan, "–"), (math.inf, "∞"), (-math.inf, "−∞"), (123.4, "123"), (3.2e7, "3.2e7"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def test_words():
    assert count(1, "run") == "1 run" and count(1200, "run") == "1,200 runs"
    assert [listing(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def _named(*rows: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the labels of these trials, written and spoken; what is not given is the same in all."""
    same = {"network": "mlp", "loss": "hinge", "tricks": "none", "optimizer": "adam", "schedule": "default"}
    frame = pd.DataFrame([same | row for row in rows])
    labels = [label(row, naming(frame)) for row in frame.to_dict("records")]
    return [str(found) for found in labels], [found.spoken for found in labels]


def test_labels_name_what_tells_trials_apart():
    assert _named({}) == (["hinge"], ["hinge"])
    assert _named({"loss": "least_squares"}, {})[1] == ["least squares", "hinge"]
    assert _named({}, {"tricks": "r1(gamma=0.1)+spectral_norm"})[0] == ["hinge plain", "hinge + r1 + spectral_norm"]
    assert _named({}, {"tricks": "spectral_norm"})[1] == ["plain hinge", "spectral norm"]


def test_labels_leave_out_what_other_words_say_already():
    # Each network has its own rates: the network is enough.
    networks = [{"network": n, "optimizer": f"adam(lr={i})"} for i, n in enumerate(("dcgan(channels=24)", "mlp"))]
    assert _named(*networks)[0] == ["hinge · dcgan", "hinge · mlp"]
    # Two rates of one network are told apart by their numbers.
    assert _named({"optimizer": "adam(lr=1)"}, {"optimizer": "adam(lr=2)"})[1] == [
        "hinge (adam(lr=1))",
        "hinge (adam(lr=2))",
    ]
    # A trick with two strengths keeps its numbers, one with a single strength does not.
    gammas = [{"tricks": f"r1(gamma={g})"} for g in (1, 2)]
    assert _named(*gammas, {"tricks": "packing(m=2)"})[0] == [
        "hinge + r1(gamma=1)", "hinge + r1(gamma=2)", "hinge + packing"
    ]  # fmt: skip


def test_labels_leave_out_settings_that_all_trials_share():
    assert _named({"schedule": "batch=128"}, {"schedule": "n_critic=5, batch=128"})[1] == [
        "hinge",
        "hinge (n_critic=5)",
    ]


def test_every_trial_has_a_label_of_its_own():
    runs = fake_results(trials=40, seeds=1).runs
    named = naming(runs)
    labels = [str(label(row, named)) for row in runs.drop_duplicates("trial").to_dict("records")]
    assert len(set(labels)) == len(labels)


def _sentence(losses: dict[str, list[float]], *, floor: float = 8.0, statuses: dict[str, str] | None = None) -> str:
    """Return the headline of trials with these modes captured; NaN is a diverged run."""
    results = fake_results(trials=1, seeds=len(next(iter(losses.values()))))
    template = results.runs.assign(fid=0.5, modes_captured_floor=floor)
    parts = []
    for loss, values in losses.items():
        state = (statuses or {}).get(loss)
        endings = [state or ("DIVERGED" if math.isnan(v) else "OK") for v in values]
        parts.append(template.assign(trial=loss, loss=loss, modes_captured=values, status=endings))
    runs = pd.concat(parts, ignore_index=True)
    ranked = ranking(type(results)(**{**vars(results), "runs": runs})).to_dict("records")
    ranked = [{**row, "rank": row["rank"] if isinstance(row["rank"], int) else None} for row in ranked]
    return headline(DatasetResults(runs["dataset"].iloc[0], ranked, runs, {"modes_captured": MODES, "fid": FID}))


def test_the_headline_says_what_a_human_would_say():
    nan = math.nan
    assert _sentence({"hinge": [8, 8], "least_squares": [4, 5]}) == (
        "On ring, hinge held all 8 modes in every seed; least squares kept 4.5 of 8."
    )
    assert _sentence({"hinge": [8, 7], "minimax": [nan, nan]}) == (
        "On ring, hinge kept 7.5 of 8 modes on average; minimax diverged in both seeds."
    )
    assert _sentence({"hinge": [8, 8], "minimax": [8, 8], "wasserstein": [nan, 8]}) == (
        "On ring, hinge and minimax held all 8 modes in every seed; wasserstein kept 4 of 8."
    )
    assert _sentence({"hinge": [0, 0], "minimax": [0, 0]}) == (
        "On ring, no trial captured any of the 8 modes; hinge came closest, with FID 0.500."
    )
    assert _sentence({"hinge": [nan, nan]}, statuses={"hinge": "FAILED"}) == (
        "On ring, no run has a result: 2 runs failed or ran out of time."
    )
    assert _sentence({"hinge": [3, 3]}) == "On ring, hinge kept 3 of 8 modes on average."


def test_a_seed_that_diverged_never_counts_as_having_held_all_modes():
    assert "held all" not in _sentence({"hinge": [8, math.nan], "minimax": [1, 1]})


def test_the_median_run_is_the_worse_of_the_two_in_the_middle():
    runs = pd.DataFrame(
        {"seed": [5, 6, 7, 8], "status": ["OK", "OK", "DIVERGED", "OK"], "modes_captured": [8.0, 3.0, np.nan, 5.0]}
    )
    assert median_run(runs, MODES, 0.0).seed == 6
    runs["fid"] = [0.1, 0.3, np.nan, 0.2]
    assert median_run(runs, FID, 9.0).seed == 6
    runs["modes_captured"] = np.nan
    assert median_run(runs.assign(status="DIVERGED"), MODES, 0.0).text.endswith("(diverged)")


@pytest.fixture(scope="module")
def ring():
    return fake_results(trials=4, seeds=5, steps=8000)


def test_pages_stay_small_and_many_trials_thin_out(monkeypatch):
    results = fake_results(trials=10, seeds=8, datasets=("ring", "digits"), steps=2000)
    assert len(render(results).encode()) < 10 * 45_000  # 64 detailed trials stay below 3 MB
    monkeypatch.setattr(sections, "DETAILED", 6)
    monkeypatch.setattr(sections, "THUMBNAILS", 7)
    monkeypatch.setattr(sections, "FULL_ROWS", 8)
    (section,) = sections.page(fake_results(trials=9, seeds=2, steps=200)).sections
    rows, shown = section.table.rows, [card.row.trial for card in section.cards]
    assert len(rows) == 9 and shown == [rows[i].trial for i in (0, 1, 8)]
    assert not section.thumbnails and section.table.brief and not any(row.strip for row in rows)
    assert all(row.bar for row in rows) and "3 of 9" in section.thinned


def test_every_ending_is_counted(ring):
    shown = sections.page(ring)
    ended = ring.runs["status"].value_counts()
    for status, n in ended.items():
        assert sum(row.counts.get(str(status).lower(), 0) for s in shown.sections for row in s.table.rows) == n
    assert f"{ended['DIVERGED']} diverged" in shown.incidents and f"{ended['FAILED']} failed" in shown.incidents


def test_the_gradient_column_is_the_median_of_the_last_half():
    history = pd.DataFrame(
        {
            "trial": ["a"] * 6 + ["b"] * 2,
            "step": [1, 50, 100] * 2 + [1, 100],
            "grad_norm_g": [9.0, 3.0, 1.0, 9.0, 5.0, 2.0, 7.0, float("nan")],
        }
    )
    assert gradient_norms(history) == {"a": 2.5}
    assert gradient_norms(history.drop(columns="grad_norm_g")) == {}


@pytest.mark.parametrize("value, text", [(8.0, "8"), (4.625, "4.6"), (0.03, "0.03"), (798.2, "798"), (2600.4, "2,600")])
def test_average_counts_as_one_says_them(value, text):
    assert mean(value) == text


def test_seeds_that_agree_say_how_much_that_shows_and_two_groups_are_said():
    runs = fake_results(trials=2, seeds=8).runs
    first, second = runs["trial"].unique()
    kept = runs.assign(status="OK")
    kept.loc[kept["trial"] == first, "modes_captured"] = 8.0
    kept.loc[kept["trial"] == second, "modes_captured"] = [8, 1, 8, 8, 1, 1, 8, 7]
    kept["modes_captured_floor"] = 8.0
    ranked = [{"trial": first}, {"trial": second}]
    notes = lead_notes(DatasetResults("ring", ranked, kept, {"modes_captured": MODES}))
    assert notes[first].text == "8 of 8 seeds keep all modes, ≥ 63 %"  # 0.025^(1/8)
    assert notes[second].text == "two groups: 5 near 8.00, 3 near 1.00"
    assert two_groups(np.arange(8.0)) is None
    assert two_groups([0.0] * 9 + [5.0]) is None  # one of ten is no group


def test_a_mean_without_spread_claims_no_interval():
    results = fake_results(trials=2, seeds=8)
    shown = sections.page(dataclasses.replace(results, runs=results.runs.assign(status="OK", modes_captured=8.0)))
    for row in shown.sections[0].table.rows:
        assert present(row.lead).interval == ""
        assert present(row.lead).middle == "8 of 8 seeds keep all modes, ≥ 63 %"


def test_the_overview_has_the_ranks_of_each_data_set_and_a_page_of_one_has_none():
    results = fake_results(trials=12, seeds=4, datasets=("ring", "digits"))
    shown = sections.page(results).overview
    assert shown is not None
    assert shown.datasets == ["ring", "digits"]
    ranked = ranking(results)
    for line in shown.lines:
        mine = ranked[ranked["loss"] == line.name]
        ranks = [int(mine.loc[mine["dataset"] == name, "rank"].iloc[0]) for name in shown.datasets]
        assert [int(place.text.split(" ")[0]) for place in line.places] == ranks
        assert line.mean.startswith(f"{sum(ranks) / 2:.1f} ")
    assert sections.page(fake_results(trials=3, seeds=2)).overview is None


def test_every_verdict_has_a_colour_and_a_shape_of_its_own():
    names = {rule.verdict for rule in RULES} | {LOW_QUALITY, UNCLEAR, FAILED}
    assert set(marks.FAMILY) == set(marks.SHAPES) == names
    assert len(set(marks.SHAPES.values())) == len(names)
    key = (ROOT / "docs/report.md").read_text().split("## Marks\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in key.splitlines() if line.startswith("| ")][2:]
    assert {name for _, verdicts in rows for name in verdicts.split(", ")} == names
