"""From a suite to its trials: expands its matrices and sets combinations without meaning aside, with their reasons."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from ganbench.core.errors import UsageError, component_errors
from ganbench.core.naming import run_id
from ganbench.core.trial import Choice, Trial
from ganbench.suite.choices import AXIS_KEYS
from ganbench.suite.filters import fits, instead, matcher, texts
from ganbench.suite.methods import Method, address_error, method_trials, placed
from ganbench.suite.schema import EVALUATIONS, Block, Suite
from ganbench.suite.space import Sampler, Search, column_direction, direction
from ganbench.suite.space_checks import space_error, text_of
from ganbench.suite.vary import Vary, settings_of
from ganbench.suite.yaml import Keys, shorten

MAX_TRIALS = 10_000


@dataclass(frozen=True)
class Plan:
    """What a suite comes to.

    Attributes:
        trials: in the suite's order, each once.
        skipped: combinations without meaning, each with its reason. excluded: how many cells `exclude` took out.
        run_id: ten hex digits of the hash of the trials' keys: the same set of trials is the same run.
        cells: of a search, the trials that its numbers are put into. One that learns as it goes has no `trials` yet.
        methods: what `vary` makes settings of; where it confirms, more trials follow once these are done.
    """

    suite: Suite
    trials: tuple[Trial, ...]
    skipped: tuple[tuple[Trial, str], ...]
    excluded: int
    run_id: str
    cells: tuple[Trial, ...] = ()
    methods: tuple[Method, ...] = ()

    @property
    def name(self) -> str:
        """Return the suite's name."""
        return self.suite.name

    def __repr__(self) -> str:
        """Return one line; a plan of hundreds of trials in full would fill a notebook."""
        return f"<Plan of {self.name} ({self.run_id}): {len(self.trials)} .trials, {len(self.skipped)} .skipped>"


def make_plan(suite: Suite, only: str | None = None, *, cap: int | None = MAX_TRIALS) -> Plan:
    """Expand a suite.

    Args:
        suite: what `read_suite` returned.
        only: a filter such as `"loss=hinge,*"`; see `matcher`.
        cap: refuse suites of more cells, before expanding them; None for no limit.

    Raises:
        UsageError: too many cells, a wrong filter, an exclusion that fits nothing, or nothing left to run.
    """
    is_wanted = matcher(only)
    _require_few(suite, cap)
    _check_vary(suite)
    cells, excluded = _not_excluded(suite)
    wanted = [(vary, trial) for vary, trial in cells if is_wanted(trial)]
    trials: list[Trial] = []
    skipped: list[tuple[Trial, str]] = []
    methods: list[Method] = []
    for vary, trial in wanted:
        if reason := incompatibility(trial):
            skipped.append((trial, reason))
        elif vary is None:
            trials.append(trial)
        else:
            method, without_meaning = _varied(vary, trial)
            methods.append(method)
            trials += method.trials
            skipped += without_meaning
    if only is not None and cells and not wanted:
        place = f"{suite.place()}: nothing to run ({len(cells)} not matched by --only {shorten(only)!r})"
        raise UsageError(f"{place}; change it, {instead(only, [trial for _, trial in cells])}")
    if not trials:
        raise UsageError(_nothing(suite, excluded, len(cells) - len(wanted), only, skipped))
    if suite.search is not None:
        return _searched(suite, suite.search, trials, skipped, excluded)
    names = [*(trial.key for trial in trials), *(method.identity for method in methods if method.identity)]
    return Plan(suite, tuple(trials), tuple(skipped), excluded, run_id(names), methods=tuple(methods))


def _require_few(suite: Suite, cap: int | None) -> None:
    cells = count(suite)
    if cap is not None and cells > cap:
        raise UsageError(
            f"{suite.place()}: {cells} trials, more than {cap}; shorten an axis, or pass --yes if you mean it"
        )


def _check_vary(suite: Suite) -> None:
    """Check the numbers that vary on all cells that meet them.

    Raises:
        UsageError: a number is none of any method or beyond its limits, or the metric is none of the suite's.
    """
    met: list[tuple[Keys, Vary, list[Trial]]] = []
    for place, block in suite.placed_blocks:
        if block.vary is None:
            continue
        cells = list(trials_of(block))
        same = next((others for _, vary, others in met if vary == block.vary), None)
        if same is None:
            met.append((place, block.vary, cells))
        else:
            same += cells
    for place, vary, cells in met:
        _check_numbers(suite, (*place, "vary"), vary, cells)


def _check_numbers(suite: Suite, place: Keys, vary: Vary, cells: list[Trial]) -> None:
    """Check the numbers and the metric of one `vary`, which stands at that place, on the cells that meet it."""
    for address in vary.space:
        if problem := address_error(vary, cells, address):
            raise UsageError(f"{suite.place((*place, 'space', address))}: {problem}")
    if vary.metric is not None:
        try:
            column_direction(vary.metric, cells[0].metrics, remedy="; choose one that is")
        except ValueError as error:
            raise UsageError(f"{suite.place((*place, 'metric'))}: {error}") from None


def _not_excluded(suite: Suite) -> tuple[list[tuple[Vary | None, Trial]], int]:
    """Return each cell's trial with what it varies, once, the last axis fastest, and how many others are excluded."""
    cells: dict[str, tuple[Vary | None, Trial]] = {}
    for block in suite.blocks:
        for trial in trials_of(block):
            cells.setdefault(repr(trial), (block.vary, trial))  # a trial's hash leaves the parameters out
    kept, used = [], set[int]()
    for vary, trial in cells.values():
        axes = texts(trial) if suite.exclude else {}
        hits = {i for i, pattern in enumerate(suite.exclude) if fits(axes, pattern.axes)}
        used |= hits
        if not hits:
            kept.append((vary, trial))
    for i in range(len(suite.exclude)):
        if i not in used:
            raise UsageError(f"{suite.place(('exclude', i))}: this exclusion fits no trial; correct it or remove it")
    return kept, len(cells) - len(kept)


