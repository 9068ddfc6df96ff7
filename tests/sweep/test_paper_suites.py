"""The suites of the papers: each plans without a skip, and each of its trials trains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganbench.sweep.plan import make_plan
from ganbench.sweep.suite import read_suite
from ganbench.training.trainer import Trainer

SUITES = Path(__file__).parents[2] / "suites"
FILES = [*sorted((SUITES / "papers").glob("*.yaml")), SUITES / "gradient_collapse.yaml"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_plans_and_trains(path):
    plan = make_plan(read_suite(path, []))
    assert not plan.skipped
    for trial in plan.trials:
        trainer = Trainer(replace(trial, seeds=trial.seeds[:1], steps=2, evaluate_every=2, log_every=1))
        trainer.advance(60)
        assert trainer.finished
        assert torch.isfinite(trainer.g.flat).all()
