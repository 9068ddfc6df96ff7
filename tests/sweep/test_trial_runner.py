"""A trial's worker reports soon after it has begun, and then once a second."""

from __future__ import annotations

from ganbench.sweep.trial_runner import FIRST_SECONDS, REPORT_SECONDS
from tests.engine import Trainer, TrialJob, TrialRunner
from tests.helpers.trials import small_trial


def test_the_first_report_comes_early(tmp_path, monkeypatch):
    asked, advance = [], Trainer.advance
    monkeypatch.setattr(Trainer, "advance", lambda self, seconds: (asked.append(seconds), advance(self, 0.0))[1])
    trial = small_trial(seeds=(0,), steps=100, evaluate_every=100)
    runner = TrialRunner(TrialJob(trial, "0" * 64, tmp_path))
    reports = [runner.advance() for _ in range(3)]
    assert asked == [FIRST_SECONDS, REPORT_SECONDS, REPORT_SECONDS]
    assert [report.numbers["step"] for report in reports] == [1, 2, 3]
