"""The page of cures: each failing trial before and after, with samples of the same seeds side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.cures import answer
from ganbench.report.page import write_page
from ganbench.report.pictures import Picture, picture

if TYPE_CHECKING:
    from ganbench.cures.search import Cure, Remedied
    from ganbench.tables.results import Results

SHOWN = 4  # remedies with samples, the best first, of those with any healthy seed; else the closest one
SEEDS = 4  # samples of each


@dataclass(frozen=True)
class Side:
    """The base or a remedy: its name, how many seeds are healthy, and samples of its first seeds."""

    name: str
    counts: str
    pictures: list[Picture]


@dataclass(frozen=True)
class Section:
    """A failing trial: the answer, both sides, every remedy, and what to do.

    Attributes:
        sides: the base first. next_step: empty where something cures it. line: for the suite. code: of PyTorch. Both
            are empty where nothing cures it or helps.
    """

    name: str
    failure: str
    sentence: str
    seeds: str
    sides: list[Side]
    rows: list[tuple[str, ...]]
    left_out: list[str]
    next_step: str
    line: str
    code: str


@dataclass(frozen=True)
class CuresPage:
    """Everything on the page."""

    title: str
    heads: tuple[str, ...]
    method: str
    sections: list[Section]


def write_cures(cures: Sequence[Cure], report: Path) -> Path:
    """Write the page of these cures, which are of one run, to `report/<suite>-cures.html` and return its path.

    Raises:
        UsageError: the tables cannot be read, or the page cannot be written.
    """
    from ganbench.tables.results import load

    results = load(cures[0].folder)
    page = cures_page(cures, results)
    return write_page("cures.html", report / f"{page.title}.html", page=page)


def cures_page(cures: Sequence[Cure], results: Results) -> CuresPage:
    """Return what the page shows of these cures and of their run's tables."""
    title = results.manifest.suite.removesuffix("-cure") + "-cures"
    return CuresPage(title, answer.HEADS, answer.METHOD, [_section(cure, results) for cure in cures])


def _section(cure: Cure, results: Results) -> Section:
    base = f"{sum(cure.healthy)} of {len(cure.healthy)} seeds healthy"
    sides = [Side("as it is", base, _pictures(cure.trials, results, "as it is"))]
    helpful = [one for one in cure.remedies if one.judged.healthy][:SHOWN]
    for one in helpful or _closest(cure.remedies, results):
        counts = f"{one.judged.healthy} of {one.judged.seeds} seeds healthy"
        sides.append(Side(one.arm.title, counts, _pictures(one.trials, results, one.arm.title)))
    best = answer.worth_adding(cure)
    return Section(
        name=cure.base.name,
        failure=answer.failure(cure),
        sentence=answer.sentence(cure),
        seeds=f"seeds {cure.seeds[0]} to {cure.seeds[-1]}" if cure.seeds else "no seeds",
        sides=sides,
        rows=list(answer.rows(cure)),
        left_out=answer.left_out(cure),
        next_step=answer.next_step(cure),
        line=best.line if best else "",
        code=answer.code(best) if best else "",
    )


def _closest(remedies: Sequence[Remedied], results: Results) -> list[Remedied]:
    """Return the remedy whose first seeds the run's ranking has first, where none is healthy with any."""
    from ganbench.analysis.ranking import ranking

    ranked = ranking(results).dropna(subset="rank")
    rank_of = dict(zip(ranked["trial"].astype(str), ranked["rank"].astype(int), strict=True))
    known = [one for one in remedies if one.trials and one.trials[0] in rank_of]
    return [min(known, key=lambda one: rank_of[one.trials[0]])] if known else []


def _pictures(trials: Sequence[str], results: Results, name: str) -> list[Picture]:
    """Return the last samples of the first seeds."""
    pictures: list[Picture] = []
    for trial in trials:
        samples = results.samples.get(trial)
        if samples is None or not len(samples["steps"]):
            continue
        step = int(samples["steps"][-1])
        seeds = results.runs.loc[results.runs["trial"] == trial, "seed"].tolist()
        for of_seed, seed in zip(samples["samples"][-1], seeds, strict=True):
            pictures.append(picture(of_seed, samples["real"], step, f"samples {name}, seed {seed}, step {step:,}"))
            if len(pictures) == SEEDS:
                return pictures
    return pictures
