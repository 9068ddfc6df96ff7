"""`ganbench compare`: runs side by side, with the statistics of the gate and without its verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ganbench.cli.check_options import BASELINES, deciding, print_comparison, rules_of, showing, write_file

EPILOG = """\b
Examples:
  ganbench compare results/smoke/0a1b2c3d4e results/smoke
  ganbench compare results/before results/after results/other     each with the first
  ganbench compare smoke-linux-x86_64-cpu results/smoke --metric modes_captured --all
"""


@click.command("compare", epilog=EPILOG)
@click.argument("a")
@click.argument("others", metavar="B [C …]", nargs=-1, required=True, type=click.Path(path_type=Path))
@deciding
@showing
@BASELINES
def command(
    a: str,
    others: tuple[Path, ...],
    alpha: float,
    tolerances: tuple[str, ...],
    margins: tuple[str, ...],
    least: tuple[str, ...],
    metrics: tuple[str, ...],
    form: str | None,
    everything: bool,
    junit_xml: Path | None,
    root: Path,
) -> None:
    """Compare runs B, C … with A (folders of runs or suites, or a baseline's name for A): what is better, or worse.

    Each is held against A; alpha is the chance of any false alarm in all of it. Suites may differ where they share
    trials, or where every trial has its like but for a trick, a loss …; the versions of data sets, features and metrics
    may not. Exit 0 whatever is found; `ganbench check` is the gate.
    """
    rules = rules_of(alpha, tolerances, margins, metrics, least)

    from ganbench.analysis.comparison import compare
    from ganbench.analysis.comparison_results import Comparison, arms_of
    from ganbench.check import baselines, comparable, outputs
    from ganbench.tables.results import load

    old, new = baselines.find(a, root), [load(path) for path in others]
    for one in new:
        comparable.require_versions(old.manifest, one.manifest, comparable.MEASURING)
    sides, warnings = [], dict[str, None]()
    for path, one in zip(others, new, strict=True):
        side = arms_of(old.results, one, rules, old.fingerprints)
        if len(others) > 1:  # whose row it is stands before the trial
            named = tuple(replace(arm, name=f"{path.name} · {arm.name}") for arm in side.arms)
            side = replace(side, arms=named)
        sides.append(side)
        warnings.update(dict.fromkeys(comparable.differences(old.manifest, one.manifest)))
    rows = compare([arm for side in sides for arm in side.arms], rules)
    absent, incomplete = ([n for side in sides for n in getattr(side, f)] for f in ("new", "incomplete"))
    comparison = Comparison(tuple(rows), rules, tuple(absent), tuple(incomplete))
    title = f"{', '.join(map(str, others))} against {a}"
    if junit_xml:
        write_file(junit_xml, outputs.junit(comparison, title))
    print_comparison(comparison, title, list(warnings), form, everything)
