"""Made-up results of a search and of a monitored run, whose pages differ from a sweep's."""

import dataclasses
import math

import numpy as np
import pandas as pd
import yaml

from ganbench.tables.manifest import MonitorState
from ganbench.tables.results import Results
from tests.helpers.fake_results import fake_results

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
