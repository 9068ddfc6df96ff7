"""The figures: curves over training, samples, and a map of a measure over methods or over the numbers of `vary`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ganbench.analysis.frames import curve, labels
from ganbench.analysis.ranking import metric_columns, order_by
from ganbench.core.errors import UsageError, unknown
from ganbench.core.evenly import spread_out
from ganbench.figures.style import INCH, Style, colour, drawn, panels
from ganbench.tables.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ganbench.core.column import Column

MOST_CURVES, MOST_INSIDE = 32, 8  # curves: colours times dashes; those whose legend has room in the panel
POINT = 0.3528  # mm
POINTS, TILES = 400, 4  # drawn of a trial: points, and images along one edge
STEPS = 8  # of which samples are drawn
SAMPLE_MM = 28.0


def curves(results: Results, column: str, style: Style | None = None, chosen: Sequence[str] | None = None) -> Figure:
    """Draw a column of the history against the step: a panel per data set, a line per label, its seeds as a band.

    The line is the median over seeds, the band reaches from the smallest to the largest. Where a data set has more than
    32 labels and none are chosen, the best by the mean of the metric that decides the ranking are drawn.

    Args:
        results: the tables.
        column: a diagnostic or a metric.
        style: sizes and fonts.
        chosen: labels; by default all, or the best 32.

    Raises:
        UsageError: there is no such column or label, nothing finite to draw, or more than 32 labels are chosen.
    """
    style = style or Style()
    measured = curve(results, column)
    if chosen is not None:
        known = list(dict.fromkeys(measured["label"]))
        if missing := [label for label in chosen if label not in known]:
            raise UsageError(f"{results.path}: {unknown('label', missing[0], known)}")
        measured = measured.loc[measured["label"].isin(list(chosen))]
    datasets = list(dict.fromkeys(measured["dataset"]))
    if not datasets:
        raise UsageError(f"{results.path}: {column} was never computed; add what computes it to the suite")
    measured = measured.loc[np.isfinite(measured[column].to_numpy(dtype=np.float64))]
    datasets = [dataset for dataset in datasets if np.any(measured["dataset"] == dataset)]
    if not datasets:
        raise UsageError(f"{results.path}: no value of {column} is finite; draw another column")
    with drawn(style):
        figure, axes = panels(1, len(datasets), style)
        for ax, dataset in zip(axes[0], datasets, strict=True):
            rows, title = measured.loc[measured["dataset"] == dataset], dataset
            if (n := rows["label"].nunique()) > MOST_CURVES:
                if chosen is not None:
                    raise UsageError(f"{results.path}: {n} labels of {dataset}; choose {MOST_CURVES} or fewer")
                best = _best(results, dataset)[:MOST_CURVES]
                rows, title = rows.loc[rows["label"].isin(best)], f"{dataset}: the best {MOST_CURVES} of {n}"
            _curves(ax, rows, results.columns[column])
            ax.set_title(title)
        _with_legends(figure, axes[0], style)
        return figure


def _with_legends(figure: Figure, axes: Sequence[Axes], style: Style) -> None:
    """Add the legends: in their panels, or where they are long beside them, in a figure as large as that takes."""
    names = [ax.get_legend_handles_labels()[1] for ax in axes]
    lines = max(map(len, names))
    if lines <= MOST_INSIDE:
        for ax in axes:
            ax.legend()
        return
    for ax in axes:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    letter, line = 0.6 * style.size * POINT, 1.5 * style.size * POINT
    beside = letter * max(len(name) for each in names for name in each) + 3 * line
    height = max(style.height, line * (lines + 4))
    figure.set_size_inches(len(axes) * (style.width + beside) / INCH, height / INCH)


def _best(results: Results, dataset: str) -> list[str]:
    """Return the labels of a data set, best first by the mean of the metric that decides the ranking."""
    there = results.runs["dataset"] == dataset
    runs, names = results.runs.loc[there], labels(results.runs).loc[there]
    metrics = metric_columns(results)
    for lead in order_by(runs, metrics)[:1]:
        means = runs[lead].astype("float64").groupby(names).mean()
        return list(means.sort_values(ascending=metrics[lead].direction == "lower").index)
    return list(dict.fromkeys(names))


def _curves(ax: Axes, measured: pd.DataFrame, column: Column) -> None:
    groups = list(measured.groupby("label", sort=False))
    for i, (label, rows) in enumerate(groups):
        shown, dashes = colour(i)
        at, values = (rows[name].to_numpy(dtype=np.float64) for name in ("step", column.name))
        steps = np.unique(at)
        of_seeds = [values[at == step] for step in steps]
        ax.plot(steps, [np.median(of) for of in of_seeds], color=shown, linestyle=dashes, label=str(label))
        ends = np.array([(of.min(), of.max()) for of in of_seeds])
        ax.fill_between(steps, ends[:, 0], ends[:, 1], color=shown, alpha=0.15, linewidth=0)
    if column.scale == "log" and np.all(measured[column.name] > 0):
        ax.set_yscale("log")
    ax.set_xlabel("step")
    ax.set_ylabel(named(column))


def named(column: Column) -> str:
    """Return what an axis calls a column: its title and its unit."""
    return (column.title or column.name) + ("" if column.unit == "1" else f" [{column.unit}]")


def samples(results: Results, trials: Sequence[str] = (), seed: int = 0, style: Style | None = None) -> Figure:
    """Draw real samples, then each trial's over training: a row per trial, a column for each of up to eight steps.

    Args:
        results: the tables.
        trials: identifiers, as in the column `trial`; by default all with pictures.
        seed: which of a trial's seeds, counted from 0.
        style: fonts; its sizes do not count, every picture is 28 mm.

    Raises:
        UsageError: there are no pictures, or not of these trials or that seed.
    """
    chosen = list(trials) or list(results.samples)
    if missing := [trial for trial in chosen if trial not in results.samples]:
        raise UsageError(f"{results.path}: no pictures of the trial {missing[0]!r}; see results.samples")
    if not chosen:
        raise UsageError(f"{results.path}: has no pictures (baselines keep numbers alone); draw a run's own folder")
    style = style or Style()
    style = Style(SAMPLE_MM, SAMPLE_MM, style.size, style.font)
    kept = [results.samples[trial] for trial in chosen]
    places = [spread_out(len(one["steps"]), STEPS) for one in kept]
    first = results.runs.drop_duplicates("trial").set_index("trial")
    names = labels(results.runs).groupby(results.runs["trial"]).first()
    several = first.loc[chosen, "dataset"].nunique() > 1
    with drawn(style):
        figure, axes = panels(len(chosen), 1 + max(map(len, places)), style)
        for trial, one, at, row in zip(chosen, kept, places, axes, strict=True):
            if not 0 <= seed < one["samples"].shape[1]:
                raise UsageError(f"{results.path}: {trial} has seeds 0 … {one['samples'].shape[1] - 1}, not {seed}")
            pictures = [one["real"], *(one["samples"][k, seed] for k in at)]
            titles = ["real", *(f"step {one['steps'][k]}" for k in at)]
            for ax in row:
                ax.set_axis_off()
            for ax, picture, title in zip(row, pictures, titles, strict=False):
                _sample(ax, picture, one["real"])
                ax.set_title(title)
            name = f"{first.loc[trial, 'dataset']}: {names[trial]}" if several else str(names[trial])
            row[0].text(0, 0, name, transform=row[0].transAxes, va="top", ha="left", fontsize=0.8 * style.size)
        return figure


def _tiles(ax: Axes, images: np.ndarray) -> None:
    """Draw images `[n, C, H, W]` side by side, as many as make a square."""
    side = max(1, int(np.sqrt(len(images))))
    rows = [np.concatenate(list(images[i * side : (i + 1) * side]), axis=-1) for i in range(side)]
    grid = np.concatenate(rows, axis=-2)
    ax.imshow(grid[0] if len(grid) == 1 else np.moveaxis(grid[:3], 0, -1), cmap="gray", vmin=0, vmax=255)


def _sample(ax: Axes, sample: np.ndarray, real: np.ndarray) -> None:
    """Draw one picture: images as tiles, points on the frame of the real ones, single numbers as a histogram."""
    if sample.ndim == 4:
        _tiles(ax, sample[: TILES * TILES])
        return
    points, behind = (x.reshape(len(x), -1).astype(np.float64) for x in (sample, real))
    low, high = behind[:, :2].min(axis=0), behind[:, :2].max(axis=0)
    centre, reach = (low + high) / 2, 0.7 * float((high - low).max() or 1.0)
    if points.shape[1] == 1:
        bins = np.linspace(centre[0] - reach, centre[0] + reach, 40)
        ax.hist(behind[:, 0], bins=list(bins), color="0.75")
        ax.hist(points[:, 0], bins=list(bins), color=colour(0)[0], alpha=0.6)
        return
    ax.scatter(behind[:POINTS, 0], behind[:POINTS, 1], s=2, color="0.75", linewidths=0)
    ax.scatter(points[:POINTS, 0], points[:POINTS, 1], s=2, color=colour(0)[0], linewidths=0)
    ax.set_xlim(centre[0] - reach, centre[0] + reach)
    ax.set_ylim(centre[1] - reach, centre[1] + reach)
    ax.set_aspect("equal")
