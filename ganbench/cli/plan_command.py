"""`ganbench plan`: what would run."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.options import plan_of, selection
from ganbench.core.naming import DEFAULT_SCHEDULE

if TYPE_CHECKING:
    from ganbench.core.trial import Trial
    from ganbench.suite.plan import Plan

WIDTH = 100  # of a pipe; a terminal has its own
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
    for line in _listed(plan.trials or plan.cells):
        click.echo(line)
    for reason, number in Counter(reason for _, reason in plan.skipped).items():
        click.echo(f"skipped {number}: {reason}")
    for line in _compiled(plan):
        click.echo(_folded(line))
    for problem in _missing(plan):
        click.echo(f"missing: {problem}")
    for line in headline(plan).split("\n"):
        click.echo(_folded(line))


def _listed(trials: Sequence[Trial]) -> Iterator[str]:
    """Yield for each data set what its trials share, then a line for each with what differs."""
    varied = any(trial.settings for trial in trials)
    rows = [
        {
            **trial.labels,
            **({"settings": "" if trial.settings else "1"} if varied else {}),  # the schedule says which
            "seeds": str(len(trial.seeds)),
            "steps": str(trial.steps),
        }
        for trial in trials
    ]
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        there = [row for row in rows if row["dataset"] == dataset]
        differ = [a for a in there[0] if a in ("loss", "tricks") or len({row[a] for row in there}) > 1]
        shared = [_said(axis, text) for axis, text in there[0].items() if axis not in ("dataset", *differ)]
        shared = [text for text in shared if text]
        yield _folded(f"{dataset}: {', '.join(shared)}")
        widths = {axis: max(len(axis), *(len(row[axis]) for row in there)) for axis in differ}
        for row in ({axis: axis for axis in differ}, *there):
            yield "  " + "  ".join(row[axis].ljust(widths[axis]) for axis in differ).rstrip()


def _folded(line: str) -> str:
    """Return a line in as many as the terminal's width takes."""
    width = max(60, shutil.get_terminal_size((WIDTH, 24)).columns)
    return textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)


def _said(axis: str, text: str) -> str:
    """Return `adam`, `8 seeds`: what a data set's trials share, in a heading; nothing for usual updates."""
    if text and axis in ("settings", "seeds", "steps"):
        return f"{text} {axis if text != '1' else axis.removesuffix('s')}"
    return "" if axis == "schedule" and text == DEFAULT_SCHEDULE else text


def _compiled(plan: Plan) -> Iterator[str]:
    """Yield which trials have compiled steps and why others have not; nothing where compiling was not asked for."""
    from ganbench.suite.compiling import eager_reasons

    if not plan.suite.resources.compile:
        return
    trials, eager = plan.trials or plan.cells, eager_reasons(plan)
    yield f"compiled steps: {len(trials) - len(eager)} of {_number(len(trials), 'trial')}"
    for reason, number in Counter(eager.values()).items():
        yield f"not compiled {number}: {reason}"


def _missing(plan: Plan) -> Iterator[str]:
    """Yield what data sets lack, each with its remedy; `run` would refuse to begin."""
    from ganbench.core.errors import UsageError, component_errors

    for dataset in {trial.dataset.label: trial.dataset.build() for trial in plan.trials or plan.cells}.values():
        try:
            with component_errors(dataset.name):
                dataset.require_files()
        except UsageError as problem:
            yield str(problem)


def headline(plan: Plan, jobs: int | None = None) -> str:
    """Return a line of counts, and one of the estimated time."""
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
    return f"{', '.join(parts)}\n{_time(plan, jobs)}"


def _time(plan: Plan, jobs: int | None) -> str:
    """Return the estimate with what it assumes: idle cores, nothing done yet, and no trial that ends early."""
    from ganbench.suite.estimate import cores, duration, plan_seconds

    used = min(cores(), (jobs or cores()) * plan.suite.resources.cpus)
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    slower = f"\nthe cores are busy now (load {busy:.1f}), so it takes longer" if busy > 0.5 * cores() else ""
    shorter = any(trial.stop or trial.search for trial in plan.trials or plan.cells)
    about = f"{'at most ' if shorter else ''}about {duration(plan_seconds(plan, jobs))}"
    return f"{about} on {_number(used, 'idle core')} if nothing is done yet{slower}"


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
        "missing": list(_missing(plan)),
        "trials": [
            {"trial": t.id, **t.labels, "seeds": t.seeds, "steps": t.steps, **_settings(t)} for t in plan.trials
        ],
        **({"confirming": sum(method.confirmed for method in plan.methods)} if plan.methods else {}),
        **({"cells": [t.labels for t in plan.cells]} if plan.cells else {}),
        "skipped": [{**t.labels, "reason": reason} for t, reason in plan.skipped],
        "excluded": plan.excluded,
    }
