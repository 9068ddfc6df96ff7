"""What the page says about failures: bars, findings, marks on curves, heatmaps; against the tables they come from."""

from __future__ import annotations

import dataclasses
import re
import time
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from ganbench.analysis.ranking import metric_columns, ranking
from ganbench.analysis.verdict_rules import RULES
from ganbench.analysis.verdicts import Evidence, verdicts
from ganbench.core.column import Column
from ganbench.report import sections
from ganbench.report.dataset_results import DatasetResults, improvements
from ganbench.report.figures import Mark, curves, layer_profile
from ganbench.report.heatmap import heatmaps
from ganbench.report.marks import FAMILY
from ganbench.report.page import render
from ganbench.report.panels import frames
from ganbench.report.verdict_bars import WIDTH, bar, findings, which
from tests.helpers.fake_results import fake_results
from tests.helpers.frames import where


@pytest.fixture(scope="module")
def results():
    """Five trials, each with a position that stands still, so that rules about spread can say something."""
    made = fake_results(trials=5, seeds=8, datasets=("ring",))
    history = made.history.copy()
    for i in range(1, 9):
        history[f"position_{i}"] = np.where(history["fid"].notna(), 0.0, np.nan)
    history["total_spread"] = np.where(history["fid"].notna(), 1.0, np.nan)
    history["mode_set"] = np.where(history["fid"].notna(), 1.0, np.nan)
    worst = made.runs["trial"].iloc[0]
    gone = (history["trial"] == worst) & history["fid"].notna() & (history["step"] > 1000)
    history.loc[gone, ["total_spread", "modes_captured", "hq_fraction"]] = 0.01, 1.0, 0.9
    columns = made.columns | {c: Column(c, c) for c in history.columns if c not in made.columns}
    columns["total_spread"] = Column("total_spread", "spread", title="Spread of the samples")
    return dataclasses.replace(made, history=history, columns=columns)


@pytest.fixture(scope="module")
def found(results):
    return verdicts(results)


def test_every_verdict_has_a_family():
    assert {rule.verdict for rule in RULES} | {"failed", "unclear", "low quality"} == set(FAMILY)


def test_bars_are_as_wide_as_shares_and_say_them():
    frame = pd.DataFrame({"verdict": ["total collapse"] * 3 + ["healthy"] * 4 + ["unclear"]})
    drawn = bar(frame)
    assert [(s.family, s.x, s.width) for s in drawn.segments] == [
        ("healthy", 0.0, WIDTH / 2), ("collapse", WIDTH / 2, WIDTH * 3 / 8), ("open", WIDTH * 7 / 8, WIDTH / 8)
    ]  # fmt: skip
    assert drawn.text == "4 of 8 healthy, 3 of 8 total collapse and 1 of 8 unclear" and drawn.healthy == 0.5


def test_findings_name_runs_evidence_and_remedy(results, found):
    trial = results.runs["trial"].iloc[0]
    own = found[found["trial"] == trial]
    runs = results.runs[results.runs["trial"] == trial]
    first = findings(own, runs)[0]
    assert first.verdict == own["verdict"].mode()[0] == "total collapse"
    assert first.runs == 8 and first.which == "seeds 0, 1, 2, 3, 4, 5, 6 and 7"
    over_settings = runs.assign(setting=range(8))
    assert which(over_settings.iloc[[3, 1]], over_settings) == "settings 1 and 3"
    many = pd.DataFrame({"setting": range(30)})
    assert which(many, many) == "settings 0, 1, 2, 3, 4, 5, 6, 7 and 22 more"
    assert "total_spread" in first.evidence and first.remedy


def test_the_evidence_is_on_the_curve_where_the_tables_have_it(results, found):
    page = sections.page(results)
    trial = results.runs["trial"].iloc[0]
    (card,) = [card for section in page.sections for card in section.cards if card.row.trial == trial]
    (panel,) = [curve for curve in card.curves if curve.panel.title == "Spread of the samples"]
    one: Evidence = next(e for e in card.findings[0].details if e.column == "total_spread")
    assert f"level {one.level:.3g} since step {one.from_step}" in panel.svg
    assert one.from_step == 1200  # the first evaluation after the planted one
    usual = {column.title for column in results.columns.values() if column.curve}
    healthy = [c for s in page.sections for c in s.cards if all(f.family == "healthy" for f in c.findings)]
    assert all(curve.panel.title in usual for card in healthy for curve in card.curves)


