"""The remedies of a failing trial: which are trained and in what order, and why the others are not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from ganbench.analysis import verdict_remedies
from ganbench.analysis.verdict_remedies import Remedy
from ganbench.analysis.verdict_rules import HEALTHY, LOW_QUALITY, RULES
from ganbench.core.trial import Trial
from ganbench.cures.change import UnfitError
from ganbench.cures.changes import CHANGES, GENERAL, changed_by
from ganbench.cures.star import remedy_of, star
from ganbench.cures.suite import cure_name, line_for, suite_of_trials
from ganbench.suite.plan import incompatibility, make_plan
from ganbench.suite.schema import read_suite
from tests.helpers import ROOT
from tests.helpers.trials import small_trial

PROPOSALS = [
    one for remedy in vars(verdict_remedies).values() if isinstance(remedy, Remedy) for one in remedy.proposals
]
FAILURES = sorted({(rule.verdict, rule.cause) for rule in RULES if rule.verdict != HEALTHY} | {(LOW_QUALITY, "")})
SUITES = ("planted_failures", "planted_digits", "collapse_cures")
COLLAPSE = {("total collapse", ""): 4}


def names(found):
    return [arm.name for arm in found.arms]


def reasons(found):
    return {one.title: one.reason for one in found.left_out}


def differing(one: Trial, other: Trial) -> set[str]:
    return {name for name, value in vars(one).items() if value != vars(other)[name]}


def test_every_proposal_is_trained_or_is_nothing_that_a_suite_can_say():
    assert {name for one in PROPOSALS for name in one.changes} <= CHANGES.keys()
    assert {one.text for one in PROPOSALS if not one.changes} == {
        *("look at loss_slope and critic_slope", "more data", "nothing to fix")
    }
    assert {*GENERAL} <= CHANGES.keys()


def test_the_verdicts_own_remedies_come_first_then_the_general_ones():
    found = names(star(small_trial(), COLLAPSE))
    assert found[:3] == ["relativistic_paired", "r1", "zero_centered_gp"]
    assert found.index("packing") < found.index("relativistic_r1_r2")
    assert {*GENERAL} - {"non_saturating"} <= {*found}
    assert len(found) == len({*found})


def test_two_verdicts_have_the_remedies_of_both():
    both = names(star(small_trial(n_critic=5), {("no signal", "the discriminator learns nothing"): 3, **COLLAPSE}))
    assert both.index("faster_discriminator") < both.index("relativistic_paired")
    assert "fewer_discriminator_updates" in both


def test_what_the_trial_has_is_left_out_with_the_reason():
    found = star(small_trial(("r1", {"gamma": 1.0}), ema=0.99), {("oscillation", ""): 4})
    assert "r1" not in names(found) and "ema" not in names(found)
    assert reasons(found)["r1"] == "the trial has r1"
    assert reasons(found)["zero_centered_gp"] == "the trial has r1"
    assert reasons(found)["gradient_penalty"] == "the trial has another gradient penalty, r1"
    assert reasons(found)["non_saturating"] == "the trial has it already"


def test_conflicts_are_left_out_with_the_reason():
    found = star(small_trial(loss=("wasserstein", {})), COLLAPSE)
    assert reasons(found)["one_sided_label_smoothing"] == "with wasserstein: the loss has no 1/0 targets to smooth"
    norm = star(small_trial(network=("mlp", {"latent": 4, "d_norm": "batch"})), COLLAPSE)
    assert "r1" not in names(norm) and "samples" in reasons(norm)["r1(gamma=0.1)"]
    odd = star(small_trial(batch=17), COLLAPSE)
    assert reasons(odd)["packing"].endswith("not divisible by m = 2")


def test_what_no_suite_can_say_is_told():
    assert reasons(star(small_trial(), {("discriminator overfit", ""): 4}))["more data"]


@pytest.mark.parametrize("verdict, cause", FAILURES)
def test_every_failure_has_a_star(verdict, cause):
    assert remedy_of(verdict, cause).proposals
    found = star(small_trial(), {(verdict, cause): 1})
    assert len(found.arms) >= 8
    for arm in found.arms:
        assert incompatibility(arm.trial) is None
        assert arm.trial != found.base and arm.trial.seeds == found.base.seeds
        assert arm.cost(found.base) > 0.3


# remedy → a trial that it fits, and what it may change
SMALL = {
    "weaker_penalty": (("r1", {"gamma": 5.0}),),
    "fewer_flips": (("label_flipping", {"p": 0.5}),),
    "less_noise": (("instance_noise", {"sigma": 1.0}),),
    "larger_clip": (("weight_clipping", {}),),
    "gradient_penalty_for_clipping": (("weight_clipping", {}),),
    "spectral_norm_for_clipping": (("weight_clipping", {}),),
    "no_head_start": (("head_start", {}),),
}
CHANGED = {
    "non_saturating": {"loss"},
    "relativistic_paired": {"loss"},
    "relativistic_r1_r2": {"loss", "tricks"},
    "fresh_start": {"loss", "tricks", "optimizer"},
    "fresh_start_longer": {"loss", "tricks", "optimizer", "steps", "log_every", "evaluate_every"},
    "fresh_start_stronger": {"loss", "tricks", "optimizer", "steps", "log_every", "evaluate_every"},
    **{name: {"optimizer"} for name in ("slower_discriminator", "slower_generator", "slower", "faster")},
    **{name: {"optimizer"} for name in ("faster_discriminator", "no_momentum")},
    **{name: {"n_critic"} for name in ("fewer_discriminator_updates", "more_discriminator_updates")},
    "fewer_generator_updates": {"n_generator"},
    "ema": {"ema"},
    **{name: {"steps", "log_every", "evaluate_every"} for name in ("longer", "much_longer")},
    **{name: {"network"} for name in ("wider", "smaller_discriminator", "shallower_discriminator", "leaky_generator")},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_remedy_changes_what_it_says_and_nothing_else(name):
    counts = {"fewer_discriminator_updates": {"n_critic": 5}, "fewer_generator_updates": {"n_generator": 5}}
    loss = {"loss": ("minimax", {})} if name == "non_saturating" else {}
    base = small_trial(*SMALL.get(name, ()), **counts.get(name, {}), **loss)
    changed = changed_by(name, base)
    assert differing(base, changed.trial) == CHANGED.get(name, {"tricks"})
    assert changed.title


@pytest.mark.parametrize("name", [*SMALL, "fewer_discriminator_updates", "fewer_generator_updates"])
def test_less_of_what_a_trial_lacks_is_unfit(name):
    with pytest.raises(UnfitError):
        changed_by(name, small_trial())


def test_rates():
    def rates(name, **parameters):
        one = changed_by(name, small_trial(optimizer=("adam", parameters))).trial.optimizer.build()
        return one.rate("D"), one.rate("G")

    assert rates("slower_discriminator", lr=0.4) == (0.1, 0.4)
    assert rates("slower_generator", lr=0.4, d_lr=0.8) == (0.8, 0.1)
    assert rates("slower", lr=0.4, d_lr=0.8) == (0.2, 0.1)
    assert rates("faster", lr=0.1, g_lr=0.2) == (0.4, 0.8)
    assert rates("faster_discriminator", lr=0.1, d_lr=1e-6) == (0.1, 0.1)
    assert rates("faster_discriminator", lr=0.1) == (0.4, 0.1)


def test_a_short_trial_is_trained_as_long_as_others_usually_are():
    def steps(name, steps):
        return changed_by(name, replace(small_trial(), steps=steps)).trial.steps

    assert [steps("longer", 60), steps("longer", 1000)] == [240, 4000]
    assert [steps("much_longer", 60), steps("much_longer", 1000)] == [67 * 60, 16_000]


@pytest.mark.parametrize("file", SUITES)
def test_a_trial_as_a_suite_says_it_is_the_trial(file):
    plan = make_plan(read_suite(ROOT / f"suites/{file}.yaml"))
    arms = [arm.trial for trial in plan.trials for arm in star(trial, COLLAPSE).arms]
    trials = list({trial.id: replace(trial, seeds=(7, 8)) for trial in (*plan.trials, *arms)}.values())
    again = make_plan(suite_of_trials(plan.suite, trials))
    assert [trial.key for trial in again.trials] == [trial.key for trial in trials]
    assert again.name == f"{file}-cure"


@pytest.mark.parametrize("file", SUITES)
def test_the_line_adds_the_remedy_to_the_suite(file, tmp_path):
    suite = read_suite(ROOT / f"suites/{file}.yaml")
    base = make_plan(suite).trials[-1]
    for arm in star(base, COLLAPSE).arms:
        line = line_for(suite, arm.trial)
        written = {**suite.resolved(), "name": "more"}
        written["include"] = [*written.get("include", []), *yaml.safe_load(line)]
        (tmp_path / "more.yaml").write_text(yaml.safe_dump(written))
        more = make_plan(read_suite(tmp_path / "more.yaml"))
        before = {replace(trial, seeds=()).key for trial in make_plan(suite).trials}
        after = {replace(trial, seeds=()).key for trial in more.trials}
        assert after - before <= {replace(arm.trial, seeds=()).key} <= after, line


def test_a_long_name_stays_a_name():
    suite = read_suite(ROOT / "suites/smoke.yaml", [f"name={'a' * 64}"])
    assert len(cure_name(suite)) == 64 and cure_name(suite).endswith("-cure")
