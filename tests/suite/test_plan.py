"""A plan holds what has a meaning, once, and says why for the rest."""

from __future__ import annotations

import itertools
import time

import pytest

from ganbench.core.errors import UsageError
from ganbench.suite.estimate import START_S, duration, plan_seconds, trial_seconds
from ganbench.suite.filters import matcher
from ganbench.suite.plan import count, make_plan
from ganbench.suite.schema import read_suite
from tests.helpers import ROOT
from tests.helpers.trials import small_trial


def names(trials):
    return [trial.name for trial in trials]


def test_the_matrix_is_the_product_in_the_suites_order(suite_of):
    plan = make_plan(
        suite_of("datasets: [ring, grid]\nlosses: [minimax, hinge]\ntricks: [none, r1]\nsteps: 3\nseeds: [4]")
    )
    expected = [
        f"{dataset} · mlp · {loss} · {tricks} · adam"
        for dataset, loss, tricks in itertools.product(["ring", "grid"], ["minimax", "hinge"], ["none", "r1"])
    ]
    assert names(plan.trials) == expected
    assert all((trial.steps, trial.seeds, trial.batch) == (3, (4,), 64) for trial in plan.trials)
    assert plan.skipped == ()
    assert plan.name == "x"


def test_every_setting_reaches_the_trial(suite_of):
    trial = make_plan(
        suite_of(
            "datasets: [ring]\nsteps: 11\nbatch: 12\nlog_every: 13\n"
            "evaluate: {every: 14, samples: 15, metrics: [fid]}\n"
            "diagnostics: [logits]\ntraining: {n_critic: 2, n_generator: 3, update: simultaneous, ema: 0.5}"
        )
    ).trials[0]
    assert (trial.steps, trial.batch, trial.log_every, trial.evaluate_every, trial.samples) == (11, 12, 13, 14, 15)
    assert (trial.n_critic, trial.n_generator, trial.update, trial.ema) == (2, 3, "simultaneous", 0.5)
    assert [c.name for c in trial.metrics + trial.diagnostics] == ["fid", "logits"]


def test_equal_trials_are_one(suite_of):
    plan = make_plan(
        suite_of(
            "datasets: [ring]\nlosses: [hinge, hinge]\ninclude: [{losses: [hinge]}, {optimizers: [adam: {lr: 1e-3}]}]"
        )
    )
    assert names(plan.trials) == ["ring · mlp · hinge · none · adam"]


def test_combinations_without_meaning_are_skipped_with_the_reason(suite_of):
    plan = make_plan(
        suite_of(
            "datasets: [ring, digits]\nnetworks: [mlp, mlp: {norm: true}, dcgan]\n"
            "tricks: [none, [r1, clipping], [minibatch, r1], [r1, minibatch], packing]"
        )
    )
    reasons = {
        f"{t.labels['dataset']} {t.labels['network']} {t.labels['tricks']}": reason for t, reason in plan.skipped
    }
    assert reasons["ring mlp r1+clipping"] == "clipping with r1: they pull apart"
    assert reasons["ring mlp minibatch+r1"] == "r1 with minibatch: gradients would mix samples"
    assert reasons["ring mlp r1+minibatch"] == "r1 with minibatch: gradients would mix samples"
    assert reasons["ring dcgan none"] == "dcgan needs images: convolutions need images"
    assert reasons["ring mlp packing"] == "packing: a batch of 64 is not divisible by 3"
    assert "digits dcgan none" not in reasons
    assert "ring mlp(norm=True) none" not in reasons
    assert len(plan.trials) + len(plan.skipped) == 2 * 3 * 5


def test_a_trait_of_a_parameter_counts(suite_of):
    plan = make_plan(suite_of("datasets: [ring]\nnetworks: [mlp, mlp: {norm: true}]\ntricks: [r1]"))
    assert names(plan.trials) == ["ring · mlp · non_saturating · r1 · adam"]
    assert [reason for _, reason in plan.skipped] == ["r1 with mlp(norm=True): gradients would mix samples"]


