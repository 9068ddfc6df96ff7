"""Cures of the planted failures; writes results/baselines/cures.csv.

`python tests/verify/cures_table.py FOLDER [SCENARIO …]` keeps its runs in FOLDER and goes on where it was; on one core
it takes about an hour. Of each planted failure: four seeds for its verdict, sixteen that choose the best remedy (as
`ganbench cure` does), and sixteen fresh ones that chose nothing, on which that remedy and the trial itself
are counted. A remedy holds where at least 90 % of the fresh seeds are healthy. Seeds begin at 3000: those below 2000
made the thresholds of the verdicts, and those from 2000 on their committed table.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from pathlib import Path

from ganbench.analysis.cure_statistics import AIM, mcnemar
from ganbench.analysis.verdicts import verdicts
from ganbench.check.planted import HEALTHY, planted_in
from ganbench.core.naming import run_id
from ganbench.cures.run import Settings, cures_of_plan
from ganbench.cures.search import failing
from ganbench.cures.suite import suite_of_trials
from ganbench.suite.estimate import trial_seconds
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from ganbench.tables.results import load
from tests.helpers import ROOT

SUITE = ROOT / "suites/planted_failures.yaml"
TABLE = ROOT / "results/baselines/cures.csv"
FIRST, TOLD, CHOSEN, FRESH = 3000, 4, 16, 16
COLUMNS = (
    *("scenario", "verdict", "remedy", "chosen_healthy", "chosen_seeds", "healthy", "base_healthy", "seeds", "p"),
    *("holds", "remedies"),
)


def scenarios():
    """Return scenario → the plan of it alone, the cheapest first; those that are planted to fail."""
    suite = read_suite(SUITE, [f"seeds={list(range(FIRST, FIRST + TOLD))}"])
    plan = make_plan(suite)
    named = dict(zip((one.scenario for one in planted_in(SUITE)), plan.trials, strict=True))
    planted = [one.scenario for one in planted_in(SUITE) if one.verdict != HEALTHY]
    return {
        name: replace(plan, trials=(named[name],), run_id=run_id([named[name].key]))
        for name in sorted(planted, key=lambda name: trial_seconds(named[name]))
    }


def health(folder, trial):
    """Return whether each seed of a trial is healthy."""
    table = verdicts(load(folder))
    return [verdict == HEALTHY for verdict in table.loc[table["trial"] == trial.id, "verdict"]]


def row_of(scenario, plan, settings):
    """Return a scenario's row; None where the trial does not fail."""
    results = load(settings.train(plan))
    judged = verdicts(results)
    if not failing(judged):
        return None
    (cure,) = cures_of_plan(plan, results, CHOSEN, settings)
    verdict, counts = next(iter(cure.verdicts)), [len(cure.remedies)]
    best = max(cure.remedies, key=lambda one: one.judged.healthy / max(1, one.judged.seeds))  # of equals the first
    chosen = (best.judged.healthy, best.judged.seeds)
    if not best.judged.healthy:
        return (scenario, verdict, "none", *chosen, "", "", "", "", False, *counts)
    last = FIRST + TOLD + CHOSEN
    fresh = [replace(one, seeds=tuple(range(last, last + FRESH))) for one in (cure.base, best.arm.trial)]
    folder = settings.train(make_plan(suite_of_trials(plan.suite, fresh)))
    base, arm = (health(folder, trial) for trial in fresh)
    holds = sum(arm) >= AIM * FRESH
    p = float(f"{mcnemar(base, arm):.3g}")
    return (scenario, verdict, best.arm.title, *chosen, sum(arm), sum(base), FRESH, p, holds, *counts)


def main(folder: Path, wanted: list[str]) -> None:
    """Write the rows of the scenarios that were asked for, or of all, into the table; others stay as they are."""
    settings = Settings(folder, "local", say=print)
    rows = {}
    if TABLE.exists():
        with TABLE.open(encoding="utf-8", newline="") as file:
            rows = {row["scenario"]: tuple(row[name] for name in COLUMNS) for row in csv.DictReader(file)}
    for scenario, plan in scenarios().items():
        if wanted and scenario not in wanted:
            continue
        if row := row_of(scenario, plan, settings):
            rows[scenario] = row
            print(*row, flush=True)
            with TABLE.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerows([COLUMNS, *rows.values()])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
