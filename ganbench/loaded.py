"""What `ganbench.load` and `Suite.run` return: a run's tables as one reads them, its analysis and its figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core import arguments
from ganbench.core.errors import UsageError
from ganbench.tables import results as tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from ganbench.core.column import Column
    from ganbench.figures.style import Style
    from ganbench.tables.manifest import RunManifest

SHOWN = 10  # rows in a notebook


class Results:
    """A run, read back: its tables, its ranking and verdicts, its figures and its page.

    Attributes:
        tables: the tables as they are on disk, for `ganbench.analysis`.
        path: the run's folder. samples: trial → its pictures.
        suite: the text of the suite as resolved. manifest: versions, machine, counts, times.

    Example:
        >>> results = ganbench.load("results/mode_collapse")  # doctest: +SKIP
        >>> results.runs.groupby("label")["fid"].median()  # doctest: +SKIP
        >>> results.plot.curves("modes_captured")  # doctest: +SKIP
    """

    def __init__(self, read: tables.Results) -> None:
        self.tables = read
        self.path: Path = read.path
        self.samples: tables.Samples = read.samples
        self.suite: str = read.suite
        self.manifest: RunManifest = read.manifest

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Return the declaration of every column, by name."""
        from ganbench.analysis.frames import declarations

        return declarations(self.tables)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """Return one row per run: its label, verdict and status, the numbers that differ (`param.*`), its metrics."""
        from ganbench.analysis.frames import readable_runs

        return readable_runs(self.tables, self._verdicts)

    @cached_property
    def diagnostics(self) -> pd.DataFrame:
        """Return one row per run and logged step: `dataset label trial run seed step` and every diagnostic."""
        from ganbench.analysis.frames import diagnostics

        return diagnostics(self.tables)

    @cached_property
    def evaluations(self) -> pd.DataFrame:
        """Return one row per run and evaluated step: `dataset label trial run seed step` and every metric.

        A metric with an `every` of its own is missing between; `curve` leaves these rows out.
        """
        from ganbench.analysis.frames import evaluations

        return evaluations(self.tables)

    @property
    def history(self) -> pd.DataFrame:
        """Return the table of both as it is on disk: one row per run and step at which anything was computed."""
        return self.tables.history

    @property
    def layers(self) -> pd.DataFrame:
        """Return one row per run, logged step and layer."""
        return self.tables.layers

    @property
    def components(self) -> pd.DataFrame:
        """Return one row per trial and component, with the version that made the numbers."""
        from ganbench.analysis.frames import components

        return components(self.tables)

    @property
    def environments(self) -> pd.DataFrame:
        """Return one row per trial: the device, the machine and the packages that it was trained with."""
        from ganbench.analysis.frames import environments

        return environments(self.tables)

    def curve(self, column: str) -> pd.DataFrame:
        """Return one row per run and step at which a diagnostic or metric was computed, ready to plot.

        Raises:
            UsageError: there is no such column.
        """
        from ganbench.analysis.frames import curve

        return curve(self.tables, arguments.text("Results.curve: column", column))

    @property
    def plot(self) -> Plots:
        """Return the figures; each is a matplotlib figure."""
        return Plots(self.tables)

    def report(self, out: str | Path | None = None) -> Path:
        """Write the page and return its path, `report/<suite>.html` by default.

        Raises:
            UsageError: it cannot be written.
            MissingPackageError: the extra `bench` is not installed.
        """
        from ganbench.report.page import write_report

        suite = self.manifest.suite or self.path.parent.name
        page = Path("report") / f"{suite}.html" if out is None else arguments.path("Results.report: out", out)
        if page.is_dir():
            raise UsageError(f"{page}: is a folder; give the path of a page, such as {page / 'page.html'}")
        try:
            page.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{page.parent}: cannot be made ({error.strerror}); choose another folder") from None
        return write_report(self.path, page)

    def compare(self, other: Results | str | Path) -> pd.DataFrame:
        """Compare another run with this one, trial by trial and metric by metric, as `ganbench compare` does.

        Returns:
            One row per trial and metric: `label metric outcome` (identical, better, worse, undecided …), both means,
            their difference, exact p-values after Holm's adjustment; then the outcome in words and how it was tested.

        Raises:
            IncomparableError: they share no trial or metric, or were evaluated otherwise.
        """
        import pandas as pd

        from ganbench.analysis.comparison_results import compare_results
        from ganbench.analysis.comparison_rules import Rules
        from ganbench.analysis.frames import readable_comparison
        from ganbench.core.naming import without_common_parts

        now = (
            other.tables if isinstance(other, Results) else tables.load(arguments.path("Results.compare: other", other))
        )
        rows = compare_results(self.tables, now, Rules()).rows
        short = without_common_parts(dict.fromkeys(row.name for row in rows))
        return readable_comparison(
            pd.DataFrame([{"label": short[row.name], **asdict(row), "outcome": str(row.outcome)} for row in rows])
        )

    def ranking(self, full: bool = False) -> pd.DataFrame:
        """Return one row per trial, the best of each data set first: label, how its runs ended, means of metrics.

        With `full` each metric has its median, spread and intervals beside the mean (`ganbench.analysis.ranking`).
        """
        from ganbench.analysis.frames import readable_ranking

        return readable_ranking(self.tables, full)

    def verdicts(self) -> pd.DataFrame:
        """Return one row per run: its label, what went wrong and the evidence (`ganbench.analysis.verdicts`)."""
        from ganbench.analysis.frames import readable_verdicts

        return readable_verdicts(self.tables, self._verdicts)

    @cached_property
    def _verdicts(self) -> pd.DataFrame:
        from ganbench.analysis.verdicts import verdicts

        return verdicts(self.tables)

    def robustness(self) -> pd.DataFrame:
        """Return how robust each method is over the settings of `vary` (`ganbench.analysis.robustness`)."""
        from ganbench.analysis.robustness import robustness

        return robustness(self.tables)

    def budget(self, measure: str | None = None) -> pd.DataFrame:
        """Return what the best of k settings is expected to reach (`ganbench.analysis.budget`)."""
        from ganbench.analysis.budget import budget

        return budget(self.tables, arguments.optional_text("Results.budget: measure", measure))

    def tuned(self) -> pd.DataFrame:
        """Return each method's best settings on fresh seeds (`ganbench.analysis.tuned`)."""
        from ganbench.analysis.tuned import tuned

        return tuned(self.tables)

    def tuned_pairs(self, measure: str | None = None) -> pd.DataFrame:
        """Return exact tests between methods on these fresh seeds (`ganbench.analysis.tuned`)."""
        from ganbench.analysis.tuned import tuned_pairs

        return tuned_pairs(self.tables, arguments.optional_text("Results.tuned_pairs: measure", measure))

    def pairwise(self, measure: str | None = None) -> pd.DataFrame:
        """Return exact tests of every pair of methods over settings (`ganbench.analysis.pairwise`)."""
        from ganbench.analysis.pairwise import pairwise

        return pairwise(self.tables, arguments.optional_text("Results.pairwise: measure", measure))

    def sensitivity(self, measure: str | None = None) -> pd.DataFrame:
        """Return how much of the variance each number explains (`ganbench.analysis.sensitivity`)."""
        from ganbench.analysis.sensitivity import sensitivity

        return sensitivity(self.tables, arguments.optional_text("Results.sensitivity: measure", measure))

    def marginal_curves(self, measure: str | None = None) -> pd.DataFrame:
        """Return the measure as it depends on each number (`ganbench.analysis.sensitivity`)."""
        from ganbench.analysis.sensitivity import marginal_curves

        return marginal_curves(self.tables, arguments.optional_text("Results.marginal_curves: measure", measure))

    def __repr__(self) -> str:
        """Return in a few lines what is here and what can be asked of it."""
        runs, history = self.tables.runs, self.tables.history
        statuses = ", ".join(f"{n} {status}" for status, n in Counter(runs["status"].astype(str)).most_common())
        return "\n".join(
            (
                f"ganbench.Results of {self.manifest.suite or self.path.parent.name}, {self.path}",
                f"  {runs['trial'].nunique()} trials, {len(runs)} runs: {statuses or 'none'}; on "
                f"{', '.join(map(str, list(runs['dataset'].unique())[:5]))}",
                f"  .runs .diagnostics .evaluations (of {len(history)} rows of history) "
                f".layers ({len(self.layers)} rows) .samples (of {len(self.samples)} trials)",
                '  .ranking() .verdicts() .compare(other) .report() .curve("fid") .plot.curves("fid")',
            )
        )

    def _repr_html_(self) -> str:
        """Return the same and the head of the ranking, for notebooks."""
        ranked = self.ranking().head(SHOWN)
        text = escape(repr(self)).replace("\n", "<br>")
        table = ranked.to_html(index=False, border=0, na_rep="", float_format=lambda x: f"{x:.4g}")
        return f"<p>{text}</p>{table}"


