"""`ganbench compare`: runs side by side, with the statistics of the gate and without its verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.check_options import BASELINES, Output, deciding, showing
from ganbench.cli.paths import PATH

if TYPE_CHECKING:
    from ganbench.analysis.comparison_rules import Rules

EPILOG = """\b
Examples:
  ganbench compare results/smoke/0a1b2c3d4e results/smoke
  ganbench compare results/before results/after results/other     each with the first
  ganbench compare smoke-linux-x86_64-cpu results/smoke --metric modes_captured --all
"""


@click.command("compare", epilog=EPILOG)
@click.argument("a")
@click.argument("others", metavar="B [C …]", nargs=-1, required=True, type=PATH)
@deciding
@showing
@BASELINES
def command(a: str, others: tuple[Path, ...], rules: Rules, output: Output, root: Path) -> None:
    """Compare runs B, C … with A (folders of runs or suites, or a baseline's name for A): what is better, or worse.

    Each is held against A; alpha is the chance of any false alarm in all of it. Suites may differ where they share
    trials, or where every trial has its like but for a trick, a loss …; the versions of data sets, extractors and
    metrics may not. Exit 0 whatever is found; `ganbench check` is the gate.
    """
    from ganbench.analysis.comparison import compare
    from ganbench.analysis.comparison_results import Comparison, arms_of
    from ganbench.check import baselines, comparable
    from ganbench.check.differences import Side, differences
    from ganbench.tables.results import load

    old, new = baselines.find(a, root), [load(path) for path in others]
    for one in new:
        comparable.require_versions(old.manifest, one.manifest, comparable.MEASURING)
    sides, differs = [], []
    for path, one in zip(others, new, strict=True):
        side, changed = (
            arms_of(old.results, one, rules, old.fingerprints),
            differences(Side.of(old.results), Side.of(one)),
        )
        if len(others) > 1:  # whose row it is stands before the trial
            named = tuple(replace(arm, name=f"{path.name} · {arm.name}") for arm in side.arms)
            side = replace(side, arms=named)
            changed = [replace(one, name=f"{path.name} · {one.name}") for one in changed]
        sides.append(side)
        differs += changed
    rows = compare([arm for side in sides for arm in side.arms], rules)
    absent, incomplete = ([n for side in sides for n in getattr(side, f)] for f in ("new", "incomplete"))
    comparison = Comparison(tuple(rows), rules, tuple(absent), tuple(incomplete))
    output.show(comparison, f"{', '.join(map(str, others))} against {a}", differs)
