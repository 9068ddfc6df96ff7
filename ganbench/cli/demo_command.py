"""`ganbench demo`: from nothing to a page with a story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.options import REPORT, RESULTS, announce, plan_of, writable
from ganbench.cli.shipped import suite_names
from ganbench.core.extras import require

if TYPE_CHECKING:
    from ganbench.loaded import Results

EPILOG = """\b
Examples:
  ganbench demo
  ganbench demo --report /tmp/pages
\b
On the page, drag the slider under a trial's samples to see them over training.
`ganbench run demo` trains the same suite side by side; `ganbench init` writes one of
your own.
"""


@click.command("demo", epilog=EPILOG)
@RESULTS
@REPORT
def command(results: Path, report: Path) -> int:
    """Train a ring that loses its modes and the same ring with a cure, and make the page that shows both."""
    require("jinja2")
    writable(report)
    plan = plan_of(suite_names()["demo"], (), None, yes=False)  # whatever lies in this folder under that name
    from ganbench.cli.plan_command import headline
    from ganbench.sweep.run import run_plan

    click.echo(headline(plan, jobs=1))
    outcome = run_plan(plan, results, executor="local")
    outcome.require_uninterrupted()
    from ganbench.loaded import load
    from ganbench.report.page import write_report

    click.echo("")
    for line in _story(load(outcome.folder)):
        click.echo(line)
    click.echo("")
    announce(write_report(outcome.folder, report / f"{plan.name}.html"))
    return outcome.exit_code


def _story(results: Results) -> Iterator[str]:
    """Yield a paragraph per trial, the worst first: how many modes it has, what went wrong, what to try."""
    import numpy as np

    from ganbench.analysis.verdict_rules import HEALTHY

    evidence = results.verdicts().set_index("run")
    of_labels = {str(label): runs for label, runs in results.runs.groupby("label", sort=False)}
    for label in sorted(
        of_labels, key=lambda name: np.nanmean(of_labels[name]["modes_captured"].to_numpy(dtype=np.float64))
    ):
        runs = of_labels[label]
        modes = [f"{count:.0f}" for count in runs["modes_captured"].dropna()]
        known = f"{runs['known_modes'].max():.0f}"
        seeds = ", ".join(map(str, runs["seed"]))
        ended = "".join(f" It was ended at step {step:,.0f}." for step in runs["stopped_at"].dropna().unique())
        yield f"{label}: {', '.join(modes)} of {known} modes at the end, with seeds {seeds}.{ended}"
        (verdict, number), *_ = Counter(runs["verdict"]).most_common(1)
        first = evidence.loc[runs.loc[runs["verdict"] == verdict, "run"].iloc[0]]
        yield (
            f"  {verdict} in {number} of {len(runs)} seeds: {first['evidence']}"
            if first["evidence"]
            else f"  {verdict}"
        )
        if verdict != HEALTHY and first["remedy"]:
            yield f"  try: {first['remedy']}"
