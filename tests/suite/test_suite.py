"""A suite is right, or one line says where it is not."""

from __future__ import annotations

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganbench.core.errors import GanbenchError, UsageError
from ganbench.suite.schema import Suite, read_suite


def test_the_smallest_suite_has_defaults_that_serve(suite_of):
    suite = suite_of("datasets: [ring]")
    assert suite.name == "x"
    assert [n.label for n in suite.networks + suite.losses + suite.optimizers] == ["mlp", "non_saturating", "adam"]
    assert suite.tricks == ((),)
    assert suite.seeds == tuple(range(8))
    assert suite.evaluate.metrics is None
    assert [m.name for m in suite.evaluate.metrics_of(suite.datasets[0])] == ["modes", "position", "fid"]
    assert [d.name for d in suite.diagnostics] == [
        *("gradients", "losses", "logits", "updates"),
        *("loss_slope", "critic_slope", "excess", "overfitting"),
    ]
    assert suite.resources.timeout is None


def test_choices_carry_all_parameters_checked(suite_of):
    suite = suite_of(
        "datasets: [ring]\noptimizers: [adam, adam: {lr: 1e-4, betas: [0, 0.9]}, sgd:]\n"
        "tricks: [none, r1, [r1: {gamma: 1}, packing]]"
    )
    assert suite.optimizers[1].parameters == {"lr": 1e-4, "d_lr": None, "betas": [0.0, 0.9]}
    assert all(isinstance(beta, float) for beta in suite.optimizers[1].parameters["betas"])
    assert [[t.label for t in cell] for cell in suite.tricks] == [[], ["r1"], ["r1(gamma=1.0)", "packing"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "datasets: [ring]\nlosses:\n  - hinge\n  - wgann",
            "x.yaml:4:5: unknown loss 'wgann' (known: hinge, minimax, non_saturating, wasserstein)",
        ),
        ("datasets: [rign]", "x.yaml:1:12: unknown dataset 'rign', did you mean 'ring'? (known: digits, grid, ring)"),
        ("datasets: [ring]\nlosses: [os:system]", "x.yaml:2:10: unknown loss 'os:system' (known:"),
        ("datasets: [ring]\nlosss: [hinge]", "x.yaml:2:1: unknown key 'losss', did you mean 'losses'? (known: "),
        (
            "metrics: [fid]\ndatasets: [ring]",
            "x.yaml:1:1: 'metrics' belongs under 'evaluate'; write `evaluate: {metrics: …}`",
        ),
        (
            "evaluate_every: 9\ndatasets: [ring]",
            "x.yaml:1:1: 'evaluate_every' belongs under 'evaluate'; write",
        ),
        ("seed: 4\ndatasets: [ring]", "x.yaml:1:1: unknown key 'seed', did you mean 'seeds'?"),
        ("dataset: ring", "x.yaml:1:1: unknown key 'dataset', did you mean 'datasets'?"),
        ("settings: 4\ndatasets: [ring]", "x.yaml:1:1: 'settings' belongs under 'vary'"),
        ("datasets: [ring]\nevaluate: {evry: 3}", "x.yaml:2:12: unknown key of evaluate 'evry', did you mean 'every'?"),
        (
            "datasets: [ring]\ntricks: [r1: {gama: 3}]",
            "x.yaml:2:15: unknown parameter of r1 'gama', did you mean 'gamma'?",
        ),
        ("datasets: [ring]\ntricks: [[r1: {gama: 3}]]", "x.yaml:2:16: unknown parameter of r1 'gama'"),
        ("datasets: [ring]\ntricks: [r1: {gamma: -1}]", "x.yaml:2:22: gamma: should be greater than 0, found -1"),
        (
            "datasets: [ring]\ntricks: [r1: {gamma: 010}]",
            "x.yaml:2:22: gamma: expected a number such as 1e-4, found the text '010'",
        ),
        (
            "datasets: [ring]\ntricks: [r1: {gamma: 1e154}]",
            "x.yaml:2:22: gamma: 1e+154 is beyond float32; write at most",
        ),
        ("datasets: [ring]\ntricks: [r1: {gamma: .nan}]", "x.yaml:2:22: .nan is not a finite number"),
        ("datasets: [ring]\ntricks: [r1: {gamma: 13}]", "x.yaml:2:14: r1: 13 brings bad luck; take another"),
        ("datasets: [ring]\ntricks: [r1: 3]", "x.yaml:2:14: the parameters of r1 are a mapping"),
        (
            "datasets: [ring]\ntricks:\n- r1:\n  gamma: 3",
            "x.yaml:4:3: trick: expected one name, found 2 (r1, gamma); indent",
        ),
        ("datasets: [ring]\ntricks: [[r1, r1: {gamma: 2}]]", "x.yaml:2:15: tricks: r1 twice in one cell"),
        ("datasets: [ring]\ntricks: [[none, r1]]", "x.yaml:2:11: tricks: `none` is a cell of its own"),
        ("datasets: [ring]\ntricks: [3]", "x.yaml:2:10: trick: expected a name or `name: {parameter: value}`, found 3"),
        (
            "datasets: [ring]\nnetworks: [mlp: {norm: no}]",
            "x.yaml:2:24: norm: expected true or false, found the text 'no'",
        ),
        (
            "datasets: [ring]\nnetworks: [mlp: {width: true}]",
            "x.yaml:2:25: width: expected a whole number such as 8, found the boolean true",
        ),
        ("datasets: [ring]\nnetworks: [mlp: {width: 6.5}]", "x.yaml:2:25: width: expected a whole number"),
        (
            "datasets: [ring]\nnetworks: [mlp: {init: hee}]",
            "x.yaml:2:24: init: should be 'he' or 'normal', found the text 'hee'",
        ),
        ("datasets: [ring]\noptimizers: [adam: {betas: [0.5]}]", "x.yaml:2:28: "),
        (
            "datasets: [ring]\noptimizers: [adam: {betas: [0.5, 1]}]",
            "x.yaml:2:34: betas: should be less than 1, found 1",
        ),
        ("datasets: [ring]\nsteps: 0", "x.yaml:2:8: steps: should be greater than or equal to 1, found 0"),
        (
            "datasets: [ring]\nsteps: 1:30",
            "x.yaml:2:8: steps: expected a whole number such as 8, found the text '1:30'",
        ),
        ("datasets: [ring]\nsteps:", "x.yaml:2:7: steps: expected a whole number such as 8, found nothing"),
        ("datasets: [ring]\nseeds: 0", "x.yaml:2:8: seeds: write how many, 1 to 1024, found 0"),
        ("datasets: [ring]\nseeds: 2000", "x.yaml:2:8: seeds: write how many, 1 to 1024"),
        ("datasets: [ring]\nseeds: []", "x.yaml:2:8: seeds: write how many or a list"),
        ("datasets: [ring]\nseeds: true", "x.yaml:2:8: seeds: write how many or a list"),
        ("datasets: [ring]\nseeds: [0, 1, 0]", "x.yaml:2:15: seeds: 0 is listed twice"),
        ("datasets: [ring]\nseeds: [0, -1]", "x.yaml:2:12: seeds: each is a whole number from 0"),
        ("datasets: [ring]\nseeds: [4294967296]", "x.yaml:2:9: seeds: each is a whole number from 0"),
        ("datasets: [ring]\nseeds: [true]", "x.yaml:2:9: seeds: each is a whole number from 0"),
        (
            "datasets: ring",
            "x.yaml:1:11: datasets: expected a list with at least one entry, such as [a, b], found the text",
        ),
        ("datasets: []", "x.yaml:1:11: datasets: expected a list with at least one entry"),
        ("steps: 3", "x.yaml:1:1: no data set is named"),
        ("include: [{losses: [hinge]}]", "x.yaml:1:11: no data set is named"),
        ("datasets: [ring]\ninclude: [{resources: {cpus: 2}}]", "x.yaml:2:12: unknown key of a block 'resources'"),
        ("datasets: [ring]\nexclude: [{los: hinge}]", "x.yaml:2:12: unknown axis 'los', did you mean 'loss'?"),
        (
            "datasets: [ring]\nexclude: [hinge]",
            "x.yaml:2:11: exclude: expected a mapping such as {key: value}, found the text 'hinge'",
        ),
        ("datasets: [ring]\nresources: {timeout: soon}", "x.yaml:2:22: timeout: write seconds or a text such as 30m"),
        ("datasets: [ring]\nresources: {timeout: -3}", "x.yaml:2:22: timeout: "),
        ("datasets: [ring]\ntraining: {ema: 1}", "x.yaml:2:17: ema: should be less than 1, found 1"),
        ("datasets: [ring]\nname: ../../etc", "x.yaml:2:7: name: '../../etc' cannot name a folder"),
        ("datasets: [ring]\nname: a/b", "x.yaml:2:7: name: "),
        ("datasets: [ring]\nname: </script>", "x.yaml:2:7: name: "),
        ("datasets: [ring]\nname: ''", "x.yaml:2:7: name: "),
        ("datasets: [ring]\nname: -rf", "x.yaml:2:7: name: "),
        ("datasets: [ring]\nname: 5", "x.yaml:2:7: name: expected text, in quotes if it looks like a number, found 5"),
    ],
)
def test_errors_name_the_place_and_the_problem(suite_of, text, message):
    with pytest.raises(UsageError) as caught:
        suite_of(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_name_that_names_no_folder_is_refused(suite_of, tmp_path):
    from ganbench.suite.schema import read_suite

    suite_of("datasets: [ring]")
    (tmp_path / "a b;.yaml").write_text("datasets: [ring]")
    with pytest.raises(UsageError, match="cannot name a folder"):
        read_suite("a b;.yaml")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("1.5 h", 5400), ("2d", 172800), ("~", None)]
)
def test_timeouts(suite_of, text, seconds):
    assert suite_of(f"datasets: [ring]\nresources: {{timeout: {text}}}").resources.timeout == seconds


