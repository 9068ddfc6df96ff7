"""`ganbench export`: figures and tables for a paper, from the same tables as the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from ganbench.cli.options import writable
from ganbench.cli.paths import PATH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ganbench.figures.style import Style
    from ganbench.loaded import Results

EPILOG = """\b
Examples:
  ganbench export results/smoke                                    pdf and LaTeX into export/smoke
  ganbench export results/smoke --figures svg --width 174 --size 9 --font serif
  ganbench export results/smoke --tables csv --only ranking        one table, and the figures
  ganbench export results/smoke --figures png --curve fid --curve grad_norm_g
\b
Sizes are of one panel in mm: a column of a paper with two is about 85 mm wide.
"""
SUFFIXES = {"latex": "tex", "csv": "csv", "markdown": "md"}
TABLES = ("ranking", "runs", "verdicts")
SHARED = ("dataset", "label", "runs")


@click.command("export", epilog=EPILOG)
@click.argument("run", type=PATH)
@click.option("--figures", default="pdf", show_default=True, type=click.Choice(["pdf", "svg", "png", "none"]))
@click.option("--tables", default="latex", show_default=True, type=click.Choice([*SUFFIXES, "none"]))
@click.option("--only", multiple=True, type=click.Choice(TABLES), help="This table alone (repeatable).")
@click.option(
    "--curve",
    "curves",
    multiple=True,
    metavar="COLUMN",
    help="Draw this over training (repeatable); by default what decides the ranking and the generator's gradient.",
)
@click.option(
    "--out",
    default="export",
    show_default=True,
    type=PATH,
    help="Folder; a suite's files go into OUT/<suite>.",
)
@click.option("--width", default=85.0, show_default=True, type=click.FloatRange(10, 1000), help="Of a panel, in mm.")
@click.option("--height", default=60.0, show_default=True, type=click.FloatRange(10, 1000), help="Of a panel, in mm.")
@click.option("--size", default=8.0, show_default=True, type=click.FloatRange(2, 72), help="Of the text, in points.")
@click.option("--font", default="sans-serif", show_default=True, help="Family, or an installed font's name.")
@click.option("--dpi", default=300, show_default=True, type=click.IntRange(30, 1200), help="Of png.")
def command(
    run: Path,
    figures: str,
    tables: str,
    only: tuple[str, ...],
    curves: tuple[str, ...],
    out: Path,
    width: float,
    height: float,
    size: float,
    font: str,
    dpi: int,
) -> None:
    """Write the figures and tables of RUN (its folder, or a suite's for its newest run) for a paper."""
    from ganbench.core.results_files import require_folder
    from ganbench.figures.style import Style, drawn
    from ganbench.loaded import load
    from ganbench.report.watch import page_name

    style = Style(width, height, size, font)
    results = load(run)
    for column in curves:
        results.curve(column)  # one that is not there is said before anything is written
    folder = out / page_name(results.path)
    require_folder(folder)  # OUT is the user's word and may be a link; this name is ours
    writable(folder)
    for name in () if tables == "none" else only or TABLES:
        path = folder / f"{name}.{SUFFIXES[tables]}"
        with _written(path) as file:
            file.write(_table(results, name, tables).encode())
        click.echo(path)
    for name, draw in _figures(results, curves, style) if figures != "none" else ():
        path = folder / f"{_file_name(name)}.{figures}"
        # Without a date equal tables give equal files.
        metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(figures)
        with drawn(style), _written(path) as file:
            draw().savefig(file, format=figures, dpi=dpi, metadata=metadata)
        click.echo(path)


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is written whole, or say in one line why it cannot be."""
    from ganbench.core.errors import UsageError
    from ganbench.core.files import replaced

    try:
        with replaced(path, durable=False) as file:
            yield file
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another folder with --out") from None


def _file_name(name: str) -> str:
    """Return a name that leads to no other folder: a column is called what its metric likes."""
    return re.sub(r"[%/\\\0]", lambda found: f"%{ord(found[0]):02X}", name)


def _figures(results: Results, curves: tuple[str, ...], style: Style) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Yield each figure's name and how it is drawn."""
    from ganbench.analysis.ranking import metric_columns, order_by

    lead = order_by(results.tables.runs, metric_columns(results.tables))[:1]
    there = set(results.tables.history.columns)
    for column in curves or [name for name in (*lead, "grad_norm_g") if name in there]:
        yield f"curve_{column}", lambda column=column: results.plot.curves(column, style)
    if lead:
        yield f"map_{lead[0]}", lambda: results.plot.map(lead[0], style=style)
    if len(results.samples):
        yield "samples", lambda: results.plot.samples(style=style)


def _table(results: Results, name: str, form: str) -> str:
    """Return a table as text: CSV with every column and digit, the others with what fits a paper."""
    frames = {
        "ranking": lambda r: r.ranking(full=True),
        "runs": lambda r: r.runs,
        "verdicts": lambda r: r.verdicts().drop(columns="details"),
    }
    frame = frames[name](results)
    if form == "csv":
        from ganbench.report.downloads import to_csv

        return to_csv(frame)
    told = {column for column, declared in results.columns.items() if declared.direction}
    shown = _short(frame, name, told)
    texts = [[_number(value) for value in row] for row in shown.itertuples(index=False, name=None)]
    if form == "markdown":
        from ganbench.core.markdown import escaped, table

        heads = [escaped(str(column)) for column in shown.columns]
        return "\n".join(table(heads, [[escaped(text) for text in row] for row in texts])) + "\n"
    return _latex([str(column) for column in shown.columns], texts)


def _short(frame: pd.DataFrame, name: str, told: set[str]) -> pd.DataFrame:
    """Return what fits a page: of metrics those with a better direction, in a ranking as means with their intervals."""
    import pandas as pd

    if name == "verdicts":
        return frame.loc[:, ["run", "verdict", "cause", "evidence", "remedy"]]
    if name == "runs":
        kept = [c for c in ("dataset", "label", "seed", "status", "verdict") if c in frame]
        numbers = [str(c)[: -len("_floor")] for c in frame if str(c).endswith("_floor")]
        numbers = [number for number in numbers if number in told]
        return frame.loc[:, [*kept, *(str(c) for c in frame if str(c).startswith("param.")), *numbers]]
    columns = {"rank": frame["rank"], **{c: frame[c] for c in SHARED}}
    for metric in (str(c)[: -len("_mean")] for c in frame if str(c).endswith("_mean")):
        if metric not in told:
            continue
        mean, low, high = (frame[f"{metric}_{part}"] for part in ("mean", "low", "high"))
        columns[metric] = pd.Series(
            [f"{_number(m)} [{_number(a)}, {_number(b)}]" for m, a, b in zip(mean, low, high, strict=True)], frame.index
        )
    return pd.DataFrame(columns)


def _number(value: object) -> str:
    """Return a cell: numbers with three digits, a dash for what is missing."""
    import pandas as pd

    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _latex(heads: list[str], rows: list[list[str]]) -> str:
    """Return a LaTeX table that needs the package booktabs."""
    lines = [f"\\begin{{tabular}}{{{'l' * len(heads)}}}", "\\toprule"]
    lines += [" & ".join(map(_escaped, heads)) + " \\\\", "\\midrule"]
    lines += [" & ".join(map(_escaped, row)) + " \\\\" for row in rows]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "·": r"$\cdot$",
    "–": "--",
    "≥": r"$\geq$",
    "\n": " ",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