class Plots:
    """The figures of a run, by matplotlib; save one with `figure.savefig("fid.pdf")`."""

    def __init__(self, read: tables.Results) -> None:
        self._tables = read

    def curves(self, column: str, style: Style | None = None, labels: Sequence[str] | None = None) -> Figure:
        """Draw a diagnostic or metric against the step, a line per label with its seeds (`ganbench.figures.draw`)."""
        from ganbench.figures.draw import curves

        chosen = None if labels is None else arguments.texts("Results.plot.curves: labels", labels)
        return curves(self._tables, arguments.text("Results.plot.curves: column", column), _style(style), chosen)

    def samples(self, trials: Sequence[str] = (), seed: int = 0, style: Style | None = None) -> Figure:
        """Draw each trial's samples over training beside real ones (`ganbench.figures.draw`)."""
        from ganbench.figures.draw import samples

        named = arguments.texts("Results.plot.samples: trials", trials)
        return samples(self._tables, named, arguments.whole("Results.plot.samples: seed", seed), _style(style))

    def map(
        self, measure: str | None = None, x: str | None = None, y: str | None = None, style: Style | None = None
    ) -> Figure:
        """Draw a metric over losses and tricks, or over two numbers that vary (`ganbench.figures.maps`)."""
        from ganbench.figures.maps import map_of

        for name, value in {"measure": measure, "x": x, "y": y}.items():
            arguments.optional_text(f"Results.plot.map: {name}", value)
        return map_of(self._tables, measure, x, y, _style(style))


def _style(style: object) -> Style | None:
    from ganbench.figures.style import Style

    if style is not None and not isinstance(style, Style):
        raise UsageError(f"Results.plot: style is {arguments.shown(style)}; give a ganbench.figures.style.Style")
    return style


def load(path: str | Path) -> Results:
    """Return the results of a run's folder, or of the newest run in a suite's folder.

    Raises:
        UsageError: no run is there, or one of its files cannot be read.
    """
    return Results(tables.load(arguments.path("ganbench.load: path", path)))