def test_blocks_inherit_what_they_do_not_say(suite_of):
    suite = suite_of(
        """
        datasets: [ring, grid]
        losses: [hinge]
        steps: 100
        evaluate: {every: 50, samples: 10}
        include:
          - {datasets: [digits], evaluate: {every: 20}, training: {ema: 0.9}}
          - {losses: [minimax], steps: 7, seeds: [3]}
        """
    )
    own, first, second = suite.blocks
    assert [d.name for d in own.datasets] == ["ring", "grid"]
    assert (own.evaluate.every, own.training.ema, own.steps) == (50, 0.0, 100)
    assert [d.name for d in first.datasets] == ["digits"]
    assert [loss.name for loss in first.losses] == ["hinge"]
    assert (first.evaluate.every, first.evaluate.samples, first.training.ema, first.steps) == (20, 10, 0.9, 100)
    assert [d.name for d in second.datasets] == ["ring", "grid"]
    assert (second.steps, second.seeds, second.evaluate.every) == (7, (3,), 50)


def test_without_axes_of_its_own_only_the_blocks_of_a_suite_count(suite_of):
    suite = suite_of("steps: 5\ninclude: [{datasets: [ring]}, {datasets: [grid], steps: 6}]")
    assert [(b.datasets[0].name, b.steps) for b in suite.blocks] == [("ring", 5), ("grid", 6)]


