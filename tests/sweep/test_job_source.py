"""The order in which executors are given the jobs of a plan, and when those that confirm join them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ganbench.suite.plan import make_plan
from ganbench.suite.schema import suite_of
from ganbench.suite.yaml import Document
from ganbench.sweep import job_source
from ganbench.sweep.job_source import JobList
from ganbench.sweep.jobs import TrialJob
from tests.helpers.trials import small_trial

VARY = {
    "settings": 4,
    "sampler": "grid",
    "space": {"training.n_critic": {"choice": [1, 2]}, "optimizer.lr": {"choice": [1e-3, 2e-3]}},
    "metric": "fid",
    "confirm": {"top": 2, "seeds": 3},
}
KEYS = {"name": "varied", "datasets": ["ring"], "losses": ["hinge", "wasserstein"], "steps": 40, "seeds": 2}


@pytest.fixture
def plan():
    return make_plan(suite_of(Document("varied", {**KEYS, "vary": VARY})))


def jobs_of(plan, folder: Path) -> JobList:
    return JobList([TrialJob(trial, trial.key, folder) for trial in plan.trials], plan.methods)


@pytest.fixture
def chosen(monkeypatch):
    """What is found to be best of any method, in place of what its parts say."""
    best = [(0, 1), (1, 0)]
    monkeypatch.setattr(job_source, "best_settings", lambda folder, method: best)
    return best


def take(jobs: JobList) -> list[TrialJob]:
    """Return the jobs whose turn can come now."""
    taken = []
    while (config := jobs.next()) is not None:
        taken.append(jobs.job(config))
    return taken


def test_the_longest_job_begins_first_and_every_job_once(tmp_path: Path):
    trials = [small_trial(steps=steps) for steps in (100, 9000, 300)]
    jobs = JobList([TrialJob(trial, trial.key, tmp_path) for trial in trials])
    assert not jobs.exhausted
    assert [job.trial.steps for job in take(jobs)] == [9000, 300, 100]
    assert jobs.exhausted
    assert [job.trial.steps for job in take(JobList(jobs.known(), in_order=True))] == [100, 9000, 300]


def test_a_job_that_others_wait_for_comes_before_a_longer_one(tmp_path: Path, plan):
    long = replace(plan.trials[0], steps=int(1.5 * plan.trials[0].steps))
    alone, waited_for = (TrialJob(trial, trial.key, tmp_path) for trial in (long, plan.trials[0]))
    assert [job.key for job in take(JobList([alone, waited_for]))] == [alone.key, waited_for.key]
    with_method = JobList([alone, waited_for], plan.methods[:1])
    assert [job.key for job in take(with_method)] == [waited_for.key, alone.key]


def test_a_method_is_confirmed_when_its_own_trials_have_ended(tmp_path: Path, plan, chosen):
    jobs = jobs_of(plan, tmp_path)
    (first, second), *_ = (method.trials for method in plan.methods)
    assert jobs.limit == 4 + 2 * 2
    assert len(take(jobs)) == 4
    jobs.end(first.key)
    assert jobs.next() is None and not jobs.exhausted  # another of its trials is under way
    jobs.end(second.key)
    confirming = take(jobs)
    assert [job.trial.stage for job in confirming] == ["confirm"] * 2
    assert {job.trial.settings for job in confirming} == {(first.settings[1],), (second.settings[0],)}
    assert {job.trial.seeds for job in confirming} == {(2, 3, 4)}
    assert not jobs.exhausted  # the other method's are still to come
    for trial in plan.methods[1].trials:
        jobs.end(trial.key)
    assert len(take(jobs)) == 2 and jobs.exhausted
    assert jobs.limit == len(jobs.known()) == 8


def test_the_order_in_which_methods_are_tried_changes_no_table(tmp_path: Path, plan, chosen):
    orders = []
    for methods in (plan.methods, plan.methods[::-1]):
        jobs = jobs_of(plan, tmp_path)
        for trial in (trial for method in methods for trial in method.trials):
            jobs.end(trial.key)
        orders.append([job.key for job in jobs.known()])
    assert orders[0] == orders[1]
    assert [job.trial.loss.name for job in jobs.known()[4:]] == ["hinge"] * 2 + ["wasserstein"] * 2


def test_settings_that_cannot_be_chosen_make_fewer_jobs(tmp_path: Path, plan, chosen):
    chosen.pop()
    jobs = jobs_of(plan, tmp_path)
    assert [jobs.end(trial.key) for trial in plan.methods[0].trials] == [0, 1]
    assert jobs.limit == 7


def test_what_has_results_has_no_turn_and_the_next_stage_begins_at_once(tmp_path: Path, plan, chosen, monkeypatch):
    first, *_ = jobs_of(plan, tmp_path).known()
    done = {trial.key for trial in plan.methods[0].trials}
    done.add(plan.methods[0].confirming(*chosen[0]).key)
    monkeypatch.setattr(TrialJob, "done", property(lambda job: job.key in done))
    jobs = jobs_of(plan, tmp_path)
    assert first.key in done
    assert jobs.resume() == done
    taken = take(jobs)
    assert {job.key for job in taken} == {job.key for job in jobs.known()} - done
    assert sorted(job.trial.stage for job in taken) == ["", "", "confirm"]
