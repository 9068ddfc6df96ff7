"""The pictures of a trial over training: as many as the page has room for, eight of them side by side."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from ganbench.report.page import render
from tests.helpers.fake_results import fake_results

STEPS = 60


def filmed(trials):
    """Return made-up results whose trials have a picture of each of sixty steps."""
    results = fake_results(trials=trials, seeds=2)
    longer = {
        trial: {
            "steps": np.arange(STEPS) * 10,
            "samples": np.repeat(one["samples"][:1], STEPS, axis=0),
            "real": one["real"],
        }
        for trial, one in results.samples.items()
    }
    return dataclasses.replace(results, samples=longer)


@pytest.mark.parametrize(("trials", "pictures"), [(3, STEPS), (12, 16), (30, 8)])
def test_a_card_has_as_many_pictures_as_there_is_room_for(trials, pictures):
    strips = re.findall(r'<div class="samples">\n(.*?)</div>', render(filmed(trials)), re.S)
    assert len(strips) >= trials - 2  # a failed trial has none
    for strip in strips:
        figures = re.findall(r"<figure( class=\"between\")?>.*?<figcaption>([\d,]+)</figcaption>", strip)
        assert len(figures) == pictures
        beside = [step for hidden, step in figures if not hidden]
        assert len(beside) == 8 and (beside[0], beside[-1]) == ("0", "590")
