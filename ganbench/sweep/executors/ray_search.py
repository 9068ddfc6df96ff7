"""What Ray Tune asks what to train next, and which trials to end.

A plan's jobs come in their turn (`InTurn`); under `search:` Optuna chooses what to try, and ASHA ends trials.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any

from ray.tune.schedulers import ASHAScheduler, TrialScheduler
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from ganbench.core.errors import UsageError
from ganbench.core.files import replaced
from ganbench.core.results_files import json_bytes, make_folder
from ganbench.suite.space import Range, Search
from ganbench.sweep.job_source import JobSource
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.search_log import AdaptiveSearch

SCORE, STEP = "score", "at_step"  # of what a worker reports to Tune


class InTurn(Searcher):
    """Hands out the jobs of a plan in their turn, and lets Tune wait where some depend on others that are under way."""

    def __init__(self, source: JobSource) -> None:
        super().__init__()
        self._source = source

    def suggest(self, trial_id: str) -> Any:  # noqa: ANN401 - a configuration, None, or Tune's word for the end
        """Return the configuration of the job whose turn it is."""
        if self._source.exhausted:
            return Searcher.FINISHED
        return self._source.next()

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Do nothing: the callback tells the source."""

    def save(self, checkpoint_path: str) -> None:
        """Keep nothing: the results folder has what was done."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing, as nothing was kept."""


class Asha(ASHAScheduler):
    """ASHA that does not end a trial itself: it asks the trial to end, which then writes its tables and the reason.

    Li et al. 2020, arXiv:1810.05934.
    """

    def __init__(self, search: Search, mode: str, steps: int, request: Callable[[Any, int], None]) -> None:
        grace = max(1, round(search.grace * steps))
        super().__init__(
            time_attr=STEP,
            metric=SCORE,
            mode=mode,
            max_t=steps + 1,  # its last step ends a trial by itself
            grace_period=grace,
            reduction_factor=search.reduction,
        )
        self._request = request

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:  # noqa: ANN401 - Tune's
        """Return that the trial goes on; one that should not is asked to end."""
        if super().on_trial_result(tune_controller, trial, result) == TrialScheduler.STOP:
            self._request(trial, result[STEP])
        return TrialScheduler.CONTINUE

    def __reduce__(self) -> tuple[object, ...]:
        """Tune pickles its scheduler, for a resumption that we never ask for."""
        return object, ()


class Optuna(OptunaSearch):
    """Optuna's sampler (TPE), which learns from finished trials alone."""

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Ignore a score that is not final."""

    def save(self, checkpoint_path: str) -> None:
        """Keep nothing: the search log has what was tried."""


def searcher(source: AdaptiveSearch) -> tuple[Optuna, int]:
    """Return Optuna's searcher, which knows what is finished and what was begun, and how many trials it is to try.

    Raises:
        UsageError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise UsageError("search.searcher: optuna is not installed; pip install 'ganbench[optuna]'") from None
    optuna.logging.set_verbosity(logging.CRITICAL)
    search, cells = source.search, source.sampler.cells
    space: Any = {path: _distribution(values) for path, values in search.space.items()}
    if len(cells) > 1:
        space["cell"] = optuna.distributions.CategoricalDistribution(list(range(len(cells))))
    scores = [(config, job.finished_score()) for config, job in source.tried()]
    begun = [config for config, score in scores if score is None]
    # A search that goes on must not draw again what it drew at its start.
    seed = random.Random(f"{search.seed} {len(scores)}").randrange(2**31)
    made = Optuna(space, metric=SCORE, mode=source.mode, seed=seed, points_to_evaluate=begun)
    for config, score in scores:
        if score is not None:
            made.add_evaluated_point(config, score)
    return made, max(0, search.trials - (len(scores) - len(begun)))


def _distribution(values: Range) -> Any:  # noqa: ANN401 - Optuna's own type
    from optuna import distributions

    if values.kind == "choice":
        return distributions.CategoricalDistribution(values.values)
    low, high = values.values
    if values.kind == "int":
        return distributions.IntDistribution(low, high)
    return distributions.FloatDistribution(low, high, log=values.kind == "log_uniform")


def request_stop(job: TrialJob, step: int) -> None:
    """Ask a trial, which may train in another process, to end at a step.

    Raises:
        OSError: it cannot be written.
    """
    make_folder(job.stop_request.parent)
    with replaced(job.stop_request) as file:
        file.write(json_bytes({"key": job.key, "step": step, "reason": f"stopped by asha at step {step}"}))
