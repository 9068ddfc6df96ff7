"""`search:` reads strictly, and draws the same ordinary trials for the same seed."""

import math
import os
import random
from dataclasses import replace

import pytest

import ganbench
from ganbench.core.errors import UsageError
from ganbench.core.results_files import json_bytes
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from ganbench.suite.space import WORST, Range, Sampler, apply, score
from tests.engine import AdaptiveSearch
from tests.helpers.local_runs import run_local
from tests.helpers.parts import read_part
from tests.helpers.small_suite import small_plan

TEXT = """
name: small
datasets: [ring]
networks: [{mlp: {latent: 4, width: 16}}]
losses: [non_saturating, hinge]
tricks: [none, r1]
seeds: 2
steps: 20
batch: 16
log_every: 5
evaluate: {every: 10, samples: 100, metrics: [modes, fid]}
search:
  metric: fid
  trials: 6
  space:
    optimizer.lr: {log_uniform: [1.0e-5, 1.0e-2]}
    tricks.r1.gamma: {uniform: [0.01, 10]}
    training.n_critic: {int: [1, 3]}
    network.depth: {choice: [1, 2]}
"""


def plan_of(tmp_path, *overrides, text=TEXT):
    return small_plan(tmp_path, *overrides, text=text)


def test_trials_are_ordinary_and_the_same_for_the_same_seed(tmp_path):
    plan, again, other = (plan_of(tmp_path, *seed) for seed in ((), (), ("search.seed=1",)))
    assert len(plan.trials) == 6 == len({trial.key for trial in plan.trials})
    assert plan.run_id == again.run_id != other.run_id
    assert len(plan.cells) == 4
    for trial in plan.trials:
        assert 1e-5 <= trial.optimizer.parameters["lr"] <= 1e-2
        assert 1 <= trial.n_critic <= 3 and trial.network.parameters["depth"] in (1, 2)
        assert trial.network.parameters["width"] == 16 and "search" not in trial.canonical()
        assert all(0.01 <= t.parameters["gamma"] <= 10 for t in trial.tricks)
    assert len({trial.loss.name for trial in plan.trials}) == 2


def test_more_trials_begin_with_the_same_ones(tmp_path):
    few, many = plan_of(tmp_path), plan_of(tmp_path, "search.trials=12")
    assert [t.key for t in many.trials[:6]] == [t.key for t in few.trials]


def test_an_exhausted_space_gives_what_there_is(tmp_path):
    plan = plan_of(tmp_path, "search.space={training.n_critic: {int: [1, 2]}}", "losses=[hinge]", "tricks=[none]")
    assert sorted(trial.n_critic for trial in plan.trials) == [1, 2]


def test_a_trial_that_asha_may_end_has_a_key_of_its_own(tmp_path):
    plain, asha = plan_of(tmp_path), plan_of(tmp_path, "search.scheduler=asha")
    assert {t.search for t in plain.trials} == {""}
    assert len({t.search for t in asha.trials}) == 1 and asha.trials[0].search
    assert not {t.key for t in plain.trials} & {t.key for t in asha.trials}
    more = plan_of(tmp_path, "search.scheduler=asha", "search.trials=7")
    assert more.trials[0].key == asha.trials[0].key
    assert plan_of(tmp_path, "search.scheduler=asha", "search.reduction=4").trials[0].key != asha.trials[0].key


def test_the_resolved_suite_gives_the_same_plan(tmp_path):
    import yaml

    plan = plan_of(tmp_path, "search.scheduler=asha", "search.mode=max")
    text = yaml.safe_dump(plan.suite.resolved(), sort_keys=False)
    assert plan_of(tmp_path, text=text).run_id == plan.run_id


@pytest.mark.parametrize(
    "old, new, place, problem",
    [
        ("metric: fid", "metric: fidd", "13:11", "has the column 'fidd'; there are modes_captured"),
        ("metric: fid", "metric: spread_ratio", "13:11", "neither higher nor lower; add `mode: min` or max"),
        ("trials: 6", "trials: 0", "14:11", "trials: should be greater than or equal to 1"),
        ("trials: 6", "trials: 6\n  sampler: tpe", "15:3", "unknown key of search 'sampler'"),
        ("optimizer.lr", "optimizer.rate", "16:21", "no cell of the suite has optimizer.rate"),
        ("optimizer.lr", "optimiser.lr", "16:19", "'optimiser.lr' names no number"),
        ("tricks.r1", "tricks.r2", "17:22", "no cell of the suite has tricks.r2.gamma"),
        ("{log_uniform: [1.0e-5, 1.0e-2]}", "{log_uniform: [0, 1]}", "16:33", "above zero"),
        ("{log_uniform: [1.0e-5, 1.0e-2]}", "{normal: [0, 1]}", "16:19", "one of uniform, log_uniform, int, choice"),
        ("{uniform: [0.01, 10]}", "{uniform: [10, 0.01]}", "17:32", "from a smaller to a larger"),
        ("{uniform: [0.01, 10]}", "{uniform: [-1, 10]}", "17:22", "gamma: should be greater than"),
        ("{int: [1, 3]}", "{int: [1, 3.5]}", "18:30", "two whole numbers"),
        ("{int: [1, 3]}", "{int: [0, 3]}", "18:24", "0 is beyond 1 to 1000"),
        ("{choice: [1, 2]}", "{choice: []}", "19:29", "choice is a list"),
        ("{choice: [1, 2]}", "{choice: [1, two]}", "19:20", "depth: expected a whole number"),
        (
            "{choice: [1, 2]}",
            "{uniform: [1, 2]}",
            "19:20",
            "network.depth is a whole number, and this",
        ),
        ("{int: [1, 3]}", "{uniform: [1, 3]}", "18:24", "training.n_critic is a whole number"),
        ("seeds: 2", "seeds: 2\ninclude: [{losses: [minimax]}]", "8:10", "a search has one matrix"),
    ],
)
def test_mistakes_are_one_line_with_their_place(tmp_path, old, new, place, problem):
    (tmp_path / "x.yaml").write_text(TEXT.replace(old, new))
    with pytest.raises(UsageError) as caught:
        make_plan(read_suite(tmp_path / "x.yaml"))
    assert f"x.yaml:{place}: " in str(caught.value) and problem in str(caught.value), caught.value


