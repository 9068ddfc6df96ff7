"""Looks for cures: finds the trials that fail, trains their stars stage by stage, and judges each remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.analysis.cure_statistics import Judged, Outcome, Stage, going_on, judge, least_seeds, stages
from ganbench.analysis.verdict_rules import FAILED, HEALTHY, UNCLEAR
from ganbench.core.errors import IncompleteError, UsageError
from ganbench.core.naming import trial_id
from ganbench.core.trial import Trial
from ganbench.cures.star import Arm, LeftOut, Star, star
from ganbench.cures.suite import line_for, suite_of_trials
from ganbench.suite.plan import Plan, make_plan

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.suite.schema import Suite

Train = Callable[[Plan], Path]
Say = Callable[[str], None]
UNKNOWN = (UNCLEAR, FAILED)  # verdicts that say nothing of a run
BASE = ""


@dataclass(frozen=True)
class Remedied:
    """A remedy with what it came to.

    Attributes:
        arm: what was trained. judged: against the base. cost: in times of the base. line: for a suite.
        trials: its groups of seeds, as the run's tables name them.
    """

    arm: Arm
    judged: Judged
    cost: float
    line: str
    trials: tuple[str, ...]


@dataclass(frozen=True)
class Cure:
    """What was found for one failing trial.

    Attributes:
        base: the trial. verdicts: what its own runs have, text → how many.
        seeds: of base and remedies, none of them the trial's own. healthy: of the base, one per seed.
        remedies: the best first. left_out: what was not trained, and why. trials: of the base's groups of seeds.
        folder: of the run with all tables.
    """

    base: Trial
    verdicts: dict[str, int]
    seeds: tuple[int, ...]
    healthy: tuple[bool, ...]
    remedies: tuple[Remedied, ...]
    left_out: tuple[LeftOut, ...]
    trials: tuple[str, ...]
    folder: Path

    @property
    def best(self) -> Remedied | None:
        """Return the remedy that cures, the best of several; None where none does."""
        return next((one for one in self.remedies if one.judged.outcome == Outcome.CURES), None)


def failing(judged: pd.DataFrame) -> dict[str, dict[tuple[str, str], int]]:
    """Return the trials that fail: trial → (verdict, cause) → how many of its runs, the most frequent first.

    A trial fails where fewer than half of the runs whose verdict is known are healthy.

    Args:
        judged: the verdicts of a run, one row per run (`ganbench.analysis.verdicts`).
    """
    known = judged.loc[~judged["verdict"].isin(UNKNOWN)]
    failures: dict[str, dict[tuple[str, str], int]] = {}
    for trial, runs in known.groupby("trial", sort=False):
        pairs = [(str(v), str(c)) for v, c in zip(runs["verdict"], runs["cause"], strict=True)]
        if 2 * sum(verdict == HEALTHY for verdict, _ in pairs) < len(pairs):
            failures[str(trial)] = dict(Counter(pair for pair in pairs if pair[0] != HEALTHY).most_common())
    return failures


def require_one_setting(suite: Suite) -> None:
    """Raise where a suite's trials are not trials of one setting each.

    Raises:
        UsageError: it has `search` or `vary`.
    """
    key = "search" if suite.search is not None else "vary" if any(block.vary for block in suite.blocks) else ""
    if key:
        raise UsageError(
            f"{suite.place((key,))}: a suite with `{key}` tries many settings of a trial already, and cure looks for "
            "what cures one; take the setting that fails into a suite without it"
        )


def look_for_cures(plan: Plan, judged: pd.DataFrame, seeds: int, train: Train, say: Say) -> list[Cure]:
    """Return what cures each trial of a plan that fails.

    A group of seeds is an ordinary trial with its own key and part: what was interrupted goes on, and the next call
    trains nothing. Each stage leaves a run; the last one holds the groups of all of them.

    Args:
        plan: the trials.
        judged: their verdicts.
        seeds: of base and remedies at most; they begin after the plan's largest.
        train: trains a plan and returns its run's folder.
        say: is told how far it is.

    Raises:
        UsageError: no trial fails.
    """
    failed = failing(judged)
    stars = [star(trial, failed[trial.id]) for trial in plan.trials if trial.id in failed]
    if not stars:
        raise UsageError(f"{plan.suite.place()}: {_nothing_failed(judged)}")
    if seeds < (least := least_seeds(max(len(one.arms) for one in stars))):
        say(f"{seeds} seeds are too few to show a cure among so many remedies; {least} can (--seeds)")
    first = max(seed for trial in plan.trials for seed in trial.seeds) + 1
    numbers = tuple(range(first, first + seeds))
    contests = [_Contest(one, numbers) for one in stars]
    seen = 0
    for stage in stages(seeds):
        group = numbers[seen : stage.seeds]
        trials = [trial for contest in contests for trial in contest.trials(group)]
        if not trials:
            break
        say(f"seeds {group[0]} to {group[-1]}: {len(trials)} trials, bases included")
        _train(plan.suite, trials, train, contests, group)
        for contest in contests:
            contest.close(stage)
        seen = stage.seeds
    folder = train(_plan(plan.suite, [trial for contest in contests for trial in contest.trained]))
    return [contest.cure(plan.suite, folder) for contest in contests]


def _plan(suite: Suite, trials: Sequence[Trial]) -> Plan:
    return make_plan(suite_of_trials(suite, trials), cap=None)


def _train(
    suite: Suite, trials: Sequence[Trial], train: Train, contests: Sequence[_Contest], group: tuple[int, ...]
) -> None:
    """Train a group of seeds and hand each run's health on."""
    from ganbench.analysis.verdicts import verdicts
    from ganbench.tables.results import load

    table = verdicts(load(train(_plan(suite, trials))))
    health: dict[str, list[bool]] = {}
    for trial, verdict in zip(table["trial"].astype(str), table["verdict"].astype(str), strict=True):
        health.setdefault(trial, [])
        if verdict != FAILED:
            health[trial].append(verdict == HEALTHY)
    for contest in contests:
        contest.take(health, group)