def test_exclusions_match_name_or_label(suite_of):
    text = "datasets: [ring, grid]\nlosses: [hinge, minimax]\ntricks: [none, r1, r1: {gamma: 2}]\nexclude: "
    plan = make_plan(suite_of(text + "[{dataset: ring}, {loss: hinge, tricks: r1}, {tricks: none}]"))
    assert names(plan.trials) == ["grid · mlp · minimax · r1 · adam", "grid · mlp · minimax · r1(gamma=2.0) · adam"]
    assert plan.excluded == 10
    plan = make_plan(suite_of(text + "[{tricks: r1(gamma=2.0)}, {dataset: r*}, {loss: 'h?nge'}]"))
    assert names(plan.trials) == ["grid · mlp · minimax · none · adam", "grid · mlp · minimax · r1 · adam"]


def test_an_exclusion_that_fits_nothing_is_said(suite_of):
    with pytest.raises(UsageError, match=r"^x\.yaml:2:11: this exclusion fits no trial"):
        make_plan(suite_of("datasets: [ring]\nexclude: [{loss: hing}]"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("datasets: [ring]\nexclude: [{loss: '*'}]", "x.yaml:1:1: nothing to run (1 excluded)"),
        ("datasets: [ring]\nnetworks: [dcgan]", "x.yaml:1:1: nothing to run (1 skipped, the first (ring · dcgan"),
    ],
)
def test_nothing_left_is_an_error(suite_of, text, message):
    with pytest.raises(UsageError) as caught:
        make_plan(suite_of(text))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("only", "kept"),
    [
        (None, 8),
        ("*", 8),
        ("loss=hinge,*", 4),
        ("loss=h*", 4),
        ("loss=hinge,dataset=ring", 2),
        (" loss = hinge , tricks = none ", 2),
        ("tricks=r1", 4),
        ("tricks=r1(gamma=2.0, seed=3)", 0),
        ("tricks=r1(*)", 4),
        ("*hinge*", 4),
        ("ring*,*hinge*", 2),
        ("ring · mlp · hinge · none · adam", 1),
        ("hinge", 0),
    ],
)
def test_only(suite_of, only, kept):
    suite = suite_of("datasets: [ring, grid]\nlosses: [minimax, hinge]\ntricks: [none, r1: {gamma: 2}]")
    if kept:
        assert len(make_plan(suite, only).trials) == kept
    else:
        with pytest.raises(UsageError, match="nothing to run .*not matched by --only"):
            make_plan(suite, only)


@pytest.mark.parametrize(
    ("only", "says"),
    [
        ("loss=hing", "change it, loss here: minimax, hinge"),
        ("dataset=ring,tricks=r3", "change it, tricks here: none, r1(gamma=2.0)"),
        ("0a1b2c3d4e5f", "change it, a trial's name here: ring · mlp · minimax · none · adam"),
        ("loss=hinge,*minimax*", "change it, each term fits trials, and none fits all terms"),
    ],
)
def test_a_filter_that_fits_nothing_is_told_what_would(suite_of, only, says):
    suite = suite_of("datasets: [ring]\nlosses: [minimax, hinge]\ntricks: [none, r1: {gamma: 2}]")
    with pytest.raises(UsageError) as caught:
        make_plan(suite, only)
    assert str(caught.value) == f"x.yaml:1:1: nothing to run (4 not matched by --only {only!r}); {says}"


@pytest.mark.parametrize("only", ["", " "])
def test_an_empty_filter_is_no_filter_that_anybody_means(only):
    with pytest.raises(UsageError, match="the filter is empty"):
        matcher(only)


def test_only_with_an_unknown_axis():
    with pytest.raises(UsageError, match="--only: unknown axis 'lose', did you mean 'loss'"):
        matcher("lose=hinge")


def test_a_huge_matrix_is_counted_before_it_is_expanded(suite_of):
    rates = ", ".join(f"adam: {{lr: {i + 1}e-5}}" for i in range(400))
    tricks = ", ".join(f"r1: {{gamma: {i + 20}}}" for i in range(500))
    datasets = ", ".join(["ring", "grid"] * 25)
    suite = suite_of(f"datasets: [{datasets}]\ntricks: [{tricks}]\noptimizers: [{rates}]")
    assert count(suite) == 10**7
    start = time.process_time()
    with pytest.raises(UsageError, match=r"10000000 trials, more than 10000; .*--yes"):
        make_plan(suite)
    assert time.process_time() - start < 1  # expanding 10⁷ cells takes minutes


def test_the_cap_can_be_lifted(suite_of):
    suite = suite_of("datasets: [ring, grid]")
    with pytest.raises(UsageError, match="2 trials, more than 1"):
        make_plan(suite, cap=1)
    assert len(make_plan(suite, cap=None).trials) == 2


