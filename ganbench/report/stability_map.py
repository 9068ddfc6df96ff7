"""Where training is stable: of each method a map of its settings, and what happened at each of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from ganbench.analysis.settings import MethodRuns, Varied, numbers_of, varied
from ganbench.analysis.statistics import worst
from ganbench.core.column import Column
from ganbench.core.evenly import spread_out
from ganbench.core.naming import without_common_parts
from ganbench.report import settings_plane
from ganbench.report.cards import marks, median_run
from ganbench.report.figures import curves
from ganbench.report.marks import family_of, shape
from ganbench.report.panels import Frame, frames
from ganbench.report.pictures import Picture, picture
from ganbench.report.settings_plane import Plane, plane_of
from ganbench.report.verdict_bars import Finding, findings
from ganbench.report.wording import count, listing, number

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.report.summary import AnalysedResults
    from ganbench.tables.results import Results

MOST_MAPS = 24  # on a page, about 8 kB each with 16 settings
DETAIL_BYTES = 900_000  # of samples and curves on a page
MOST_CURVES = 3
MOST_MARKS, MARKS_APART = 3, 10.5  # of a setting's verdicts, in units of the picture
SHOWN_STEPS = 3  # pictures of a setting: early, in the middle and at the end


@dataclass(frozen=True)
class Setting:
    """What happened at one setting of one method.

    Attributes:
        anchor: of its details. title: its number and its values. findings: its verdicts, the most frequent first.
        curves: `<svg>` elements with their headings. pictures: of its median run.
    """

    anchor: str
    title: str
    findings: list[Finding]
    runs: int
    curves: list[tuple[str, str]]
    pictures: list[Picture]

    @property
    def size(self) -> int:
        """Return about how many bytes of a page it takes."""
        return 700 + sum(len(svg) for _, svg in self.curves) + sum(len(p.uri) for p in self.pictures)


@dataclass(frozen=True)
class MethodMap:
    """The map of a method. `svg` is drawn; `settings` are those with details."""

    method: str
    svg: str
    settings: list[Setting]


@dataclass(frozen=True)
class Maps:
    """The maps of a data set: what their axes are, and what was left out."""

    axes: str
    maps: list[MethodMap]
    left_out: str


@dataclass(frozen=True)
class _Runs:
    """The runs of one method at one setting, with their verdicts."""

    setting: int
    runs: pd.DataFrame
    verdicts: pd.DataFrame


@dataclass(frozen=True)
class _Drawn:
    """What the settings of a data set are drawn with."""

    results: Results
    lead: Column
    frames: Sequence[Frame]
    order: Mapping[str, int]  # run → its place among its trial's runs, as the pictures have them
    fill: float


def maps_of(analysed: AnalysedResults) -> dict[str, Maps]:
    """Return data set → the maps of its methods; empty where a run is of one setting."""
    if not analysed.settings:
        return {}
    names = {dataset: [method.key for method in over.methods] for dataset, over in analysed.settings.items()}
    swept = varied(analysed.results, judged=analysed.verdicts)
    return stability_maps(analysed.results, analysed.verdicts, swept, names)


def stability_maps(
    results: Results, verdicts: pd.DataFrame, swept: Varied, names: Mapping[str, Sequence[str]]
) -> dict[str, Maps]:
    """Return data set → its maps; none of data sets where no number of all methods varies.

    Args:
        results: of a run with `vary`.
        verdicts: one row per run.
        swept: its methods.
        names: data set → its methods, in the order of the page.
    """
    maps: dict[str, Maps] = {}
    room, places = DETAIL_BYTES, MOST_MAPS
    for position, dataset in enumerate(swept.measures):
        plane = plane_of(swept, dataset, results.columns)
        if plane is None or dataset not in names:
            continue
        chosen = names[dataset][: max(1, places // (len(swept.measures) - position))]
        drawn = _drawn_with(results, swept, dataset, verdicts)
        made, used, without = _maps(f"m-{position}", plane, chosen, swept, drawn, verdicts, room)
        room, places = room - used, places - len(made)
        left_out = _left_out(len(names[dataset]) - len(chosen), without)
        maps[dataset] = Maps(_axes(plane, swept.leading(dataset)), made, left_out)
    return maps


def _maps(
    prefix: str, plane: Plane, chosen: Sequence[str], swept: Varied, drawn: _Drawn, verdicts: pd.DataFrame, room: int
) -> tuple[list[MethodMap], int, int]:
    """Return the maps, the bytes that their details take, and how many settings have none."""
    methods = {method.method: method for method in swept.methods}
    short = without_common_parts(chosen)
    made, used, without = [], 0, 0
    for place, name in enumerate(chosen):
        label, kept, points = short[name].replace(" · none", ", plain"), [], []
        for one in _by_setting(drawn.results, methods[name], verdicts, plane):
            anchor = f"{prefix}-{place}-{one.setting}"
            setting = _setting(one, methods[name], anchor, label, drawn) if used < room else None
            if setting is not None and used + setting.size <= room:
                kept.append(setting)
                used += setting.size
            else:
                without, anchor = without + 1, ""
            points.append(_point(one, methods[name], plane, anchor))
        made.append(MethodMap(label, _svg(plane, points, label), kept))
    return made, used, without


def _drawn_with(results: Results, swept: Varied, dataset: str, verdicts: pd.DataFrame) -> _Drawn:
    runs = results.runs.loc[results.runs["dataset"] == dataset]
    logged = results.history.loc[results.history["trial"].isin(runs["trial"])]
    read_from = {one.column for details in verdicts["details"] for one in details if one.level is not None}
    lead = swept.leading(dataset)
    shared = sorted(
        frames(logged, runs, results.columns, read_from),
        key=lambda f: (all(line.column != lead.name for line in f.panel.lines), not f.panel.usual),
    )
    order = {str(run): i for _, part in runs.groupby("trial", sort=False) for i, run in enumerate(part["run"])}
    fill = worst(runs[lead.name], lead.direction) if lead.name in runs else math.nan
    return _Drawn(results, lead, shared, order, fill)


def _by_setting(results: Results, method: MethodRuns, verdicts: pd.DataFrame, plane: Plane) -> list[_Runs]:
    runs = results.runs
    mine = runs.loc[(runs["method"] == method.method) & (runs["stage"] == "vary")]
    judged = verdicts.loc[verdicts["run"].isin(mine["run"])]
    parts = []
    for setting, of_setting in mine.groupby("setting"):
        if int(str(setting)) in plane.places:
            parts.append(_Runs(int(str(setting)), of_setting, judged.loc[judged["run"].isin(of_setting["run"])]))
    return parts


def _setting(one: _Runs, method: MethodRuns, anchor: str, label: str, drawn: _Drawn) -> Setting:
    title = f"Setting {one.setting} of {label}"
    seen = findings(one.verdicts, one.runs)
    history = drawn.results.history.loc[drawn.results.history["run"].isin(one.runs["run"])]
    lost = one.runs.loc[one.runs["status"] == "DIVERGED", "run"].tolist()
    made = curves(history, lost, drawn.frames, title, marks(seen))[:MOST_CURVES]
    values = f"{title}: {_values(method, one.setting)}"
    return Setting(
        anchor, values, seen, len(one.runs), [(curve.panel.title, curve.svg) for curve in made], _pictures(one, drawn)
    )


def _pictures(one: _Runs, drawn: _Drawn) -> list[Picture]:
    """Return the samples of the median run, early, in the middle and at the end."""
    lead = drawn.lead if drawn.lead.name in one.runs else None
    run = one.runs.iloc[median_run(one.runs, lead, drawn.fill).position]
    samples = drawn.results.samples.get(str(run["trial"]))
    if samples is None or not len(samples["steps"]):
        return []
    steps, place = samples["steps"], drawn.order[str(run["run"])]
    return [
        picture(samples["samples"][k, place], samples["real"], int(steps[k]), f"setting {one.setting}, step {steps[k]}")
        for k in spread_out(len(steps), SHOWN_STEPS)
    ]


def _point(one: _Runs, method: MethodRuns, plane: Plane, anchor: str) -> str:
    """Return a setting's cell and its marks; the whole cell is a link where there are details.

    The cell has the colour of the most frequent verdict, of two that are equally frequent that of the failure: what
    may fail is not stable. A mark stands for each of up to three verdicts, unless settings share the place.
    """
    counts = Counter(one.verdicts["verdict"])
    ordered = sorted(counts, key=lambda verdict: (-counts[verdict], verdict == "healthy")) or ["unclear"]
    shares = listing([f"{counts[verdict]} of {len(one.runs)} {verdict}" for verdict in ordered])
    title = escape(f"setting {one.setting}: {shares}; {_values(method, one.setting)}")
    place, (x, y) = plane.places[one.setting], plane.marks[one.setting]
    marked = ordered[:1] if plane.shared(place) else ordered[:MOST_MARKS]
    inside = f'<title>{title}</title><path class="cell v-{family_of(ordered[0])}" d="{plane.cells[place]}"/>'
    for i, verdict in enumerate(marked):
        across = x + MARKS_APART * (i - (len(marked) - 1) / 2)
        inside += f'<path class="m v-{family_of(verdict)}" d="{shape(verdict, across, y)}"/>'
    return f'<a href="#{anchor}">{inside}</a>' if anchor else f"<g>{inside}</g>"


def _svg(plane: Plane, points: Sequence[str], label: str) -> str:
    name = quoteattr(f"Verdicts of {label} over {' and '.join(plane.names)}, {count(len(points), 'setting')}")
    box = f"0 0 {settings_plane.WIDTH} {settings_plane.HEIGHT}"
    return f'<svg class="plane" viewBox="{box}" role="group" aria-label={name}>{plane.frame}{"".join(points)}</svg>'


def _values(method: MethodRuns, setting: int) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in numbers_of(method, setting).items())


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else number(float(value))


def _axes(plane: Plane, lead: Column) -> str:
    """Return what the axes are and why."""
    names = listing(plane.names)
    if not plane.shares:
        return f"The plane is that of {names}."
    if not any(plane.shares):
        return f"The plane is that of {names}; {lead.name} is the same at all settings, whatever these are."
    shares = listing([f"{100 * share:.0f} %" for share in plane.shares])
    caution = "" if plane.explained >= 0.3 else "; too little to say which number matters"
    return (
        f"The plane is that of {names}, which explain {shares} of the variance of {lead.name} over the settings, "
        f"averaged over methods (functional ANOVA, R² {number(plane.explained, 2)} on settings not seen{caution})."
    )


def _left_out(methods: int, settings: int) -> str:
    verb = "is" if methods == 1 else "are"
    more = count(methods, "more method")
    text = f"There {verb} {more} without a map here, the least healthy. " if methods > 0 else ""
    if settings:
        text += (
            f"{count(settings, 'setting')} of these maps {'has' if settings == 1 else 'have'} no samples and curves "
        )
        text += "here, to keep the page small; the tables have all."
    return text
