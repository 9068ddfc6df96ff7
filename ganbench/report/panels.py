"""The frames of the small multiples: which curves a trial shows, and the axes that a data set's trials share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ganbench.report import svg

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

SIZE = (2.9, 1.45)  # inches of 72 points
BOX = (0.135, 0.155, 0.84, 0.79)


@dataclass(frozen=True)
class Panel:
    """One small multiple.

    Attributes:
        title: what is shown, with its unit.
        lines: history column → the colour it is drawn in.
        scale: `linear`, `log` or `symlog`.
        floor: the column of `runs` with the value of real samples, where there is one.
        keys: history column → what the legend calls it, where a panel has several.
    """

    title: str
    lines: dict[str, str]
    scale: str = "linear"
    floor: str = ""
    keys: dict[str, str] = field(default_factory=dict)


PANELS = (
    Panel("Gradient, generator", {"grad_norm_g": svg.GENERATOR}, "log"),
    Panel("Gradient, discriminator", {"grad_norm_d": svg.DISCRIMINATOR}, "log"),
    Panel(
        "Logits",
        {"real_logit_mean": svg.MUTED, "fake_logit_mean": svg.GENERATOR},
        "symlog",
        keys={"real_logit_mean": "real", "fake_logit_mean": "generated"},
    ),
    Panel("Modes captured", {"modes_captured": svg.METRIC}, floor="modes_captured_floor"),
    Panel("FID", {"fid": svg.METRIC}, "log", floor="fid_floor"),
)

# Shown where a verdict was read from them: the level of its rule is drawn on the curve.
EVIDENCE = (
    Panel("Spread of the samples", {"total_spread": svg.METRIC}, floor="total_spread_floor"),
    *(Panel(f"Position along axis {i}", {f"position_{i}": svg.METRIC}) for i in range(1, 9)),
    Panel("High quality", {"hq_fraction": svg.METRIC}, floor="hq_fraction_floor"),
    Panel("Slope of the loss", {"loss_slope": svg.GENERATOR}, "log"),
    Panel("Slope of the critic", {"critic_slope_fake": svg.DISCRIMINATOR}, "log"),
    Panel("Discriminator overfit", {"overfit_ratio": svg.DISCRIMINATOR}),
    Panel("Gap of the AUC", {"auc_gap": svg.DISCRIMINATOR}),
    Panel("Discriminator's excess", {"d_loss_excess": svg.DISCRIMINATOR}, "symlog"),
    Panel("Precision", {"precision": svg.METRIC}, floor="precision_floor"),
    Panel("Recall", {"recall": svg.METRIC}, floor="recall_floor"),
)


@dataclass(frozen=True)
class Frame:
    """The axes of a panel, drawn once for all trials of a data set.

    Attributes:
        low, high: of the values; what lies beyond is drawn at the edge.
        parts: the SVG of axes, labels and floor. transform: from data to points. span: first and last step.
    """

    panel: Panel
    low: float
    high: float
    parts: list[Any]
    transform: Transform
    span: tuple[float, float]


def frames(history: pd.DataFrame, runs: pd.DataFrame, evidence: Collection[str] = ()) -> list[Frame]:
    """Return the frames of a data set from its rows of both tables, without panels that nothing was logged for.

    Args:
        history: its rows of `history`.
        runs: its rows of `runs`.
        evidence: columns that verdicts were read from, which get a panel too.
    """
    last = float(history["step"].to_numpy(float).max()) if len(history) else 1.0
    return [
        _frame(panel, *limits, floor, last)
        for panel in (*PANELS, *(p for p in EVIDENCE if set(p.lines) & set(evidence)))
        if (limits := _limits(panel, history, floor := _floor(panel, runs))) is not None
    ]


def _limits(panel: Panel, history: pd.DataFrame, floor: float) -> tuple[float, float] | None:
    """Return what holds 99 % of the values and the floor, with a margin."""
    found = [history[c].to_numpy(float) for c in panel.lines if c in history]
    x = np.concatenate(found) if found else np.empty(0)
    x = x[np.isfinite(x) & ((x > 0) | (panel.scale != "log"))]
    if not len(x):
        return None
    low, high = (float(q) for q in np.quantile(x, (0.005, 0.995)))
    if np.isfinite(floor) and (floor > 0 or panel.scale != "log"):
        low, high = min(low, floor), max(high, floor)
    if panel.scale == "log":
        ratio = max(high / low, 10.0) ** 0.06
        return low / ratio, max(high, low * 10) * ratio
    if panel.scale == "symlog":
        reach = max(abs(low), abs(high), 1.0) * 1.1
        return -reach, reach
    pad = 0.05 * ((high - low) or 1.0)
    return low - pad, high + pad


def _floor(panel: Panel, runs: pd.DataFrame) -> float:
    known = runs[panel.floor].dropna().to_numpy(float) if panel.floor in runs else np.empty(0)
    return float(known[0]) if len(known) else np.nan


def _frame(panel: Panel, low: float, high: float, floor: float, last: float) -> Frame:
    from matplotlib.figure import Figure

    with svg.settings():
        figure = Figure(figsize=SIZE, dpi=72)
        axes = figure.add_axes(BOX)
        _scales(axes, panel, low, high)
        axes.set_xlim(0.0, last)
        axes.grid(axis="y", color=svg.RULE, linewidth=0.7, clip_on=False)
        axes.tick_params(bottom=False, left=False, labelsize=8, labelcolor=svg.MUTED, pad=2)
        axes.patch.set_visible(False)
        for side, spine in axes.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(svg.RULE)
        if np.isfinite(floor) and low <= floor <= high:
            axes.axhline(floor, color=svg.MUTED, linewidth=0.8, dashes=(3, 2), clip_on=False)
        return Frame(panel, low, high, svg.parts(figure), cast("Transform", axes.transData.frozen()), (0.0, last))


def _scales(axes: Axes, panel: Panel, low: float, high: float) -> None:
    from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

    if panel.scale == "symlog":
        axes.set_yscale("symlog", linthresh=1.0, linscale=0.6)
        top = 10.0 ** np.floor(np.log10(high))
        axes.yaxis.set_major_locator(FixedLocator([-top, 0.0, top]))
    else:
        axes.set_yscale(panel.scale)
        axes.yaxis.set_major_locator(
            LogLocator(numticks=4) if panel.scale == "log" else MaxNLocator(4, integer=high - low > 1.5)
        )
    axes.set_ylim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(2, integer=True))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(tick)
    axes.xaxis.set_major_formatter(tick)


def tick(value: float, _: float = 0.0) -> str:
    """Return a short label: 4k, 0.01, 1e−5."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-3:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    text = f"{value / 1e3:g}k" if size >= 1e3 else f"{value:g}"
    return text.replace("-", "−")
