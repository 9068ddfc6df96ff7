"""The page's answer as data, Markdown and CSV: the same numbers as the tables, and inert."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ganbench.analysis.ranking import metric_columns
from ganbench.analysis.statistics import iqm
from ganbench.report import downloads as download_files
from ganbench.report.downloads import downloads, to_csv
from ganbench.report.summary import AnalysedResults, markdown, summary
from tests.helpers.fake_results import fake_results

EVIL = "=HYPERLINK(0)</script><img src=x onerror=alert(1)> @everyone #1 |a|b| `x` [l](javascript:0)\n# big"


@pytest.fixture(scope="module")
def results():
    return fake_results(trials=12, seeds=5, datasets=("ring", "digits"))


@pytest.fixture(scope="module")
def data(results):
    return json.loads(json.dumps(summary(AnalysedResults(results)), allow_nan=False))


def test_the_numbers_are_those_of_the_tables(results, data):
    runs = results.runs
    seen = 0
    for dataset in data["datasets"]:
        for trial in dataset["trials"]:
            own = runs[runs["trial"] == trial["trial"]]
            assert trial["runs"] == len(own) and trial["diverged"] == (own["status"] == "DIVERGED").sum()
            if not (own["status"] == "OK").all():
                continue
            for metric, numbers in trial["metrics"].items():
                values = own[metric].to_numpy(float)
                assert numbers["mean"] == pytest.approx(values.mean(), rel=1e-5) and numbers["n"] == len(values)
                assert numbers["iqm"] == pytest.approx(iqm(values), rel=1e-5)
                seen += 1
            assert sum(v["runs"] for v in trial["verdicts"].values()) == len(own)
    assert seen > 30


def test_trials_come_best_first_and_failed_ones_are_kept(data):
    for dataset in data["datasets"]:
        ranks = [trial["rank"] for trial in dataset["trials"]]
        known = [rank for rank in ranks if rank is not None]
        assert known == sorted(known) and None not in ranks[: len(known)]
        assert any(trial["failed"] for trial in dataset["trials"])


def test_markdown_has_a_row_a_trial_and_every_headline(results, data):
    text = markdown(AnalysedResults(results))
    for dataset in data["datasets"]:
        assert dataset["headline"].replace("_", "\\_") in text
    rows = [line for line in text.splitlines() if re.match(r"\| \d* \|", line)]
    trials = sum(len(dataset["trials"]) for dataset in data["datasets"])
    assert len(rows) == trials + len(data["datasets"])  # and one of real samples
    widths = {line.count(" | ") for line in text.splitlines() if line.startswith("| ")}
    assert len(widths) == 1


def test_markdown_without_a_result_has_no_empty_row(results):
    lost = results.runs.assign(status="DIVERGED", diverged_at=1)
    nothing = lost.assign(**dict.fromkeys(metric_columns(results), np.nan))
    text = markdown(AnalysedResults(replace(results, runs=nothing)))
    assert "no run has a result: 30 runs diverged." in text and "*real samples*" not in text


def test_floor_and_sample_sizes_stand_beside_every_value(results, data):
    """Of real samples in each table, and how many were judged by what, in Markdown and as data."""
    text = markdown(AnalysedResults(results))
    sections = text.split("### ")[1:]
    for dataset, section in zip(data["datasets"], sections, strict=True):
        runs = results.runs[results.runs["dataset"] == dataset["dataset"]]
        judged = {column: [runs[column].dropna().iloc[0]] for column in ("extractor", "n_real", "n_fake")}
        assert dataset["judged"] == judged
        assert "| *real samples* |" in section
        for metric in dataset["floors"]:
            assert dataset["floors"][metric] == pytest.approx(runs[f"{metric}_floor"].iloc[0], rel=1e-5)
        fake, real = judged["n_fake"][0], judged["n_real"][0]
        assert f"Judged on {fake:,} generated against {real:,} held-out real samples; features: " in section


def test_hostile_names_stay_text():
    results = fake_results(trials=3, seeds=2, labels={"loss": EVIL, "dataset": EVIL}, suite="x")
    text = markdown(AnalysedResults(results))
    assert "<img" not in text and "</script" not in text and "\n# big" not in text
    assert not re.search(r"(?<!\\)[@\[]|(?<!\\)`(?!0a1b2c3d4e`)(?<!0a1b2c3d4e`)", text)  # no mention, link or code
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {10}
    table = to_csv(results.runs)
    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row]
    assert any(EVIL.split("\n")[0] in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]


def test_the_ranking_as_csv_has_the_floors_and_the_sample_sizes(results):
    judged = AnalysedResults(results)
    (uri,) = [d.uri for d in downloads(judged) if d.name == "ranking.csv"]
    frame = pd.read_csv(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))
    assert list(frame["trial"]) == list(judged.ranking["trial"])
    runs = results.runs
    for row in frame.to_dict("records"):
        own = runs[runs["trial"] == row["trial"]]
        for column in ("fid_floor", "modes_captured_floor", "n_real", "n_fake", "extractor"):
            known = own[column].dropna()
            assert row[column] == known.iloc[0] if len(known) else pd.isna(row[column])


def test_csv_gives_the_table_back(results):
    frame = pd.read_csv(io.StringIO(to_csv(results.runs)))
    assert list(frame.columns) == list(results.runs.columns) and len(frame) == len(results.runs)
    for column in ("fid", "modes_captured", "ms_per_step"):
        np.testing.assert_array_equal(frame[column].to_numpy(float), results.runs[column].to_numpy(float))


def test_negative_numbers_stay_numbers():
    assert to_csv(pd.DataFrame({"a": [-0.5], "b": ["-0.5"]})) == "a,b\r\n-0.5,'-0.5\r\n"


def test_downloads_hold_the_files_or_say_why_not(results, data, monkeypatch):
    by_name = {d.name: d for d in downloads(AnalysedResults(results))}
    kind, text = by_name["summary.json"].uri.split(";charset=utf-8;base64,")
    assert kind == "data:application/json" and json.loads(base64.b64decode(text)) == data
    assert base64.b64decode(by_name["runs.csv"].uri.split(",")[1]).decode() == to_csv(results.runs)
    largest = max(len(base64.b64decode(d.uri.split(",")[1])) for d in by_name.values())
    monkeypatch.setattr(download_files, "MOST_BYTES", largest - 1)
    many = downloads(AnalysedResults(results))
    assert [d.uri == "" for d in many] == ["too much" in d.instead for d in many]
    assert [d.uri == "" for d in many].count(True) == 1