def test_a_mark_is_drawn_at_its_level_from_its_step_on(results):
    history = results.history[results.history["trial"] == results.runs["trial"].iloc[0]]
    shared = frames(history, results.runs, results.columns)
    frame = next(f for f in shared if f.panel.title == "Modes captured")
    mark = Mark("modes_captured", 4.0, 1000, "planted")
    (curve,) = [c for c in curves(history, [], shared, "t", [mark]) if c.panel.title == "Modes captured"]
    bad = [p.get("d", "") for p in ET.fromstring(curve.svg).iter("path") if p.get("stroke") == "var(--bad)"]
    (x, y), (end, _) = frame.axes.points([1000.0, 4000.0], [4.0, 4.0])
    numbers = [float(n) for n in re.findall(r"-?\d*\.?\d+", bad[0])]
    assert numbers[:2] == pytest.approx([x, y], abs=0.1)
    assert numbers[2:] == pytest.approx([end - x, 0.0], abs=0.1) and len(bad) == 2


def test_bands_lie_between_the_quartiles(results):
    trial = results.runs["trial"].iloc[1]
    history = results.history[results.history["trial"] == trial]
    shared = frames(history, results.runs, results.columns)
    frame = next(f for f in shared if f.panel.title == "Modes captured")
    (curve,) = [c for c in curves(history, [], shared, "t") if c.panel.title == "Modes captured"]
    (filled,) = [p for p in ET.fromstring(curve.svg).iter("path") if p.get("fill") == "var(--metric)"]
    start = [float(n) for n in re.findall(r"-?\d*\.?\d+", filled.get("d", ""))[:2]]
    first = history[history["step"] == history.loc[history["modes_captured"].notna(), "step"].min()]
    low = np.quantile(first["modes_captured"], 0.25)
    assert start[1] == pytest.approx(frame.axes.points([0.0], [low])[0, 1], abs=0.1)


def test_whatever_a_verdict_was_read_from_has_a_panel(results, found):
    read = {one.column for details in found["details"] for one in details if one.level is not None}
    rules = {
        "grad_norm_g",
        "grad_norm_d",
        "grad_push_g",
        "loss_slope_share",
        "critic_rise",
        "d_advantage",
        "overfit_ratio",
        "auc_gap",
        "total_spread",
    }
    rules |= {"total_spread", "modes_captured", "hq_fraction", "precision", "recall", "position_1"}
    assert "total_spread" in read
    history = results.history.assign(**{c: 1.0 for c in rules - set(results.history.columns)})
    columns = {c: Column(c, c) for c in rules} | dict(results.columns)
    drawn = frames(history, results.runs, columns, read | rules)
    assert read | rules <= {one.column for frame in drawn for one in frame.panel.lines}
    usual = {one.column for frame in frames(history, results.runs, columns) for one in frame.panel.lines}
    assert usual == {name for name, column in columns.items() if column.curve}


def test_a_column_appears_on_the_page_by_its_own_declaration(results):
    """A metric or a diagnostic that nobody has heard of: its title, its log scale, its legend, its definition."""
    both = {
        "slack_g": Column("slack_g", "made up", title="Slack of both", scale="log", curve=True),
        "slack_d": Column("slack_d", "made up too", title="Slack of both", scale="log", curve=True),
        "quiet": Column("quiet", "not to be drawn", title="Quiet"),
    }
    history = results.history.assign(slack_g=10.0 ** -(results.history["step"] / 1000), slack_d=100.0, quiet=1.0)
    html = render(dataclasses.replace(results, history=history, columns=results.columns | both))
    assert '<figcaption>Slack of both <span class="k generator">generator</span>' in html
    assert '<span class="k discriminator">discriminator</span></figcaption>' in html
    drawn = re.findall(r'<svg [^>]*aria-label="Slack of both over steps.*?</svg>', html)
    assert drawn and all("generator from" in svg and "discriminator from 100 to 100" in svg for svg in drawn)
    labels = re.findall(r"<text [^>]*>([^<]+)</text>", drawn[0])
    assert {"0.001", "1"} <= set(labels)  # powers of ten, three apart
    assert "slack_d" in html and "made up too" in html and "not to be drawn" in html  # their definitions
    assert "<figcaption>Quiet" not in html and "<figcaption>Slack" not in render(results)


def _squares(map_):
    rows = ((trick, zip(map_.losses, squares, strict=True)) for trick, squares in map_.rows)
    return {(loss, trick): square for trick, named in rows for loss, square in named}


