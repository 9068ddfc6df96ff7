"""Ray Tune's searcher and scheduler for `search:`: Optuna says what to try next, ASHA what to end."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable
from typing import Any

from ray.tune.schedulers import ASHAScheduler, TrialScheduler
from ray.tune.search.optuna import OptunaSearch

from ganbench.core.errors import UsageError
from ganbench.suite.space import Range, Search
from ganbench.sweep.executors.ray_worker import SCORE, STEP
from ganbench.sweep.search_log import Adaptive
from ganbench.sweep.trial_runner import TrialJob


class Asha(ASHAScheduler):
    """ASHA that does not end a trial itself: it leaves an order, so that the trial writes its tables and its reason.

    Li et al. 2020, arXiv:1810.05934.
    """

    def __init__(self, search: Search, mode: str, steps: int, order: Callable[[Any, int], None]) -> None:
        grace = max(1, round(search.grace * steps))
        super().__init__(
            time_attr=STEP,
            metric=SCORE,
            mode=mode,
            max_t=steps + 1,  # its last step ends a trial by itself
            grace_period=grace,
            reduction_factor=search.reduction,
        )
        self._order = order

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:  # noqa: ANN401 - Tune's
        """Return that the trial goes on; where it should not, it finds its order."""
        if super().on_trial_result(tune_controller, trial, result) == TrialScheduler.STOP:
            self._order(trial, result[STEP])
        return TrialScheduler.CONTINUE

    def __reduce__(self) -> tuple[Any, ...]:
        """Tune pickles its scheduler, for a resumption that we never ask for."""
        return object, ()


class Optuna(OptunaSearch):
    """Optuna's sampler (TPE), told of finished trials alone."""

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """PlayerUpdate over what is not final."""

    def save(self, checkpoint_path: str) -> None:
        """Keep nothing: the ledger knows what was tried."""


def searcher(adaptive: Adaptive, finished: Callable[[TrialJob], float | None]) -> tuple[Optuna, int]:
    """Return Optuna's searcher, told of what is finished and of what was begun, and how many trials it is to try.

    Args:
        adaptive: the search.
        finished: returns the score of a trial that has a part, else None.

    Raises:
        UsageError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise UsageError("search.searcher: optuna is not installed; pip install 'ganbench[optuna]'") from None
    optuna.logging.set_verbosity(logging.CRITICAL)
    search, cells = adaptive.search, adaptive.sampler.cells
    space: Any = {path: _distribution(found) for path, found in search.space.items()}
    if len(cells) > 1:
        space["cell"] = optuna.distributions.CategoricalDistribution(list(range(len(cells))))
    scores = [(config, finished(work)) for config, work in adaptive.tried()]
    begun = [config for config, found in scores if found is None]
    # A search that goes on must not draw again what it drew at its start.
    seed = random.Random(f"{search.seed} {len(scores)}").randrange(2**31)
    made = Optuna(space, metric=SCORE, mode=adaptive.mode, seed=seed, points_to_evaluate=begun)
    for config, found in scores:
        if found is not None:
            made.add_evaluated_point(config, found)
    return made, max(0, search.trials - (len(scores) - len(begun)))


def _distribution(found: Range) -> Any:  # noqa: ANN401 - Optuna's own type
    from optuna import distributions

    if found.kind == "choice":
        return distributions.CategoricalDistribution(found.values)
    low, high = found.values
    if found.kind == "int":
        return distributions.IntDistribution(low, high)
    return distributions.FloatDistribution(low, high, log=found.kind == "log_uniform")


def request_stop(work: TrialJob, step: int) -> None:
    """Leave an order for a trial to end at a step.

    Raises:
        OSError: it cannot be written.
    """
    work.stop_request.parent.mkdir(parents=True, exist_ok=True)
    work.stop_request.write_text(json.dumps({"step": step, "reason": f"stopped by asha at step {step}"}))