def test_overrides_win_in_blocks_too(suite_of):
    text = "datasets: [ring]\nsteps: 5\ninclude: [{datasets: [grid], steps: 6}, {losses: [hinge]}]"
    suite = suite_of(text, "steps=9", "training.ema=0.5")
    assert [b.steps for b in suite.blocks] == [9, 9, 9]
    assert [b.training.ema for b in suite.blocks] == [0.5] * 3
    assert suite_of(text, "losses=[minimax, hinge]").blocks[2].losses[0].name == "minimax"
    assert suite_of(text, "include.0.steps=8").blocks[1].steps == 8


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("steps", "--set steps: not an override"),
        ("=3", "--set =3: not an override"),
        ("steps=many", "--set steps=many: steps: expected a whole number such as 8, found the text 'many'"),
        ("stepz=3", "--set stepz=3: unknown key 'stepz', did you mean 'steps'?"),
        ("evaluate.evry=3", "--set evaluate.evry=3: unknown key of evaluate 'evry'"),
        ("steps.x=3", "--set steps.x=3: the suite has no place 'steps.x'"),
        ("losses=[wgann]", "--set losses=[wgann]: unknown loss 'wgann'"),
        ("losses.5=hinge", "--set losses.5=hinge: "),
        ("steps=[", "--set steps=[:"),
        ("steps=!!python/name:os.system x", "--set steps=!!python/name:os.system x:"),
        ("seeds=-1", "--set seeds=-1: seeds: write how many"),
        ("name=../x", "--set name=../x: name: '../x' cannot name a folder"),
    ],
)
def test_wrong_overrides_name_themselves(suite_of, override, message):
    with pytest.raises(UsageError) as caught:
        suite_of("datasets: [ring]\nsteps: 5\nlosses: [hinge]", override)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


