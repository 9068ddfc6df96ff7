"""What the page shows of some results, as plain data: the template only lays it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.analysis.ranking import metric_columns
from ganbench.core.column import Column
from ganbench.core.naming import bare_names
from ganbench.report import about
from ganbench.report.cards import SIDE_BY_SIDE, Card, card, thumbnail
from ganbench.report.dataset_results import DatasetResults, Ranked
from ganbench.report.downloads import Download, downloads
from ganbench.report.forest import Forest, forest
from ganbench.report.gallery import Gallery, gallery
from ganbench.report.heatmap import Heatmap, heatmaps
from ganbench.report.monitored import Monitored, monitored
from ganbench.report.over_settings import OverSettings
from ganbench.report.overlays import Overlay, overlays
from ganbench.report.overview import Overview, overview_of
from ganbench.report.panels import Frame, frames
from ganbench.report.pictures import Picture
from ganbench.report.rows import Row, Table, gradient_norms, table
from ganbench.report.searched import Searched
from ganbench.report.stability_map import Maps, maps_of
from ganbench.report.summary import AnalysedResults
from ganbench.report.verdict_bars import bar, findings, legend
from ganbench.tables.schema import FIXED

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.tables.results import Results

DETAILED = 48  # trials with curves and pictures: about 36 kB each
FRAMES = 192  # pictures in all cards, about 3 kB each, beside the eight that each may have
THUMBNAILS = 400  # about 1 kB each
OVERLAYS = 8  # large charts of about 18 kB with 20 trials
FULL_ROWS = 400  # table rows of about 2.6 kB, beyond they are brief: 0.7 kB and no pictures


@dataclass(frozen=True)
class Shares:
    """What there is room for.

    Attributes:
        detailed, thumbnails, overlays: cards, small pictures and large charts of each data set.
        frames: pictures of a card.
        brief: whether rows must be.
    """

    detailed: int
    frames: int
    thumbnails: int
    overlays: int
    brief: bool

    @staticmethod
    def of(runs: pd.DataFrame, datasets: int) -> Shares:
        """Return the shares of so many data sets."""
        trials = len(set(runs["trial"]))
        frames = max(SIDE_BY_SIDE, FRAMES // max(trials, 1))
        if trials <= DETAILED:
            return Shares(DETAILED, frames, THUMBNAILS, max(1, OVERLAYS // datasets), False)
        brief = trials > FULL_ROWS
        cards, thumbnails = (DETAILED // 2, 0) if brief else (DETAILED, THUMBNAILS)
        return Shares(cards // datasets, frames, thumbnails // datasets, max(1, OVERLAYS // datasets), brief)


@dataclass(frozen=True)
class Section:
    """A data set: its sentence, its ranking, and the details of its trials."""

    name: str
    anchor: str
    sentence: str
    forest: Forest | None
    searched: Searched | None
    settings: OverSettings | None
    maps: Maps | None
    table: Table
    legend: list[tuple[str, list[str]]]
    heatmaps: list[Heatmap]
    thumbnails: dict[str, Picture]
    overlays: list[Overlay]
    gallery: Gallery | None
    cards: list[Card]
    thinned: str


@dataclass(frozen=True)
class Page:
    """Everything on the page, in its order."""

    title: str
    description: str
    overview: Overview | None
    monitored: Monitored | None
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
    analysed = AnalysedResults(results)
    results = analysed.results
    metrics, parts = metric_columns(results), _by(results.runs, "dataset")
    fixed = {c.name for table in FIXED.values() for c in table}
    logged = [c for frame in (results.history, results.layers) for c in frame.columns if c not in metrics]
    diagnostics = [c for c in dict.fromkeys(logged) if c not in fixed and c in results.columns]
    return Page(
        title=results.manifest.suite or results.path.parent.name,
        description=about.description(results.suite),
        overview=overview_of(analysed, _records(analysed.ranking)),
        monitored=monitored(results, analysed.verdicts, metrics),
        sections=_sections(analysed, parts, metrics),
        tally=about.tally(results.runs),
        incidents=about.endings(results.runs),
        skipped=about.skipped(results.manifest),
        metrics=about.definitions(results.columns, list(metrics), list(parts.values())),
        diagnostics=about.definitions(results.columns, diagnostics, []),
        sampled=about.sampled(parts),
        provenance=about.provenance(results),
        suite=results.suite,
        downloads=downloads(analysed),
    )


def _sections(
    analysed: AnalysedResults, parts: Mapping[str, pd.DataFrame], metrics: dict[str, Column]
) -> list[Section]:
    results = analysed.results
    skipped = about.skipped_cells(results.manifest)
    shares = Shares.of(results.runs, max(len(parts), 1))
    names, maps, objective = bare_names(parts), maps_of(analysed), analysed.objective
    sections = []
    for place, (dataset, runs) in enumerate(parts.items()):
        tuned = objective.column if objective is not None else None
        data = DatasetResults(names[dataset], analysed.rows[dataset], runs, metrics, tuned)
        skips = skipped.get(dataset, {})
        sections.append(_section(f"d-{place}", dataset, data, analysed, shares, skips, maps.get(dataset)))
    return sections


def _section(
    anchor: str,
    dataset: str,
    data: DatasetResults,
    analysed: AnalysedResults,
    shares: Shares,
    skipped: Mapping[tuple[str, str], str],
    maps: Maps | None,
) -> Section:
    """Return the section of one data set."""
    results, runs = analysed.results, data.runs
    settings, search = analysed.settings.get(dataset), analysed.searches.get(dataset)
    varied = settings or search
    verdicts = analysed.verdicts.loc[analysed.verdicts["trial"].isin(runs["trial"])]
    detailed = _detailed([row["trial"] for row in data.ranked], shares.detailed)
    norms = gradient_norms(results.history.loc[results.history["trial"].isin(runs["trial"])])
    bars = {trial: bar(rows) for trial, rows in _by(verdicts, "trial").items()}
    rows = table(data, detailed, shares.brief, norms, bars)
    thumbnails, stills = _pictures(rows.rows, shares, data, results)
    logged = results.history.loc[results.history["trial"].isin(detailed)]
    read_from = {one.column for details in verdicts["details"] for one in details if one.level is not None}
    shared = frames(logged, runs, results.columns, read_from)
    labels = {row.trial: str(row.label) for row in rows.rows}
    return Section(
        name=data.name,
        anchor=anchor,
        sentence=analysed.sentence(data, dataset),
        forest=None if varied else forest(rows.rows, data),
        searched=search,
        settings=settings,
        maps=maps,
        table=rows,
        legend=legend(verdicts),
        heatmaps=heatmaps(data, skipped),
        thumbnails=thumbnails,
        overlays=overlays(logged, shared, labels, data.lead.name if data.lead else "", shares.overlays),
        gallery=stills,
        cards=_cards(rows, data, results, logged, shared, verdicts, shares.frames),
        thinned=f"Details of {len(detailed)} of {len(data.ranked):,} trials: the best and the last."
        if len(detailed) < len(data.ranked)
        else "",
    )


def _pictures(
    rows: Sequence[Row], shares: Shares, data: DatasetResults, results: Results
) -> tuple[dict[str, Picture], Gallery | None]:
    """Return the small pictures of the table, and the gallery of the trials that have a card."""
    small, large = rows[: shares.thumbnails], [row for row in rows if row.detailed]
    runs_of = _by_trial(data.runs, [*small, *large])
    thumbnails = {
        row.trial: drawn
        for row in small
        if (drawn := thumbnail(results.samples.get(row.trial), runs_of[row.trial], data))
    }
    samples = {row.trial: results.samples[row.trial] for row in large if row.trial in results.samples}
    return thumbnails, gallery(large, runs_of, samples, data)


def _cards(
    rows: Table,
    data: DatasetResults,
    results: Results,
    logged: pd.DataFrame,
    shared: Sequence[Frame],
    verdicts: pd.DataFrame,
    frames: int,
) -> list[Card]:
    """Return the cards of the trials that have one, the best and the worst of the ranked ones open."""
    detailed = [row for row in rows.rows if row.detailed]
    runs_of, history, layers, verdicts_of = (
        _by_trial(frame, detailed) for frame in (data.runs, logged, results.layers, verdicts)
    )
    last_ranked = [row["trial"] for row in data.ranked if row["rank"] is not None][-1:]
    return [
        card(
            row,
            data,
            runs_of[row.trial],
            history[row.trial] if row.trial in history else logged.iloc[:0],
            results.samples.get(row.trial),
            shared,
            row.trial in (rows.rows[0].trial, *last_ranked),
            findings(verdicts_of[row.trial], runs_of[row.trial]),
            layers[row.trial] if row.trial in layers else results.layers.iloc[:0],
            frames,
        )
        for row in detailed
    ]


def _detailed(trials: list[str], most: int) -> list[str]:
    """Return the trials that get a card: all, or the best and, of a third of the places, the last."""
    if len(trials) <= most:
        return trials
    last = most // 3
    return [*trials[: most - last], *trials[len(trials) - last :]]


def _by(frame: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    return {str(value): part for value, part in frame.groupby(column, sort=False)}


def _by_trial(frame: pd.DataFrame, rows: Sequence[Row]) -> dict[str, pd.DataFrame]:
    """Return the parts of a frame that belong to these rows' trials: cutting out thousands more would take seconds."""
    return _by(frame.loc[frame["trial"].isin([row.trial for row in rows])], "trial")


def _records(ranked: pd.DataFrame) -> Ranked:
    """Return the rows as dictionaries of plain numbers and strings, with None for no rank."""
    return [
        {str(name): value for name, value in row.items()}
        | {"rank": row["rank"] if isinstance(row["rank"], int) else None}
        for row in ranked.to_dict("records")
    ]
