"""Seeds of a suite are trained in groups, each only for what is still undecided (`ganbench check --sequential`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core.errors import UsageError

if TYPE_CHECKING:
    from ganbench.analysis.comparison_results import Comparison
    from ganbench.analysis.comparison_rows import Arms
    from ganbench.analysis.comparison_rules import Rules
    from ganbench.analysis.sequential import Look
    from ganbench.check.baselines import Baseline
    from ganbench.core.trial import Trial
    from ganbench.suite.plan import Plan
    from ganbench.tables.results import Results


def check_sequentially(plan: Plan, old: Baseline, rules: Rules, train: Callable[[Plan], Path]) -> Comparison:
    """Train and judge a plan look by look (`analysis/sequential.py`); every trial needs the same seeds.

    A group of seeds is an ordinary trial with its own key and part, so that an interrupted check goes on, and the
    next one of an equal suite trains nothing. Each look leaves a run; the last one holds the groups of all of them.

    Args:
        plan: with all the seeds that may be trained.
        old: what it is held against.
        rules: limits and error rates.
        train: trains a plan and returns its run's folder.

    Raises:
        UsageError: the trials have different seeds, there are none, or they have settings.
    """
    from ganbench.analysis.comparison import compare
    from ganbench.analysis.comparison_results import Comparison
    from ganbench.analysis.sequential import compare_sequentially, looks

    if any(trial.settings for trial in plan.trials):
        raise UsageError(f"{plan.suite.place()}: --sequential takes no suite with `vary`; check it without")
    seeds = {trial.seeds for trial in plan.trials}
    if len(seeds) != 1:
        raise UsageError(f"{plan.suite.place()}: --sequential needs the same seeds in every trial; give them once")
    schedule = looks(min(Counter(old.results.runs["trial"].tolist()).values()), len(next(iter(seeds))), rules.alpha)
    groups = _Groups(plan, old, rules, train)
    trials = [trial.id for trial in plan.trials]
    decided = compare_sequentially(trials, groups.draw, schedule, rules)
    absent = compare(groups.absent, rules)
    groups.merge()
    return Comparison((*decided.rows, *absent), rules, groups.new, groups.incomplete, decided.seeds)


class _Groups:
    """The groups of seeds that have been trained so far."""

    def __init__(self, plan: Plan, old: Baseline, rules: Rules, train: Callable[[Plan], Path]) -> None:
        from ganbench.analysis.comparison_identity import run_fingerprints

        self.plan, self.old, self.rules, self.train = plan, old, rules, train
        self.trials = {trial.id: trial for trial in plan.trials}
        self.known = run_fingerprints(old.results) if old.fingerprints is None else old.runs
        self.parts: list[Results] = []
        self.trained: dict[str, list[Trial]] = {key: [] for key in self.trials}
        self.changed: set[str] = set()
        self.seen = 0
        self.new: tuple[str, ...] = ()
        self.incomplete: tuple[str, ...] = ()
        self.absent: list[Arms] = []

    def draw(self, trials: Sequence[str], look: Look) -> list[Arms]:
        """Train these trials' next group of seeds and return the arms of all their seeds so far."""
        import pandas as pd

        from ganbench.analysis.comparison_results import arms_of

        self.parts.append(self._group([self.trials[one] for one in trials], look))
        now = replace(self.parts[0], runs=pd.concat([part.runs for part in self.parts], ignore_index=True))
        sides = arms_of(self.old.results, now, self.rules, {}, partial=True)
        self.new, self.incomplete = sides.new, sides.incomplete
        self.absent = [arm for arm in sides.arms if arm.trial not in self.trials]
        same = set(trials) - self.changed
        return [
            replace(arm, missing="", identical=True) if arm.trial in same else arm
            for arm in sides.arms
            if arm.trial in trials
        ]

    def merge(self) -> None:
        """Merge all groups into one run, the newest of the suite; their parts are there, so nothing is trained."""
        from ganbench.core.naming import run_id

        groups = [group for groups in self.trained.values() for group in groups]
        if len(self.parts) > 1:
            self.train(replace(self.plan, trials=tuple(groups), run_id=run_id(trial.key for trial in groups)))

    def _group(self, trials: Sequence[Trial], look: Look) -> Results:
        """Return the tables of the seeds between the last look and this one, under the keys of the whole trials."""
        from ganbench.analysis.comparison_identity import run_fingerprints
        from ganbench.core.naming import run_id
        from ganbench.tables.results import load

        part = [replace(trial, seeds=trial.seeds[self.seen : look.seeds]) for trial in trials]
        self.seen = look.seeds
        results = load(self.train(replace(self.plan, trials=tuple(part), run_id=run_id(trial.key for trial in part))))
        whole = {mine.id: trial.id for mine, trial in zip(part, trials, strict=True)}
        for mine in part:
            self.trained[whole[mine.id]].append(mine)
        prints = run_fingerprints(results)
        columns = [results.runs[name].astype(str).tolist() for name in ("run", "trial", "seed")]
        for run, trial, seed in zip(*columns, strict=True):
            if prints[run] != self.known.get(f"{whole[trial]}-{seed}", ""):
                self.changed.add(whole[trial])
        return replace(results, runs=results.runs.assign(trial=[whole[trial] for trial in columns[1]]))
