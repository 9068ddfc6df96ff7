"""Made-up results of a search, of a monitored run and of a search for cures, whose pages differ from a sweep's."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ganbench.analysis.cure_statistics import judge
from ganbench.cures.search import Cure, Remedied
from ganbench.cures.star import Arm, LeftOut
from ganbench.tables.manifest import MonitorState
from ganbench.tables.results import Results
from tests.helpers.fake_results import fake_results
from tests.helpers.trials import small_trial

RATES = np.geomspace(1e-4, 1e-2, 16)


def searched() -> Results:
    """Return a search whose objective depends on the rate alone: fid = 1 + log10(rate / 1e-3)², least at 1e-3."""
    results = fake_results(trials=16, seeds=2, steps=200)
    runs = results.runs.assign(status="OK", loss="hinge", tricks="none", error=pd.NA)
    trials = list(dict.fromkeys(runs["trial"]))
    rate = dict(zip(trials, RATES, strict=True))
    depth = {trial: 1 + i % 2 for i, trial in enumerate(trials)}
    runs["optimizer"] = pd.array([f"adam(lr={rate[trial]:.6g})" for trial in runs["trial"]], dtype="string")
    runs["network"] = pd.array([f"mlp(depth={depth[trial]})" for trial in runs["trial"]], dtype="string")
    runs["fid"] = [1 + math.log10(rate[trial] / 1e-3) ** 2 for trial in runs["trial"]]
    runs["fid_floor"] = 0.0  # the last of the made-up trials failed, and was asked for nothing
    suite = yaml.safe_dump({"search": {"metric": "fid", "trials": 16, "space": {}}})
    return dataclasses.replace(results, runs=runs, suite=suite)


def watched() -> Results:
    """Return a monitored run of 400 steps with a finding about its loop."""
    results = fake_results(trials=1, seeds=1, steps=400)
    about = MonitorState(step=400, findings=["step 30: the labels <of> D are swapped"])
    return dataclasses.replace(results, manifest=results.manifest.model_copy(update={"monitor": about}))


def cure_of(results: Results, healthy: int = 8, **trial: Any) -> Cure:
    """Return what was found for a trial: one remedy keeps so many of eight seeds healthy, another is stopped."""
    base, *others = dict.fromkeys(results.runs["trial"])
    arms = [
        Arm("r1", "r1(gamma=0.1)", small_trial(("r1", {"gamma": 0.1}))),
        Arm("fresh_start", "a fresh start (" + "with_a_long_name · " * 6 + "one update each)", small_trial()),
    ]
    health = {"r1": [True] * healthy + [False] * (8 - healthy), "fresh_start": [False, False]}
    judged = judge([False] * 8, health, 8)
    remedies = [
        Remedied(arm, judged[arm.name], 1.2, "- {tricks: [r1]}", (trial,))
        for arm, trial in zip(arms, others, strict=False)
    ]
    left_out = (LeftOut("packing", "the trial has packing"),)
    verdicts = {"oscillation": 2, "low quality": 1}
    seeds, folder = tuple(range(3, 11)), results.path
    return Cure(small_trial(**trial), verdicts, seeds, (False,) * 8, tuple(remedies), left_out, (base,), folder)
