"""`vary`: which settings there are, how they become trials, and what is said of a space without meaning."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import qmc

from ganbench.core.errors import UsageError
from ganbench.core.trial import MAX_LANES
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import suite_of
from ganbench.suite.vary import Vary, settings_of
from ganbench.suite.yaml import Document

LR = {"optimizer.lr": {"log_uniform": [1e-4, 1e-2]}}


def suite(**changes):
    keys = {"name": "s", "datasets": ["ring"], "steps": 20, "vary": {"settings": 6, "space": LR}} | changes
    return suite_of(Document("s", {k: v for k, v in keys.items() if v is not None}))


def vary(**keys):
    return Vary.model_validate(
        {**keys, "space": {a: {k: tuple(v) for k, v in span.items()} for a, span in keys["space"].items()}}
    )


def test_sobol_points_are_scipys_and_a_longer_sequence_begins_with_the_shorter():
    space = {**LR, "optimizer.d_over_g": {"uniform": [1.0, 3.0]}}
    points = qmc.Sobol(2, scramble=True, rng=np.random.default_rng(7)).random_base2(4)
    values = settings_of(vary(settings=12, seed=7, space=space))
    for point, setting in zip(points, values, strict=False):
        assert setting["optimizer.lr"] == pytest.approx(1e-4 * 100 ** point[0], rel=1e-5)
        assert setting["optimizer.d_over_g"] == pytest.approx(1 + 2 * point[1], rel=1e-5)
    assert values[:5] == settings_of(vary(settings=5, seed=7, space=space))


def test_a_grid_has_all_combinations_and_both_ends():
    space = {**LR, "optimizer.d_over_g": {"log_uniform": [0.25, 4]}, "training.n_critic": {"choice": [1, 5]}}
    values = settings_of(vary(settings=18, sampler="grid", space=space))
    found = {tuple(setting.values()) for setting in values}
    assert found == {(a, b, n) for a in (1e-4, 1e-3, 1e-2) for b in (0.25, 1.0, 4.0) for n in (1, 5)}
    assert len(values) == 18


def test_a_grid_has_no_more_of_whole_numbers_than_there_are():
    space = {"training.n_critic": {"int": [1, 2]}, **LR}
    values = settings_of(vary(settings=6, sampler="grid", space=space))
    assert {tuple(setting.values()) for setting in values} == {(n, lr) for n in (1, 2) for lr in (1e-4, 1e-3, 1e-2)}
    assert len(values) == 6


def test_settings_whose_numbers_do_not_go_together_are_set_aside_with_the_reason():
    space = {"dataset.places": {"choice": [2, 4]}, "dataset.size": {"choice": [16, 32]}}
    large = [{"shapes": {"size": 32}}]
    plan = make_plan(suite(datasets=large, vary={"settings": 4, "sampler": "grid", "space": space}))
    assert sorted(s.values["dataset.size"] for t in plan.trials for s in t.settings) == [16, 32, 32]
    assert [reason for _, reason in plan.skipped] == ["shapes: 4 places of 8 pixels need a size of 32, not 16"]


def test_choices_come_up_equally_often_under_sobol():
    space = {**LR, "optimizer.beta1": {"choice": [0.0, 0.5, 0.7, 0.9]}}
    values = [setting["optimizer.beta1"] for setting in settings_of(vary(settings=16, space=space))]
    assert sorted(values) == [0.0] * 4 + [0.5] * 4 + [0.7] * 4 + [0.9] * 4


def test_every_method_meets_the_same_settings_which_share_a_trial_where_only_numbers_differ():
    space = {**LR, "training.n_critic": {"choice": [1, 2]}, "tricks.strength": {"log_uniform": [0.1, 10]}}
    tricks = ["none", {"r1": {"gamma": 0.2}}, "dropout", "unrolled"]
    plan = make_plan(suite(tricks=tricks, vary={"settings": 8, "space": space}))
    assert plan.suite.vary is not None
    values = settings_of(plan.suite.vary)
    assert len(plan.methods) == 4
    for method in plan.methods:
        settings = {s.number: s for trial in method.trials for s in trial.settings}
        assert [settings[i].values for i in range(8)] == values
        assert all(t.n_critic == s.values["training.n_critic"] for t in method.trials for s in t.settings)
        assert all(s.optimizer.parameters["lr"] == s.values["optimizer.lr"] for s in settings.values())
        assert all(trial.seeds == (0, 1, 2, 3) for trial in method.trials)
    packed = [len(method.trials) for method in plan.methods]
    dropouts = {(min(0.5 * v["tricks.strength"], 0.9), v["training.n_critic"]) for v in values}
    assert packed == [2, 2, len(dropouts), 8]  # dropout is part of the network, and unrolling reads the optimiser
    r1 = {s.number: s.tricks[0].parameters["gamma"] for trial in plan.methods[1].trials for s in trial.settings}
    assert all(math.isclose(r1[i], 0.2 * values[i]["tricks.strength"], rel_tol=1e-5) for i in range(8))
    assert max(t.parameters["p"] for s in plan.methods[2].trials for t in s.tricks) <= 0.9


def test_the_ratio_of_the_rates_is_that_of_d_over_g():
    space = {**LR, "optimizer.d_over_g": {"log_uniform": [0.25, 4]}}
    plan = make_plan(suite(vary={"settings": 5, "space": space}))
    for setting in plan.trials[0].settings:
        optimizer = setting.optimizer.build()
        assert optimizer.rate("G") == setting.values["optimizer.lr"]
        ratio = optimizer.rate("D") / optimizer.rate("G")
        assert ratio == pytest.approx(setting.values["optimizer.d_over_g"], rel=1e-5)


def test_many_settings_are_cut_into_trials_of_equal_size():
    plan = make_plan(suite(seeds=8, vary={"settings": 20, "space": LR}))
    assert [len(trial.settings) for trial in plan.trials] == [6, 7, 7]
    assert all(len(trial.lanes) <= MAX_LANES for trial in plan.trials)


def test_a_block_may_vary_by_itself_and_has_four_seeds_unless_it_says():
    block = {"datasets": ["grid"], "vary": {"settings": 4, "space": LR}}
    plan = make_plan(suite(vary=None, include=[block]))
    assert [(len(t.settings), len(t.seeds)) for t in plan.trials] == [(0, 8), (4, 4)]
    written = suite_of(Document("s", plan.suite.resolved()))
    assert [t.key for t in make_plan(written).trials] == [t.key for t in plan.trials]


def test_only_chooses_among_methods():
    plan = make_plan(suite(losses=["hinge", "minimax"]), only="loss=hinge")
    assert [method.cell.loss.name for method in plan.methods] == ["hinge"]


def test_a_suite_without_vary_has_the_keys_and_the_run_that_it_had():
    plain = make_plan(suite(vary=None))
    assert "vary" not in plain.suite.resolved()
    assert not {"settings", "space", "method", "stage"} & plain.trials[0].canonical().keys()


def test_what_is_confirmed_is_part_of_the_runs_name():
    runs = {
        make_plan(suite(vary={"settings": 4, "space": LR, **confirm})).run_id
        for confirm in ({}, {"confirm": {"seeds": 4}}, {"confirm": {"seeds": 5}}, {"confirm": {"top": 2, "seeds": 4}})
    }
    assert len(runs) == 4


WRONG = {
    "no number": ({"space": {"optimizer.speed": {"uniform": [0, 1]}}}, "no method of the suite has optimizer.speed"),
    "no address": ({"space": {"speed": {"uniform": [0, 1]}}}, "'speed' names no number"),
    "beyond its limits": ({"space": {"optimizer.lr": {"uniform": [-1.0, 1.0]}}}, "optimizer.lr: lr:"),
    "no strength": (
        {"space": {"tricks.strength": {"uniform": [0.5, 2]}}},
        "no method of the suite has tricks.strength",
    ),
    "beta of 1": ({"settings": 2, "space": {"optimizer.beta1": {"choice": [0.5, 1.0]}}}, "less than 1"),
    "a negative ratio": ({"space": {"optimizer.d_over_g": {"uniform": [-2.0, -1.0]}}}, "a number of 0 or more"),
    "too few choices": ({"space": {"training.n_critic": {"choice": [1, 2]}}}, "holds 2 settings, fewer than 6"),
    "no grid": ({"sampler": "grid", "settings": 7, "space": LR | {"batch": {"choice": [16, 32]}}}, "6 or 8 settings"),
    "mixed choice": ({"space": {"loss.a": {"choice": [1, "x"]}}}, "numbers alone, or texts alone"),
    "no such metric": ({"metric": "beauty", "space": LR}, "no metric of the suite has the column 'beauty'"),
    "no such key": ({"setings": 3, "space": LR}, "unknown key of vary 'setings'"),
    "a direction": ({"metric": "spread_ratio", "space": LR}, "neither higher nor lower; choose one that is"),
    "nothing": ({"space": {}}, "space"),
    "no space": ({}, "the key `space` is missing; add it"),
    "samples between whole numbers": ({"space": {"batch": {"uniform": [8, 64]}}}, "batch is a whole number, and this"),
    "updates between": ({"space": {"training.n_critic": {"log_uniform": [1, 5]}}}, "this log_uniform has others"),
    "a width between": ({"space": {"network.width": {"uniform": [8, 16]}}}, "network.width is a whole number"),
    "an average of all": ({"settings": 2, "space": {"training.ema": {"choice": [0, 1]}}}, "1 is not in [0, 1)"),
    "a grid of too few whole numbers": (
        {"sampler": "grid", "settings": 3, "space": {"training.n_critic": {"int": [1, 2]}}},
        "a grid over this space has 2 settings, not 3; write that",
    ),
    "too few whole numbers": ({"space": {"training.n_critic": {"int": [1, 2]}}}, "holds 2 settings, fewer than 6"),
    "one choice": (
        {"settings": 2, "space": {"optimizer.lr": {"choice": [1e-3]}}},
        "holds 1 setting, fewer than 2",
    ),
    "equal ends": ({"space": {"optimizer.lr": {"uniform": [1e-3, 1.0000001e-3]}}}, "must differ within 6 digits"),
    "D's rate twice": (
        {"space": {"optimizer.d_lr": {"uniform": [1e-3, 2e-3]}, "optimizer.d_over_g": {"uniform": [1, 2]}}},
        "optimizer.d_over_g sets optimizer.d_lr; keep one of them",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_its_place(name):
    keys, problem = WRONG[name]
    with pytest.raises(UsageError) as error:
        make_plan(suite(vary={"settings": 6, **keys}))
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_search_and_vary_exclude_each_other():
    search = {"metric": "fid", "trials": 3, "space": LR}
    with pytest.raises(UsageError, match="`search` or `vary`"):
        suite(search=search)


def test_a_trial_says_how_many_settings_it_has_where_some_between_are_another_trials():
    space = {**LR, "training.n_critic": {"choice": [1, 2]}}
    several, gaps = (
        [trial.labels["schedule"] for trial in make_plan(suite(vary={"settings": 8, "space": one})).trials]
        for one in (LR, space)
    )
    assert several == ["settings 0 … 7"]
    assert sorted(gaps) == ["n_critic=2, settings 0 … 6 (4 of them)", "settings 1 … 7 (4 of them)"]