def test_meaningless_draws_are_set_aside_with_their_reason(tmp_path):
    plan = plan_of(tmp_path, "tricks=[packing]", "search.space={batch: {choice: [15, 16]}}")
    assert plan.trials and plan.skipped
    assert all("15" in reason or "batch" in reason for _, reason in plan.skipped)


def test_a_random_search_runs_in_this_process_and_gives_tables(tmp_path):
    plan = plan_of(tmp_path, "search.trials=2")
    outcome, _ = run_local(plan, tmp_path / "results")
    assert outcome.exit_code == 0 and outcome.done == 2
    results = ganbench.load(outcome.folder).tables
    assert list(results.runs["trial"].unique()) == [trial.key[:12] for trial in plan.trials]
    assert bool(results.runs["stopped_at"].isna().all())
    outcome, _ = run_local(plan_of(tmp_path, "search.trials=3"), tmp_path / "results")
    assert outcome.done == 3 and outcome.trained == 1


@pytest.mark.parametrize("setting", ["search.scheduler=asha", "search.searcher=optuna"])
def test_what_ray_decides_is_refused_in_this_process(tmp_path, setting):
    with pytest.raises(UsageError, match="asha and optuna are Ray's; leave `--executor local` out"):
        run_local(plan_of(tmp_path, setting), tmp_path / "results")


def test_ranges_stay_inside_and_reach_both_halves():
    """A thousand draws: a half that is missed has a chance of 2^-1000."""
    rng = random.Random(0)
    for kind, low, high, middle in (
        ("uniform", -1.0, 3.0, 1.0),
        ("log_uniform", 1e-4, 1.0, 1e-2),
        ("int", 1, 4, 2.5),
    ):
        drawn = [Range(kind, (low, high)).draw(rng) for _ in range(1000)]
        assert all(low <= x <= high for x in drawn)
        # Six standard deviations of a fair coin: a false alarm in 5e8 runs.
        assert abs(sum(x < middle for x in drawn) - 500) < 6 * math.sqrt(250)


def test_numbers_go_where_they_belong(tmp_path):
    cell = plan_of(tmp_path).cells[-1]
    changed = apply(cell, {"optimizer.lr": 0.123456789, "tricks.r1.gamma": 2.0, "batch": 32, "training.ema": 0.5})
    assert changed.optimizer.parameters["lr"] == 0.123457 and changed.tricks[0].parameters["gamma"] == 2.0
    assert (changed.batch, changed.ema) == (32, 0.5)
    assert apply(cell, {"loss.nothing": 1.0}) == cell


def test_a_seed_without_a_number_counts_as_the_worst():
    assert score([1.0, 3.0], "min") == 2.0
    assert score([1.0, math.nan], "min") > 1e11 and score([1.0, math.nan], "max") < -1e11
    assert score([math.nan], "min") == WORST


def test_the_ledger_survives_a_kill_in_the_middle_of_a_line(tmp_path):
    from tests.engine import TrialJob

    plan = plan_of(tmp_path, "search.searcher=optuna")
    search = plan.suite.search
    assert plan.trials == () and search is not None
    work = TrialJob(plan.cells[0], plan.cells[0].key, tmp_path)
    adaptive = AdaptiveSearch(Sampler(search, plan.cells), work, tmp_path / "ledger", "min")
    assert adaptive.tried() == []
    config = {"cell": 3, "optimizer.lr": 1e-3, "tricks.r1.gamma": 1.0, "training.n_critic": 1, "network.depth": 2}
    adaptive.begin(config)
    adaptive.begin(config)
    adaptive.begin({"cell": 3})  # of another space
    with open(adaptive.path, "a") as file:
        file.write('{"cell": 1, "optimi')
    ((kept, found),) = adaptive.tried()
    assert kept == config and found.trial.optimizer.parameters["lr"] == 1e-3 and found.key == found.trial.key


