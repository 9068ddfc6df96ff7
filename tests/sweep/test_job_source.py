"""The order in which Ray is given the jobs of a plan."""

from __future__ import annotations

from pathlib import Path

from ganbench.sweep.job_source import JobList
from ganbench.sweep.jobs import TrialJob
from tests.helpers.trials import small_trial


def test_the_longest_job_begins_first_and_every_job_once(tmp_path: Path):
    trials = [small_trial(steps=steps) for steps in (100, 9000, 300)]
    jobs = JobList([TrialJob(trial, trial.key, tmp_path) for trial in trials])
    order = [jobs.job({"index": index}).trial.steps for index in jobs.grid["index"]]
    assert order == [9000, 300, 100]
