import io
import os
import re
from types import SimpleNamespace
from typing import cast

import pytest

from ganbench.api import Suite
from ganbench.core.naming import short_names
from ganbench.core.status import Status
from ganbench.suite.estimate import trial_seconds
from ganbench.sweep.events import TrialProgress
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.progress import Progress, line
from tests.helpers.trials import small_trial

NAMES = {"a": "ring · mlp · hinge · none · adam", "b": "ring · mlp · hinge · r1 · adam"}
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\x9b]")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def colourful(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")


def follow(progress):
    progress.update(TrialProgress("a", share=0.5))
    progress.update(TrialProgress("a", Status.OK, 1.0, {"modes_captured": 7.8, "fid": 0.01234, "diverged": 0.0}, 6.94))
    progress.retried("b")
    progress.update(TrialProgress("b", Status.FAILED, error="ValueError: no", seconds=0.2))
    progress.close()


def test_plain_lines_without_a_terminal():
    stream = io.StringIO()
    follow(Progress(NAMES, stream))
    assert stream.getvalue().splitlines() == [
        "[1/2] OK       ring · mlp · hinge · none · adam  modes 7.8  fid 0.0123  6.9 s",
        "retry 1  ring · mlp · hinge · r1 · adam  its worker died (killed or out of memory)",
        "[2/2] FAILED   ring · mlp · hinge · r1 · adam  0.2 s  ValueError: no",
    ]


def test_a_terminal_gets_a_bar_and_the_same_lines():
    stream = Terminal()
    follow(Progress(NAMES, stream))
    text = stream.getvalue()
    assert CONTROL.search(text)
    assert "2/2 trials" in text and "ETA" in text
    assert "modes 7.8" in text and "ValueError: no" in text


def test_without_a_terminal_a_line_now_and_then_says_how_long_it_takes(monkeypatch):
    """The estimate holds until trials report; from there on it is the pace of training, and Ray's start is left out."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("ganbench.sweep.progress.time", SimpleNamespace(monotonic=lambda: clock.now))
    stream = io.StringIO()
    progress = Progress(NAMES, stream, estimate=240.0)

    def at(seconds, *reports):
        clock.now = 1000.0 + seconds
        for report in reports:
            progress.update(report)
        progress.tick()

    at(29)
    at(60)  # Ray has been starting for a minute
    at(80, TrialProgress("a", share=0.2))
    at(100, TrialProgress("a", share=0.6))  # 0.2 of both in 20 s, so that 0.7 takes 70 s
    at(160, TrialProgress("b", share=0.5))  # 0.45 in 80 s
    assert stream.getvalue().splitlines() == [
        "0% done, about 4 min left",
        "30% done, about 70 s left",
        "55% done, about 80 s left",
    ]


def test_a_long_trial_counts_for_more_than_a_short_one():
    progress = Progress(NAMES, io.StringIO(), trials=4, work={"a": 90.0, "b": 10.0}, later=50.0)
    progress.update(TrialProgress("a", Status.OK))
    assert progress.share == pytest.approx(90 / 200)
    progress.update(TrialProgress("b", share=0.5))
    assert progress.share == pytest.approx(95 / 200)
    progress.expect(cast(TrialJob, SimpleNamespace(key="c", trial=small_trial(steps=1000))), lambda job: "c")
    cost = trial_seconds(small_trial(steps=1000))
    assert progress.share == pytest.approx(95 / (150 + cost))
    progress.trials = 3
    progress.update(TrialProgress("b", Status.OK))
    progress.update(TrialProgress("c", Status.OK))
    assert progress.share == 1.0


@pytest.mark.parametrize("variable, value", [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_control_codes_where_they_are_not_wanted(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    stream = Terminal()
    follow(Progress(NAMES, stream))
    assert stream.getvalue() and not CONTROL.search(stream.getvalue())


def test_a_reader_that_goes_away_does_not_stop_the_run():
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w", buffering=1)
    progress = Progress(NAMES, stream)
    follow(progress)
    assert progress.finished == 2 and progress.retries == {"b": 1}
    with pytest.raises(BrokenPipeError):  # or this test shows nothing
        stream.close()


def test_a_closed_stream_does_not_stop_the_run():
    stream = io.StringIO()
    stream.close()
    follow(Progress(NAMES, stream))


def test_names_and_errors_cannot_write_control_codes_or_lines():
    stream = io.StringIO()
    progress = Progress({"a": "x\x1b[31m\ny"}, stream)
    progress.update(TrialProgress("a", Status.FAILED, error="bad\r\n\x07"))
    assert not CONTROL.search(stream.getvalue()) and stream.getvalue().count("\n") == 1


def test_brackets_in_names_are_text_on_a_terminal():
    stream = Terminal()
    progress = Progress({"a": "[red]x[/red]"}, stream)
    progress.update(TrialProgress("a", Status.OK))
    progress.close()
    assert "[red]x[/red]" in stream.getvalue()


def test_a_stream_that_cannot_write_every_letter_still_gets_its_lines():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    Progress({"a": "ring · mlp"}, stream).update(TrialProgress("a", Status.OK))
    assert stream.buffer.getvalue().startswith(b"[1/1] OK       ring ? mlp")


def test_undefined_numbers_are_left_out_and_divergence_is_said():
    text = line(TrialProgress("a", Status.OK, numbers={"fid": float("nan"), "diverged": 3.0}), 1, 10, "x")
    assert text == "[ 1/10] OK       x  3 seeds diverged  0.0 s"


def test_a_number_stands_beside_that_of_real_samples():
    numbers = {"modes_captured": 7.8, "modes_captured_floor": 8.0, "fid": 0.01234, "fid_floor": 0.0041}
    text = line(TrialProgress("a", Status.OK, numbers=numbers), 1, 10, "x")
    assert text == "[ 1/10] OK       x  modes 7.8 (real 8)  fid 0.0123 (real 0.0041)  0.0 s"


def test_a_line_names_what_tells_a_trial_from_the_others():
    def names(datasets=("ring",), **axes):
        suite = Suite("names", datasets=list(datasets), losses=["hinge", "minimax"], **axes)
        return list(short_names({trial.key: trial.labels for trial in suite.plan().trials}).values())

    assert names(tricks=["none", "r1"])[:2] == ["hinge · none", "hinge · r1"]
    several = names(datasets=["ring", "grid"], networks=[{"mlp": {"width": 8}}, {"mlp": {"width": 9}}])
    assert several[0] == "ring · mlp(width=8) · hinge · none"