def test_a_ledger_of_configurations_that_nobody_tried_is_passed_over(tmp_path, caplog):
    from tests.engine import TrialJob

    plan = plan_of(tmp_path, "search.searcher=optuna")
    assert plan.suite.search is not None
    work = TrialJob(plan.cells[0], plan.cells[0].key, tmp_path)
    adaptive = AdaptiveSearch(Sampler(plan.suite.search, plan.cells), work, tmp_path / "ledger", "min")
    good = {"cell": 3, "optimizer.lr": 1e-3, "tricks.r1.gamma": 1.0, "training.n_critic": 1, "network.depth": 2}
    wrong = [(name, value) for name in good for value in (-1, 99, 1e300, math.nan, "x", None, True, [1])]
    for name, value in wrong:
        adaptive.begin({**good, name: value})
    assert adaptive.tried() == []
    assert len(caplog.messages) == len(wrong)
    why = "passed over (its configuration does not lie in this search's space)"
    assert all(text.endswith(why) for text in caplog.messages)
    adaptive.begin(good)
    assert len(adaptive.tried()) == 1


def test_the_lines_of_another_search_are_passed_over(tmp_path, caplog):
    adaptive, good = _adaptive(tmp_path), CONFIG
    adaptive.begin(good)
    adaptive.path.rename(tmp_path / "of another search")
    assert replace(adaptive, path=tmp_path / "of another search").tried() == []
    assert caplog.messages[0].endswith("passed over (it is of another search)")
    adaptive.path.write_bytes(json_bytes({"config": good}))  # of an earlier version
    assert len(adaptive.tried()) == 1


def test_a_copy_of_the_ledger_stays_as_it_is(tmp_path):
    adaptive = _adaptive(tmp_path)
    adaptive.begin(CONFIG)
    os.link(adaptive.path, tmp_path / "copy")  # as `cp -l` makes it
    before = (tmp_path / "copy").read_bytes()
    adaptive.begin({**CONFIG, "cell": 0})
    assert (tmp_path / "copy").read_bytes() == before and len(adaptive.tried()) == 2


def test_a_ledger_that_no_search_can_have_written_is_refused(tmp_path):
    adaptive = _adaptive(tmp_path)
    with adaptive.path.open("wb") as file:
        file.truncate(65 << 20)
    for act in (adaptive.tried, lambda: adaptive.begin(CONFIG)):
        with pytest.raises(UsageError, match="ledger: it has 68,157,440 bytes.*move it away"):
            act()


CONFIG = {"cell": 3, "optimizer.lr": 1e-3, "tricks.r1.gamma": 1.0, "training.n_critic": 1, "network.depth": 2}


def _adaptive(tmp_path):
    from tests.engine import TrialJob

    plan = plan_of(tmp_path, "search.searcher=optuna")
    assert plan.suite.search is not None
    work = TrialJob(plan.cells[0], plan.cells[0].key, tmp_path)
    return AdaptiveSearch(Sampler(plan.suite.search, plan.cells), work, tmp_path / "ledger", "min")


@pytest.fixture
def work(tmp_path):
    """Return the work of one trial of a search."""
    from tests.engine import TrialJob

    plan = plan_of(tmp_path, "search.scheduler=asha", "search.trials=1", "steps=40", "evaluate.every=10")
    trial = plan.trials[0]
    return TrialJob(trial, trial.key, tmp_path, objective=("fid", "min"), search=plan.suite.search)


def test_a_trial_is_looked_at_whenever_its_metric_is_there(work):
    from tests.engine import TrialRunner

    runner, reports = TrialRunner(work), []
    while not reports or reports[-1].status is None:
        reports.append(runner.advance(60))
    assert [report.at_step for report in reports] == [10, 20, 30, 40]
    assert all(0 < report.score < 1e3 for report in reports)
    assert reports[-1].score == pytest.approx(_final(work)["fid"].mean(), rel=0, abs=0)


def _final(work):

    part = read_part(work.folder, work.key)
    assert part is not None
    return part.runs


def test_a_trial_obeys_its_order_and_is_not_trained_again_when_it_is_drawn_again(work, monkeypatch):
    from ganbench.core.status import Status
    from ganbench.sweep.executors.ray_search import request_stop
    from tests.engine import TrialJob, TrialRunner

    work.stop_request.parent.mkdir(parents=True)
    work.stop_request.write_text('{"step": 2')  # half written
    runner = TrialRunner(work)
    assert runner.advance(60).at_step == 10
    work.stop_request.write_bytes(json_bytes({"key": "0" * 64, "step": 10, "reason": "of another trial"}))
    assert runner.advance(60).at_step == 20
    request_stop(work, 30)
    assert runner.advance(60).at_step == 30 and runner.advance(60).status == Status.OK
    runs = _final(work)
    assert list(runs["stopped_at"]) == [30, 30] and set(runs["stop_reason"]) == {"stopped by asha at step 30"}
    assert not work.stop_request.exists() and not work.checkpoint.exists()

    monkeypatch.setattr(TrialJob, "trainer", lambda self: pytest.fail("trained again"))
    again = TrialRunner(work).advance(60)
    assert again.status == Status.OK and again.score == runs["fid"].mean()
