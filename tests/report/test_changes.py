"""The page of what changed between runs, and the page of a run that is under way."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ganbench.cli.report_command import command
from ganbench.core.errors import IncomparableError, UsageError
from ganbench.core.results_files import json_bytes
from ganbench.report import watch as watching
from ganbench.report.changes import changes
from ganbench.report.page import render_changes
from tests.helpers.fake_results import fake_results, save


@pytest.fixture(scope="module")
def before():
    return fake_results(trials=6, seeds=12, datasets=("ring",))


@pytest.fixture(scope="module")
def now(before):
    """The same run, with one trial worse by two modes, one better by two, one gone, and the rest a little noisier."""
    runs, history = before.runs.copy(), before.history.copy()
    worse, better, gone, *_ = dict.fromkeys(runs["trial"])
    for trial, shift in ((worse, -2.0), (better, 2.0)):
        runs.loc[runs["trial"] == trial, "modes_captured"] += shift
        history.loc[history["trial"] == trial, "modes_captured"] += shift
    rest = ~runs["trial"].isin((worse, better)) & runs["fid"].notna()
    runs.loc[rest, "fid"] += 1e-6 * np.random.default_rng(0).normal(size=rest.sum())
    path = Path("results/made_up/ffffffffff")
    return dataclasses.replace(before, runs=runs[runs["trial"] != gone], history=history, path=path)


def test_each_trial_gets_the_outcome_that_was_made(before, now):
    (section,) = changes(before, [now]).sections
    worse, better, gone, *_ = dict.fromkeys(before.runs["trial"])
    outcomes = {trial.anchor.removeprefix("c-0-"): str(trial.outcome) for trial in section.trials}
    assert outcomes[worse] == "worse" and outcomes[better] == "better" and outcomes[gone] == "missing"
    told = "1 of 6 trials got worse, 2 ended without results, 1 got better"  # one failed before
    assert section.sentence.startswith(told)
    first = section.trials[0]
    assert (first.changes[0].metric, first.changes[0].arrow) == ("modes captured", "↓")
    old = before.runs.loc[before.runs["trial"] == worse, "modes_captured"].mean()
    assert float(first.changes[0].before) == pytest.approx(old, abs=0.005)
    assert float(first.changes[0].now) == pytest.approx(old - 2, abs=0.005)


def test_curves_show_both_sides_and_say_their_numbers(before, now):
    html = render_changes(before, [now])
    said = re.search(r'aria-label="Modes captured over steps, non_saturating: before from (\S+) to (\S+); now', html)
    assert said and html == render_changes(before, [now])
    worse = before.runs["trial"].iloc[0]
    last = before.history[(before.history["trial"] == worse) & (before.history["step"] == 4000)]
    assert float(said[2]) == pytest.approx(np.sort(last["modes_captured"])[3:9].mean(), abs=0.01)


def test_a_run_against_itself_is_equal_to_the_last_bit(before):
    assert "1 of 6 trials ended without results and 5 are equal to the last bit." in render_changes(before, [before])
    healthy = dataclasses.replace(before, runs=before.runs[before.runs["status"] == "OK"])
    assert "Nothing changed: 5 trials, equal to the last bit." in render_changes(healthy, [healthy])


def test_a_baseline_without_curves_shows_what_it_has(before, now):
    bare = dataclasses.replace(before, history=before.history.iloc[:0])
    html = render_changes(bare, [now])
    assert "non_saturating: now from" in html and "before from" not in html


def test_three_runs_are_each_held_against_the_first(before, now):
    page = changes(before, [now, before])
    assert [section.anchor for section in page.sections] == ["c-0", "c-1"]
    html = render_changes(before, [now, before])
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids)) and html.count("<h2") == 2


def test_runs_measured_by_other_versions_are_refused(before, now):
    other = dataclasses.replace(
        now, manifest=now.manifest.model_copy(update={"components": {"extractor:coordinates": 99}})
    )
    with pytest.raises(IncomparableError, match="extractor:coordinates"):
        changes(before, [other])


def test_hostile_names_stay_text():
    evil = "</script></style><img src=x onerror=alert(1)>{{ 7 * 7 }}"
    results = fake_results(trials=3, seeds=6, labels={"loss": evil}, suite="made_up")
    html = render_changes(results, [results])
    assert "<img" not in html and html.count("</script>") == 1 and "49" not in html.split("</style>")[1][:500]


def test_the_command_writes_pages_markdown_and_json(before, now, tmp_path):
    first = save(before, tmp_path / "made_up" / "0a1b2c3d4e")
    second = save(now, tmp_path / "made_up" / "ffffffffff")
    pages = tmp_path / "pages"
    run = CliRunner()
    assert run.invoke(command, [str(first), str(second), "--report", str(pages)]).exit_code == 0
    assert run.invoke(command, [str(first), "--report", str(pages)]).exit_code == 0
    assert sorted(p.name for p in pages.iterdir()) == ["made_up-changes.html", "made_up.html"]
    printed = json.loads(run.invoke(command, [str(first), "--json"]).output)
    assert printed["run"] == "0a1b2c3d4e"
    assert run.invoke(command, [str(first), "--markdown"]).output.startswith("## made\\_up")
    refused = run.invoke(command, [str(first), str(second), "--json"])
    assert isinstance(refused.exception, UsageError)


def _state(folder, trials, running, updated=None):
    updated = updated or datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    state = {"running": running, "updated": updated, "trials": trials}
    beside = folder / "progress.tmp"
    beside.write_bytes(json_bytes(state))
    beside.replace(folder / "progress.json")


def test_watching_a_sweep_shows_what_is_done_and_then_the_whole(before, tmp_path, monkeypatch):
    folder = tmp_path / "made_up"
    save(before, folder / "0a1b2c3d4e")
    trials = [{"key": f"{i}" * 12, "state": "waiting"} for i in range(2)]
    _state(folder, trials, running=True)
    finished: set[str] = set()
    monkeypatch.setattr(watching.part_store, "has_part", lambda _, key: key in finished)

    def merged(folder, trials, failures, files):
        for path in save(before, tmp_path / "merged").iterdir():
            if path.name not in ("manifest.json", "suite.yaml"):
                files.write(path.name, path.read_bytes())

    monkeypatch.setattr(watching, "merge", merged)
    said: list[str] = []

    def heard(text):
        said.append(text)
        if "1 of 2" in text:
            assert 'http-equiv="refresh"' in (tmp_path / "pages" / "made_up.html").read_text()
            _state(folder, trials, running=False)

    finished.add("0" * 12)
    trials[0]["state"] = "OK"
    _state(folder, trials, running=True)
    thread = threading.Thread(target=watching.watch, args=(folder, tmp_path / "pages", heard, 0.05))
    thread.start()
    thread.join(30)
    assert not thread.is_alive() and [text.split("  ")[-1] for text in said] == ["1 of 2 trials are done", "finished"]
    assert "refresh" not in (tmp_path / "pages" / "made_up.html").read_text()


def test_watching_a_sweep_that_died_says_so(tmp_path):
    folder = tmp_path / "made_up"
    folder.mkdir()
    _state(folder, [], running=True, updated="2020-01-01T00:00:00+00:00")
    with pytest.raises(UsageError, match="no sign of life since 2020-01-01"):
        watching.watch(folder, tmp_path, print, 0.01)


def test_watching_tables_that_are_not_all_there_says_what_is_missing(before, tmp_path):
    folder = save(before, tmp_path / "made_up" / "0a1b2c3d4e")
    (folder / "runs.parquet").unlink()
    with pytest.raises(UsageError, match=r"runs\.parquet: cannot be read \(missing\)"):
        watching.watch(folder, tmp_path, print, 0.01)
