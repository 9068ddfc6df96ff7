"""The suites of the papers: the papers' numbers, planned without a skip, each trial trains; and the page about them."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

import click
import pytest
import torch

from ganbench.assets.data_folder import FOLDER_VARIABLE
from ganbench.cli.main import main
from ganbench.extractors import mnist
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from tests.engine import Trainer
from tests.helpers import ROOT
from tests.helpers.mnist_digits import write_digits

SUITES = ROOT / "suites"
FILES = [*sorted((SUITES / "papers").glob("*.yaml")), SUITES / "gradient_collapse.yaml"]
PACKED = {
    "network": {"latent": 2, "width": 400, "depth": 4, "norm": "batch", "d_width": 200, "d_depth": 3, "d_maxout": 5}
    | {"activation": "relu", "init": "normal", "init_scale": 0.02},
    "optimizer": {"lr": 1e-4, "betas": [0.8, 0.999]},
    "loss": "non_saturating",
    "trial": {"steps": 400_000, "update": "simultaneous", "samples": 2500, "n_critic": 1},
}
# As the authors' public code has them: fjxmlzn/PacGAN, igul222/improved_wgan_training, poolio/unrolled_gan.
PROTOCOLS = {
    "pacgan_ring": PACKED | {"dataset": {"count": 8, "radius": 1.0, "sigma": 0.01}},
    "pacgan_grid": PACKED | {"dataset": {"side": 5, "spacing": 2.0, "sigma": 0.05}},
    "wgan_gp_toy": {
        "network": {"latent": 2, "width": 512, "depth": 3, "activation": "relu", "d_activation": "relu", "init": "he"}
        | {"d_width": None, "d_depth": None, "norm": "none"},
        "optimizer": {"lr": 1e-4, "betas": [0.5, 0.9]},
        "loss": "wasserstein",
        "trial": {"steps": 100_000, "batch": 256, "n_critic": 5, "update": "alternating"},
    },
    "unrolled_ring": {
        "dataset": {"count": 8, "radius": 1.0, "sigma": 0.01},
        "network": {"latent": 256, "width": 128, "depth": 2, "activation": "tanh", "d_activation": "tanh"}
        | {"init": "orthogonal", "init_scale": 1.4},
        "optimizer": {"d_lr": 1e-4, "g_lr": 1e-3, "betas": [0.5, 0.999], "eps": 1e-8},
        "loss": "minimax",
        "trial": {"steps": 25_000, "batch": 512, "update": "simultaneous"},
    },
    "veegan_grid": {
        "dataset": {"side": 5, "spacing": 2.0, "sigma": 0.05},
        "network": {"latent": 254, "width": 128, "depth": 2, "d_depth": 1, "init": "xavier"},
        "optimizer": {"lr": 1e-3, "betas": [0.5, 0.999]},
        "loss": "non_saturating",
        "trial": {"steps": 100_000, "batch": 500, "update": "simultaneous", "samples": 2500},
    },
    # Steps are the generator's: 50 epochs of 128,000 / 64 minibatches, two to each.
    "veegan_stacked_mnist": {
        "dataset": {"confidence": 0.0, "extractor": "stacked_mnist"},
        "network": {"latent": 100, "channels": 64, "norm": "batch", "d_norm": "batch", "init_scale": 0.02},
        "optimizer": {"lr": 2e-4, "betas": [0.5, 0.999], "d_lr": None, "g_lr": None},
        "loss": "non_saturating",
        "trial": {"steps": 200_000, "batch": 64, "n_generator": 2, "n_critic": 1, "samples": 26_000}
        | {"update": "alternating", "evaluate_every": 4_000, "seeds": tuple(range(10))},
    },
}


@pytest.mark.parametrize("path", [p for p in FILES if p.stem != "veegan_stacked_mnist"], ids=lambda p: p.stem)
def test_plans_and_trains(path):
    plan = make_plan(read_suite(path, []))
    assert not plan.skipped
    for trial in plan.trials:
        trainer = Trainer(replace(trial, seeds=trial.seeds[:1], steps=2, evaluate_every=2, log_every=1))
        trainer.advance(60)
        assert trainer.finished
        assert torch.isfinite(trainer.g.flat).all()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_numbers_are_the_papers(name):
    trial = make_plan(read_suite(SUITES / f"papers/{name}.yaml", [])).trials[0]
    for kind, numbers in PROTOCOLS[name].items():
        if kind == "loss":
            assert trial.loss.name == numbers
        elif kind == "trial":
            assert {key: getattr(trial, key) for key in numbers} == numbers
        else:
            found = getattr(trial, kind).parameters
            assert {key: found[key] for key in numbers} == numbers


@pytest.fixture
def digits_as_mnist(tmp_path, monkeypatch):
    """A data folder whose MNIST is scikit-learn's digits, and a classifier of a third of the training."""
    import platformdirs

    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    monkeypatch.setattr(mnist, "LEAST_STEPS", 200)
    monkeypatch.setattr(mnist.MNIST, "least_accuracy", 0.97)  # of 445 scans, where MNIST has 10,000
    write_digits(tmp_path / "data")