def test_the_heatmap_has_the_means_of_the_runs_and_the_reasons():
    results = fake_results(trials=24, seeds=3, datasets=("ring",))
    fid = {"fid": metric_columns(results)["fid"]}
    (map_,) = heatmaps(DatasetResults("ring", ranking(results).to_dict("records"), results.runs, fid), {})
    shown = {
        (loss, trick): square for trick, squares in map_.rows for loss, square in zip(map_.losses, squares, strict=True)
    }
    assert len(shown) == len(map_.losses) * len(map_.rows)
    ok = where(results.runs, status="OK")
    for loss, trick in set(zip(ok["loss"], ok["tricks"], strict=True)):
        own = where(ok, loss=loss, tricks=trick)
        if len(own) == 3:
            square = shown[loss, "plain" if trick == "none" else trick]
            assert float(square.text.replace("e−", "e-")) == pytest.approx(own["fid"].mean(), rel=6e-3)
            assert square.anchor == f"t-{own['trial'].iloc[0]}"
    values = {key: float(s.text.replace("e−", "e-")) for key, s in shown.items() if s.tint is not None}
    best, worst = min(values, key=lambda pair: values[pair]), max(values, key=lambda pair: values[pair])
    assert (shown[best].tint, shown[worst].tint) == (6, 0)  # lower is better


def test_a_star_of_trials_shows_what_was_left_out_and_why():
    results = fake_results(trials=12, seeds=2, datasets=("ring",))
    runs = results.runs.query("loss == 'hinge' or tricks == 'none'")
    results = dataclasses.replace(results, runs=runs)
    fid = {"fid": metric_columns(results)["fid"]}
    data = DatasetResults("ring", ranking(results).to_dict("records"), runs, fid)
    (map_,) = heatmaps(data, {("minimax", "r1"): "why"})
    shown = {
        (loss, trick): square for trick, squares in map_.rows for loss, square in zip(map_.losses, squares, strict=True)
    }
    assert shown["minimax", "r1"].why == "why" and shown["wasserstein", "r1"] == type(map_.rows[0][1][0])()


def test_probability_of_improvement_counts_pairs():
    runs = pd.DataFrame(
        {
            "trial": ["b", "b", "a", "a", "c", "c"],
            "tricks": ["r1", "r1", "none", "none", "r1", "r1"],
            "status": ["OK", "OK", "OK", "OK", "OK", "DIVERGED"],
            "fid": [1.0, 3.0, 2.0, 3.0, 0.5, np.nan],
        }
    )
    baseline, found = improvements(runs, Column("fid", "", "1", "lower"))
    # b against a: 1<2, 1<3, 3>2, 3=3 → 2.5 of 4; c: .5 beats both, the diverged one loses to both but ties with 3.
    assert baseline == "a" and found == {"b": pytest.approx(2.5 / 4), "c": pytest.approx(2.5 / 4)}


def test_the_layer_profile_goes_through_the_depth(results):
    trial = results.runs["trial"].iloc[1]
    layers = results.layers[results.layers["trial"] == trial]
    drawn = layer_profile(layers, "t")
    late = layers[(layers["step"] >= 2000) & (layers["network"] == "G")]
    first, last = (late.loc[late["layer"] == f"linear{i}", "grad_norm"].median() for i in (0, 2))
    assert f"generator from {first:.3g} in the first layer to {last:.3g} in the last" in drawn
    assert layer_profile(layers.iloc[:0], "t") == ""


def test_the_page_shows_all_of_it(results):
    html = render(results)
    assert 'class="v-collapse"' in html and "8 total collapse" in html and "Try: " in html
    assert "Gradient by layer" in html and "P(better)" in html


@pytest.mark.verify
def test_five_thousand_trials_are_a_page_of_five_megabytes_in_half_a_minute():
    results = fake_results(trials=5000, seeds=2, steps=400)
    start = time.perf_counter()
    html = render(results)
    assert time.perf_counter() - start < 30
    assert len(html.encode()) < 5_000_000 and html.count('<td class="verdicts"') == 5000


def test_a_hundred_trials_of_eight_seeds_are_less_than_three_megabytes():
    html = render(fake_results(trials=100, seeds=8, datasets=("ring",), steps=4000))
    assert len(html.encode()) < 3_000_000


def test_many_trials_keep_their_verdicts():
    results = fake_results(trials=300, seeds=2, steps=200)
    html = render(results)
    assert html.count('class="bar"') == 300


def test_a_trial_that_ended_early_says_why(results):
    trial = results.runs["trial"].iloc[0]
    runs = results.runs.assign(stop_reason=None, stopped_at=np.nan)
    runs.loc[runs["trial"] == trial, ["stop_reason", "stopped_at"]] = "every seed has collapsed", 1200
    html = render(dataclasses.replace(results, runs=runs))
    assert html.count("Ended early: every seed has collapsed (step 1,200)") == 1
