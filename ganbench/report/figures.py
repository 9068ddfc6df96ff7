"""The curves of a trial: small multiples over steps, a thin line a seed and a thick one for their interquartile mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ganbench.analysis.estimators import iqm
from ganbench.report import svg

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

POINTS = 64
WIDTH, HEIGHT = 2.9, 1.45  # inches of 72 points


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
    Panel("Gradient norm, generator", {"grad_norm_g": svg.GENERATOR}, "log"),
    Panel("Gradient norm, discriminator", {"grad_norm_d": svg.DISCRIMINATOR}, "log"),
    Panel(
        "Logits",
        {"real_logit_mean": svg.MUTED, "fake_logit_mean": svg.GENERATOR},
        "symlog",
        keys={"real_logit_mean": "real", "fake_logit_mean": "generated"},
    ),
    Panel("Modes captured", {"modes_captured": svg.METRIC}, floor="modes_captured_floor"),
    Panel("FID", {"fid": svg.METRIC}, "log", floor="fid_floor"),
)


@dataclass(frozen=True)
class Curve:
    """A panel as it was drawn: an `<svg>` element."""

    panel: Panel
    svg: str


@dataclass(frozen=True)
class Limits:
    """The axes that all trials of a data set share, so that their curves can be compared by eye."""

    steps: tuple[float, float]
    values: dict[str, tuple[float, float]]


def limits(history: pd.DataFrame, runs: pd.DataFrame) -> Limits:
    """Return what each panel shows: 99 % of the values of these trials; what lies beyond is drawn at the edge."""
    values = {}
    for panel in PANELS:
        found = [history[c].to_numpy(float) for c in panel.lines if c in history]
        x = np.concatenate(found) if found else np.empty(0)
        x = x[np.isfinite(x) & ((x > 0) | (panel.scale != "log"))]
        if len(x):
            low, high = np.quantile(x, (0.005, 0.995))
            floor = _floor(panel, runs)
            if np.isfinite(floor) and (floor > 0 or panel.scale != "log"):
                low, high = min(low, floor), max(high, floor)
            values[panel.title] = _margin(float(low), float(high), panel)
    last = float(history["step"].max()) if len(history) else 1.0
    return Limits((0.0, last), values)


def _margin(low: float, high: float, panel: Panel) -> tuple[float, float]:
    if panel.scale == "log":
        ratio = max(high / low, 10.0) ** 0.06
        return low / ratio, max(high, low * 10) * ratio
    if panel.floor == "modes_captured_floor":
        return -0.04 * high, 1.04 * high
    if panel.scale == "symlog":
        reach = max(abs(low), abs(high), 1.0) * 1.1
        return -reach, reach
    pad = 0.06 * (high - low) or 0.5
    return low - pad, high + pad


def _floor(panel: Panel, runs: pd.DataFrame) -> float:
    if not panel.floor or panel.floor not in runs:
        return np.nan
    known = runs[panel.floor].dropna()
    return float(known.iloc[0]) if len(known) else np.nan


def curves(history: pd.DataFrame, runs: pd.DataFrame, shared: Limits, name: str) -> list[Curve]:
    """Return a trial's panels, without those that nothing was logged for.

    Args:
        history: the trial's rows. runs: likewise.
        shared: the axes.
        name: of the trial, for the text alternatives.
    """
    return [
        Curve(panel, _draw(panel, history, runs, shared, name))
        for panel in PANELS
        if panel.title in shared.values and any(c in history and history[c].notna().any() for c in panel.lines)
    ]


def _draw(panel: Panel, history: pd.DataFrame, runs: pd.DataFrame, shared: Limits, name: str) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(svg.SETTINGS):
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0.135, 0.155, 0.84, 0.79))
        _frame(axes, panel, shared)
        said = []
        floor = _floor(panel, runs)
        if np.isfinite(floor):
            axes.axhline(floor, color=svg.MUTED, linewidth=0.8, dashes=(3, 2), clip_on=False)
        for column, colour in panel.lines.items():
            if column in history:
                said.append(_lines(axes, history, column, colour, shared.values[panel.title]))
        _mark_divergence(axes, history, runs, panel, shared.values[panel.title])
        text = f"{panel.title} over steps, {name}: " + "; ".join(
            f"{panel.keys.get(c, 'interquartile mean')} {s}" for c, s in zip(panel.lines, said, strict=False)
        )
        return svg.to_svg(figure, text)


def _frame(axes: Axes, panel: Panel, shared: Limits) -> None:
    from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

    low, high = shared.values[panel.title]
    if panel.scale == "symlog":
        axes.set_yscale("symlog", linthresh=1.0, linscale=0.6)
    else:
        axes.set_yscale(panel.scale)
    axes.set_xlim(shared.steps)
    axes.set_ylim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(2, integer=True))
    if panel.scale == "log":
        axes.yaxis.set_major_locator(LogLocator(numticks=4))
    elif panel.scale == "symlog":
        axes.yaxis.set_major_locator(FixedLocator(_symlog_ticks(high)))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(_tick)
    axes.xaxis.set_major_formatter(_tick)
    axes.grid(axis="y", color=svg.RULE, linewidth=0.7, clip_on=False)
    axes.tick_params(bottom=False, left=False, labelsize=8, labelcolor=svg.MUTED, pad=2)
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(svg.RULE)


def _symlog_ticks(high: float) -> list[float]:
    top = 10.0 ** np.floor(np.log10(max(high, 1.0)))
    return [-top, 0.0, top]


def _tick(value: float, _: int | None = None) -> str:
    """Return a short label: 4k, 0.01, 1e-5."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-3:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    text = f"{value / 1e3:g}k" if size >= 1e3 else f"{value:g}"
    return text.replace("-", "−")


def _lines(axes: Axes, history: pd.DataFrame, column: str, colour: str, seen: tuple[float, float]) -> str:
    """Draw a line a seed and their interquartile mean; return the mean's first and last value in words."""
    known = history[["run", "step", column]].dropna()
    if not len(known):
        return "nothing logged"
    table = known.pivot(index="step", columns="run", values=column).sort_index()
    if len(table) > POINTS:
        table = table.iloc[np.unique(np.linspace(0, len(table) - 1, POINTS).round().astype(int))]
    steps, values = table.index.to_numpy(float), table.to_numpy(float)
    inside = np.clip(values, *seen)
    inside[~np.isfinite(values)] = np.nan
    for line in inside.T:
        good = np.isfinite(line)
        axes.plot(steps[good], line[good], color=colour, linewidth=0.6, alpha=0.4, clip_on=False)
    middle = np.array([iqm(row[np.isfinite(row)]) for row in values])
    good = np.isfinite(middle)
    axes.plot(
        steps[good], np.clip(middle[good], *seen), color=colour, linewidth=1.7, clip_on=False, solid_capstyle="round"
    )
    return f"from {middle[good][0]:.3g} to {middle[good][-1]:.3g}" if good.any() else "nothing finite"


def _mark_divergence(
    axes: Axes, history: pd.DataFrame, runs: pd.DataFrame, panel: Panel, seen: tuple[float, float]
) -> None:
    """Put a cross where a diverged run's line ends."""
    for run in runs.loc[runs["status"] == "DIVERGED", "run"]:
        for column in panel.lines:
            if column not in history:
                continue
            known = history.loc[history["run"] == run, ["step", column]].dropna()
            if len(known):
                step, value = (float(v) for v in known.iloc[-1])
                axes.text(
                    step, float(np.clip(value, *seen)), "×", color=svg.BAD, ha="center", va="center_baseline", fontsize=9
                )