def test_stacked_mnist_trains_and_counts_as_the_paper_does(digits_as_mnist):
    plan = make_plan(read_suite(SUITES / "papers/veegan_stacked_mnist.yaml", ["networks.0.dcgan.channels=8"]))
    assert not plan.skipped
    assert [(t.batch, [x.name for x in t.tricks]) for t in plan.trials] == [
        (64, ["latent"]),
        (128, ["latent", "packing"]),
    ]
    assert all(t.tricks[0].parameters == {"distribution": "uniform"} for t in plan.trials)
    for trial in plan.trials:
        trainer = Trainer(replace(trial, seeds=(0, 1), steps=4, evaluate_every=4, log_every=2, samples=500))
        assert trainer.evaluator.z.shape == (2, 500, 100)
        assert -1 <= trainer.evaluator.z.min() < -0.99 and 0.99 < trainer.evaluator.z.max() <= 1
        trainer.advance(60)
        runs = trainer.tables().runs
        floor = runs["modes_hit_floor"].iloc[0]
        # 500 of 1,000 about even triples hit 393 with a deviation of 9.5: five of them, and the uneven shares.
        assert 340 < floor < 445
        assert runs["mode_kl_even_floor"].between(0.5, 1.3).all()  # log 1000 less the entropy of 500 samples
        assert bool((runs["hq_fraction"] == 1).all())
        assert (runs["modes_hit"] < floor).all()
        assert set(runs["extractor"]) == {mnist_identity()}


def mnist_identity():
    return f"stacked_mnist {mnist.MNIST().weights_hash()}"


def test_packs_share_a_minibatch_of_100():
    for name in ("pacgan_ring", "pacgan_grid"):
        trials = make_plan(read_suite(SUITES / f"papers/{name}.yaml", [])).trials
        assert [(t.tricks[0].parameters["m"] if t.tricks else 1, t.batch) for t in trials] == [
            (m, 100 * m) for m in (1, 2, 3, 4)
        ]


def test_toy_data_are_divided_as_in_the_code():
    """Radius 2 and σ .02 by 1.414; spacing 2 and σ .05 by 2.828."""
    trials = make_plan(read_suite(SUITES / "papers/wgan_gp_toy.yaml", [])).trials
    ring, grid = (next(t.dataset for t in trials if t.dataset.name == name).parameters for name in ("ring", "grid"))
    assert (ring["radius"], ring["sigma"]) == pytest.approx((2 / 1.414, 0.02 / 1.414), rel=1e-6)
    assert (grid["spacing"], grid["sigma"]) == pytest.approx((2 / 2.828, 0.05 / 2.828), rel=1e-6)


COMMANDS = re.findall(r"^ganbench run (.+)$", (ROOT / "docs/papers.md").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.split()[0].split("/")[-1])
def test_the_commands_of_the_page_plan_in_an_empty_folder(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)
    assert "--executor" not in words, "plan knows none"
    assert main(["plan", *words]) == 0, click.unstyle(capsys.readouterr().err)


def test_the_page_speaks_of_every_suite():
    page = (ROOT / "docs/papers.md").read_text(encoding="utf-8")
    assert {path.stem for path in FILES if path.parent.name == "papers"} <= set(
        re.findall(r"papers/(\w+)", page)
    ) | set(re.findall(r"(\w+)\.yaml", page))
