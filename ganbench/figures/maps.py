"""A measure as a map: tricks × losses, or two numbers of `vary` against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ganbench.analysis.ranking import FINISHED, metric_columns, order_by
from ganbench.core.errors import UsageError, unknown
from ganbench.figures.draw import named
from ganbench.figures.style import Style, drawn, panels
from ganbench.tables.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def map_of(
    results: Results, measure: str | None = None, x: str | None = None, y: str | None = None, style: Style | None = None
) -> Figure:
    """Draw the mean of a metric over all finished runs: a panel per data set.

    A tile per loss and cell of tricks; where `x` and `y` name numbers that vary, a dot per setting instead. A cell
    averages what has its loss and tricks, whatever else differs.

    Args:
        results: the tables.
        measure: a metric; by default the one that decides the ranking.
        x: a number that varies, such as `optimizer.lr`; with `y` or not at all.
        y: another one.
        style: sizes and fonts.

    Raises:
        UsageError: no such metric or number, or no finished run with a value.
    """
    style = style or Style()
    metrics = metric_columns(results)
    runs = results.runs.loc[results.runs["status"].isin(FINISHED)]
    if not len(runs):
        raise UsageError(f"{results.path}: no run is finished; run the suite again")
    if measure is not None and measure not in metrics:
        raise UsageError(f"{results.path}: no metric {measure!r} (known: {', '.join(metrics) or 'none'})")
    if x or y:
        _require_varied(results, x, y)
    groups = {str(name): runs.loc[runs["dataset"] == name] for name in runs["dataset"].unique()}
    with drawn(style):
        figure, axes = panels(1, len(groups), style)
        for ax, (dataset, rows) in zip(axes[0], groups.items(), strict=True):
            chosen = measure or next(iter(order_by(rows, metrics)), None)
            if chosen is None:
                raise UsageError(f"{results.path}: no metric decides on {dataset}; name a measure")
            if not np.isfinite(rows[chosen].to_numpy(dtype=np.float64, na_value=np.nan)).any():
                raise UsageError(f"{results.path}: no run on {dataset} has a finite {chosen}; draw another measure")
            mappable = _dots(ax, results, rows, chosen, x, y) if x and y else _tiles(ax, rows, chosen)
            ax.set_title(dataset)
            figure.colorbar(mappable, ax=ax, label=named(metrics[chosen]))
        return figure


def _require_varied(results: Results, x: str | None, y: str | None) -> None:
    varied = [name for name, column in results.columns.items() if column.varied and name in results.runs]
    if len(varied) < 2:
        raise UsageError(
            f"{results.path}: a map over x and y is one of two numbers that vary, and this run has {len(varied)}; name "
            "two in `vary:` of its suite (docs/settings.md), or leave x and y out for a map over losses and tricks"
        )
    for axis, number in (("x", x), ("y", y)):
        if number is None:
            raise UsageError(f"{results.path}: {axis} is missing; give it as well: {', '.join(varied)}")
        if number not in varied:
            raise UsageError(f"{results.path}: {unknown(f'number for {axis}', number, varied)}")


def _tiles(ax: Axes, runs: pd.DataFrame, measure: str):  # noqa: ANN202 - matplotlib's mappable
    table = runs.pivot_table(index="tricks", columns="loss", values=measure, aggfunc="mean", sort=False, observed=True)
    values = table.to_numpy(dtype=np.float64)
    image = ax.imshow(values, aspect="auto", cmap="viridis")
    ax.set_xticks(range(len(table.columns)), [str(name) for name in table.columns], rotation=30, ha="right")
    ax.set_yticks(range(len(table.index)), [str(name) for name in table.index])
    middle = (np.nanmin(values) + np.nanmax(values)) / 2 if np.isfinite(values).any() else 0.0
    for row, column in np.argwhere(np.isfinite(values)):
        value = values[row, column]
        ax.text(column, row, f"{value:.3g}", ha="center", va="center", color="white" if value < middle else "black")
    return image


def _dots(ax: Axes, results: Results, runs: pd.DataFrame, measure: str, x: str, y: str):  # noqa: ANN202 - as above
    at, values = runs[[x, y]].to_numpy(dtype=np.float64), runs[measure].to_numpy(dtype=np.float64)
    known = np.isfinite(at).all(axis=1) & np.isfinite(values)
    points, place = np.unique(at[known], axis=0, return_inverse=True)
    place = place.reshape(-1)  # numpy 2.0 kept the axis
    means = np.bincount(place, values[known]) / np.bincount(place)
    dots = ax.scatter(points[:, 0], points[:, 1], c=means, cmap="viridis", s=24)
    ax.set(xlabel=x, ylabel=y, xscale=results.columns[x].scale, yscale=results.columns[y].scale)
    return dots
