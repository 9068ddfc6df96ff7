"""Tables for people: labels tell everything apart, numbers are those of the suite, curves have no gaps."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import ganbench
from ganbench.core.component import Component
from ganbench.core.errors import UsageError
from ganbench.core.trial import Choice
from ganbench.loaded import Results
from ganbench.losses.hinge import Hinge
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.tricks.packing import Packing
from ganbench.tricks.r1 import R1
from tests.helpers.made_tables import made_run, made_tables, seeded


def loaded(folder, *trials):
    return ganbench.load(made_run(folder, {trial: made_tables(trial) for trial in trials}))


def of(**choices):
    return {name: Choice.of(choice) if isinstance(choice, Component) else choice for name, choice in choices.items()}


def test_a_label_is_one_trial_and_a_trial_one_label(tmp_path):
    plain = seeded(2)
    trials = [
        plain,
        dataclasses.replace(plain, n_critic=5),
        dataclasses.replace(plain, steps=plain.steps + 1),
        dataclasses.replace(plain, log_every=plain.log_every + 1),  # in nothing that a table names
        dataclasses.replace(plain, tricks=(Choice.of(R1()),)),
        dataclasses.replace(plain, tricks=(Choice.of(R1(gamma=0.5)),)),
    ]
    runs = loaded(tmp_path, *trials).runs
    pairs = runs[["trial", "label"]].drop_duplicates()
    assert len(pairs) == len(set(pairs["trial"])) == len(set(pairs["label"])) == len(trials)
    assert runs.loc[runs["schedule"] == "n_critic=5", "label"].str.contains("n_critic=5", regex=False).all()


def test_numbers_that_differ_are_columns_with_their_defaults(tmp_path):
    plain = dataclasses.replace(seeded(1), loss=Choice.of(Hinge()), tricks=())
    slow = dataclasses.replace(plain, optimizer=Choice.of(Adam(lr=1e-4, betas=(0.0, 0.9))))
    trick = dataclasses.replace(plain, tricks=(Choice.of(R1(gamma=0.5)), Choice.of(Packing(m=4))), n_critic=5, batch=32)
    usual = dataclasses.replace(plain, tricks=(Choice.of(R1()),))
    results = loaded(tmp_path, plain, slow, trick, usual)
    runs = results.runs
    numbers = runs[[name for name in runs if name.startswith("param.")]]
    default = float(Adam().lr)
    expected = {
        "param.batch": [plain.batch, plain.batch, 32.0, plain.batch],
        "param.optimizer.betas": [
            str(list(Adam().betas)),
            "[0.0, 0.9]",
            str(list(Adam().betas)),
            str(list(Adam().betas)),
        ],
        "param.optimizer.lr": [default, 1e-4, default, default],
        "param.packing.m": [np.nan, np.nan, 4.0, np.nan],
        "param.r1.gamma": [np.nan, np.nan, 0.5, R1().gamma],
        "param.training.n_critic": [1.0, 1.0, 5.0, 1.0],
    }
    assert sorted(numbers) == sorted(expected)
    assert set(numbers) <= set(results.columns)
    for name, values in expected.items():
        wanted = pd.Series(values, dtype="string" if isinstance(values[0], str) else "float64", name=name)
        pd.testing.assert_series_equal(pd.Series(numbers[name]), wanted, check_index=False)


def test_equal_numbers_are_no_columns(tmp_path):
    trials = [
        dataclasses.replace(seeded(1), network=Choice.of(MLP(width=8)), loss=Choice.of(Hinge()), seeds=(s,))
        for s in (0, 1)
    ]
    assert not [name for name in loaded(tmp_path, *trials).runs if name.startswith("param.")]


def test_runs_have_verdicts_and_no_json(tmp_path):
    results = loaded(tmp_path, seeded(2))
    assert results.runs["verdict"].tolist() == results.verdicts()["verdict"].tolist()
    assert not {"versions", "environment"} & set(results.runs)
    assert len(results.components) == 0 or {"kind", "name", "version"} < set(results.components)


@pytest.mark.parametrize("text", ['{"a": "b", "trial": 5}', "[" * 100_000, '{"a": ' * 100_000, "{", "5"])
def test_cells_that_anybody_wrote_are_no_errors(tmp_path, text):
    tables = loaded(tmp_path, seeded(2)).tables
    results = Results(dataclasses.replace(tables, runs=tables.runs.assign(versions=text, environment=text)))
    known = set(tables.runs["trial"])
    assert set(results.components["trial"]) <= known and set(results.environments["trial"]) == known
    assert len(results.components) == int('"a": "b"' in text) * 2
    assert len(results.runs) == 2


def test_what_was_logged_and_what_was_evaluated_are_apart(tmp_path):
    suite = ganbench.Suite(
        "apart",
        datasets=["ring"],
        networks=[MLP(width=8, latent=2)],
        tricks=[None, R1()],
        seeds=2,
        steps=40,
        batch=16,
        log_every=20,
        evaluate={"every": 10, "samples": 50, "metrics": ["modes", {"fid": {"every": 40}}]},
    )
    results = suite.run(tmp_path, executor="local", progress=False)
    assert sorted(set(results.diagnostics["step"])) == [1, 20, 40]
    assert sorted(set(results.evaluations["step"])) == [10, 20, 30, 40]
    assert bool(results.diagnostics["grad_norm_g"].notna().all())
    assert bool(results.evaluations["modes_captured"].notna().all())
    assert "modes_captured" not in results.diagnostics and "grad_norm_g" not in results.evaluations
    fid = results.curve("fid")
    assert bool(fid["fid"].notna().all()) and set(fid["step"]) == {40}
    assert set(fid["label"]) == {"non_saturating · none", "non_saturating · r1"}
    with pytest.raises(UsageError, match="no curve 'grad_norm'"):
        results.curve("grad_norm")
    assert set(results.components["name"]) > {"ring", "mlp", "non_saturating", "r1", "adam"}
    assert results.environments["device"].tolist() == ["cpu", "cpu"]
    compared = results.compare(results)
    assert set(compared["outcome"]) == {"identical"}
    assert set(compared["label"]) == {"none", "r1"}  # all else is the same
    told = results.verdicts()
    assert told["label"].tolist() == results.runs.set_index("run").loc[told["run"], "label"].tolist()


def test_a_result_says_what_it_is_in_ten_lines(tmp_path):
    results = loaded(tmp_path, seeded(2))
    assert 1 <= len(repr(results).splitlines()) <= 10 and "2 OK" in repr(results)
    assert "<table" in results._repr_html_()


def test_html_escapes_what_names_hold(tmp_path):
    trial = seeded(1)
    tables = made_tables(trial)
    tables.runs["loss"] = "<script>"
    assert "<script>" not in ganbench.load(made_run(tmp_path, {trial: tables}))._repr_html_()


def test_what_is_read_first_stands_first(tmp_path):
    results = loaded(tmp_path, seeded(2), dataclasses.replace(seeded(2), tricks=(Choice.of(R1()),)))
    assert results.runs.columns[:3].tolist() == ["label", "seed", "verdict"]
    assert results.verdicts().columns[:3].tolist() == ["label", "seed", "verdict"]
    assert results.compare(results).columns[:3].tolist() == ["label", "metric", "outcome"]
    short, full = results.ranking(), results.ranking(full=True)
    assert short.columns[:2].tolist() == ["rank", "label"] and set(short["label"]) == set(results.runs["label"])
    means = [name for name in short if name.endswith("_mean")]
    assert means == [
        f"{name}_mean" for name in results.runs if f"{name}_low" in full and results.columns[name].direction
    ]
    assert set(short) < set(full) and "modes_captured_median" in full


def test_a_plan_and_a_suite_are_one_line():
    suite = ganbench.Suite("short", datasets=["ring"], losses=["hinge"], tricks=[None, "r1"], seeds=2, steps=40)
    assert repr(suite) == "<ganbench.Suite short: datasets=[ring], losses=[hinge], tricks=[none, r1]>"
    assert repr(suite.plan()).endswith(": 2 .trials, 0 .skipped>")
