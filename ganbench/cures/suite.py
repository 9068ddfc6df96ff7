"""Trials as a suite says them: the suite that trains a star, and the line that puts one remedy into a user's suite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

import yaml

from ganbench.core.errors import UsageError
from ganbench.core.results_files import Json
from ganbench.core.trial import Choice, Trial
from ganbench.suite.plan import trials_of
from ganbench.suite.schema import Suite, suite_of
from ganbench.suite.yaml import Document

SUFFIX = "-cure"
LONGEST = 64  # characters of a suite's name


def cure_name(suite: Suite) -> str:
    """Return the name of the suite whose results are those of the cures: `mode_collapse-cure`."""
    return suite.name[: LONGEST - len(SUFFIX)] + SUFFIX


def suite_of_trials(suite: Suite, trials: Iterable[Trial]) -> Suite:
    """Return a suite of these trials, each a block of `include`, that is trained as `suite` is."""
    data: dict[str, object] = {
        "name": cure_name(suite),
        "description": f"Remedies of the trials of {suite.name} that fail, beside these on the same seeds.",
        "include": [block_of(trial) for trial in trials],
        "resources": suite.resolved()["resources"],
    }
    return suite_of(Document(f"the cures of {suite.place()}", data))


def block_of(trial: Trial) -> Json:
    """Return the block of `include` that comes to this trial, everything written out."""
    return {
        "datasets": [_choice(trial.dataset)],
        "networks": [_choice(trial.network)],
        "losses": [_choice(trial.loss)],
        "tricks": [[_choice(one) for one in trial.tricks] or "none"],
        "optimizers": [_choice(trial.optimizer)],
        "seeds": list(trial.seeds),
        "steps": trial.steps,
        "batch": trial.batch,
        "log_every": trial.log_every,
        "evaluate": {
            "every": trial.evaluate_every,
            "samples": trial.samples,
            "metrics": [_choice(one) for one in trial.metrics],
        },
        "diagnostics": [_choice(one) for one in trial.diagnostics],
        "training": {
            "n_critic": trial.n_critic,
            "n_generator": trial.n_generator,
            "update": trial.update,
            "ema": trial.ema,
        },
        "stop": dict(trial.stop),
    }


def line_for(suite: Suite, trial: Trial) -> str:
    """Return the item of `include` that adds a trial to a suite, on one line.

    It says no more than it must: every key without which the suite would still come to the trial is left out. Seeds are
    the suite's.
    """
    block = {key: value for key, value in _brief_block(trial).items() if key != "seeds"}
    for key, value in list(block.items()):
        if isinstance(value, dict):
            for inner in list(value):
                less = {**block, key: {name: one for name, one in block[key].items() if name != inner}}
                block = less if _adds(suite, less, trial) else block
        less = {name: one for name, one in block.items() if name != key}
        block = less if _adds(suite, less, trial) else block
    flow = yaml.safe_dump(block, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return f"- {flow.strip()}"


def _adds(suite: Suite, block: Mapping[str, object], trial: Trial) -> bool:
    """Return whether a suite with this block in `include` has the trial by it, and no other."""
    try:
        with_it = suite_of(Document("", {**suite.resolved(), "include": [dict(block)]}))
    except UsageError:
        return False
    added = list(trials_of(with_it.blocks[-1]))
    return [replace(one, seeds=()) for one in added] == [replace(trial, seeds=())]


def _brief_block(trial: Trial) -> Json:
    """Return a trial's block with those parameters of its components alone that are not the defaults."""
    block = block_of(trial)
    cell = [_brief(one) for one in trial.tricks]
    return block | {
        "datasets": [_brief(trial.dataset)],
        "networks": [_brief(trial.network)],
        "losses": [_brief(trial.loss)],
        "tricks": [cell[0] if len(cell) == 1 else cell or "none"],
        "optimizers": [_brief(trial.optimizer)],
    }


def _choice(choice: Choice) -> object:
    return {choice.name: dict(choice.parameters)} if choice.parameters else choice.name


def _brief(choice: Choice) -> object:
    component = choice.build()
    changed = {f.name for f in fields(component) if getattr(component, f.name) != f.default}
    kept = {name: value for name, value in choice.parameters.items() if name in changed}
    return {choice.name: kept} if kept else choice.name
