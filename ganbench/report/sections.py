"""What the page shows of some results, as plain data: the template only lays it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ganbench.analysis.ranking import metric_columns, order_by
from ganbench.core.column import Column
from ganbench.core.naming import AXES
from ganbench.report import about
from ganbench.report.cards import Card, card, fill_of, thumbnail
from ganbench.report.downloads import Download, downloads
from ganbench.report.headline import Ranked, headline
from ganbench.report.heatmap import Heatmap, heatmaps
from ganbench.report.judged import AnalysedResults
from ganbench.report.labels import naming, short_names
from ganbench.report.numbers import count, listing
from ganbench.report.panels import frames
from ganbench.report.pictures import Picture
from ganbench.report.rows import Table, floor_of, gradient_norms, table
from ganbench.report.verdict_bars import bar, findings, legend
from ganbench.tables.schema import FIXED

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.tables.manifest import RunManifest
    from ganbench.tables.results import Results

DETAILED = 48  # trials with curves and pictures: about 36 kB each
THUMBNAILS = 400  # about 1 kB each
FULL_ROWS = 400  # table rows of about 2.6 kB, beyond they are brief: 0.7 kB and no pictures


@dataclass(frozen=True)
class Shares:
    """How much of each data set there is room for: how many cards and thumbnails, and whether rows must be brief."""

    detailed: int
    thumbnails: int
    brief: bool

    @staticmethod
    def of(runs: pd.DataFrame, datasets: int) -> Shares:
        """Return the shares of so many data sets."""
        trials = len(set(runs["trial"]))
        if trials <= DETAILED:
            return Shares(DETAILED, THUMBNAILS, False)
        brief = trials > FULL_ROWS
        return Shares((DETAILED // 2 if brief else DETAILED) // datasets, 0 if brief else THUMBNAILS // datasets, brief)


@dataclass(frozen=True)
class Section:
    """A data set: its sentence, its ranking, and the details of its trials."""

    name: str
    anchor: str
    sentence: str
    table: Table
    legend: list[tuple[str, str]]
    heatmaps: list[Heatmap]
    thumbnails: dict[str, Picture]
    cards: list[Card]
    thinned: str


@dataclass(frozen=True)
class Page:
    """Everything on the page, in its order."""

    title: str
    sections: list[Section]
    tally: str
    incidents: str
    skipped: list[about.Skipped]
    metrics: list[about.Definition]
    diagnostics: list[about.Definition]
    sampled: list[about.Sampled]
    provenance: list[tuple[str, str]]
    suite: str
    downloads: list[Download]


def page(results: Results) -> Page:
    """Return what the page of these results shows."""
    judged = AnalysedResults(results)
    ranked, metrics = _records(judged.ranking), metric_columns(results)
    parts = _by(results.runs, "dataset")
    found = judged.verdicts
    skipped = _skipped_cells(results.manifest)
    shares = Shares.of(results.runs, max(len(parts), 1))
    called = short_names(parts)
    sections = []
    for name, part in parts.items():
        own = [row for row in ranked if row["dataset"] == name]
        sections.append(_section(len(sections), called[name], own, part, results, metrics, shares, found, skipped))
    fixed = {c.name for table in FIXED.values() for c in table}
    logged = [c for frame in (results.history, results.layers) for c in frame.columns if c not in metrics]
    diagnostics = [c for c in dict.fromkeys(logged) if c not in fixed and c in results.columns]
    return Page(
        title=results.manifest.suite or results.path.parent.name,
        sections=sections,
        tally=_tally(results.runs),
        incidents=_incidents(results.runs),
        skipped=about.skipped(results.manifest),
        metrics=about.definitions(results.columns, list(metrics), list(parts.values())),
        diagnostics=about.definitions(results.columns, diagnostics, []),
        sampled=about.sampled(parts),
        provenance=about.provenance(results),
        suite=results.suite,
        downloads=downloads(judged),
    )


def _section(
    place: int,
    name: str,
    ranked: Ranked,
    runs: pd.DataFrame,
    results: Results,
    metrics: dict[str, Column],
    shares: Shares,
    found: pd.DataFrame,
    skipped: Mapping[str, Mapping[tuple[str, str], str]],
) -> Section:
    keys, named = order_by(runs, metrics), naming(runs)
    lead = metrics[keys[0]] if keys else None
    chosen = _detailed([row["trial"] for row in ranked], shares.detailed)
    norms = gradient_norms(cast("pd.DataFrame", results.history[results.history["trial"].isin(runs["trial"])]))
    judged = cast("pd.DataFrame", found[found["trial"].isin(runs["trial"])])
    told = _by(judged, "trial")
    bars = {trial: bar(part) for trial, part in told.items()}
    rows = table(ranked, runs, metrics, lead.name if lead else None, named, set(chosen), shares.brief, norms, bars)
    own = _by(runs, "trial")
    logged = cast("pd.DataFrame", results.history[results.history["trial"].isin(chosen)])
    read_from = {one.column for details in judged["details"] for one in details if one.level is not None}
    history, nothing, shared = _by(logged, "trial"), logged.iloc[:0], frames(logged, runs, read_from)
    layers, bare = _by(results.layers, "trial"), cast("pd.DataFrame", results.layers.iloc[:0])
    fill = fill_of(runs, lead)
    last_ranked = [row["trial"] for row in ranked if row["rank"] is not None][-1:]
    cards = [
        card(
            row, own[row.trial], history[row.trial] if row.trial in history else nothing,
            results.samples.get(row.trial), lead, fill, shared, row.trial in (rows.rows[0].trial, *last_ranked),
            findings(told[row.trial]), layers[row.trial] if row.trial in layers else bare,
        )
        for row in rows.rows
        if row.detailed
    ]  # fmt: skip
    small = {
        row.trial: picture
        for row in rows.rows[: shares.thumbnails]
        if (picture := thumbnail(results.samples.get(row.trial), own[row.trial], lead, fill))
    }
    floor = floor_of(lead.name, runs) if lead else float("nan")
    shown = f"Details of {len(chosen)} of {len(ranked):,} trials: the best and the last."
    sentence = headline(ranked, runs, [metrics[k] for k in keys], floor, named, name)
    maps = heatmaps(ranked, [metrics[k] for k in keys], named, skipped.get(str(runs["dataset"].iloc[0]), {}))
    thinned = shown if len(chosen) < len(ranked) else ""
    return Section(name, f"d-{place}", sentence, rows, legend(judged), maps, small, cards, thinned)


def _skipped_cells(manifest: RunManifest) -> dict[str, dict[tuple[str, str], str]]:
    """Return data set → (loss, tricks) → why the plan left the combination out."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    for entry in manifest.skipped:
        axes = entry.name.split(" · ")
        if len(axes) >= len(AXES) - 1:  # the schedule goes unsaid where it is the default
            labels = dict(zip(AXES, axes, strict=False))
            found.setdefault(labels["dataset"], {})[labels["loss"], labels["tricks"]] = entry.reason
    return found


