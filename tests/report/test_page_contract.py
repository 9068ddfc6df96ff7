"""The page as a reader's browser gets it: whole, inert, without a request, and saying what the tables say."""

from __future__ import annotations

import base64
import dataclasses
import errno
import hashlib
import os
import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import ganbench
from ganbench.core.errors import UsageError
from ganbench.report.page import render, write_report
from ganbench.tables.manifest import RunManifest, Skipped
from ganbench.tables.results import load
from tests.helpers.fake_results import fake_results, save

EVIL = "</script></style><img src=x onerror=alert(1)>{{ 7 * 7 }}\"'&amp;$\\frac{1}{0}$"
VOID = {"meta", "link", "img", "br", "wbr", "hr", "input", "path", "circle", "rect", "line", "use", "polyline"}


class Document(HTMLParser):
    """Every element with its attributes, the text, and what style and script hold, as a browser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.raw: dict[str, list[str]] = {"style": [], "script": []}
        self.open: list[str] = []
        self.unclosed: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        while self.open and self.open[-1] != tag:
            self.unclosed.append(self.open.pop())
        if self.open:
            self.open.pop()
        else:
            self.unclosed.append(f"/{tag}")

    def handle_data(self, data):
        last = self.open[-1] if self.open else ""
        self.raw[last].append(data) if last in self.raw else self.texts.append(data)

    def values(self, *names: str) -> list[str]:
        """Return all values of these attributes."""
        return [attrs[name] for _, attrs in self.elements for name in names if name in attrs]

    @property
    def text(self) -> str:
        """Return what can be read, spaces collapsed."""
        return " ".join("".join(self.texts).split())


@pytest.fixture(scope="module")
def results():
    return fake_results(trials=12, seeds=4, datasets=("ring", "digits", "gaussian_1d"))


@pytest.fixture(scope="module")
def html(results):
    return render(results)


@pytest.fixture(scope="module")
def document(html):
    return Document(html)


def test_the_same_tables_give_the_same_page_from_memory_and_from_disk(results, html, tmp_path):
    assert render(results) == html
    folder = save(results, tmp_path / "made_up" / "0a1b2c3d4e")
    written = write_report(folder, tmp_path / "deep" / "page.html")
    assert written.read_text(encoding="utf-8") == html
    assert os.listdir(written.parent) == ["page.html"]


def test_elements_close_and_identifiers_are_unique_and_found(document):
    assert document.unclosed == [] and document.open == []
    ids = document.values("id")
    assert [i for i, n in Counter(ids).items() if n > 1] == []
    targets = {v[1:] for v in document.values("href", "xlink:href") if v.startswith("#")}
    targets |= {t for v in document.values("clip-path", "fill", "mask") for t in re.findall(r"url\(#(.+?)\)", v)}
    targets |= {t for v in document.values("aria-labelledby", "aria-describedby") for t in v.split()}
    assert targets and targets <= set(ids)


def test_nothing_is_asked_of_anybody_and_the_policy_says_so(document):
    assert {v.split(":")[0] for v in document.values("src")} == {"data"}
    away = {v for v in document.values("href", "xlink:href") if not v.startswith("#")}
    assert {v.split(";")[0] for v in away} <= {
        "data:image/svg+xml",
        "data:text/csv",
        "data:application/json",
    }  # icon, downloads
    assert not document.values("srcset", "action", "style", "background", "poster", "data")
    assert not [name for _, attrs in document.elements for name in attrs if name.startswith("on")]
    assert not {"iframe", "object", "embed", "base", "form"} & {tag for tag, _ in document.elements}
    style = "".join(document.raw["style"])
    assert "@import" not in style and "url(" not in style
    policy = next(a["content"] for t, a in document.elements if t == "meta" and "http-equiv" in a)
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
    for kind in ("style", "script"):  # a browser drops what the policy does not name
        digest = base64.b64encode(hashlib.sha256("".join(document.raw[kind]).encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
        assert sum(tag == kind for tag, _ in document.elements) == 1


def test_pictures_and_curves_have_words(document):
    images = [a for t, a in document.elements if t == "img"]
    assert images and all("alt" in a for a in images)
    drawings = [a for t, a in document.elements if t == "svg"]
    assert drawings and all(a.get("aria-hidden") == "true" or a.get("aria-label") for a in drawings)
    assert next(a for t, a in document.elements if t == "html").get("lang")


def test_every_trial_is_there_with_its_numbers(results, html):
    """The oracle reads the runs table alone: no ranking, no report code."""
    rows = [Document(f"<table>{row}</table>") for row in re.findall(r"<tr\b.*?</tr>", html, re.S)]
    for _, runs in results.runs.groupby("trial"):
        if (runs["status"] == "FAILED").all():
            continue
        data = results.runs[results.runs["dataset"] == runs["dataset"].iloc[0]]
        filled = runs["modes_captured"].fillna(min(0.0, data["modes_captured"].min()))
        distance = runs["fid"].fillna(data["fid"].max())
        near = [
            r
            for r in rows
            if any(v and np.isclose(float(v), filled.mean(), rtol=1e-12, atol=0) for v in r.values("data-value"))
            and any(v and np.isclose(float(v), distance.mean(), rtol=1e-12) for v in r.values("data-value"))
        ]
        assert len(near) == 1, runs["trial"].iloc[0]
        assert runs["loss"].iloc[0] in near[0].text
        ended = runs["status"].value_counts()
        assert f"{ended.get('OK', 0)} ok" in near[0].text or "OK" not in ended
        assert (f"{ended.get('DIVERGED', 0)} diverged" in near[0].text) == ("DIVERGED" in ended)


def test_the_small_print_is_there(results, document):
    said = document.text
    for entry in results.manifest.skipped:
        assert entry.name in said and entry.reason in said
    for failure in results.manifest.failed:
        assert failure["error"] in said
    for name in ("modes_captured", "hq_fraction", "fid", "grad_norm_g", "real_logit_mean"):
        assert results.columns[name].meaning.replace("`", "") in said
    assert "coordinates" in said and "2,000" in said
    assert "2.13.0" in said and "9c7bf02aa11b" in said and "with changes" in said
    assert " ".join(results.suite.split()) in said


def test_names_errors_and_texts_of_others_stay_text(results):
    few = results.runs["trial"].drop_duplicates().tolist()[:2]
    runs = results.runs[results.runs["trial"].isin(few)].assign(error=EVIL)
    for name in ("dataset", "network", "loss", "tricks", "optimizer", "extractor"):
        runs[name] = EVIL
    columns = {n: dataclasses.replace(c, meaning=EVIL, unit=EVIL) for n, c in results.columns.items()}
    manifest = results.manifest.model_copy(
        update={
            "suite": EVIL,
            "skipped": [Skipped(name=EVIL, reason=EVIL)],
            "environment": {EVIL: EVIL, "git": {"commit": EVIL, "dirty": True}},
            "components": {EVIL: EVIL},
        }
    )
    text = render(
        dataclasses.replace(
            results,
            runs=runs,
            history=results.history[results.history["trial"].isin(few)],
            columns=columns,
            manifest=manifest,
            suite=EVIL,
        )
    )
    document = Document(text)
    assert all(v.startswith("data:image/") for v in document.values("src"))
    assert not [name for _, attrs in document.elements for name in attrs if name.startswith("on")]
    assert sum(tag == "script" for tag, _ in document.elements) == 1 and document.unclosed == []
    assert "onerror=alert(1)" in document.text and "{{ 7 * 7 }}" in document.text  # it is shown, as text
    assert len(document.values("id")) == len(set(document.values("id")))


@pytest.mark.parametrize("name", ["NA", None])
@pytest.mark.parametrize("axes", [["dataset"], ["network", "loss", "tricks", "optimizer"]])
def test_a_name_may_be_missing_or_look_so(tmp_path, axes, name):
    results = fake_results(trials=2, seeds=2)
    runs = results.runs.copy()
    for axis in axes:
        runs[axis] = pd.Series([name] * len(runs), index=runs.index, dtype="string")
    loaded = load(save(_without(results, runs=runs), tmp_path / "run"))
    document = Document(render(loaded))
    assert ("NA" if name else "?") in document.text and document.unclosed == []


def _without(results, **changes):
    return dataclasses.replace(results, **changes)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: _without(r, samples={}),
        lambda r: _without(r, history=r.history.iloc[:0], layers=r.layers.iloc[:0]),
        lambda r: _without(r, runs=r.runs.iloc[:0], history=r.history.iloc[:0], layers=r.layers.iloc[:0], samples={}),
        lambda r: _without(r, runs=r.runs[r.runs["status"] == "FAILED"], history=r.history.iloc[:0], samples={}),
        lambda r: _without(
            r, runs=r.runs.assign(status="DIVERGED", modes_captured=np.nan, hq_fraction=np.nan, fid=np.nan)
        ),
        lambda r: _without(r, runs=r.runs[r.runs["seed"] == 0], history=r.history[r.history["seed"] == 0]),
        lambda r: _without(r, runs=r.runs.assign(fid=np.inf)),
        lambda r: _without(r, manifest=RunManifest()),
    ],
    ids=["no pictures", "no history", "nothing", "all failed", "all diverged", "one seed", "infinite", "no manifest"],
)
def test_whatever_is_missing_there_is_a_page(change):
    document = Document(render(change(fake_results(trials=3, seeds=3))))
    assert document.unclosed == [] and "How each number was computed" in document.text
    assert not re.search(r"\bnan\b|<NA>|\bNone\b(?!:)", document.text)


def test_a_page_that_cannot_be_written_leaves_the_old_one(results, tmp_path, monkeypatch):
    folder = save(fake_results(trials=1, seeds=2), tmp_path / "run")
    page = tmp_path / "page.html"
    page.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="no space left"):
        write_report(folder, page)
    monkeypatch.undo()
    assert page.read_text() == "old" and sorted(os.listdir(tmp_path)) == ["page.html", "run"]
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(folder, page / "below.html")
    with pytest.raises(UsageError, match="no such folder"):
        write_report(tmp_path / "nowhere", page)
    assert ganbench.load(folder).tables.runs.shape[0] == 2
