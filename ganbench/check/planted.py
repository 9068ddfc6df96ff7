"""What `ganbench verify-verdicts` does: suites with their expected verdicts, trained through the sweep, as a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ganbench.core.errors import UsageError, unknown
from ganbench.core.given_files import read_given
from ganbench.core.markdown import escaped, table

if TYPE_CHECKING:
    from ganbench.analysis.verdict_confusion import Confusion, Line, Planted
    from ganbench.sweep.executors import ExecutorName
    from ganbench.tables.results import Results

HEADS = ("scenario", "expected", "right", "95 %", "got")
HEALTHY = "healthy"
MOST_BYTES = 2**20
MODES = ("modes_captured", "modes_hit", "hq_fraction", "mode_kl", "spread_ratio", "mode_set")


class Request(NamedTuple):
    """Which suites, and seeds from `first_seed` on: `seeds` a scenario, `factor` times as many for healthy ones.

    With `hide_modes` runs are judged as if the modes of their data were not known.
    """

    suites: tuple[Path, ...]
    seeds: int
    factor: int
    first_seed: int
    hide_modes: bool = False

    @property
    def command(self) -> str:
        """Return the command that makes the same table."""
        suites = " ".join(str(suite) for suite in self.suites)
        return (
            f"ganbench verify-verdicts {suites} --seeds {self.seeds} --healthy {self.factor} "
            f"--first-seed {self.first_seed}{' --hide-modes' if self.hide_modes else ''}"
        )


def run(request: Request, results: Path, executor: ExecutorName, jobs: int | None) -> tuple[Confusion | None, int]:
    """Train what is missing and return the table, or None with an exit code where results are missing."""
    from ganbench.analysis.verdict_confusion import Confusion, confusion
    from ganbench.analysis.verdicts import verdicts
    from ganbench.sweep.run import run_plan
    from ganbench.tables.results import load

    lines: list[Line] = []
    read = [(plan_of(suite, request), planted_in(suite)) for suite in request.suites]
    for plan, planted in read:
        outcome = run_plan(plan, results, executor=executor, jobs=jobs)
        outcome.require_uninterrupted()
        if outcome.exit_code:
            return None, outcome.exit_code
        trials = [trial.id for trial in plan.trials]
        tables = load(outcome.folder)
        if request.hide_modes:
            tables = without_modes(tables)
        lines += confusion(verdicts(tables), trials, planted).lines
    return Confusion(tuple(lines)), 0


def without_modes(results: Results) -> Results:
    """Return results as data of unknown modes would have them."""
    hidden = [name for name in MODES if name in results.history]
    runs = results.runs.assign(known_modes=0.0)
    return replace(results, runs=runs, history=results.history.drop(columns=hidden))


def planted_in(suite: Path) -> list[Planted]:
    """Return the scenarios of a suite, in the order of its trials.

    Raises:
        UsageError: the file is not there, lacks a column, or names a verdict that no run gets.
    """
    if suite.is_dir():
        raise UsageError(f"{suite}: is a folder; name a suite, which has a file .csv beside it")
    path = suite.with_suffix(".csv")
    try:
        lines = read_given(path, MOST_BYTES).decode().splitlines()
        return [_scenario(row, f"{path}: scenario {n}") for n, row in enumerate(csv.DictReader(lines), 1)]
    except csv.Error as error:
        raise UsageError(f"{path}: {error}; it has a scenario a line") from None
    except ValueError:
        raise UsageError(f"{path}: is no UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; it says which verdict each trial of {suite} should get") from None
    except KeyError as error:
        raise UsageError(f"{path}: no column {error}; it has scenario, verdict, cause") from None


def _scenario(row: Mapping[str, str | None], place: str) -> Planted:
    """Return a line's scenario; hours would be trained for a verdict that is misspelt, and then be called wrong."""
    from ganbench.analysis.verdict_confusion import NOT, Planted
    from ganbench.analysis.verdict_rules import FAILED, LOW_QUALITY, RULES, UNCLEAR

    scenario, verdict, cause = (row[name] or "" for name in ("scenario", "verdict", "cause"))
    known = {rule.verdict for rule in RULES} | {FAILED, LOW_QUALITY, UNCLEAR}
    if (named := verdict.removeprefix(NOT)) not in known:
        raise UsageError(f"{place}: {unknown('verdict', named, known)}")
    return Planted(scenario, verdict, cause)


