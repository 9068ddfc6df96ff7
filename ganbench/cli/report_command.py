"""`ganbench report`: pages from tables that exist."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import writable

EPILOG = """\b
Examples:
  ganbench report results/smoke                 the newest run of a suite
  ganbench report results/smoke/0a1b2c3d4e --report pages
"""


@click.command("report", epilog=EPILOG)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--report", default="report", show_default=True, type=click.Path(path_type=Path), help="Folder of pages.")
def command(runs: tuple[Path, ...], report: Path) -> None:
    """Write the page of each of RUNS (a run's folder, or a suite's for its newest run) to REPORT/<suite>.html."""
    folders = [run_folder(run) for run in runs]
    writable(report)
    suites = [folder.resolve().parent.name for folder in folders]
    from ganbench.report.page import write_report

    for folder, suite in zip(folders, suites, strict=True):
        # Two runs of one suite need a page each.
        name = suite if suites.count(suite) == 1 else f"{suite}-{folder.resolve().name}"
        click.echo(f"report  {write_report(folder, report / f'{name}.html')}")


def run_folder(path: Path) -> Path:
    """Return the folder of a run: the given one, or the newest in a suite's folder."""
    from ganbench.core.errors import UsageError

    if (path / "runs.parquet").is_file():
        return path
    try:
        inside = [table.parent for table in path.glob("*/runs.parquet") if table.parent.name != "parts"]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give a run's folder") from None
    if not inside:
        problem = "holds no run (no runs.parquet)" if path.is_dir() else "is not a folder"
        raise UsageError(
            f"{path}: {problem}; give a run's folder, results/<suite>/<run>, or a suite's, results/<suite>"
        )
    return max(inside, key=lambda folder: (folder / "runs.parquet").stat().st_mtime)