def _nothing_failed(judged: pd.DataFrame) -> str:
    trials = judged["trial"].nunique()
    if set(judged["verdict"]) <= {*UNKNOWN}:
        return f"no run of its {trials} trials has a verdict ({judged['remedy'].tolist()[0]})"
    return f"no trial fails: more than half of the runs of each of its {trials} trials are healthy; nothing to cure"


@dataclass
class _Contest:
    """One star while its seeds come in.

    Attributes:
        active: the remedies that get more seeds. health: remedy → each seed's health so far; the base's is `BASE`.
        trained: every group of seeds. groups: remedy → its groups' names.
    """

    star: Star
    seeds: tuple[int, ...]
    active: list[str] = field(default_factory=list)
    health: dict[str, list[bool]] = field(default_factory=dict)
    trained: list[Trial] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.active = [arm.name for arm in self.star.arms]
        self.health = {name: [] for name in (BASE, *self.active)}
        self.groups = {name: [] for name in self.health}

    def trials(self, group: tuple[int, ...]) -> list[Trial]:
        """Return the next group of seeds of the base and of what is active."""
        return list(self._named(group).values()) if self.active else []

    def _named(self, group: tuple[int, ...]) -> dict[str, Trial]:
        trials = {BASE: self.star.base} | {arm.name: arm.trial for arm in self.star.arms if arm.name in self.active}
        return {name: replace(trial, seeds=group) for name, trial in trials.items()}

    def take(self, health: Mapping[str, Sequence[bool]], group: tuple[int, ...]) -> None:
        """Add a group of seeds; a remedy without results gets no more.

        Raises:
            IncompleteError: the base has no results.
        """
        if not self.active:
            return
        for name, trial in self._named(group).items():
            key = trial_id(trial.key)
            if len(health.get(key, ())) == len(group):
                self.health[name] += health[key]
                self.trained.append(trial)
                self.groups[name].append(key)
            elif name == BASE:
                raise IncompleteError(f"{trial.name}: has no results on seeds {group[0]} to {group[-1]}; run it again")
            else:
                self.active.remove(name)
                self.health[name] = []

    def close(self, stage: Stage) -> None:
        """Stop the remedies that are clearly behind."""
        self.active = going_on(self.health[BASE], {name: self.health[name] for name in self.active}, stage)

    def cure(self, suite: Suite, folder: Path) -> Cure:
        """Return what was found."""
        base = self.star.base
        arms = {arm.name: arm for arm in self.star.arms}
        judged = judge(self.health[BASE], {name: self.health[name] for name in arms}, len(self.seeds))
        remedies = [
            Remedied(arm, judged[name], arm.cost(base), line_for(suite, arm.trial), tuple(self.groups[name]))
            for name, arm in arms.items()
        ]
        remedies.sort(key=_order)
        texts = {f"{verdict} ({cause})" if cause else verdict: n for (verdict, cause), n in self.star.verdicts.items()}
        return Cure(
            base,
            texts,
            self.seeds[: len(self.health[BASE])],
            tuple(self.health[BASE]),
            tuple(remedies),
            self.star.left_out,
            tuple(self.groups[BASE]),
            folder,
        )


def _order(one: Remedied) -> tuple[int, float, float]:
    """Return what to sort by: the outcome, the share of healthy seeds, the cost."""
    judged = one.judged
    return list(Outcome).index(judged.outcome), -judged.healthy / max(1, judged.seeds), one.cost