def plan_of(suite: Path, request: Request):  # noqa: ANN201 - a Plan, whose module is loaded only here
    """Return a suite's plan with the seeds that were asked for.

    Raises:
        UsageError: the suite does not have as many trials as scenarios.
    """
    from ganbench.suite.plan import make_plan
    from ganbench.suite.schema import read_suite

    planted, read = planted_in(suite), read_suite(suite)
    trials = len(make_plan(read).trials)
    if trials != len(planted):
        raise UsageError(
            f"{suite}: {trials} trials and {len(planted)} scenarios in {suite.with_suffix('.csv')}; "
            "they have the same order"
        )
    overrides, at = [f"seeds={_seeds(request, 1)}"], 0
    for i, block in enumerate(read.blocks[len(read.blocks) - len(read.include) :]):
        if {one.verdict for one in planted[at : at + block.cells]} == {HEALTHY}:
            overrides.append(f"include.{i}.seeds={_seeds(request, request.factor)}")
        at += block.cells
    return make_plan(read_suite(suite, overrides))


def _seeds(request: Request, factor: int) -> list[int]:
    return list(range(request.first_seed, request.first_seed + request.seeds * factor))


def as_text(held: Confusion, request: Request) -> str:
    """Return the table for a terminal."""
    cells = [HEADS, *_rows(held)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEADS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([*lines, "", *_summary(held, request)])


def as_markdown(held: Confusion, request: Request) -> str:
    """Return a page with the table and the command that makes it."""
    rows = [[escaped(cell) for cell in row] for row in _rows(held)]
    summary = [f"- {line}" for line in _summary(held, request)]
    head = ["# Verdicts on planted failures", "", *summary, "", "```", request.command, "```", ""]
    return "\n".join([*head, *table(HEADS, rows)]) + "\n"


def as_data(held: Confusion, request: Request) -> str:
    """Return the table as JSON, with a fingerprint of the rules that it holds for."""
    from ganbench.analysis.verdict_confusion import rules_print

    lines = [
        {**line.planted._asdict(), "runs": line.runs, "right": line.right, "low": line.low, "high": line.high}
        | {"got": line.got}
        for line in held.lines
    ]
    totals = {
        "runs": held.runs,
        "right": held.right,
        "healthy": held.healthy,
        "alarms": held.alarms,
    }
    head = {"command": request.command, "first_seed": request.first_seed, "rules": rules_print()}
    return json.dumps({**head, **totals, "scenarios": lines}, indent=2, ensure_ascii=False) + "\n"


def _rows(held: Confusion) -> Iterator[tuple[str, ...]]:
    for line in held.lines:
        one = line.planted
        expected = f"{one.verdict}, {one.cause}" if one.cause else one.verdict
        got = "; ".join(f"{count} {verdict}" for verdict, count in line.got.items())
        yield one.scenario, expected, f"{line.right}/{line.runs}", f"{line.low:.2f}–{line.high:.2f}", got


def _summary(held: Confusion, request: Request) -> list[str]:
    from ganbench.analysis.statistics import clopper_pearson
    from ganbench.analysis.verdict_confusion import FALSE_ALARMS, RIGHT

    right = clopper_pearson(held.right, held.runs)
    last = request.first_seed + request.seeds - 1
    lines = [
        f"right: {held.right} of {held.runs}, {_share(held.right, held.runs)} "
        f"(95 %: {right.low:.1%} to {right.high:.1%}; at least {RIGHT:.0%} is asked for)"
    ]
    seeds = f"seeds {request.first_seed} to {last}"
    if held.healthy:
        alarms = clopper_pearson(held.alarms, held.healthy)
        lines.append(
            f"healthy runs called a failure: {held.alarms} of {held.healthy}, {_share(held.alarms, held.healthy)} "
            f"(95 %: {alarms.low:.1%} to {alarms.high:.1%}; at most {FALSE_ALARMS:.0%} is allowed)"
        )
        seeds += f", healthy scenarios to {last + request.seeds * (request.factor - 1)}"
    return [*lines, f"{seeds}; scenarios and thresholds were chosen on seeds below 2000"]


def _share(hits: int, n: int) -> str:
    return f"{hits / n:.1%}" if n else "none"
