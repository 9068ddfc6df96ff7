"""`ganbench compare`: two runs side by side, with the statistics of the gate and without its verdict."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.check.options import BASELINES, deciding, print_comparison, rules_of, showing, write_file

EPILOG = """\b
Examples:
  ganbench compare results/smoke/0a1b2c3d4e results/smoke
  ganbench compare smoke-linux-x86_64-cpu results/smoke --metric modes_captured --all
"""


@click.command("compare", epilog=EPILOG)
@click.argument("a")
@click.argument("b", type=click.Path(path_type=Path))
@deciding
@showing
@BASELINES
def command(
    a: str,
    b: Path,
    alpha: float,
    tolerances: tuple[str, ...],
    margins: tuple[str, ...],
    metrics: tuple[str, ...],
    form: str | None,
    everything: bool,
    junit_xml: Path | None,
    root: Path,
) -> None:
    """Compare run B with A (folders of runs or suites, or the name of a baseline for A): what is better in B, or worse.

    Suites may differ where they share trials; the versions of data sets, features and metrics may not. Exit 0
    whatever is found; `ganbench check` is the gate.
    """
    rules = rules_of(alpha, tolerances, margins, metrics)

    from ganbench.analysis.comparison_results import compare_results
    from ganbench.check import baselines, comparable, outputs
    from ganbench.tables.store import load

    old, new = baselines.find(a, root), load(b)
    comparable.require_versions(old.manifest, new.manifest, comparable.MEASURING)
    comparison = compare_results(old.results, new, rules, old.fingerprints)
    warnings = comparable.differences(old.manifest, new.manifest)
    title = f"{b} against {a}"
    if junit_xml:
        write_file(junit_xml, outputs.junit(comparison, title))
    print_comparison(comparison, title, warnings, form, everything)