def test_the_run_is_named_by_its_set_of_trials(suite_of):
    plan = make_plan(suite_of("datasets: [ring, grid]"))
    assert plan.run_id == make_plan(suite_of("datasets: [grid, ring]\nresources: {timeout: 3}\nname: other")).run_id
    assert len(plan.run_id) == 10
    others = ("datasets: [ring]", "datasets: [ring, grid]\nsteps: 1", "datasets: [ring, grid]\nseeds: 7")
    assert len({make_plan(suite_of(text)).run_id for text in others} | {plan.run_id}) == 4


def test_the_estimate_grows_with_the_work(suite_of):
    def seconds(*overrides):
        return trial_seconds(make_plan(suite_of("datasets: [ring]", *overrides)).trials[0])

    base = seconds()
    for more in (
        "steps=8000",
        "seeds=32",
        "batch=256",
        "networks=[mlp: {width: 128}]",
        "training.n_critic=5",
        "tricks=[r1]",
    ):
        assert seconds(more) > 1.2 * base, more
    assert seconds("training.n_generator=2") < 0.85 * base  # half of the steps move G alone; judging stays
    plan = make_plan(suite_of("datasets: [ring, grid]\nlosses: [hinge, minimax]"))
    assert plan_seconds(plan, jobs=1) == pytest.approx(START_S + 4 * base)
    assert plan_seconds(plan, jobs=2) == pytest.approx(START_S + 2 * base)
    assert plan_seconds(plan, jobs=100) == pytest.approx(START_S + base)


def test_durations():
    assert [duration(s) for s in (0.1, 42.4, 480, 7200)] == ["1 s", "42 s", "8 min", "2.0 h"]


@pytest.mark.parametrize(
    "measured, changes",
    [
        (1.2, {}),
        (8.9, {"network": ("mlp", {"width": 128}), "batch": 256}),
        (3.6, {"network": ("mlp", {"d_width": 128, "d_depth": 3})}),
        (16.8, {"dataset": ("digits", {}), "network": ("dcgan", {})}),
        (124.0, {"dataset": ("digits", {}), "network": ("resnet", {})}),
        (523.0, {"dataset": ("shapes", {}), "network": ("resnet", {})}),
        (9.2, {"tricks": (("unrolled", {}),)}),
        (17.4, {"tricks": (("unrolled", {"steps": 10}),)}),
        (28.2, {"tricks": (("minibatch_discrimination", {}),)}),
        (3.3, {"tricks": (("consensus", {}),)}),
        (4 * 15.9, {"network": ("mlp", {"width": 400, "depth": 4, "d_width": 200, "d_depth": 3, "d_maxout": 5})}),
    ],
)
def test_the_estimate_is_within_a_factor_of_two_of_what_was_measured(measured, changes):
    """Milliseconds a step of eight seeds at batch 64, on one core (the last with two seeds, times four)."""
    tricks = changes.pop("tricks", ())
    settings = {"network": ("mlp", {}), "seeds": tuple(range(8)), "batch": 64, "evaluate_every": 10**6, **changes}
    trials = [small_trial(*tricks, steps=steps, **dict(settings)) for steps in (10_000, 20_000)]
    ms = (trial_seconds(trials[1]) - trial_seconds(trials[0])) / 10
    assert measured / 2 <= ms <= 2 * measured


# Seconds with two trials at a time; the suites in tests/unchanged hold every trick that ships.
ESTIMATES = [
    ("suites/planted_digits.yaml", 177.372),
    ("suites/smoke.yaml", 12.3556),
    ("suites/stacked_digits.yaml", 657.561),
    ("tests/unchanged/images.yaml", 17.7732),
    ("tests/unchanged/inputs.yaml", 13.2917),
    ("tests/unchanged/losses.yaml", 18.2125),
    ("tests/unchanged/networks.yaml", 14.1053),
    ("tests/unchanged/penalties.yaml", 17.3756),
    ("tests/unchanged/rules.yaml", 25.7474),
]


@pytest.mark.parametrize("path, seconds", ESTIMATES)
def test_the_estimates_of_shipped_suites(path, seconds):
    plan = make_plan(read_suite(ROOT / path), cap=None)
    assert plan_seconds(plan, jobs=2) == pytest.approx(seconds, rel=1e-5)
