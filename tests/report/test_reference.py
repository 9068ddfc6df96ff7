"""The committed page shows what the code makes of the committed run: its sections, numbers, pictures and curves."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

import ganbench
from ganbench.report.page import render
from tests.helpers import ROOT

REMEDY = "make it again as results/baselines/collapse_cures/README.md says, and look at it"
BLOCKS = {"h1", "h2", "h3", "caption", "th", "td", "summary", "p", "li", "dt", "dd", "figcaption", "pre"}
NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?(?:e[-−]?\d+)?")
FIRST = 40  # differences that a failure lists


@dataclass
class Reading(HTMLParser):
    """A page without its style: the text of each block in order, text alternatives, and how much is drawn."""

    html: str
    blocks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, list[str]]] = []
        self._ignored = 0
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._ignored += tag in ("style", "script", "svg")
        for name in ("aria-label", "alt", "data-value", "download"):
            if given.get(name):
                self.blocks.append(f"{tag} {name}: {given[name]}")
        if tag in BLOCKS:
            self._open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        self._ignored -= tag in ("style", "script", "svg")
        if tag in BLOCKS and self._open and self._open[-1][0] == tag:
            self.blocks.append(f"{tag}: {' '.join(' '.join(self._open.pop()[1]).split())}")

    def handle_data(self, data: str) -> None:
        if self._open and not self._ignored:
            self._open[-1][1].append(data)


def differences(made: str, kept: str) -> list[str]:
    """Return what two pages show differently; numbers may differ in the last digit that is printed of curves."""
    ours, theirs = Reading(made).blocks, Reading(kept).blocks
    if [NUMBER.sub("#", text) for text in ours] != [NUMBER.sub("#", text) for text in theirs]:
        missing, extra = [t for t in theirs if t not in set(ours)], [t for t in ours if t not in set(theirs)]
        return [*(f"missing: {t}" for t in missing), *(f"new: {t}" for t in extra)] or ["another order"]
    return [f"{b!r} is now {a!r}" for a, b in zip(ours, theirs, strict=True) if not _near(a, b)] + _drawn(made, kept)


def _near(a: str, b: str) -> bool:
    return all(math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-12) for x, y in zip(_numbers(a), _numbers(b), strict=True))


def _numbers(text: str) -> Iterator[float]:
    for number in NUMBER.findall(text):
        yield float(number.replace("−", "-").replace(",", ""))


def _drawn(made: str, kept: str) -> list[str]:
    """Return differences in what is drawn: how many lines, areas and marks each plot has, and how many points."""
    plots = [[_content(svg) for svg in re.findall(r"<svg.*?</svg>", html, re.S)] for html in (made, kept)]
    return [f"plot {i} is drawn otherwise" for i, (a, b) in enumerate(zip(*plots, strict=True)) if a != b]


def _content(svg: str) -> tuple[int, ...]:
    data = [d for d in re.findall(r' d="([^"]*)"', svg)]
    return svg.count("<circle"), svg.count("<rect"), len(data), sum(d.count("M") for d in data)


@pytest.fixture(scope="module")
def made():
    return render(ganbench.load(ROOT / "results/baselines/collapse_cures").tables)


@pytest.fixture(scope="module")
def kept():
    return (ROOT / "report/reference.html").read_text(encoding="utf-8")


def test_the_reference_page_shows_what_the_code_makes(made, kept):
    differ = differences(made, kept)
    assert not differ, f"{REMEDY}; {len(differ)} differences: {differ[:FIRST]}"


def test_a_change_of_style_is_no_difference(made):
    restyled = re.sub(r"<style>.*?</style>", "<style></style>", made, flags=re.S).replace('class="lead', 'class="first')
    restyled = restyled.replace('stroke-width="1.7"', 'stroke-width="2"')
    assert restyled != made and differences(restyled, made) == []


@pytest.mark.parametrize(
    "pattern, instead",
    [
        (r"<b>7\.81</b>", "<b>7.82</b>"),
        (r'<section id="skipped".*?</section>', ""),
        (r"<tr id=.*?</tr>", ""),
        (r"<figure><figcaption>Logits.*?</figure>", ""),
        (r"over steps, ([^:]*): interquartile mean from [\d.]+", r"over steps, \1: interquartile mean from 99"),
        (r'<path d="M[^"]*" stroke="var\(--generator\)"[^>]*>', ""),
    ],
    ids=["number", "section", "row", "figure", "curve's data", "line"],
)
def test_a_changed_number_or_a_missing_part_is_a_difference(made, pattern, instead):
    broken, n = re.subn(pattern, instead, made, count=1, flags=re.S)
    assert n == 1 and differences(broken, made)