def _detailed(trials: list[str], most: int) -> list[str]:
    """Return the trials that get a card: all, or the best and, of a third of the places, the last."""
    if len(trials) <= most:
        return trials
    last = most // 3
    return [*trials[: most - last], *trials[len(trials) - last :]]


def _by(frame: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    return {str(value): part for value, part in frame.groupby(column, sort=False)}


def _records(ranked: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dictionaries of plain numbers and strings, with None for no rank."""
    rows = cast("list[dict[str, Any]]", ranked.to_dict("records"))
    return [{**row, "rank": row["rank"] if isinstance(row["rank"], int) else None} for row in rows]


def _tally(runs: pd.DataFrame) -> str:
    """Return "12 trials, 96 runs on ring and grid"."""
    trials, datasets = len(set(runs["trial"])), list(dict.fromkeys(runs["dataset"]))
    where = listing(datasets) if len(datasets) <= 4 else count(len(datasets), "data set")
    return f"{count(trials, 'trial')} and {count(len(runs), 'run')} on {where}"


def _incidents(runs: pd.DataFrame) -> str:
    """Return how the runs ended."""
    counts = Counter(runs["status"])
    said = {"OK": "ended well", "DIVERGED": "diverged", "FAILED": "failed", "TIMEOUT": "ran out of time"}
    return listing([f"{counts[s]:,} {text}" for s, text in said.items() if counts[s]])