def _varied(vary: Vary, cell: Trial) -> tuple[Method, list[tuple[Trial, str]]]:
    """Return a cell's method, and its settings without meaning."""
    kept: list[tuple[int, dict[str, object]]] = []
    skipped: list[tuple[Trial, str]] = []
    for number, values in enumerate(settings_of(vary)):
        try:
            trial = placed(cell, values)
        except PydanticCustomError as error:  # numbers that are right each by itself, and not together
            skipped.append((cell, text_of(error)))
            continue
        if reason := incompatibility(trial):
            skipped.append((trial, reason))
        else:
            kept.append((number, values))
    return Method(cell, vary, tuple(method_trials(cell, vary, kept))), skipped


def _searched(
    suite: Suite, search: Search, cells: list[Trial], skipped: list[tuple[Trial, str]], excluded: int
) -> Plan:
    """Return the plan of a search over these cells.

    Raises:
        UsageError: the space, the metric or the suite around it is wrong.
    """
    if suite.include:
        raise UsageError(
            f"{suite.place(('include',))}: a search has one matrix; put the blocks into suites of their own"
        )
    try:
        direction(search, cells[0].metrics if cells else ())
    except ValueError as error:
        raise UsageError(f"{suite.place(('search', 'metric'))}: {error}") from None
    for path in search.space:
        if problem := space_error(search, cells, path):
            raise UsageError(f"{suite.place(('search', 'space', path))}: {problem}")
    sampler = Sampler(search, tuple(cells))
    if search.adaptive:
        return Plan(suite, (), tuple(skipped), excluded, sampler.name, sampler.cells)
    try:
        drawn = [(trial, incompatibility(trial)) for trial in sampler.draws()]
    except PydanticCustomError as error:  # numbers that are right each by itself, and not together
        raise UsageError(f"{suite.place(('search', 'space'))}: a draw has no meaning ({text_of(error)})") from None
    trials = [trial for trial, reason in drawn if reason is None]
    skipped = [*skipped, *((trial, reason) for trial, reason in drawn if reason is not None)]
    if not trials:
        raise UsageError(_nothing(suite, excluded, 0, None, skipped))
    return Plan(suite, tuple(trials), tuple(skipped), excluded, run_id(trial.key for trial in trials), sampler.cells)


def _nothing(suite: Suite, excluded: int, filtered: int, only: str | None, skipped: list[tuple[Trial, str]]) -> str:
    why = [f"{excluded} excluded"] if excluded else []
    if skipped:
        why.append(f"{len(skipped)} skipped, the first ({skipped[0][0].name}) because {skipped[0][1]}")
    if filtered:
        why.append(f"{filtered} not matched by --only {shorten(only or '')!r}")
    return f"{suite.place()}: nothing to run ({'; '.join(why)}); change the axes, `exclude` or --only"


def count(suite: Suite) -> int:
    """Return how many cells a suite's matrices have, without expanding them."""
    return sum(block.cells for block in suite.blocks)


def trials_of(block: Block) -> Iterator[Trial]:
    """Yield a trial for each cell of one matrix, the last axis fastest."""
    for cell in itertools.product(*(getattr(block, axis) for axis in AXIS_KEYS)):
        yield _trial(block, *cell)


def _trial(
    block: Block, dataset: Choice, network: Choice, loss: Choice, tricks: tuple[Choice, ...], optimizer: Choice
) -> Trial:
    hooks = [_hooks(trick) for trick in tricks]
    return Trial(
        dataset=dataset,
        network=network,
        loss=loss,
        tricks=tricks,
        optimizer=optimizer,
        seeds=block.run_seeds,
        steps=block.steps,
        batch=block.batch,
        log_every=block.log_every,
        evaluate_every=block.evaluate.every or max(1, block.steps // EVALUATIONS),
        samples=block.evaluate.samples,
        metrics=block.evaluate.metrics_of(dataset),
        diagnostics=block.diagnostics,
        n_critic=block.training.n_critic,
        n_generator=block.training.n_generator,
        # An update rule moves both players from the same weights: the trial says so, whatever the suite has.
        update="simultaneous" if any("rule" in one for one in hooks) else block.training.update,
        ema=block.training.ema,
        stop={name: share for name, share in block.stop if share is not None},
    )


def _hooks(trick: Choice) -> frozenset[str]:
    with component_errors(trick.name):
        return trick.build().hooks


def incompatibility(trial: Trial) -> str | None:
    """Return why a combination has no meaning, or None.

    A component's `conflicts` are held against the traits of every other one, its `requires` against the traits of all,
    and its `skip(trial)` has the last word.
    """
    components = [choice.build() for choice in trial.choices]
    having = []
    for component in components:
        with component_errors(component.name):
            having.append((component, component.all_traits))
    for component in components:
        for trait, reason in component.conflicts.items():
            other = next((c for c, traits in having if trait in traits and c is not component), None)
            if other is not None:
                return f"{component.label} with {other.label}: {reason}"
        for trait, reason in component.requires.items():
            if not any(trait in traits for _, traits in having):
                return f"{component.label} needs {trait}: {reason}"
    for component in components:
        with component_errors(component.name):
            if reason := component.skip(trial):
                return f"{component.label}: {reason}"
    return None
