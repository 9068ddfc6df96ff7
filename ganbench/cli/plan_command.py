"""`ganbench plan`: what would run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.console import table
from ganbench.cli.options import plan_of, selection

if TYPE_CHECKING:
    from ganbench.core.trial import Trial
    from ganbench.suite.plan import Plan

EPILOG = """\b
Examples:
  ganbench plan smoke                       a suite that comes with the package
  ganbench plan suites/smoke.yaml --only 'loss=hinge,tricks=none'
  ganbench plan suites/smoke.yaml --set steps=500 --set 'losses=[hinge, minimax]'
"""


@click.command("plan", epilog=EPILOG)
@selection
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(suite: Path, overrides: tuple[str, ...], only: str | None, yes: bool, as_json: bool) -> None:
    """List what SUITE would run, what it skips and why, and about how long it takes. Nothing is trained."""
    from ganbench.suite.estimate import require_feasible

    plan = plan_of(suite, overrides, only, yes)
    require_feasible(plan)
    if as_json:
        import json

        click.echo(json.dumps(_data(plan), indent=2, ensure_ascii=False))
        return
    listed = plan.trials or plan.cells
    varied = any(trial.settings for trial in listed)
    labels = [
        {
            **trial.labels,
            **({"settings": str(len(trial.settings) or 1)} if varied else {}),
            "seeds": str(len(trial.seeds)),
            "steps": str(trial.steps),
        }
        for trial in listed
    ]
    table(list(labels[0]), [list(row.values()) for row in labels])
    for reason, number in Counter(reason for _, reason in plan.skipped).items():
        click.echo(f"skipped {number}: {reason}")
    click.echo(headline(plan))


def headline(plan: Plan, jobs: int | None = None) -> str:
    """Return one line of counts and the estimated time."""
    from ganbench.suite.estimate import duration, plan_seconds

    seeds = [len(trial.lanes) for trial in plan.trials]
    search = plan.suite.search
    if search is not None and not seeds:  # trials are sampled from the cells while it runs
        seeds = [len(plan.cells[0].seeds)] * search.trials
    parts = [f"{plan.name} ({plan.run_id}): {_number(len(seeds), 'trial')}, {_number(sum(seeds), 'run')}"]
    if search is not None:
        ended = ", some of them ended early by asha" if search.scheduler == "asha" else ""
        parts.append(f"sampled by {search.searcher}{ended}")
    if plan.methods:
        settings = max(method.vary.settings for method in plan.methods)
        parts[0] += f" ({_number(len(plan.methods), 'method')} at {_number(settings, 'setting')})"
    if confirming := [method for method in plan.methods if method.confirmed]:
        trials = sum(method.confirmed for method in confirming)
        runs = sum(method.confirmed * method.vary.confirm.seeds for method in confirming if method.vary.confirm)
        parts.append(f"then {_number(trials, 'confirming trial')}, {_number(runs, 'run')}")
    if plan.skipped:
        parts.append(f"{len(plan.skipped)} skipped")
    if plan.excluded:
        parts.append(f"{plan.excluded} excluded")
    return (
        ", ".join(parts) + f"; very roughly {duration(plan_seconds(plan, jobs))} on this machine if nothing is done yet"
    )


def _settings(trial: Trial) -> dict[str, object]:
    if not trial.settings:
        return {}
    return {"method": trial.method, "settings": [{"setting": s.number, **s.values} for s in trial.settings]}


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _data(plan: Plan) -> dict[str, object]:
    from ganbench.suite.estimate import plan_seconds

    return {
        "suite": plan.name,
        "run": plan.run_id,
        "estimated_seconds": round(plan_seconds(plan)),
        "trials": [
            {"trial": t.id, **t.labels, "seeds": t.seeds, "steps": t.steps, **_settings(t)} for t in plan.trials
        ],
        **({"confirming": sum(method.confirmed for method in plan.methods)} if plan.methods else {}),
        **({"cells": [t.labels for t in plan.cells]} if plan.cells else {}),
        "skipped": [{**t.labels, "reason": reason} for t, reason in plan.skipped],
        "excluded": plan.excluded,
    }