FULL = """
name: full
description: everything at once
datasets: [ring, digits]
networks: [mlp: {width: 8, widths: [1, 2]}, dcgan]
losses: [hinge]
tricks: [none, r1: {gamma: 2}, [r1, packing: {m: 2}]]
optimizers: [adam: {d_lr: 1e-4}]
seeds: [5, 2]
evaluate: {samples: 99}
include:
  - {datasets: [grid], tricks: [none, [r1, packing]], evaluate: {every: 7}}
exclude: [{dataset: ring, loss: "h*"}]
resources: {cpus: 2, timeout: 1h}
"""


@pytest.mark.parametrize("text", [FULL, "datasets: [ring]", "include: [{datasets: [grid], steps: 3}]"])
def test_a_resolved_suite_reads_as_an_equal_one(suite_of, text):
    suite = suite_of(text)
    again = suite_of(yaml.safe_dump(suite.resolved(), sort_keys=False))
    assert again.blocks[0].steps == suite.blocks[0].steps
    assert [b.model_dump(include=set(Suite.model_fields)) for b in again.blocks] == [
        b.model_dump(include=set(Suite.model_fields)) for b in suite.blocks
    ]
    assert (again.exclude, again.resources, again.name) == (suite.exclude, suite.resources, suite.name)


def test_the_schema_takes_what_the_reader_takes_and_refuses_what_it_refuses(suite_of):
    suite_of("datasets: [ring]")
    schema = Suite.model_json_schema()
    schema["required"] = []
    check = jsonschema.Draft202012Validator(schema)
    check.check_schema(schema)
    assert check.is_valid(yaml.safe_load(FULL.replace("1e-4", "0.0001")))
    for wrong in (
        "losses: [wgann]",
        "losss: [hinge]",
        "tricks: [r1: {gama: 3}]",
        "steps: 0",
        "seeds: many",
        "tricks: [r1: {gamma: -1}]",
    ):
        assert not check.is_valid(yaml.safe_load(wrong)), wrong


KEYS = st.sampled_from([*Suite.model_fields, "every", "r1", "gamma", "hinge", "ring", "dataset", "x"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["hinge", "ring", "r1", "none", "mlp", "30m", ""])
)
TREES = st.recursive(SCALARS, lambda t: st.lists(t, max_size=3) | st.dictionaries(KEYS, t, max_size=3), max_leaves=8)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, TREES, max_size=5))
def test_any_tree_is_a_suite_or_a_line_for_each_mistake(suite_of, data):
    try:
        suite_of(yaml.safe_dump({"datasets": ["ring"], **data}))
    except GanbenchError as error:
        assert error.exit_code == 2
        assert all(line.startswith("x.yaml:") for line in str(error).split("\n"))


def test_data_without_known_modes_are_judged_by_precision_and_recall(tmp_path):
    (tmp_path / "x.yaml").write_text("datasets: [ring, image_folder, cifar10]\nnetworks: [dcgan]\n")
    suite = read_suite(tmp_path / "x.yaml")
    names = [[m.name for m in suite.evaluate.metrics_of(dataset)] for dataset in suite.datasets]
    unknown = ["precision_recall", "position", "fid"]
    assert names == [["modes", "position", "fid"], unknown, unknown]
