"""The pytest plugin on tests of its own: what it trains, when it fails, and that it costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ganbench.core.errors import UsageError
from ganbench.loaded import Results
from ganbench.pytest_plugin import Trained
from tests.helpers import warm
from tests.helpers.fake_results import fake_results

pytest_plugins = "pytester"

TEST = """
import torch.nn as nn

def generator():
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))

def discriminator():
    return nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))

KEYS = dict(latent=4, steps=20, batch=32, log_every=10, evaluate=dict(every=20, samples=100))

def train(gan_stability, seeds=3):
    return gan_stability(generator, discriminator, name="mine", seeds=seeds, **KEYS)

ONCE = []

def judged(gan_stability):
    if not ONCE:
        ONCE.append(train(gan_stability))
    return ONCE[0]

def test_regression(gan_stability):
    train(gan_stability).assert_no_regression("mine")

def test_another_suite(gan_stability, request):
    seeds = 3 if request.config.getoption("--ganbench-save") else 4
    train(gan_stability, seeds).assert_no_regression("mine")

def test_well(gan_stability):
    trained = judged(gan_stability)
    assert len(trained.results.runs) == 3
    trained.assert_metric("modes_captured", at_least=0)
    trained.assert_no_verdict("diverged")

def test_metric(gan_stability):
    judged(gan_stability).assert_metric("modes_captured", at_least=99)

def test_misspelt_metric(gan_stability):
    judged(gan_stability).assert_metric("fidd", at_most=1)

def test_verdict(gan_stability):
    trained = judged(gan_stability)
    trained.assert_no_verdict(next(iter(trained.verdicts)))

def test_misspelt_verdict(gan_stability):
    judged(gan_stability).assert_no_verdict("mode hoping")
"""


def run(pytester, *options):
    # In a process of its own: torch cannot be imported twice in one.
    code = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    done = warm.run(code, "-p", "no:cacheprovider", *options, cwd=pytester.path)
    return pytest.RunResult(done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), 0.0)


def test_a_gan_of_ones_own_is_trained_and_judged(pytester):
    pytester.makepyfile(test_it=TEST)
    first = run(pytester)
    first.assert_outcomes(passed=1, failed=6)
    first.stdout.fnmatch_lines(
        [
            "*unknown baseline 'mine'*`pytest --ganbench-save` makes it*",
            "*modes_captured is * over 3 seeds, wanted at least 99",
            "*unknown metric 'fidd'*did you mean 'fid'*",
            "*3 × * in 3 runs, more than 0%",
            "*unknown verdict 'mode hoping'*did you mean 'mode hopping'*",
        ]
    )
    run(pytester, "--ganbench-save", "-k", "regression or another").assert_outcomes(passed=2, deselected=5)
    assert (pytester.path / "results/baselines/mine/runs.parquet").is_file()
    again = run(pytester, "-k", "regression or another")  # equal bits pass with three seeds
    again.assert_outcomes(passed=1, failed=1, deselected=5)
    again.stdout.fnmatch_lines(["*not the suite of the baseline*"])


@pytest.mark.parametrize("share", [1, 5, -0.1, float("nan")])
def test_what_could_never_fail_is_refused(share, tmp_path):
    trained = Trained(Results(fake_results(trials=2, seeds=2, datasets=("ring",))), tmp_path, save=False)
    with pytest.raises(UsageError, match="would let every run pass"):
        trained.assert_no_verdict("diverged", at_most=share)
    with pytest.raises(UsageError, match="names no verdict"):
        trained.assert_no_verdict()
    with pytest.raises(UsageError, match="fid has no bound"):
        trained.assert_metric("fid")
    with pytest.raises(UsageError, match=r"'modes_\*' is a pattern; name one of modes_captured"):
        trained.assert_metric("modes_*", at_least=0)


def test_nothing_heavy_is_imported_before_the_fixture_is_used():
    code = (
        "import sys, ganbench.pytest_plugin; "
        "print(sorted({'torch', 'ray', 'pandas', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
